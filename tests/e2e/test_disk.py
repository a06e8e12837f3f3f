#!/usr/bin/env python3
"""Proves that the store follows its path: a directory that is moved away, a file system that comes
late or goes, folders and files of others in it. And that a link to a disk that is not there is
named by whoever would write through it."""
import os
import sys
import time
import unittest

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase

NOWHERE = {"name": "e2e", "endpoints": ["http://127.0.0.1:1"]}
TAKEN_OVER = "store directory replaced, new directory taken over"
CANT_BE_REMOVED = "store leftover not removed"
LOOK = 11  # the store is looked at every ten seconds


class Directory(SidecarCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5")
        cls.cluster.etcdctl("put", "a", "1")

    def setUp(self):
        super().setUp()
        self.store, self.away = self.dir / "store", self.dir / "away"

    def newer_manifest(self):
        """Of a snapshot that is taken from now on, where the path leads to now."""
        known = {path.name for path in self.store.glob("e2e-*.json")}
        harness.wait_until(
            lambda: {path.name for path in self.store.glob("e2e-*.json")} - known,
            "a new snapshot", 30)

    def assertOwned(self, sidecar):
        """Nobody else gets it, and it is in order."""
        path, _ = self.configure(NOWHERE, name="second.yaml")
        refused = self.etcdrill("run", "--config", path, code=1, timeout=20)
        self.assertOneLine(refused.err, f"store.*another etcdrill.*{sidecar.process.pid}")
        self.assertEqual(sidecar.request("/-/ready"), (200, "ready\n"))

    def test_moved_away(self):
        sidecar = self.start(self.cluster)
        sidecar.wait_for_line("snapshot taken")
        created = sidecar.value("etcdrill_state_created_timestamp_seconds")
        self.store.rename(self.away)
        sidecar.wait_for_line(TAKEN_OVER)
        self.newer_manifest()
        harness.wait_until(
            lambda: sidecar.value("etcdrill_state_created_timestamp_seconds") > created,
            "its state is younger")
        self.assertOwned(sidecar)
        self.assertEqual(sidecar.stop(), 0)
        self.assertNothingHalfDone()

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount")
    def test_a_file_system_comes_late_and_goes(self):
        self.store.mkdir(mode=0o700)
        sidecar = self.start(self.cluster)
        sidecar.wait_for_line("snapshot taken")
        below = {path.name for path in self.store.glob("e2e-*")}
        self.scene.mount_tmpfs(self.store, "64m")
        sidecar.wait_for_line(TAKEN_OVER)
        self.newer_manifest()
        self.assertFalse(below & {path.name for path in self.store.glob("e2e-*")})
        self.assertOwned(sidecar)

        harness.must(["umount", "--lazy", self.store])
        self.scene._mounted.remove(self.store)
        sidecar.wait_for_line(TAKEN_OVER, after=1)
        self.newer_manifest()
        self.assertTrue(below <= {path.name for path in self.store.glob("e2e-*")})
        self.assertOwned(sidecar)
        self.assertEqual(sidecar.stop(), 0)
        self.assertNothingHalfDone()

    def test_where_nothing_can_be_made_it_says_so_once_and_heals(self):
        sidecar = self.start(self.cluster, snapshot={"schedule": "none"})
        sidecar.first_answer("/-/ready")
        for times in (1, 2):
            self.store.rename(self.away)
            self.store.write_text("in the way")
            harness.wait_until(lambda: len(sidecar.lines("store unreadable")) == times,
                               "the error", 30)
            status, problem = sidecar.request("/-/ready")
            self.assertEqual(status, 503)
            self.assertIn(str(self.store), problem)
            self.assertEqual(sidecar.request("/-/healthy")[0], 200)  # a restart would not mend it
            if times == 1:
                time.sleep(LOOK)  # one more look
            self.store.unlink()
            self.away.rename(self.store)
            harness.wait_until(lambda: sidecar.request("/-/ready")[0] == 200, "ready", 30)
        self.assertEqual(len(sidecar.lines("store unreadable")), 2)
        self.assertOwned(sidecar)
        self.assertEqual(sidecar.stop(), 0)

    def test_another_takes_the_place_meanwhile(self):
        sidecar = self.start(self.cluster, snapshot={"schedule": "none"})
        sidecar.first_answer("/-/ready")
        self.store.rename(self.away)
        second = self.start(NOWHERE, snapshot={"schedule": "none"})
        second.first_answer("/-/ready")
        complaint = sidecar.wait_for_line("store unreadable")
        self.assertRegex(complaint, f"another etcdrill.*{second.process.pid}.* owns the store")
        self.assertEqual(second.stop(), 0)
        harness.wait_until(lambda: sidecar.request("/-/ready")[0] == 200, "ready", 30)
        self.assertOwned(sidecar)
        self.assertEqual(sidecar.stop(), 0)

    @unittest.skipUnless(os.geteuid() == 0, "only root can make a file immutable")
    def test_a_leftover_that_stays_stops_nothing(self):
        self.store.mkdir(mode=0o700)
        left = self.store / ".0123456789abcdef.db.part"
        left.touch()
        if harness.run(["chattr", "+i", left]).code != 0:
            self.skipTest("this file system has no immutable files")
        self.addCleanup(harness.run, ["chattr", "-i", left])
        sidecar = self.start(self.cluster)
        sidecar.wait_for_line("snapshot taken")
        told, = sidecar.lines(CANT_BE_REMOVED)
        self.assertIn("level=warn", told)
        self.assertIn(str(left), told)
        self.assertEqual(sidecar.request("/-/ready"), (200, "ready\n"))
        self.assertEqual(sidecar.stop(), 0)
        self.assertTrue(left.exists())

        harness.must(["chattr", "-i", left])
        after = self.start(self.cluster)
        after.wait_for_line("snapshot taken", after=len(after.lines("snapshot taken")))
        self.assertEqual(after.lines(CANT_BE_REMOVED), [told])
        self.assertStops(after)

    def test_things_of_others_stay_and_stop_nothing(self):
        for folder in ("lost+found", "@eaDir", "checks/@eaDir", "checks/lost+found",
                       "drills/@eaDir", ".0123456789abcdef.db.part",
                       "e2e-00000000000000000001-20261122T080000Z.db",
                       "checks/e2e-00000000000000000001-20261122T080000Z.json"):
            (self.store / folder).mkdir(parents=True)
        for file in ("notes.txt", "notes.json", ".nfs00000001", "checks/notes.txt",
                     "checks/.nfs00000001", "drills/notes.txt"):
            (self.store / file).write_text("somebody's")
        # As a file that its writer renames while the sweep looks at it.
        part = ".e2e-00000000000000000001-20261122T080000Z-20261122T080100Z.json.part"
        (self.store / "drills" / part).symlink_to("nowhere")
        before = {path for path in self.store.rglob("*")}
        sidecar = self.start(self.cluster)
        sidecar.wait_for_line("snapshot taken", after=2)
        self.assertTrue(before <= {path for path in self.store.rglob("*")})
        self.assertEqual(len(sidecar.lines("manifest unreadable")), 1)  # notes.json
        self.assertFalse(sidecar.lines(CANT_BE_REMOVED))
        self.assertEqual(sidecar.stop(), 0)


class Links(SidecarCase):
    """To /no/such/disk."""

    def setUp(self):
        super().setUp()
        (self.dir / "lost").symlink_to("/no/such/disk")
        self.before = sorted(self.dir.iterdir())

    def assertNamed(self, *command, code=1):
        said = self.etcdrill(*command, code=code).err
        self.assertRegex(said, "lost is a link to /no/such/disk, which does not exist")
        self.assertTrue((self.dir / "lost").is_symlink())
        self.assertEqual(sorted(path for path in self.dir.iterdir() if path.suffix != ".yaml"),
                         self.before)

    def test_save(self):
        cluster = harness.Cluster(self.scene, "3.5")
        for path in ("lost", "lost/s.db"):
            self.assertNamed("snapshot", "save", self.dir / path, "--endpoints",
                             ",".join(cluster.endpoints))

    def test_restore(self):
        snapshot = harness.fixture("e3530-empty")
        for path in ("lost", "lost/data"):
            self.assertNamed("snapshot", "restore", snapshot, "--data-dir", self.dir / path)
            self.assertNamed("snapshot", "restore", snapshot, "--data-dir", self.dir / "data",
                             "--wal-dir", self.dir / path)

    def test_textfile(self):
        for path in ("lost", "lost/etcdrill.prom"):
            self.assertNamed("verify", harness.fixture("e3530-empty"), "--textfile-out",
                             self.dir / path)

    def test_store_and_scratch(self):
        for sections in (
            {"store": {"path": "lost/store"}}, {"store": {"path": "lost"}},
            {"drill": {"scratch_dir": "lost"}, "store": {"path": str(self.scene.new_dir())}},
        ):
            path, _ = self.configure(NOWHERE, **sections)
            self.assertNamed("run", "--config", path)


if __name__ == "__main__":
    harness.main()
