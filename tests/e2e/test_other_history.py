#!/usr/bin/env python3
"""Proves that histories are told apart: an adopted file of another one counts for nothing, and is
no damage either; a source that was restored is not "unchanged"; members that disagree are named;
what other clusters have in the store is theirs."""
import json
import os
import shutil
import sys
import time

sys.dont_write_bytecode = True
import harness
from sidecar_case import Proxy, SidecarCase

VERSION = "3.5"
ALL_VERSIONS = ("3.4", "3.5", "3.6", "3.7")


def put(cluster, prefix, number):
    for i in range(number):
        cluster.etcdctl("put", f"{prefix}{i}", "x")


class HistoryCase(SidecarCase):
    def setUp(self):
        super().setUp()
        self.theirs = self.dir / "theirs"
        self.theirs.mkdir()

    def cluster(self, size=1):
        cluster = harness.Cluster(self.scene, VERSION, size=size)
        self.addCleanup(cluster.kill)
        return cluster

    def adopt(self, cluster, **sections):
        ways = {"snapshot": {"schedule": "none"},
                "store": {"path": "store", "adopt": ["theirs/*.db"], "adopt_quiet": "1s"}}
        return self.start(cluster, **(ways | sections))

    def restore(self, cluster, *paths, tool=None, flags=()):
        """Each member from its file, by etcdutl unless told otherwise."""
        cluster.kill()
        for member, path in zip(cluster.members, paths, strict=True):
            shutil.rmtree(member.data_dir)
            harness.must([
                tool or harness.tool(VERSION, "etcdutl"), "snapshot", "restore", path, "--name",
                member.name, "--initial-cluster", cluster.initial_cluster,
                "--initial-advertise-peer-urls", member.peer_url, "--data-dir", member.data_dir,
                *flags
            ])
        for member in cluster.members:
            cluster.start_member(member)
        cluster.wait_healthy()

    def status(self, sidecar):
        return json.loads(sidecar.first_answer("/api/v1/status"))

    def troubles(self, sidecar):
        return " ".join(trouble["what"] for trouble in self.status(sidecar)["problems"])

    def drill(self, sidecar):
        passed = len(sidecar.lines("drill passed"))
        self.assertEqual(sidecar.request("/-/drill", "POST")[0], 202)
        sidecar.wait_for_line("drill passed", after=passed)


class OtherHistory(HistoryCase):
    def assertCountsForNothing(self, sidecar, text, newest=None):
        """The newest file is of another history; `newest`: the revision of the newest of ours."""
        self.assertIn(text, sidecar.wait_for_line("adopted snapshot of another history"))
        sidecar.wait_for_value(1, "etcdrill_store_other_history_snapshots")
        manifest, = (m for m in self.manifests() if m["other_history"])
        self.assertEqual(manifest["verdict"], "proven")
        self.assertEqual(manifest["lineage"]["result"], "diverged")
        self.assertIn(text, manifest["lineage"]["text"])
        self.assertEqual(sidecar.value("etcdrill_snapshots", state="damaged"), 0)
        self.assertEqual(sidecar.value("etcdrill_snapshot_last_revision"), newest)
        self.assertNotEqual(sidecar.value("etcdrill_source_hashkv_consistent"), 0)
        troubles = [
            t["what"] for t in self.status(sidecar)["problems"] if "another history" in t["what"]
        ]
        self.assertEqual(troubles, ["1 imported snapshot is of another history than the cluster."])
        rows = json.loads(sidecar.first_answer("/api/v1/snapshots"))["items"]
        self.assertEqual([row["name"] for row in rows if row["other_history"]], [manifest["name"]])
        latest = harness.run([
            harness.build_dir() / "etcdrill", "verify", "latest", "--config",
            self.dir / "etcdrill.yaml", "--max-age", "1h", "-w", "json"
        ])
        if newest is None:
            self.assertNotEqual(latest.code, 0)
            self.assertIn("another history", latest.err)
        else:
            self.assertIn(f"\"revision\": {newest},", latest.out)
        self.assertEqual(len(sidecar.lines("adopted snapshot of another history")), 1)
        self.assertEqual(sidecar.lines("snapshot failed") + sidecar.lines("members disagree"), [])
        return manifest

    def test_a_file_of_another_cluster_is_never_the_newest(self):
        ours, dev = self.cluster(), self.cluster()
        put(ours, "ours", 3)
        put(dev, "dev", 30)
        sidecar = self.adopt(ours)
        dev.save(self.theirs / "dev.db")
        self.assertCountsForNothing(sidecar, "the file ends at revision 31, the cluster is at 4")
        self.assertNotEqual(self.status(sidecar)["fresh"]["answer"], "yes")
        # Its own drill passes, and proves nothing of ours.
        name = self.manifests()[-1]["name"]
        self.etcdrill("drill", name, "--config", self.dir / "etcdrill.yaml")
        harness.wait_until(lambda: json.loads(sidecar.first_answer("/api/v1/drills"))["total"] == 1,
                           "its report")
        for question in ("drilled", "restorable", "within_rto"):
            self.assertEqual(self.status(sidecar)[question]["answer"], "unknown", question)
        ours.save(self.theirs / "ours.db")
        sidecar.wait_for_line("snapshot adopted")
        sidecar.wait_for_value(4, "etcdrill_snapshot_last_revision")
        self.assertEqual(self.status(sidecar)["fresh"]["answer"], "yes")
        self.drill(sidecar)
        self.assertEqual(self.manifests()[-1]["lineage"], None,
                         "compared with the file of another history")
        self.assertEqual(sidecar.stop(), 0)

    def test_a_file_of_before_a_restore_is_no_damage(self):
        ours = self.cluster()
        put(ours, "a", 10)
        ours.save(self.dir / "old.db")
        put(ours, "b", 10)
        ours.save(self.dir / "new.db")
        self.restore(ours, self.dir / "old.db")
        put(ours, "c", 30)
        sidecar = self.adopt(ours)
        ours.save(self.theirs / "1.db")
        sidecar.wait_for_line("snapshot adopted")
        shutil.copy(self.dir / "new.db", self.theirs / "2.db")
        self.assertCountsForNothing(sidecar, "at revision 21", newest=41)
        self.assertEqual(sidecar.stop(), 0)

    def test_after_a_restore_on_purpose_adoption_goes_on(self):
        """The source is below what the store has, and has compacted what the new files hold: nobody
        confirms them."""
        ours = self.cluster()
        put(ours, "a", 10)
        ours.save(self.dir / "old.db")
        put(ours, "b", 60)
        sidecar = self.adopt(ours)
        ours.save(self.theirs / "before.db")
        sidecar.wait_for_line("snapshot adopted")
        self.restore(ours, self.dir / "old.db")
        for number in (1, 2):
            ours.save(self.dir / "file.db")
            put(ours, f"c{number}", 2)
            ours.etcdctl("compact", str(ours.revision()))
            shutil.copy(self.dir / "file.db", self.theirs / f"{number}.db")
            sidecar.wait_for_line("snapshot adopted", after=number)
        self.assertEqual([m["other_history"] for m in self.manifests()], [False] * 3)
        sidecar.wait_for_value(13, "etcdrill_snapshot_last_revision")
        # Told once, as it is so.
        self.assertEqual(len(sidecar.lines("cluster diverged from stored snapshots")), 1)
        self.drill(sidecar)
        self.assertEqual(self.status(sidecar)["fresh"]["answer"], "yes")
        self.assertEqual(sidecar.stop(), 0)

    def check_late_file(self, token, text):
        """The restore that the manual advises, and nothing of the new source is in the store yet:
        no member compares with the file."""
        ours = self.cluster()
        put(ours, "a", 10)
        ours.save(self.dir / "early.db")
        put(ours, "b", 10)
        sidecar = self.adopt(ours)
        ours.save(self.theirs / "1.db")
        sidecar.wait_for_line("snapshot adopted")
        put(ours, "lost", 10)
        ours.save(self.dir / "late.db")
        self.restore(ours, self.dir / "early.db", tool=harness.build_dir() / "etcdrill",
                     flags=["--bump-revision", "1000000", "--mark-compacted", *token])
        put(ours, "new", 2)
        shutil.copy(self.dir / "late.db", self.theirs / "2.db")
        self.assertCountsForNothing(sidecar, text, newest=21)
        self.assertEqual(sidecar.stop(), 0)

    def test_a_late_file_of_before_a_restore_with_a_new_token_counts_for_nothing(self):
        self.check_late_file(["--initial-cluster-token", "anew"], "no member is in both")

    def test_a_late_file_of_before_a_restore_with_the_same_token_counts_for_nothing(self):
        self.check_late_file([], "of its raft log, the cluster is at entry")

    def adopt_what_cron_began_before(self, between):
        """Cron's file comes after our own snapshot, which has the higher revision, and after what
        `between` does."""
        ours = self.cluster()
        put(ours, "a", 10)
        sidecar = self.adopt(ours, health={"interval": "1h"})
        ours.save(self.dir / "cron.db")
        put(ours, "b", 5)
        self.assertEqual(sidecar.request("/-/snapshot", "POST")[0], 202)
        sidecar.wait_for_line("snapshot taken")
        between(ours)
        time.sleep(2)
        shutil.copy(self.dir / "cron.db", self.theirs / "cron.db")
        sidecar.wait_for_line("snapshot adopted")
        self.assertEqual(sidecar.value("etcdrill_snapshot_last_revision"), 16)
        self.assertEqual(sidecar.lines("cluster diverged from stored snapshots"), [])
        return sidecar

    def test_cron_and_the_own_schedule_at_the_same_hour(self):
        """Cron's upload ends after our own snapshot, and no member has the revision of its file any
        more."""
        def compact(ours):
            put(ours, "c", 5)
            ours.etcdctl("compact", str(ours.revision()))

        sidecar = self.adopt_what_cron_began_before(compact)
        self.assertEqual([m["other_history"] for m in self.manifests()], [False, False])
        self.assertEqual(sidecar.stop(), 0)

    def test_a_file_that_another_tool_began_earlier_does_not_go_back(self):
        """Cron and the sidecar on the full hour: the file of the lower revision has the later
        time."""
        sidecar = self.adopt_what_cron_began_before(lambda ours: None)
        self.assertEqual(sidecar.value("etcdrill_snapshot_lineage_diverged") or 0, 0)
        self.assertEqual(sidecar.stop(), 0)

    def test_a_name_that_tells_no_time_makes_no_file_old(self):
        ours = self.cluster()
        sidecar = self.adopt(ours)
        sidecar.wait_for_value(1, "etcdrill_source_revision")
        put(ours, "a", 10)
        ours.save(self.theirs / "host-1600123456.db")
        sidecar.wait_for_line("snapshot adopted")
        self.assertIn("says=2020-09-14T22:44:16Z", sidecar.log.read_text())
        sidecar.wait_for_value(11, "etcdrill_snapshot_last_revision")
        self.assertEqual(self.status(sidecar)["fresh"]["answer"], "yes")
        self.assertEqual(sidecar.stop(), 0)

    def test_what_no_member_has_any_more_is_compared_with_the_store(self):
        ours, dev = self.cluster(), self.cluster()
        put(ours, "ours", 10)
        put(dev, "dev", 20)
        sidecar = self.adopt(ours)
        ours.save(self.theirs / "1.db")
        sidecar.wait_for_line("snapshot adopted")
        ours.kill()
        dev.save(self.theirs / "2.db")
        manifest = self.assertCountsForNothing(sidecar, "HashKV", newest=11)
        self.assertEqual(manifest["lineage"]["older"], self.manifests()[0]["name"])
        self.assertEqual(sidecar.stop(), 0)

    def test_one_that_compares_with_nobody_stays_as_it_is(self):
        ours, dev = self.cluster(), self.cluster()
        ours.kill()
        put(dev, "dev", 3)
        sidecar = self.adopt(ours)
        dev.save(self.theirs / "1.db")
        sidecar.wait_for_line("snapshot adopted")
        sidecar.wait_for_value(4, "etcdrill_snapshot_last_revision")
        self.assertEqual(sidecar.value("etcdrill_store_other_history_snapshots"), 0)
        self.assertEqual(sidecar.stop(), 0)

    def test_it_hides_none_of_ours_that_lies_beside_it(self):
        ours, dev = self.cluster(), self.cluster()
        put(ours, "ours", 3)
        put(dev, "dev", 30)
        ours.save(self.theirs / "ours.db")
        dev.save(self.theirs / "dev.db")
        (self.theirs / "cut.db").write_bytes((self.theirs / "dev.db").read_bytes()[:9000])
        for age, name in enumerate(("cut.db", "dev.db", "ours.db")):
            then = time.time() - 100 * age
            os.utime(self.theirs / name, (then, then))
        sidecar = self.adopt(ours)
        sidecar.wait_for_line("snapshot adopted")
        sidecar.wait_for_value(4, "etcdrill_snapshot_last_revision")
        self.assertEqual(len(sidecar.lines("adopted snapshot of another history")), 1)
        self.assertEqual(len(sidecar.lines("snapshot failed")), 1)
        self.assertEqual(sidecar.stop(), 0)

    def test_an_older_one_that_comes_late_is_of_ours(self):
        ours = self.cluster()
        put(ours, "a", 10)
        ours.save(self.dir / "old.db")
        hour_ago = time.time() - 3600
        os.utime(self.dir / "old.db", (hour_ago, hour_ago))
        put(ours, "b", 10)
        sidecar = self.adopt(ours)
        ours.save(self.theirs / "2.db")
        sidecar.wait_for_line("snapshot adopted")
        ours.etcdctl("compact", str(ours.revision()))
        harness.must(["cp", "-p", self.dir / "old.db", self.theirs / "1.db"])
        sidecar.wait_for_line("snapshot adopted", after=1)
        sidecar.wait_for_value(2, "etcdrill_snapshots", state="untested")
        self.assertEqual(sidecar.value("etcdrill_store_other_history_snapshots"), 0)
        self.assertEqual(sidecar.value("etcdrill_snapshot_last_revision"), 21)
        self.assertEqual(sidecar.stop(), 0)


class Compacted(HistoryCase):
    """The source has compacted beyond what the file holds, as Kubernetes does within five minutes:
    no member compares with it."""

    def setUp(self):
        super().setUp()
        self.ours = self.cluster()
        put(self.ours, "old", 3)
        self.ours.save(self.dir / "stale.db")
        put(self.ours, "more", 60)
        self.ours.etcdctl("compact", str(self.ours.revision() - 1))

    def adopt_stale(self, **sections):
        """The sidecar has seen the source beyond the file for six seconds when somebody copies it,
        and the objective is five."""
        sidecar = self.adopt(self.ours, objectives={"rpo": "5s", "restorable_rpo": "5s"},
                             **sections)
        sidecar.wait_for_value(self.ours.revision(), "etcdrill_source_revision")
        seen = time.time()
        time.sleep(6)
        return sidecar, seen

    def test_a_file_of_other_members_counts_for_nothing(self):
        sidecar = self.adopt(self.ours)
        for count, version in enumerate(ALL_VERSIONS):
            dev = harness.Cluster(self.scene, version)
            self.addCleanup(dev.kill)
            put(dev, "dev", 5 + count)
            dev.save(self.theirs / f"dev-{version}.db")
            dev.kill()
            line = self.wait_for_text(sidecar, "adopted snapshot of another history",
                                      f"dev-{version}.db")
            self.assertRegex(
                line,
                "the file names the members [0-9a-f]+, "
                "the cluster has [0-9a-f]+: no member is in both")
        sidecar.wait_for_value(len(ALL_VERSIONS), "etcdrill_store_other_history_snapshots")
        for manifest in self.manifests():
            self.assertNotIn(manifest["receipt"][0].get("result"), ("equal", "differs"))
        self.assertIsNone(sidecar.value("etcdrill_snapshot_last_revision"))
        self.assertEqual(self.status(sidecar)["fresh"]["answer"], "unknown")
        self.assertEqual(sidecar.lines("snapshot adopted") + sidecar.lines("snapshot failed"), [])
        put(self.ours, "now", 1)
        self.ours.save(self.theirs / "ours.db")
        sidecar.wait_for_line("snapshot adopted")
        self.assertEqual(self.status(sidecar)["fresh"]["answer"], "yes")
        self.drill(sidecar)
        self.assertEqual(sidecar.stop(), 0)

    def test_an_old_file_with_a_new_time_is_not_fresh(self):
        sidecar, seen = self.adopt_stale()
        shutil.copy(self.dir / "stale.db", self.theirs / "today.db")
        sidecar.wait_for_line("snapshot adopted")
        self.drill(sidecar)
        manifest, = self.manifests()
        self.assertFalse(manifest["other_history"])
        self.assertLessEqual(harness.unix(manifest["taken"]), seen)
        sidecar.wait_for_value(4, "etcdrill_snapshot_last_revision")
        status = self.status(sidecar)
        self.assertEqual((status["fresh"]["answer"], status["drilled"]["answer"]), ("no", "no"))
        latest = harness.run([
            harness.build_dir() / "etcdrill", "verify", "latest", "--config",
            self.dir / "etcdrill.yaml", "--max-age", "5s"
        ])
        self.assertEqual(latest.code, 4, latest.out + latest.err)
        self.assertEqual(sidecar.stop(), 0)

    def test_an_old_file_with_a_new_time_hides_none_that_is_newer(self):
        sidecar, _ = self.adopt_stale()
        put(self.ours, "now", 1)
        self.ours.save(self.theirs / "real.db")
        shutil.copy(self.dir / "stale.db", self.theirs / "today.db")
        later = time.time() + 2
        os.utime(self.theirs / "today.db", (later, later))
        sidecar.wait_for_line("snapshot adopted", after=1)
        sidecar.wait_for_value(self.ours.revision(), "etcdrill_snapshot_last_revision")
        self.assertEqual([m["revision"] for m in self.manifests()], [4, self.ours.revision()])
        self.assertEqual(sidecar.stop(), 0)

    def test_an_idle_source_bounds_nothing(self):
        sidecar, seen = self.adopt_stale()
        self.ours.save(self.theirs / "now.db")
        sidecar.wait_for_line("snapshot adopted")
        self.assertGreater(harness.unix(self.manifests()[0]["taken"]), seen + 4)
        self.assertEqual(sidecar.stop(), 0)


class Restored(HistoryCase):
    """A source that was restored from an older file and written to until it is at the revision of
    the snapshot."""

    def test_it_is_not_unchanged(self):
        ours = self.cluster()
        put(ours, "a", 1)
        ours.save(self.dir / "old.db")
        put(ours, "lost", 5)
        sidecar = self.start(ours, snapshot={"schedule": "@every 2s", "skip_unchanged": True})
        sidecar.wait_for_line("snapshot skipped")
        sidecar.wait_for_line("snapshot skipped", after=1)
        self.assertEqual(len(sidecar.lines("snapshot taken")), 1)
        self.restore(ours, self.dir / "old.db")
        put(ours, "new", 5)
        sidecar.wait_for_line("snapshot taken", after=1)
        sidecar.wait_for_value(1, "etcdrill_snapshot_lineage_diverged")
        self.assertIn("does not continue the one before it", self.troubles(sidecar))
        manifest = self.manifests()[-1]
        self.assertEqual(manifest["revision"], self.manifests()[0]["revision"])
        self.assertEqual(manifest["lineage"]["result"], "diverged")
        self.assertFalse(manifest["other_history"])
        put(ours, "more", 1)
        sidecar.wait_for_value(0, "etcdrill_snapshot_lineage_diverged")
        self.assertNotIn("does not continue", self.troubles(sidecar))
        self.assertEqual(sidecar.stop(), 0)

    def test_what_can_not_be_compared_is_told_by_name(self):
        ours = self.cluster()
        put(ours, "a", 3)
        sidecar = self.start(ours)
        sidecar.wait_for_line("snapshot taken")
        put(ours, "b", 3)
        ours.etcdctl("compact", str(ours.revision()))
        harness.wait_until(lambda: self.manifests()[-1]["compact_revision"] > 4,
                           "a snapshot that is compacted further")
        self.assertEqual(sidecar.stop(), 0)
        compacted = next(m for m in self.manifests() if m["compact_revision"] > 4)
        self.assertEqual(compacted["lineage"]["result"], "not_comparable")
        self.assertIn(f"{compacted['name']} is compacted at revision", compacted["lineage"]["text"])
        self.assertNotIn("/", compacted["lineage"]["text"])

    def test_old_bytes_do_not_confirm_it(self):
        ours = self.cluster()
        put(ours, "a", 1)
        ours.save(self.dir / "old.db")
        put(ours, "lost", 5)
        sidecar = self.adopt(ours)
        stored = ours.save(self.theirs / "1.db") or self.theirs / "1.db"
        sidecar.wait_for_line("snapshot adopted")
        shutil.copy(stored, self.theirs / "2.db")
        sidecar.wait_for_line("snapshot skipped")
        self.restore(ours, self.dir / "old.db")
        put(ours, "new", 5)
        shutil.copy(stored, self.theirs / "3.db")
        sidecar.wait_for_line("import skipped: content already in the store")
        self.assertEqual(len(sidecar.lines("snapshot skipped")), 1)
        self.assertEqual(sidecar.stop(), 0)


class Disagreeing(HistoryCase):
    def test_what_is_unchanged_does_not_hide_it(self):
        ours, evil = self.cluster(size=2), self.cluster()
        ours.etcdctl("put", "a", "1")
        evil.etcdctl("put", "a", "2")
        ours.save(self.dir / "good.db")
        evil.save(self.dir / "evil.db")
        sidecar = self.start(ours, snapshot={"schedule": "@every 2s", "skip_unchanged": True},
                             health={"hashkv": "@every 2s"})
        sidecar.wait_for_line("snapshot skipped")
        sidecar.wait_for_value(1, "etcdrill_source_hashkv_consistent")
        self.restore(ours, self.dir / "good.db", self.dir / "evil.db")
        sidecar.wait_for_line("members disagree")
        skipped = len(sidecar.lines("snapshot skipped"))
        for _ in range(2):
            self.assertEqual(sidecar.value("etcdrill_source_hashkv_consistent"), 0)
            self.assertIn("The members of the cluster hold different data", self.troubles(sidecar))
            self.assertIn("reason=members_disagree", self.next_line(sidecar, "snapshot failed"))
        # One may have been under way.
        self.assertLessEqual(len(sidecar.lines("snapshot skipped")), skipped + 1)
        self.assertEqual(sidecar.stop(), 0)


    def ask_for_snapshot(self, sidecar):
        sidecar.first_answer("/-/ready")
        harness.wait_until(lambda: sidecar.request("/-/snapshot", "POST")[0] == 202,
                           "that the one before has ended")

    def test_a_member_that_differed_is_not_forgotten(self):
        """It is found by a comparison, not by a receipt; then it is silent, and then the only one
        that answers."""
        ours, evil = self.cluster(size=3), self.cluster()
        ours.etcdctl("put", "a", "1")
        evil.etcdctl("put", "a", "2")
        ours.save(self.dir / "good.db")
        evil.save(self.dir / "evil.db")
        self.restore(ours, self.dir / "good.db", self.dir / "good.db", self.dir / "evil.db")
        ways = [Proxy(url) for url in ours.endpoints]
        for way in ways:
            self.addCleanup(way.close)
        ways[2].silence()
        configured = {"name": "e2e", "endpoints": [way.url for way in ways]}
        options = {
            "snapshot": {"schedule": "none", "retention": {"last": 1}},
            "health": {"hashkv": "@every 2s", "timeout": "2s"}
        }
        sidecar = self.start(configured, **options)
        self.ask_for_snapshot(sidecar)
        sidecar.wait_for_line("snapshot taken")
        ways[2].speak()
        sidecar.wait_for_line("members disagree")
        path = self.dir / "store" / "suspects.json"
        suspects = lambda: [s["endpoint"] for s in json.loads(path.read_text())["members"]]
        self.assertEqual(suspects(), [ways[2].url])
        # It has no vote against the only one of the others that answers, and whoever asks by other
        # names does not clear it.
        ways[1].silence()
        self.ask_for_snapshot(sidecar)
        self.next_line(sidecar, "snapshot taken")
        other, _ = self.configure({"name": "e2e", "endpoints": ours.endpoints[:1]},
                                  name="other.yaml", **options)
        outcome = harness.run(
            [harness.build_dir() / "etcdrill", "snapshot", "save", "--config", other])
        self.assertEqual(outcome.code, 0, outcome.err)
        self.assertEqual(suspects(), [ways[2].url])
        outcome = harness.run(
            [harness.build_dir() / "etcdrill", "verify", "latest", "--config", other])
        self.assertEqual(outcome.code, 0, outcome.out)
        ways[1].speak()
        ways[2].silence()
        self.next_line(sidecar, "members agree")  # those that answer
        for _ in range(2):  # retention leaves one of them
            self.ask_for_snapshot(sidecar)
            self.next_line(sidecar, "snapshot taken")
        self.assertEqual(sidecar.value("etcdrill_source_hashkv_consistent"), 0)
        self.assertEqual(sidecar.stop(), 0)
        for way in ways[:2]:
            way.silence()
        ways[2].speak()
        sidecar = self.start(configured, **options)
        self.ask_for_snapshot(sidecar)
        self.assertIn("no later comparison found it equal",
                      sidecar.wait_for_line("snapshot failed"))
        self.assertEqual(sidecar.value("etcdrill_source_hashkv_consistent"), 0)
        # The ids stay.
        self.restore(ours, self.dir / "good.db", self.dir / "good.db", self.dir / "good.db")
        for way in ways[:2]:
            way.speak()
        sidecar.wait_for_value(1, "etcdrill_source_hashkv_consistent")
        self.ask_for_snapshot(sidecar)
        sidecar.wait_for_line("snapshot taken")
        self.assertEqual(sidecar.stop(), 0)


class OtherNames(HistoryCase):
    """Two clusters in one store."""

    def etcdrill(self, *args):
        return harness.run([harness.build_dir() / "etcdrill", *args])

    def test_they_are_neither_counted_nor_deleted(self):
        prod, dev = self.cluster(), self.cluster()
        put(dev, "dev", 3)
        few = {"schedule": "none", "retention": {"last": 1}}
        of_dev, _ = self.configure({"name": "dev", "endpoints": dev.endpoints}, name="dev.yaml",
                                   snapshot=few)
        of_prod = self.dir / "etcdrill.yaml"
        self.assertEqual(self.etcdrill("snapshot", "save", "--config", of_dev).code, 0)
        self.assertEqual(self.etcdrill("drill", "latest", "--config", of_dev).code, 0)
        put(dev, "more", 1)
        self.assertEqual(self.etcdrill("snapshot", "save", "--config", of_dev).code, 0)
        sidecar = self.start({"name": "prod", "endpoints": prod.endpoints}, snapshot=few)
        sidecar.wait_for_value(1, "etcdrill_source_up")
        self.assertIsNone(sidecar.value("etcdrill_snapshot_last_revision"))
        self.assertIsNone(sidecar.value("etcdrill_drill_last_success_timestamp_seconds"))
        self.assertEqual(sidecar.value("etcdrill_snapshots", state="restorable"), 0)
        status = self.status(sidecar)
        self.assertEqual(
            {status[q]["answer"] for q in ("fresh", "drilled", "restorable", "within_rto")},
            {"unknown"})
        self.assertIn("The store holds 2 snapshots of other clusters.", self.troubles(sidecar))
        latest = self.etcdrill("verify", "latest", "--config", of_prod)
        self.assertNotEqual(latest.code, 0, latest.out)
        self.assertEqual(sidecar.stop(), 0)
        put(prod, "prod", 1)
        self.assertEqual(self.etcdrill("snapshot", "save", "--config", of_prod).code, 0)
        self.assertEqual(self.etcdrill("retention", "--config", of_prod).code, 0)
        self.assertEqual(len([m for m in self.manifests() if m["cluster"] == "dev"]), 2)
        self.assertEqual(self.etcdrill("retention", "--config", of_dev).code, 0)
        # Newest, and newest drilled.
        self.assertEqual(sorted(m["cluster"] for m in self.manifests()), ["dev", "dev", "prod"])


if __name__ == "__main__":
    harness.main()
