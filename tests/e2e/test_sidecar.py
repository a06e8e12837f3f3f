#!/usr/bin/env python3
"""Proves `run`: snapshots and drills happen beside a live cluster; the metrics are right from the
first scrape on; faults of the cluster are survived; a signal ends it at once and leaves nothing
half-done."""
import datetime
import json
import os
import signal
import sys

sys.dont_write_bytecode = True
import harness
from catalogue import catalogue
from harness import unix
from sidecar_case import (PASSWORD, Proxy, SidecarCase, cluster_section, configuration, every,
                          merged, start_sidecar)

# Checks that run only where somebody asks for them.
OPTIONAL_CHECKS = {"assertions", "replicas", "new_member"}
# Hourly, with all that is off elsewhere.
DEFAULTS = {
    "snapshot": every("1h"), "drill": every("1h"), "health": {"hashkv": "@every 24h"},
    "scrub": {"rate": "100MiB/s"}
}
UNCHANGED = every("1s") | {"skip_unchanged": True}


class Store:
    """What the files of a store say, read without etcdrill."""

    def __init__(self, path):
        self.created = unix(json.loads((path / "state.json").read_text())["created"])
        manifests = [json.loads(file.read_text()) for file in harness.manifest_paths(path)]
        self.manifests = sorted(manifests, key=lambda manifest: unix(manifest["taken"]))
        drills = [json.loads(file.read_text()) for file in (path / "drills").glob("*.json")]
        self.drills = sorted(drills, key=lambda drill: unix(drill["finished"]))

    def metrics(self):
        """The gauges that have to follow from it, if every drill in it has passed."""
        drilled = {drill["snapshot"] for drill in self.drills}
        restorable = [manifest for manifest in self.manifests if manifest["name"] in drilled]
        newest, last = self.manifests[-1], self.last_drill_of_newest()
        return {
            "etcdrill_state_created_timestamp_seconds": self.created,
            "etcdrill_snapshot_last_success_timestamp_seconds": unix(newest["taken"]),
            "etcdrill_snapshot_last_size_bytes": newest["size"],
            "etcdrill_snapshot_last_revision": newest["revision"],
            "etcdrill_snapshot_last_keys": newest["live_keys"],
            "etcdrill_snapshot_last_duration_seconds": newest["duration_seconds"],
            "etcdrill_store_bytes": sum(manifest["size"] for manifest in self.manifests),
            "etcdrill_store_oldest_snapshot_timestamp_seconds": unix(self.manifests[0]["taken"]),
            "etcdrill_restorable_snapshot_taken_timestamp_seconds": unix(restorable[-1]["taken"]),
            "etcdrill_restorable_snapshot_revision": restorable[-1]["revision"],
            "etcdrill_drill_started_timestamp_seconds": unix(last["started"]),
            "etcdrill_drill_last_success_timestamp_seconds": unix(last["finished"]),
            "etcdrill_drill_last_duration_seconds": last["rto_seconds"],
            "etcdrill_drill_forecast_duration_seconds": last["advice"]["rto_seconds"],
            "etcdrill_drill_last_level": 5, "etcdrill_drill_consecutive_failures": 0
        }

    def last_drill_of_newest(self):
        return [drill for drill in self.drills if drill["newest"]][-1]

    def states(self):
        restorable = len({drill["snapshot"] for drill in self.drills})
        return {
            "restorable": restorable, "untested": len(self.manifests) - restorable, "damaged": 0,
            "unreadable": 0
        }


class AuthCase(SidecarCase):
    """A cluster for the class: three members, client certificates, auth."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5", size=3, tls=True)
        harness.fill(cls.cluster)
        cls.cluster.enable_auth(PASSWORD)

    @classmethod
    def login(cls, directory, password=PASSWORD, **more):
        """The section `cluster`, with a password file in the directory of the configuration."""
        (directory / "password").write_text(password + "\n")
        auth = {"username": "root", "password_file": "password"}
        return cluster_section(cls.cluster, auth=auth, **more)

    def start(self, cluster=None, **sections):
        return super().start(cluster or self.login(self.dir), **merged(DEFAULTS, sections))


class Serving(AuthCase):
    """A sidecar that has taken snapshots, drilled and probed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home = cls.scene.new_dir()
        cls.sidecar = start_sidecar(
            cls.scene, cls.home, cls.login(cls.home),
            **merged(DEFAULTS, {"snapshot": every("2s"), "drill": every("3s")}))
        cls.sidecar.wait_for_line("drill passed")
        cls.sidecar.wait_for_line("snapshot taken", after=1)
        cls.sidecar.wait_for_value(1, "etcdrill_source_up")
        cls.text = cls.sidecar.first_answer("/metrics")

    def test_the_values_are_sound(self):
        value = self.sidecar.value
        self.assertEqual(value("etcdrill_source_members"), 3)
        self.assertEqual(value("etcdrill_source_hashkv_consistent"), 1)
        self.assertEqual(value("etcdrill_source_alarm_active", alarm="nospace"), 0)
        self.assertEqual(value("etcdrill_snapshot_last_revision"), self.cluster.revision())
        self.assertEqual(value("etcdrill_snapshot_last_keys"), len(self.cluster.content()))
        self.assertEqual(value("etcdrill_snapshot_failures_total", reason="other"), 0)
        self.assertEqual(value("etcdrill_drill_last_check_success", check="hashkv"), 1)
        self.assertEqual([value("etcdrill_endpoint_healthy", etcd_endpoint=url)
                          for url in self.cluster.endpoints], [1, 1, 1])
        self.assertEqual(value("etcdrill_objective_rpo_seconds"), 7200)
        self.assertEqual(value("etcdrill_snapshot_interval_seconds"), 2)
        self.assertGreater(value("etcdrill_snapshot_received_bytes_total"), 100_000)
        self.assertGreater(value("process_threads"), 1)

    def test_routes_are_exact(self):
        for path in ("/metrics", "/-/healthy", "/-/ready", "/"):
            self.assertEqual(self.sidecar.request(path)[0], 200, path)
        for path in ("/metrics/", "/metricsx", "/metrics/x", "/-/healthyx", "/-/healthy/",
                     "/-/readyx", "/-", "/nonsense"):
            self.assertEqual(self.sidecar.request(path)[0], 404, path)

    def test_head_answers_like_get_without_the_body(self):
        self.assertEqual(self.sidecar.request("/metrics", "HEAD"), (200, ""))
        self.assertEqual(self.sidecar.request("/metricsx", "HEAD"), (404, ""))

    def test_other_methods_are_refused(self):
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
            self.assertEqual(self.sidecar.request("/metrics", method)[0], 405, method)
            self.assertEqual(self.sidecar.request("/nonsense", method)[0], 404, method)

    def test_the_store_proves_itself(self):
        for database in sorted((self.home / "store").glob("*.db"))[:2]:
            self.etcdrill("verify", database)
        self.assertEqual(oct((self.home / "store").stat().st_mode & 0o777), oct(0o700))
        files = (self.home / "store").glob("e2e-*")
        self.assertEqual({oct(path.stat().st_mode & 0o777) for path in files}, {oct(0o600)})
        for name in (path.stem for path in (self.home / "store").glob("*.db")):
            self.assertRegex(name, r"\Ae2e-\d{20}-\d{8}T\d{6}Z\Z")

    def test_a_second_sidecar_on_the_store_is_refused(self):
        path, _ = configuration(self.home, self.login(self.home), name="second.yaml")
        outcome = self.etcdrill("run", "--config", path, code=1, timeout=10)
        self.assertOneLine(outcome.err, "another etcdrill")
        self.assertEqual(self.sidecar.request("/-/healthy")[0], 200)

    def test_a_port_that_is_taken(self):
        path, _ = self.configure(self.login(self.dir), port=self.sidecar.port)
        self.assertOneLine(
            self.etcdrill("run", "--config", path, code=1, timeout=10).err, "web.listen")

    def test_commands_work_beside_it(self):
        config = self.home / "etcdrill.yaml"
        self.assertIn("e2e-", self.etcdrill("snapshot", "list", "--config", config).out)
        self.assertEqual(self.etcdrill("health", "--config", config).out.count(" healthy "), 3)
        report = json.loads(
            self.etcdrill("drill", "latest-restorable", "--config", config, "-w", "json").out)
        self.assertEqual((report["verdict"], report["level_reached"]), ("proven", 5))

    def test_no_secret_is_told(self):
        told = self.text + self.sidecar.request("/")[1] + self.sidecar.log.read_text()
        for path in (self.home / "store").rglob("*.json"):
            told += path.read_text()
        self.assertIn("e2e", told)
        self.assertNotIn("canary", told)


class Restart(AuthCase):
    def test_the_first_scrape_after_a_restart_is_right(self):
        before = self.start(snapshot=every("1s"), drill=every("2s"))
        before.wait_for_line("drill passed", after=3)
        self.assertEqual(before.stop(), 0)
        store = Store(self.dir / "store")
        self.check_evidence(len(store.drills))
        after = self.start()  # hourly: nothing is due
        families = harness.parse_metrics(after.first_answer("/metrics"))
        for name, expected in store.metrics().items():
            with self.subTest(name):
                self.assertAlmostEqual(families[name].samples[0][2], expected, delta=0.0015)
        self.assertEqual(harness.by_label(families["etcdrill_snapshots"], "state"), store.states())
        self.assertEqual(families["etcdrill_snapshot_attempts_total"].samples[0][2], 0)
        self.assertEqual(
            harness.by_label(families["etcdrill_drill_last_check_success"], "check"),
            dict.fromkeys(
                catalogue()["etcdrill_drill_last_check_success"].labels["check"] - OPTIONAL_CHECKS,
                1))
        seconds = {stage["name"]: stage["duration_seconds"]
                   for stage in store.last_drill_of_newest()["stages"]}
        self.assertEqual(
            harness.by_label(families["etcdrill_drill_last_stage_duration_seconds"], "stage"),
            seconds)
        self.assertStops(after)

    def test_a_large_store_is_known_within_a_second(self):
        before = self.start()
        before.wait_for_line("drill passed")
        self.assertEqual(before.stop(), 0)
        copies = 10_000
        self.multiply(copies)
        os.sync()  # or the first thing that the sidecar makes durable waits for all of this
        after = self.start(scrub={"period": "36500d"})
        families = harness.parse_metrics(after.first_answer("/metrics"))
        self.assertEqual(harness.by_label(families["etcdrill_snapshots"], "state"),
                         {"restorable": copies + 1, "untested": 0, "damaged": 0, "unreadable": 0})
        # Of the processor, not of the clock: other tests and builds may run beside this one.
        seconds = families["process_cpu_seconds_total"].samples[0][2]
        print(f"{copies} snapshots with a drill each: {seconds:.2f} s", file=sys.stderr)
        self.assertLess(seconds, 3 * harness.slower())  # 1.3 if nothing else runs, 2.4 at load 12
        self.assertEqual(after.stop(), 0)

    def multiply(self, copies):
        """Fills the store with copies of the one snapshot in it and of its drill; the files have
        its size and no blocks."""
        store = self.dir / "store"
        name, = (path.stem for path in store.glob("*.db"))
        manifest = (store / f"{name}.json").read_text()
        report = next((store / "drills").glob("*.json")).read_text()
        for number in range(copies):
            time = (datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)
                    + datetime.timedelta(minutes=30 * number))
            copy = f"e2e-{number:020}-{time:%Y%m%dT%H%M%SZ}"
            text = manifest.replace(name, copy)
            taken = json.loads(manifest)["taken"]
            (store / f"{copy}.json").write_text(text.replace(taken, f"{time:%Y-%m-%dT%H:%M:%SZ}"))
            with open(store / f"{copy}.db", "wb") as file:
                file.truncate(json.loads(manifest)["size"])
            (store / "checks" / f"{copy}.json").write_text(
                '{"kind": "SnapshotChecks", "hashed": "2026-11-22T08:00:00Z"}')
            (store / "drills" / f"{copy}-{time:%Y%m%dT%H%M%SZ}.json").write_text(
                report.replace(name, copy))

    def check_evidence(self, count):
        config = ("--config", self.dir / "etcdrill.yaml")
        self.assertIn(f"{count} drill reports", self.etcdrill("drills", "verify", *config).out)
        listed = json.loads(self.etcdrill("drills", "list", *config, "-w", "json").out)
        self.assertEqual(len(listed), count)
        name = listed[0]["name"]
        shown = json.loads(self.etcdrill("drills", "show", name, *config).out)
        self.assertEqual((shown["evidence"]["previous"], shown["level_reached"]), (None, 5))
        self.assertRegex(shown["evidence"]["tool"], r"\Aetcdrill \d")
        file = self.dir / "store" / "drills" / f"{name}.json"
        content = file.read_text()
        file.write_text(content.replace('"rto_seconds": ', '"rto_seconds": 1'))
        if count > 1:
            self.assertIn(f"{name}: the report was changed after",
                          self.etcdrill("drills", "verify", *config, code=3).out)
        file.write_text(content)
        self.assertOneLine(
            self.etcdrill("drills", "show", "no-such-report", *config, code=1).err, "drills list")

    def test_a_snapshot_that_rots_in_the_store_is_found(self):
        sidecar = self.start(drill=every("5s"))
        # The next one starts some seconds later: it meets the file as it is then.
        sidecar.wait_for_line("drill passed")
        database, = (self.dir / "store").glob("*.db")
        rotten = self.dir / "rotten.db"
        rotten.write_bytes(harness.flipped(database.read_bytes()))
        rotten.replace(database)
        harness.wait_until(
            lambda: any("stage=checksum" in line for line in sidecar.lines("drill failed")),
            "a drill that fails at its checksum")
        self.check_rotten(sidecar)
        self.assertGreaterEqual(sidecar.value("etcdrill_drill_failures_total", stage="checksum"), 1)
        self.assertStops(sidecar)
        after = self.start()
        self.check_rotten(after)
        self.assertStops(after)

    def check_rotten(self, sidecar):
        sidecar.wait_for_value(1, "etcdrill_snapshots", state="damaged")
        self.assertIsNone(sidecar.value("etcdrill_restorable_snapshot_taken_timestamp_seconds"))
        self.assertEqual(sidecar.value("etcdrill_drill_last_check_success", check="sha256"), 0)
        self.assertGreaterEqual(sidecar.value("etcdrill_drill_consecutive_failures"), 1)
        self.assertEqual(sidecar.value("etcdrill_drill_last_failure_timestamp_seconds"),
                         unix(Store(self.dir / "store").last_drill_of_newest()["finished"]))


class Retention(AuthCase):
    def test_what_is_surplus_goes(self):
        sidecar = self.start(snapshot=every("1s") | {"retention": {"last": 2}})
        sidecar.wait_for_line("snapshot deleted", after=2)
        sidecar.wait_for_line("drill passed")
        drilled = Store(self.dir / "store").drills[0]["snapshot"]
        sidecar.wait_for_line("snapshot taken", after=len(sidecar.lines("snapshot taken")) + 3)
        self.assertGreaterEqual(sidecar.value("etcdrill_retention_deleted_total", reason="surplus"),
                                3)
        self.assertStops(sidecar)
        store = Store(self.dir / "store")
        names = [manifest["name"] for manifest in store.manifests]
        self.assertIn(drilled, names, "the newest that passed a drill was deleted")
        self.assertLessEqual(len(names), 4)
        self.check_command(names, drilled)

    def check_command(self, names, drilled):
        config = self.dir / "etcdrill.yaml"
        config.write_text(config.read_text().replace('"last": 2', '"last": 1'))
        plan = json.loads(
            self.etcdrill("retention", "--dry-run", "--config", config, "-w", "json").out)
        self.assertEqual([entry["name"] for entry in plan], names)
        self.assertEqual({entry["name"]: entry["why"] for entry in plan if entry["fate"] == "keep"},
                         {names[-1]: "newest", drilled: "drilled"})
        self.assertEqual(len(list((self.dir / "store").glob("*.db"))), len(names),
                         "a dry run deletes nothing")
        self.assertIn("surplus", self.etcdrill("retention", "--config", config).out)
        self.assertEqual({path.stem for path in (self.dir / "store").glob("*.db")},
                         {names[-1], drilled})


class Unchanged(AuthCase):
    def test_nothing_new_is_no_snapshot_but_fresh(self):
        sidecar = self.start(snapshot=UNCHANGED)
        sidecar.wait_for_line("snapshot taken")
        sidecar.wait_for_line("snapshot skipped", after=3)
        first, = Store(self.dir / "store").manifests
        fresh = "etcdrill_snapshot_last_success_timestamp_seconds"
        self.assertGreater(sidecar.value(fresh), unix(first["taken"]) + 1)
        self.assertGreaterEqual(
            sidecar.value("etcdrill_snapshot_skipped_total", reason="unchanged"), 2)
        self.assertEqual(sidecar.value("etcdrill_snapshot_attempts_total"), 1)
        self.cluster.etcdctl("put", "/unchanged", "no more")
        sidecar.wait_for_line("snapshot taken", after=1)
        # The first may be of the same second, when that took longer than until the next was due.
        sidecar.wait_for_line("snapshot skipped", after=len(sidecar.lines("snapshot skipped")) + 1)
        self.assertEqual(sidecar.stop(), 0)
        before = Store(self.dir / "store").manifests[-1]
        after = self.start(snapshot={"skip_unchanged": True})
        self.assertGreater(after.value(fresh), unix(before["taken"]))
        self.assertEqual(len(Store(self.dir / "store").manifests), 2)
        self.assertStops(after)

    def test_not_for_longer_than_force_after(self):
        sidecar = self.start(snapshot=UNCHANGED | {"force_after": "3s"})
        sidecar.wait_for_line("snapshot skipped")
        sidecar.wait_for_line("snapshot taken", after=1)
        self.assertStops(sidecar)

    def test_not_when_the_newest_is_damaged_or_the_source_is_away(self):
        sidecar = self.start(snapshot=UNCHANGED)
        sidecar.wait_for_line("snapshot skipped")
        database, = (self.dir / "store").glob("*.db")
        database.unlink()
        sidecar.wait_for_line("snapshot taken", after=1)
        self.cluster.kill(*self.cluster.members)
        sidecar.wait_for_line("snapshot failed")
        self.cluster.start()
        sidecar.wait_for_line("snapshot skipped", after=len(sidecar.lines("snapshot skipped")))
        sidecar.wait_for_value(0, "etcdrill_snapshot_consecutive_failures")


class Scrub(AuthCase):
    def test_rot_is_found_within_the_period_and_stays_known(self):
        sidecar = self.start(scrub={"period": "6s"})
        sidecar.wait_for_line("snapshot scrubbed")
        self.assertGreater(sidecar.value("etcdrill_scrub_bytes_total"), 100_000)
        database, = (self.dir / "store").glob("*.db")
        database.write_bytes(harness.flipped(database.read_bytes()))
        sidecar.wait_for_line("stored snapshot changed", timeout=6)
        sidecar.wait_for_value(1, "etcdrill_snapshots", state="damaged")
        self.assertGreaterEqual(sidecar.value("etcdrill_scrub_failures_total", reason="damaged"), 1)
        self.assertEqual(sidecar.stop(), 0)
        after = self.start()
        self.assertEqual(after.value("etcdrill_snapshots", state="damaged"), 1)
        self.assertIsNone(after.value("etcdrill_scrub_oldest_timestamp_seconds"))
        self.assertEqual(after.stop(), 0)


class Signals(AuthCase):
    def etcd_of(self, sidecar):
        return [pid for pid, (parent, command) in harness.process_table().items()
                if parent == sidecar.process.pid and str(self.dir / "scratch") in command]

    def stalled(self):
        """A sidecar in the middle of a snapshot that does not go on."""
        proxy = Proxy(self.cluster.endpoints[0], silent_after=100_000)
        self.addCleanup(proxy.close)
        sidecar = self.start(self.login(self.dir, endpoints=[proxy.url]))
        self.streaming()
        return sidecar

    def test_sigterm_when_idle(self):
        sidecar = self.start()
        sidecar.wait_for_line("drill passed")
        self.assertStops(sidecar)
        self.assertIn("etcdrill stopped", sidecar.log.read_text())

    def test_sigterm_in_a_drill(self):
        sidecar = self.start()
        harness.wait_until(lambda: self.etcd_of(sidecar), "the drill's etcd")
        self.assertEqual(sidecar.value("etcdrill_drill_in_progress"), 1)
        self.assertStops(sidecar)
        self.assertEqual(list((self.dir / "store" / "drills").iterdir()), [])

    def test_sigterm_in_a_snapshot(self):
        sidecar = self.stalled()
        self.assertStops(sidecar)
        self.assertEqual(list((self.dir / "store").glob("*.db")), [])

    def test_sigint_does_the_same(self):
        sidecar = self.stalled()
        sidecar.process.send_signal(signal.SIGINT)
        self.assertEqual(sidecar.process.wait(5), 0)
        self.assertNothingHalfDone()

    def test_sigkill_in_a_snapshot_is_swept_at_the_next_start(self):
        sidecar = self.stalled()
        sidecar.process.kill()
        sidecar.process.wait()
        left = list((self.dir / "store").glob(".*.part"))
        self.assertEqual(len(left), 1)
        after = self.start()
        after.wait_for_line("snapshot taken")
        self.assertFalse(left[0].exists())
        after.wait_for_line("drill passed")
        self.assertStops(after)

    def test_sigkill_in_a_drill_is_swept_at_the_next_start(self):
        sidecar = self.start()
        etcd, = harness.wait_until(lambda: self.etcd_of(sidecar), "the drill's etcd")
        sidecar.process.kill()
        sidecar.process.wait()
        harness.wait_until(lambda: etcd not in harness.process_table(),
                           "the end of the drill's etcd", timeout=2)
        self.assertNotEqual(list((self.dir / "scratch").iterdir()), [])
        after = self.start(drill={"schedule": "none"})  # its start sweeps, and not only a drill
        after.first_answer("/-/ready")
        self.assertStops(after)


class Faults(AuthCase):
    def snapshot_after(self, sidecar):
        """A new snapshot from now on: its log line."""
        return sidecar.wait_for_line("snapshot taken", after=len(sidecar.lines("snapshot taken")))

    def test_members_die_one_by_one_and_come_back(self):
        sidecar = self.start(snapshot=every("1s"))
        line = self.snapshot_after(sidecar)
        self.assertIn('chosen="follower', line)
        first, = (member for member in self.cluster.members
                  if f"endpoint={member.client_url} " in line)
        others = [member for member in self.cluster.members if member is not first]
        self.cluster.kill(first)
        self.assertRegex(self.snapshot_after(sidecar),
                         f"endpoint=({others[0].client_url}|{others[1].client_url}) ")
        sidecar.wait_for_value(0, "etcdrill_endpoint_healthy", etcd_endpoint=first.client_url)
        self.assertEqual(sidecar.value("etcdrill_source_up"), 1)
        sidecar.wait_for_value(0, "etcdrill_snapshot_consecutive_failures")

        self.cluster.kill(*others)
        # Not the counter of failures: it may have moved before, while the others elected a leader.
        harness.wait_until(lambda: sidecar.value("etcdrill_snapshot_consecutive_failures"),
                           "failed snapshots")
        sidecar.wait_for_value(0, "etcdrill_source_up")
        self.assertGreaterEqual(sidecar.value("etcdrill_snapshot_failures_total", reason="connect"),
                                1)
        self.assertIsNotNone(sidecar.value("etcdrill_snapshot_last_failure_timestamp_seconds"))
        self.assertEqual(sidecar.request("/-/healthy")[0], 200)
        self.assertIn("reason=connect", sidecar.lines("snapshot failed")[-1])

        self.cluster.start()
        self.snapshot_after(sidecar)
        sidecar.wait_for_value(1, "etcdrill_source_up")
        sidecar.wait_for_value(1, "etcdrill_endpoint_healthy", etcd_endpoint=first.client_url)
        self.assertEqual(sidecar.value("etcdrill_snapshot_consecutive_failures"), 0)
        self.assertNotIn("canary", sidecar.log.read_text())
        self.assertStops(sidecar)

    def test_a_wrong_password_is_told_by_its_reason_and_heals(self):
        sidecar = self.start(self.login(self.dir, "canary-wrong"), snapshot=every("1s"))
        harness.wait_until(lambda: sidecar.value("etcdrill_snapshot_failures_total", reason="auth"),
                           "a failed snapshot")
        (self.dir / "password").write_text(PASSWORD + "\n")
        sidecar.wait_for_line("snapshot taken")
        self.assertNotIn("canary", sidecar.log.read_text())
        sidecar.wait_for_line("drill passed")
        self.assertStops(sidecar)


if __name__ == "__main__":
    harness.main()
