#!/usr/bin/env python3
"""Objects through the real rclone (from PyPI, scripts/fetch-tools): what any store promises, kept
in a directory; and what was measured of rclone and decides how it is called, so that a release in
which it changes is noticed. Skipped by name where rclone can't be had."""
import functools
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import unittest

import harness


@functools.cache
def rclone():
    path = harness.ROOT / "build" / "tools" / "rclone"
    if not path.exists():
        raise unittest.SkipTest("rclone is not there (scripts/fetch-tools)")
    return path


class RcloneTest(unittest.TestCase):

    def setUp(self):
        self.dir = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.root = self.dir / "site"
        self.root.mkdir()
        self.config = self.dir / "rclone.conf"
        self.config.write_text(f"[site]\ntype = alias\nremote = {self.root}\n")

    def rclone(self, *arguments):
        done = subprocess.run([rclone(), "--config", self.config, "--retries", "1", *arguments],
                              capture_output=True, text=True, timeout=60)
        return harness.Outcome(done.returncode, done.stdout, done.stderr)

    def conform(self, *arguments, remote="site:"):
        return subprocess.run(
            [harness.build_dir() / "tests" / "rclone_conformance", *arguments],
            env=os.environ | {"RCLONE_PROGRAM": str(rclone()),
                              "RCLONE_CONFIG_FILE": str(self.config), "RCLONE_REMOTE": remote},
            capture_output=True, text=True, timeout=600 * harness.slower())

    def test_promises_of_a_store(self):
        outcome = self.conform()
        self.assertEqual(outcome.returncode, 0, outcome.stdout[-5000:])

    def test_a_missing_root_is_never_made(self):
        self.root.rmdir()
        outcome = self.conform("-c", "an object comes back")
        self.assertNotEqual(outcome.returncode, 0)
        self.assertIn("make it (`rclone mkdir`)", " ".join(outcome.stdout.split()))
        self.assertFalse(self.root.exists())

    def test_an_unknown_remote(self):
        outcome = self.conform("-c", "an object comes back", remote="nobody:x")
        self.assertIn("`rclone listremotes`", " ".join(outcome.stdout.split()))

    def test_what_was_measured(self):
        (self.root / "folder").mkdir()
        (self.root / "folder" / "there").write_text("hello")
        self.assertEqual(self.rclone("deletefile", "site:folder/none").code, 4)
        self.assertEqual(self.rclone("lsjson", "--files-only", "site:none").code, 3)
        # A file that is listed as if it were a folder; with a filter it is not.
        listed = json.loads(self.rclone("lsjson", "--files-only", "site:folder/there").out)
        self.assertEqual([item["Path"] for item in listed], ["there"])
        filtered = self.rclone("lsjson", "--files-only", "--include", "/x", "site:folder/there/")
        self.assertEqual(filtered.code, 1)
        self.assertIn("imit to single files when using filters", filtered.err)
        # A range behind the end, and a folder, end well.
        behind = self.rclone("cat", "--offset", "9", "--count", "2", "site:folder/there")
        self.assertEqual((behind.code, behind.out), (0, ""))
        self.assertEqual(self.rclone("cat", "site:folder").out, "hello")

    def test_a_killed_upload_leaves_what_a_sweep_knows(self):
        big = self.dir / "big"
        with open(big, "wb") as file:
            file.truncate(64 << 20)
        upload = subprocess.Popen([rclone(), "--config", self.config, "--bwlimit", "1M", "copyto",
                                   big, "site:a.db"])
        self.addCleanup(upload.wait)
        harness.wait_until(lambda: list(self.root.iterdir()), "something is there")
        upload.send_signal(signal.SIGKILL)
        upload.wait()
        self.assertRegex([path.name for path in self.root.iterdir()][0],
                         r"^a\.db\.[0-9a-zA-Z]{8}\.partial$")
        listed = self.rclone("lsjson", "--files-only", "--exclude", "*.????????.partial", "site:")
        self.assertEqual(json.loads(listed.out), [])


if __name__ == "__main__":
    harness.main()
