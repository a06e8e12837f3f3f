#!/usr/bin/env python3
"""Proves that `snapshot restore` makes a whole directory or nothing: killed at, or refused by,
every single file call of a run, as strace makes it happen. A killed one may leave its hidden
directory, which the next restore sweeps.

One hard fact: strace counts the calls of each name and each thread apart; only the main thread
writes.
"""
import collections
import re
import shutil
import sys

sys.dont_write_bytecode = True
import bolt
import harness

SNAPSHOT = harness.fixture("e3530-compacted")
# Whatever can change a disk, or decides what is changed.
CALLS = ("openat", "mkdir", "rename", "pwrite64", "copy_file_range", "ioctl", "fallocate",
         "ftruncate", "fsync", "flock", "unlinkat", "rmdir", "unlink", "getdents64", "statfs",
         "newfstatat", "close")
WRITES = ("mkdir", "rename", "pwrite64", "fallocate", "fsync")
FALLS_BACK = ("copy_file_range", "ioctl")  # another way of copying takes over


class Faults(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.target = self.dir / "new" / "data"
        self.flags = []
        self.there = []  # directories that are there before
        self.log = self.scene.new_dir() / "log"

    def command(self):
        return [harness.build_dir() / "etcdrill", "snapshot", "restore", SNAPSHOT,
                "--data-dir", self.target, *self.flags]

    def strace(self, *options):
        return harness.run([*harness.strace(self.log, *options), *self.command()])

    def calls(self, names):
        """[(name, its number among the calls of that name)] by the main thread, from the first look
        at the snapshot on."""
        self.reset()
        self.assertEqual(self.strace("-e", "trace=" + ",".join(CALLS)).code, 0)
        self.reset()
        lines = [line.split(None, 1) for line in self.log.read_text().splitlines()]
        own = [line for thread, line in lines if thread == lines[0][0] and re.match(r"\w+\(", line)]
        counts = collections.Counter()
        found = []
        begun = False
        for line in own:
            name = line.split("(")[0]
            counts[name] += 1
            begun = begun or SNAPSHOT.name in line
            if begun and name in names:
                found.append((name, counts[name]))
        self.assertTrue(found)
        return found

    def inject(self, name, number, fault):
        return self.strace("-e", f"trace={name}", "-e", f"inject={name}:{fault}:when={number}")

    def reset(self):
        shutil.rmtree(self.dir)
        for path in (self.dir, *self.there):
            path.mkdir()

    def check_whole(self):
        files = (path for path in self.target.rglob("*") if path.is_file())
        self.assertEqual(sorted(str(path.relative_to(self.target)) for path in files), [
            "member/snap/0000000000000001-0000000000000001.snap", "member/snap/db",
            "member/wal/0000000000000000-0000000000000000.wal"
        ])
        self.assertEqual(
            (self.target / "member/wal/0000000000000000-0000000000000000.wal").stat().st_size,
            64_000_000)
        restored = bolt.BoltFile((self.target / "member/snap/db").read_bytes()).buckets
        self.assertEqual(restored["key"], bolt.BoltFile(SNAPSHOT.read_bytes()).buckets["key"])
        self.assertEqual(list(restored["members"]), [b"8e9e05c52164694d"])

    def check_killed_everywhere(self):
        nothing = whole = 0
        for name, number in self.calls(CALLS):
            with self.subTest(f"killed at call {number}, {name}"):
                self.assertNotEqual(self.inject(name, number, "signal=KILL").code, 0)
                if (self.target / "member").exists():
                    whole += 1
                    self.check_whole()
                else:
                    nothing += 1
                    self.assertEqual(
                        [path for path in self.dir.rglob("*") if ".restoring-" not in str(path)],
                        self.there)
                    self.assertEqual(harness.run(self.command()).code, 0)
                    self.check_whole()
                self.assertEqual([path for path in self.dir.rglob("*.restoring-*")], [])
                self.reset()
        self.assertGreater(nothing, 30)
        self.assertGreater(whole, 0)

    def test_killed_where_parents_are_missing(self):
        self.check_killed_everywhere()

    def test_killed_in_a_directory_that_is_there(self):
        self.target = self.dir / "data"
        self.there = [self.target]
        self.check_killed_everywhere()

    def test_a_wal_directory_elsewhere_comes_first(self):
        """And goes again if the data directory fails; a kill between the two can't be made good,
        but is told."""
        wal = self.dir / "wal"
        self.flags = ["--wal-dir", wal]
        outcome = self.inject("rename", 2, "error=EIO")
        self.assertEqual(outcome.code, 1)
        self.assertOneLine(outcome.err, "rename .* to .*new: Input/output error")
        self.assertEmpty(self.dir)
        self.assertNotEqual(self.inject("rename", 2, "signal=KILL").code, 0)
        self.assertFalse((self.target / "member").exists())
        self.assertEqual([path.stat().st_size for path in wal.iterdir()], [64_000_000])
        again = harness.run(self.command())
        self.assertEqual(again.code, 1)
        self.assertOneLine(again.err, "wal exists")

    def test_refused_by_the_disk(self):
        for names in (WRITES, FALLS_BACK):
            for name, number in self.calls(names):
                for error in ("ENOSPC", "EIO", "EROFS"):
                    with self.subTest(f"{error} from call {number}, {name}"):
                        outcome = self.inject(name, number, f"error={error}")
                        if names == FALLS_BACK:
                            self.assertEqual(outcome.code, 0, outcome.err)
                            self.check_whole()
                        else:
                            self.assertEqual(outcome.code, 1, outcome.err)
                            self.assertOneLine(outcome.err, "restore .* to ")
                            self.assertEmpty(self.dir)
                        self.reset()


if __name__ == "__main__":
    harness.main()
