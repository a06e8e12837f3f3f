#!/usr/bin/env python3
"""Proves what a drill of a snapshot in a store does beyond that of a bare file: it is kept as
evidence, compared with the last proven one, and says how to restore now; a store whose snapshots
disagree with a member says which. And a drill of a whole cluster, from every version, and of every
kind of snapshot that we have.
"""
import json
import re
import sys
import time

sys.dont_write_bytecode = True
import bolt
import harness
import test_drill
from sidecar_case import configuration

GOLDEN = harness.fixture("x").parents[1] / "golden"
# Moments of tests/data/README.md and what a drill makes of each; all others are proven.
NOT_PROVABLE = {"freelist": "no SHA-256 trailer", "pending-deleted": "not comparable"}


def version_of(name):
    """The etcd that made a snapshot, from its name: e3530-compacted."""
    return "3." + re.match(r"e3(\d)", name)[1]


class EveryKind(test_drill.DrillCase):
    """Members' own snapshots at odd moments: learners, followers, pending compactions, RBAC,
    restored and upgraded ones."""

    def test_each_gets_the_right_verdict(self):
        for path in sorted(GOLDEN.glob("*.db")):
            moment = path.stem.split("-", 1)[1]
            with self.subTest(path.stem):
                etcd = harness.tool(version_of(path.stem), "etcd")
                outcome = self.etcdrill(*self.drill_command(path, etcd),
                                        code=1 if moment in NOT_PROVABLE else 0)
                report = json.loads(outcome.out)
                if moment in NOT_PROVABLE:
                    self.assertEqual(report["verdict"], "not_provable")
                else:
                    self.assertEqual((report["verdict"], report["level_reached"]), ("proven", 5))
        self.assertNothingLeft()


class SeveralEtcds(test_drill.DrillCase):
    def test_each_is_drilled_by_its_own(self):
        config = self.dir / "etcdrill.yaml"
        for order in (("3.5", "3.6"), ("3.6", "3.5")):
            binaries = {f"etcd-{place}": str(harness.tool(version, "etcd"))
                        for place, version in enumerate(order)}
            drill = {"scratch_dir": str(self.scratch), "etcd": {"binaries": binaries}}
            config.write_text(json.dumps({"drill": drill}))
            for name in ("e3530-compacted", "e36-compacted"):
                with self.subTest(name, order=order):
                    command = ["drill", harness.fixture(name), "--config", config, "-w", "json"]
                    report = json.loads(self.etcdrill(*command).out)
                    self.assertRegex(report["etcd_version"], rf"\A{version_of(name)}\.")
                    self.assertEqual((report["verdict"], report["level_reached"]), ("proven", 5))
                    self.assertNothingLeft()


class FullCluster(test_drill.DrillCase):
    def test_three_members_and_a_fourth(self):
        for name in ("e34-compacted", "e3530-compacted", "e36-compacted", "e37-compacted",
                     "e3530-auth", "e3530-alarm", "e3530-compacted-at-head"):
            with self.subTest(name):
                report = self.drill(harness.fixture(name), harness.tool(version_of(name), "etcd"),
                                    "--full-cluster")
                self.assertEqual((report["verdict"], report["level_reached"]), ("proven", 5))
                checks = {check["name"]: check for check in report["checks"]}
                live = report["verify"]["live_keys"]
                for check in ("replicas", "new_member"):
                    self.assertEqual(checks[check]["result"], "pass")
                    self.assertRegex(checks[check]["actual"], rf"^{live} keys, HashKV ")
                self.assertEqual(checks["write"]["result"], "pass")

    def test_a_replica_that_differs_is_found(self):
        """The third member boots a database in which one value was changed."""
        snapshot = harness.fixture("e3530-compacted")
        value = max(bolt.BoltFile(snapshot.read_bytes()[:-32]).buckets["key"].values(), key=len)
        change = self.dir / "change.py"
        change.write_text(
            "import sys\npath = sys.argv[1] + '/member/snap/db'\nd = open(path, 'rb').read()\n"
            f"open(path, 'wb').write(d.replace(bytes.fromhex('{value[-40:].hex()}'), b'x' * 40))\n")
        stand_in = self.dir / "etcd"
        etcd = harness.tool("3.5", "etcd")
        stand_in.write_text(
            f'#!/bin/sh\nif [ "$2" = m3 ]; then {sys.executable} {change} "$4"; fi\n'
            f'exec {etcd} "$@"\n')
        stand_in.chmod(0o755)
        report = self.drill(snapshot, stand_in, "--full-cluster", code=3)
        self.assertFailedIn(report, "verify", "damaged")
        failed = {check["name"] for check in report["checks"] if check["result"] == "fail"}
        self.assertIn("replicas", failed)
        # A fourth member has its data from whoever leads.
        self.assertLessEqual(failed, {"replicas", "new_member"})


class Stored(test_drill.DrillCase):
    """A live cluster with a store beside it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5")
        harness.fill(cls.cluster)

    def configure(self, cluster=None, **drill):
        ways = {"scratch_dir": str(self.scratch),
                "etcd": {"binary": str(harness.tool("3.5", "etcd"))}}
        path, _ = configuration(self.dir, {"endpoints": (cluster or self.cluster).endpoints},
                                bare=True, drill=ways | drill)
        return path

    def save(self, config):
        self.etcdrill("snapshot", "save", "--config", config)
        return self.listed(config)[-1]["name"]

    def listed(self, config):
        return json.loads(self.etcdrill("snapshot", "list", "--config", config, "-w", "json").out)

    def drill_stored(self, config, name, code=0):
        outcome = self.etcdrill("drill", name, "--config", config, "-w", "json", code=code)
        self.error = outcome.err
        return json.loads(outcome.out)

    def test_it_is_kept_as_evidence(self):
        config = self.configure()
        first, second = self.save(config), None
        self.cluster.etcdctl("put", "one", "more")
        second = self.save(config)
        for name in (second, first, second, "latest"):
            self.assertEqual(self.drill_stored(config, name)["level_reached"], 5)
        drills = json.loads(self.etcdrill("drills", "list", "--config", config, "-w", "json").out)
        self.assertEqual([drill["snapshot"] for drill in drills], [second, first, second, second])
        self.assertEqual([entry["state"] for entry in self.listed(config)],
                         ["restorable", "restorable"])
        shown = [json.loads(self.etcdrill("drills", "show", drill["name"], "--config", config).out)
                 for drill in drills]
        self.assertEqual([report["newest"] for report in shown], [True, False, True, True])
        self.assertIsNone(shown[0]["evidence"]["previous"])
        self.assertEqual([report["evidence"]["previous"]["name"] for report in shown[1:]],
                         [drill["name"] for drill in drills[:-1]])
        self.assertIn("4 drill reports", self.etcdrill("drills", "verify", "--config", config).out)

    def test_two_of_one_second_have_names_of_their_own(self):
        config = self.configure()
        for _ in range(4):
            self.save(config)
        self.assertEqual(len({snapshot["name"] for snapshot in self.listed(config)}), 4)

    def test_it_says_how_to_restore_now(self):
        config = self.configure()
        name = self.save(config)
        for number in range(20):
            self.cluster.etcdctl("put", "later", str(number))
        report = self.drill_stored(config, name)
        advice = report["advice"]
        page = (harness.ROOT / "docs" / "restore.md").read_text()
        section, field = re.search(r"`(\w+)\.(\w+)` in `etcdrill drills show`", page).groups()
        self.assertEqual(report[section][field], advice["bump_revision"],
                         "the page names another field")
        self.assertEqual(
            list(advice),
            ["source_revision", "missed_revisions", "bump_revision", "source_bytes", "rto_seconds"])
        self.assertEqual(advice["source_revision"], self.cluster.revision())
        self.assertEqual(advice["missed_revisions"], 20)
        self.assertEqual(advice["bump_revision"], 1_000_000)
        self.assertGreaterEqual(advice["rto_seconds"], report["rto_seconds"])
        text = self.etcdrill("drill", name, "--config", config).out
        self.assertRegex(
            text, r"loses 20 revisions\. Suggested: --bump-revision 1000000 --mark-compacted")
        self.assertRegex(text, r"database of .*: about \d")

    def test_the_advised_bump_is_safe(self):
        """A watch from the source's present revision is told that it is compacted, and never sees
        old events as new ones."""
        config = self.configure()
        name = self.save(config)
        self.cluster.etcdctl("put", "later", "x")
        advice = self.drill_stored(config, name)["advice"]
        restored = harness.Cluster(self.scene, "3.5", start=False)
        member, = restored.members
        self.etcdrill("snapshot", "restore", self.dir / "store" / f"{name}.db", "--data-dir",
                      member.data_dir, "--name", member.name, "--initial-cluster",
                      restored.initial_cluster, "--initial-advertise-peer-urls", member.peer_url,
                      "--bump-revision", str(advice["bump_revision"]), "--mark-compacted")
        restored.start()
        self.addCleanup(restored.kill)
        self.assertGreater(restored.revision(), advice["source_revision"])
        watch = harness.run(
            restored._etcdctl(["watch", "--prefix", "", f"--rev={advice['source_revision']}"],
                              restored.endpoints), timeout=20)
        self.assertIn("compacted", watch.out + watch.err)

    def test_each_command_on_the_path_of_a_stored_file_looks_at_its_manifest(self):
        config = self.configure()
        older = self.dir / "store" / f"{self.save(config)}.db"
        self.cluster.etcdctl("put", "one", "more")
        newer = self.dir / "store" / f"{self.save(config)}.db"
        restore = ["snapshot", "restore", newer, "--data-dir"]
        self.assertEqual(self.etcdrill(*restore, self.dir / "sound").err, "")
        sound = newer.read_bytes()
        newer.write_bytes(older.read_bytes())
        link = self.dir / "link.db"
        link.symlink_to(newer)
        for command in (
            ["verify", newer], ["verify", link], ["snapshot", "status", newer],
            [*restore, self.dir / "exchanged"],
            ["snapshot", "restore", link, "--data-dir", self.dir / "exchanged"],
        ):
            said = self.etcdrill(*command, code=3)
            self.assertIn("the manifest has", said.out + said.err)
        # Moved to another disk, with a link in its place.
        (self.dir / "archive").mkdir()
        moved = newer.rename(self.dir / "archive" / "moved.db")
        newer.symlink_to(moved)
        for command in (["verify", newer], [*restore, self.dir / "exchanged"]):
            said = self.etcdrill(*command, code=3)
            self.assertIn("the manifest has", said.out + said.err)
        newer.unlink()
        moved.rename(newer)
        self.assertFalse((self.dir / "exchanged").exists())
        said = self.etcdrill(*restore, self.dir / "all-the-same", "--skip-hash-check")
        self.assertRegex(said.err, "warning: .* is not what etcd sent: .*the manifest has")

        newer.write_bytes(sound)
        newer.with_suffix(".json").write_text("")
        for command in (["verify", newer], ["snapshot", "status", newer],
                        [*restore, self.dir / "torn"]):
            self.assertOneLine(
                self.etcdrill(*command, code=3).err,
                r"\.json: not a snapshot manifest.*. Put the right manifest")
        said = self.etcdrill(*restore, self.dir / "without", "--skip-hash-check")
        self.assertRegex(said.err, r"warning: .*\.json: not a snapshot manifest")
        newer.with_suffix(".json").write_text(older.with_suffix(".json").read_text())
        self.assertIn(f"the file is the manifest of {older.stem}",
                      self.etcdrill("verify", newer, code=3).err)
        newer.with_suffix(".json").unlink()
        self.etcdrill("verify", newer)
        foreign = self.dir / "backup.db"
        foreign.write_bytes(sound)
        foreign.with_suffix(".json").write_text("somebody's")
        self.etcdrill("verify", foreign)

    def test_a_choice_is_never_a_file_of_the_working_directory(self):
        config = self.configure()
        name = self.save(config)
        self.drill_stored(config, name)
        for word in ("latest", "latest-restorable", "random", "latest-verified"):
            (self.dir / word).write_text("no snapshot")
            self.assertIn(name, self.etcdrill("verify", word, "--config", config, cwd=self.dir).out)
            self.etcdrill("verify", word, cwd=self.dir, code=1)  # without a store it is that file

    def test_the_latest_stays_the_latest_when_it_is_damaged(self):
        """Cron hears of it each time, not once."""
        config = self.configure()
        self.drill_stored(config, self.save(config))
        self.cluster.etcdctl("put", "latest", "1")
        newest = self.save(config)
        database = self.dir / "store" / f"{newest}.db"
        sound = database.read_bytes()
        database.write_bytes(harness.flipped(sound, at=5000))
        for _ in range(2):
            self.assertIn(newest, self.etcdrill("verify", "latest", "--config", config, code=3).out)
            self.drill_stored(config, "latest", code=3)
        self.assertNotIn(newest,
                         self.etcdrill("verify", "latest-restorable", "--config", config).out)
        database.write_bytes(sound)  # it was the disk, for a while
        self.assertIn(newest, self.etcdrill("verify", "latest", "--config", config).out)
        self.assertEqual(self.listed(config)[-1]["state"], "untested")

    def test_a_source_that_is_gone_costs_the_advice_only(self):
        cluster = harness.Cluster(self.scene, "3.5")
        cluster.etcdctl("put", "a", "b")
        config = self.configure(cluster)
        name = self.save(config)
        cluster.kill()
        report = self.drill_stored(config, name)
        self.assertEqual((report["level_reached"], report["advice"]), (5, None))
        self.assertRegex(self.error, "cluster unreachable")

    def test_it_tells_what_is_gone_since_the_last_proven_one(self):
        config = self.configure(history={"max_key_loss": "30%", "max_prefix_loss": "60%"})
        for number in range(3):
            self.cluster.etcdctl("put", f"/registry/big/{number}", text="0123456789abcdef" * 40000)
        self.drill_stored(config, self.save(config))
        self.cluster.etcdctl("del", "--prefix", "/registry/")
        report = self.drill_stored(config, self.save(config))
        found = {finding["code"]: finding for finding in report["verify"]["findings"]}
        self.assertEqual(report["verdict"], "proven")
        self.assertEqual({found[code]["severity"] for code in ("history_keys", "history_prefix")},
                         {"warning"})
        self.assertRegex(found["history_prefix"]["text"],
                         r"/registry/big has 0 B, .* 1\.\d MiB: 100 % are lost")
        harness.fill(self.cluster)

    def test_assertions_without_an_etcd_are_answered_by_the_file(self):
        def drill(assertion, code):
            config = self.configure(assertions=[assertion], etcd={"binary": "/nowhere/etcd"})
            if not (self.dir / "store").exists():
                self.save(config)
            report = self.drill_stored(config, self.listed(config)[-1]["name"], code=code)
            check, = [check for check in report["checks"] if check["name"] == "assertions"]
            return report, check

        pods = sum(key.startswith(b"/registry/pods/") for key in self.cluster.content())
        report, check = drill({"prefix": "/registry/pods/", "min_keys": pods, "max_keys": pods}, 1)
        self.assertEqual((check["result"], report["verdict"], report["level_reached"]),
                         ("pass", "not_provable", 4))
        report, check = drill({"prefix": "/registry/pods/", "min_keys": pods + 1}, 3)
        self.assertEqual((check["result"], report["verdict"]), ("fail", "not_provable"))
        # Sound, whatever it lacks.
        self.assertEqual(self.listed(self.configure())[-1]["state"], "untested")
        report, check = drill(
            {"key": "/registry/configmaps/big", "matches": r"^(0123456789abcdef)+\s*$"}, 1)
        self.assertEqual(check["result"], "pass")
        report, check = drill({"key": "/registry/txn/won", "exists": True}, 3)
        self.assertIn("does not exist", check["actual"])


class WrongMember(test_drill.DrillCase):
    """One member's database is changed behind its back, as rot or a bug would."""

    def rotten_cluster(self):
        """A cluster, and its member that holds another value than the others."""
        cluster = harness.Cluster(self.scene, "3.5", size=3)
        cluster.etcdctl("put", "victim", "the-value-that-rots-0123456789")
        bad = cluster.members[2]
        harness.wait_until(lambda: cluster.content(bad), "the value on the third member")
        bad.process.terminate()
        bad.process.wait()
        database = bad.data_dir / "member" / "snap" / "db"
        content = database.read_bytes()
        self.assertIn(b"the-value-that-rots", content)
        database.write_bytes(content.replace(b"the-value-that-rots", b"the-value-that-lies"))
        cluster.start_member(bad)
        cluster.wait_healthy()
        self.assertEqual(cluster.content(bad)[b"victim"], b"the-value-that-lies-0123456789")
        return cluster, bad

    def test_members_that_disagree_are_named_at_capture(self):
        cluster, bad = self.rotten_cluster()
        config = self.dir / "etcdrill.yaml"

        # The first follower is copied; the rotten one has just come back, so it does not lead.
        endpoints = json.dumps([bad.client_url] + cluster.endpoints[:2])
        config.write_text(f"cluster: {{endpoints: {endpoints}}}\nstore: {{path: store}}\n")

        def save(code):
            outcome = self.etcdrill("snapshot", "save", "--config", config, code=code)
            manifests = [
                json.loads(path.read_text()) for path in harness.manifest_paths(self.dir / "store")
            ]
            return outcome, max(manifests, key=lambda manifest: manifest["taken"])

        # A copy of the one that most contradict is wrong, however sound.
        outcome, manifest = save(3)
        self.assertOneLine(outcome.err, "differ: one of the members is corrupt")
        self.assertEqual((manifest["source"]["endpoint"], manifest["verdict"]),
                         (bad.client_url, "damaged"))
        time.sleep(1)  # names have whole seconds
        # From then on it is passed over; what most hold is right, and the other one is named.
        outcome, manifest = save(0)
        self.assertIn(manifest["source"]["endpoint"], cluster.endpoints[:2])
        self.assertEqual((manifest["source"]["chosen"], manifest["verdict"]),
                         ("follower, 0 entries behind", "proven"))
        self.assertRegex(outcome.out, "warning: .*" + re.escape(bad.client_url) + " differ")
        report = json.loads(self.etcdrill("verify", "latest", "--config", config, "-w", "json").out)
        self.assertEqual([(f["code"], f["severity"])
                          for f in report["findings"] if f["code"].startswith("members")],
                         [("members_disagreed", "warning")])
        # Nobody can tell which of two is right.
        two = f"{cluster.endpoints[0]},{bad.client_url}"
        self.assertOneLine(
            self.etcdrill("snapshot", "save", self.dir / "s.db", "--endpoints", two, code=3).err,
            "differ")
        self.assertFalse((self.dir / "s.db").exists())


if __name__ == "__main__":
    harness.main()
