#!/usr/bin/env python3
"""Proves that a clock that lies makes nothing fresh, newest or proven, and blinds nothing: real
sidecars run under libfaketime, 400 days ahead or behind, with a real etcd; then the clock is
mended. Exit codes, page, API, metrics and alerts have to agree.

The alerts are those of alerts/, as promtool evaluates them on what the sidecar exports; its time
begins at 0, so the times of the page are moved by what the clock says now."""
import datetime
import glob
import json
import os
import sys
import time

sys.dont_write_bytecode = True
import harness
import yaml
from sidecar_case import SidecarCase, cluster_section

DAY = 86400
RPO = 20  # seconds
RULES = [
    str(harness.ROOT / "alerts" / name)
    for name in ("recording.yml", "freshness.yml", "drills.yml", "housekeeping.yml")
]
NOT_SCHEDULED = {"snapshot": {"schedule": "none"}, "drill": {"schedule": "none"}}


def lying(offset, directory=None):
    """The environment of a process whose wall clock is off by so many seconds. With a directory the
    clock can be set later: see set_clock."""
    library, = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    env = {
        "LD_PRELOAD": f"{library} {harness.build_dir()}/tests/libfake_futex.so",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
        "ASAN_OPTIONS": harness.sanitizer_options(traced=False)["ASAN_OPTIONS"]
        + ":verify_asan_link_order=0"
    }
    if directory is None:
        return env | {"FAKETIME": f"{offset:+d}"}
    set_clock(directory, offset)
    return env | {"FAKETIME_TIMESTAMP_FILE": str(directory / "clock"), "FAKETIME_NO_CACHE": "1"}


def set_clock(directory, offset):
    (directory / "clock.new").write_text(f"{offset:+d}\n")
    (directory / "clock.new").rename(directory / "clock")


class Clocks(SidecarCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5")
        harness.fill(cls.cluster)

    def start(self, **settings):
        settings = {"objectives": {"rpo": f"{RPO}s", "restorable_rpo": f"{RPO}s"}} | settings
        return super().start(self.cluster, **settings)

    def test_no_drill_takes_less_than_no_time(self):
        sidecar = self.start(env=lying(0, self.dir), drill={"schedule": "@every 1s"})
        sidecar.wait_for_line("drill passed")
        sums = []
        for step in range(1, 9):
            set_clock(self.dir, -240 * step)
            time.sleep(0.7)  # in the middle of some of them
            family = sidecar.metrics()["etcdrill_drill_duration_seconds"]
            sums += [number for name, _, number in family.samples if name.endswith("_sum")]
        self.assertEqual(len(sums), 8)
        self.assertEqual(sums, sorted(sums))
        self.assertFalse(
            [line for line in sidecar.lines("drill passed") if "duration_seconds=-" in line])
        self.assertEqual(sidecar.stop(), 0)

    def run_with_lie(self, offset, **settings):
        """A sidecar whose clock lies takes a snapshot and drills it. The snapshot's manifest."""
        sidecar = self.start(env=lying(offset), snapshot={"schedule": "@every 1h"},
                             drill={"schedule": "@every 1h"}, **settings)
        sidecar.wait_for_line("drill passed")
        self.assertEqual(sidecar.stop(), 0, sidecar.log.read_text()[-3000:])
        manifest, = self.manifests()
        self.assertAlmostEqual(harness.unix(manifest["taken"]), time.time() + offset, delta=60)
        return manifest

    def status(self, sidecar):
        return json.loads(sidecar.first_answer("/api/v1/status"))

    def answers(self, sidecar):
        status = self.status(sidecar)
        questions = ("fresh", "drilled", "restorable")
        return {key: status[key]["answer"] for key in questions} | {"overall": status["overall"]}

    def verify_latest(self, code, *arguments):
        return self.etcdrill("verify", "latest", "--config", self.dir / "etcdrill.yaml", "-w",
                             "json", *arguments, code=code)

    def listed(self):
        return json.loads(
            self.etcdrill("snapshot", "list", "--config", self.dir / "etcdrill.yaml", "-w",
                          "json").out)

    # --- The alerts -------------------------------------------------------------------------------

    def assertAlerts(self, sidecar, firing=(), silent=()):
        """Of these alerts, each is firing and critical, or silent, after it has gone on like this
        for half an hour: the times go on with the clock."""
        now = time.time()
        series = []
        for family in sidecar.metrics().values():
            for name, labels, value in family.samples:
                if family.type == "histogram":
                    continue
                is_time = name.endswith("_timestamp_seconds")
                value -= now if is_time else 0
                text = ",".join(f'{key}="{value}"' for key, value in labels.items()
                                if key != "instance")
                series.append({
                    "series": f'{name}{{job="etcdrill",instance="cp1"{"," if text else ""}{text}}}',
                    "values": f"{value:.0f}+{60 if is_time else 0}x60"
                })
        expected = [(name, [{"labels": "{}", "value": 1}]) for name in firing]
        expected += [(name, []) for name in silent]
        critical = 'ALERTS{{alertname="{}",alertstate="firing",severity="critical"}}'
        tests = [{
            "expr": f"count(count by (alertname) ({critical.format(name)}))",
            "eval_time": "30m", "exp_samples": samples
        } for name, samples in expected]
        path = self.dir / "alerts.yml"
        path.write_text(yaml.safe_dump({
            "rule_files": RULES, "evaluation_interval": "1m",
            "group_eval_order": ["etcd-backup-recording", "etcd-backup-freshness"],
            "tests": [{"interval": "1m", "input_series": series, "promql_expr_test": tests}]
        }))
        told = harness.run(["promtool", "test", "rules", path])
        self.assertEqual(told.code, 0, told.out[-3000:] + told.err[-3000:])

    # --- A clock that was ahead -------------------------------------------------------------------

    def test_ahead_then_mended_and_no_new_snapshot(self):
        """What is left is a backup whose age nobody knows: nothing is green."""
        lie = self.run_with_lie(400 * DAY)
        sidecar = self.start(**NOT_SCHEDULED)
        self.assertEqual(self.answers(sidecar),
                         {"fresh": "no", "drilled": "no", "restorable": "unknown", "overall": "no"})
        page = sidecar.first_answer("/")
        self.assertIn("in the future", page)
        self.assertNotIn("a moment", page)
        self.assertIsNone(self.status(sidecar)["newest_snapshot"])
        self.assertIsNone(self.status(sidecar)["newest_restorable_snapshot"])
        for absent in ("snapshot_last_success", "restorable_snapshot_taken", "drill_last_success",
                       "drill_started"):
            self.assertIsNone(sidecar.value(f"etcdrill_{absent}_timestamp_seconds"), absent)
        self.assertEqual(sidecar.value("etcdrill_store_future_snapshots"), 1)
        entry, = json.loads(sidecar.first_answer("/api/v1/snapshots"))["items"]
        self.assertTrue(entry["from_future"])
        self.assertEqual([entry["from_future"] for entry in self.listed()], [True])
        self.assertIn("(in the future)",
                      self.etcdrill("snapshot", "list", "--config", self.dir / "etcdrill.yaml").out)
        # It is what would be restored, of unknown age.
        report = json.loads(self.verify_latest(4, "--max-age", "10s").out)
        self.assertEqual(report["revision"], lie["revision"])
        self.assertIn("from_future", [finding["code"] for finding in report["findings"]])
        self.verify_latest(0)
        self.assertAlerts(sidecar, firing=[
            "EtcdBackupClockSkew", "EtcdBackupRpoBreached", "EtcdBackupRestorableRpoBreached"
        ])
        self.assertEqual(sidecar.stop(), 0)

    def test_ahead_then_mended_works_on(self):
        lie = self.run_with_lie(400 * DAY)
        sidecar = self.start(
            snapshot={"schedule": "@every 2s", "skip_unchanged": False, "retention": {"last": 2}},
            drill={"schedule": "@every 3s"})
        for number in range(3):
            self.cluster.etcdctl("put", "/clocks/after", str(number))
            self.next_line(sidecar, "snapshot taken")
        line = self.next_line(sidecar, "drill passed")
        if lie["name"] in line:  # it began before there was another, and took its time
            line = self.next_line(sidecar, "drill passed")
        names = [manifest["name"] for manifest in self.manifests()]
        self.assertNotIn(f"snapshot={lie['name']}", line)
        self.next_line(sidecar, "snapshot deleted")  # retention is not blinded, and leaves it alone
        self.assertIn(lie["name"], names)
        good = dict.fromkeys(("fresh", "drilled", "restorable", "overall"), "yes")
        harness.wait_until(lambda: self.answers(sidecar) == good, "all is well")
        revision = self.cluster.revision()
        self.assertEqual(sidecar.value("etcdrill_snapshot_last_revision"), revision)
        self.assertLess(
            abs(time.time() - sidecar.value("etcdrill_snapshot_last_success_timestamp_seconds")),
            10)
        self.assertLess(
            abs(time.time() - sidecar.value("etcdrill_drill_last_success_timestamp_seconds")), 10)
        self.assertEqual(
            json.loads(self.verify_latest(0, "--max-age", "10s").out)["revision"], revision)
        drilled = json.loads(
            self.etcdrill("drill", "latest-restorable", "--config", self.dir / "etcdrill.yaml",
                          "-w", "json").out)
        self.assertNotEqual(drilled["snapshot"], lie["name"])
        # The row of the evidence is whole.
        self.etcdrill("drills", "verify", "--config", self.dir / "etcdrill.yaml")
        drills = json.loads(
            self.etcdrill("drills", "list", "--config", self.dir / "etcdrill.yaml", "-w",
                          "json").out)
        self.assertEqual(drills[0]["snapshot"], lie["name"])
        for drill in drills[1:]:  # later names are not pushed into the future
            self.assertLess(harness.unix(drill["name"][-16:-1] + "+00:00"), time.time() + 60)
        self.assertAlerts(sidecar, firing=["EtcdBackupClockSkew"],
                          silent=["EtcdBackupRpoBreached", "EtcdBackupRestorableRpoBreached"])

        # The source dies, for longer than the objective.
        self.cluster.kill(*self.cluster.members)
        self.addCleanup(self.cluster.start)
        time.sleep(RPO + 5)
        answers = self.answers(sidecar)
        self.assertEqual((answers["fresh"], answers["overall"]), ("no", "no"))
        self.verify_latest(4, "--max-age", "10s")
        self.assertEqual(sidecar.stop(), 0)

    def test_mended_while_it_runs(self):
        sidecar = self.start(
            env=lying(400 * DAY, self.dir),
            snapshot={"schedule": "@every 15s", "skip_unchanged": False},
            drill={"schedule": "@every 15s"}, objectives={"rpo": "2m", "restorable_rpo": "2m"})
        sidecar.wait_for_line("drill passed")
        harness.wait_until(lambda: self.answers(sidecar)["overall"] == "yes",
                           "all is well, by its own clock")
        self.assertAlerts(sidecar, firing=[
            "EtcdBackupClockSkew", "EtcdBackupRpoBreached", "EtcdBackupRestorableRpoBreached"
        ])
        set_clock(self.dir, 0)
        self.assertEqual(self.answers(sidecar)["overall"], "no")
        harness.wait_until(lambda: sidecar.value("etcdrill_store_future_snapshots") == 1,
                           "the jump is seen", timeout=15)
        sidecar.wait_for_line("snapshot taken", after=1)
        sidecar.wait_for_line("drill passed", after=1, timeout=60)
        harness.wait_until(lambda: self.answers(sidecar)["overall"] == "yes", "all is well")
        self.assertEqual(sidecar.stop(), 0)

    def test_behind_then_mended(self):
        """All that is there lies in its future: what it takes itself counts. Then its own are old,
        and that is what they are."""
        true = self.start(snapshot={"schedule": "@every 1h"})
        true.wait_for_line("snapshot taken")
        self.assertEqual(true.stop(), 0)
        behind = self.start(
            env=lying(-400 * DAY),
            snapshot={"schedule": "@every 2s", "skip_unchanged": False, "retention": {"last": 1}})
        self.cluster.etcdctl("put", "/clocks/behind", "1")
        revision = self.cluster.revision()
        self.next_line(behind, "snapshot taken")
        self.next_line(behind, "snapshot taken")
        self.assertEqual(behind.value("etcdrill_snapshot_last_revision"), revision)
        self.assertEqual(behind.value("etcdrill_store_future_snapshots"), 1)
        self.assertEqual(behind.stop(), 0)
        # Nothing that lies in its future was deleted.
        self.assertGreaterEqual(len(self.manifests()), 2)
        after = self.start(**NOT_SCHEDULED)
        self.assertEqual(self.answers(after)["fresh"], "no")
        # The newest is the one that was sealed last.
        self.assertEqual(after.value("etcdrill_snapshot_last_revision"), revision)
        self.assertEqual(
            json.loads(self.verify_latest(4, "--max-age", "1h").out)["revision"], revision)
        self.assertEqual(after.stop(), 0)


class Adopted(SidecarCase):
    """Files of others by a clock that is ahead, and names in local time."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5")

    def setUp(self):
        super().setUp()
        self.theirs = self.dir / "theirs"
        self.theirs.mkdir()
        (self.dir / "early").mkdir()

    def start(self):
        return super().start(
            cluster_section(self.cluster, name="adopted"),
            store={"adopt": ["theirs/*.db"], "adopt_quiet": "1s"}, **NOT_SCHEDULED)

    def save(self, name, ahead=0):
        """What cron does on a machine whose clock is ahead by so many seconds."""
        self.cluster.etcdctl("put", "/clocks/last", name)
        path = self.cluster.save(self.dir / "early" / name)
        written = time.time() + ahead
        os.utime(path, (written, written))
        return path.rename(self.theirs / name)

    def test_the_clock_of_the_writer_was_ahead_once(self):
        sidecar = self.start()
        fresh = "etcdrill_snapshot_last_success_timestamp_seconds"
        for number, ahead in enumerate((0, 30 * DAY, 0, 0, 0)):
            self.save(f"{number}.db", ahead)
            self.assertIn(f"/{number}.db", sidecar.wait_for_line("snapshot adopted", after=number))
            harness.wait_until(
                lambda: sidecar.value("etcdrill_snapshot_last_revision") == self.cluster.revision(),
                "its facts")
            self.assertLess(abs(time.time() - sidecar.value(fresh)), 15)
        log = sidecar.log.read_text()
        told, = [line for line in log.splitlines() if "dated in the future" in line]
        self.assertIn("1.db", told)
        self.assertEqual(sidecar.value("etcdrill_store_future_snapshots"), 0)
        self.assertEqual(sidecar.stop(), 0)
        after = self.start()
        time.sleep(4)
        self.assertEqual(len(after.lines("snapshot adopted")), 5,
                         "adopted once more after a restart")
        self.save("5.db")
        after.wait_for_line("snapshot adopted", after=5)
        self.assertEqual(after.stop(), 0)

    def test_an_old_file_that_comes_later_is_no_new_backup(self):
        old = self.save("old.db")
        os.utime(old, (time.time() - DAY,) * 2)
        old.rename(self.dir / "old.db")
        sidecar = self.start()
        self.save("new.db")
        sidecar.wait_for_line("snapshot adopted")
        revision = self.cluster.revision()
        (self.dir / "old.db").rename(self.theirs / "old.db")
        sidecar.wait_for_line("snapshot adopted", after=1)
        time.sleep(1)
        self.assertEqual(sidecar.value("etcdrill_snapshot_last_revision"), revision)
        self.assertLess(
            abs(time.time() - sidecar.value("etcdrill_snapshot_last_success_timestamp_seconds")),
            20)
        self.assertEqual(sidecar.stop(), 0)

    def named(self, zone_hours, suffix, hours_old):
        """A snapshot whose name has the time of another zone."""
        moment = time.time() - hours_old * 3600
        local = datetime.datetime.fromtimestamp(moment + zone_hours * 3600, datetime.timezone.utc)
        path = self.cluster.save(self.dir / f"etcd-{local:%Y%m%d%H%M%S}{suffix}.db")
        os.utime(path, (moment, moment))
        return path

    def assertAge(self, metrics, name, hours):
        families = harness.parse_metrics(metrics.read_text())
        (_, _, taken), = families[f"etcdrill_{name}_timestamp_seconds"].samples
        self.assertAlmostEqual(time.time() - taken, hours * 3600, delta=30)

    def test_names_in_local_time_are_only_a_claim(self):
        metrics = self.dir / "verify.prom"
        for zone, suffix, hours_old, code in (
            (8, "", 6, 4), (-8, "", 0.1, 0), (-8, "-0800", 0.1, 0), (8, "+0800", 6, 4),
            (0, "Z", 6, 4),
        ):
            with self.subTest(zone=zone, suffix=suffix):
                path = self.named(zone, suffix, hours_old)
                self.etcdrill("verify", path, "--max-age", "1h", "--textfile-out", metrics,
                              code=code)
                self.assertAge(metrics, "snapshot_last_success", hours_old)
        # Copied anew: the file is young, the UTC time in its name is not.
        old = self.named(0, "Z", 6)
        os.utime(old)
        told = self.etcdrill("verify", old, "--max-age", "1h", code=4).err
        self.assertRegex(told, r"\Aetcdrill: [^\n]+: too old: [^\n]+\n\Z")

    def test_so_they_are_for_a_drill_of_a_file(self):
        metrics = self.dir / "drill.prom"
        for zone, hours_old in ((8, 6), (-8, 0.1)):
            with self.subTest(zone=zone):
                path = self.named(zone, "", hours_old)
                self.etcdrill("drill", path, "--etcd", harness.tool("3.5", "etcd"),
                              "--scratch-dir", self.dir / "scratch", "--textfile-out", metrics)
                self.assertAge(metrics, "restorable_snapshot_taken", hours_old)

    def test_so_they_are_for_what_is_adopted(self):
        sidecar = None
        for number, (zone, hours_old) in enumerate(((8, 6), (-8, 0))):
            with self.subTest(zone=zone):
                self.cluster.etcdctl("put", "/clocks/last", f"zone {zone}")
                path = self.named(zone, "", hours_old)
                modified = path.stat().st_mtime
                path.rename(self.theirs / path.name)
                sidecar = sidecar or self.start()
                line = sidecar.wait_for_line("snapshot adopted", after=number)
                self.assertIn(path.name, line)
                taken, = [manifest["taken"] for manifest in self.manifests()
                          if manifest["adopted"]["path"].endswith(path.name)]
                self.assertAlmostEqual(harness.unix(taken), modified, delta=2)
        self.assertEqual(sidecar.stop(), 0)


if __name__ == "__main__":
    harness.main()
