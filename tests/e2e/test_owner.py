#!/usr/bin/env python3
"""Proves that commands in a root shell leave nothing in the store of a sidecar with a user of its
own that it can't read or lock."""
import os
import sys
import unittest

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase

NOBODY = 65534
AS_NOBODY = ["setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]


@unittest.skipUnless(os.geteuid() == 0, "needs root")
class Owner(SidecarCase):
    def test_commands_of_root_shut_nobody_out(self):
        cluster = harness.Cluster(self.scene, "3.5")
        harness.fill(cluster)
        self.scene.path.chmod(0o755)
        home = self.dir / "home"
        home.mkdir(mode=0o700)
        for path in (self.dir, home):
            os.chown(path, NOBODY, NOBODY)
        config, port = self.configure(
            cluster, store={"path": "home/not/yet/store"}, snapshot={"schedule": "@every 1h"},
            drill={"schedule": "@every 2s", "jitter": "2s", "scratch_dir": "home/scratch"})
        config.chmod(0o644)
        # Before the sidecar's first start, and beside it.
        self.etcdrill("snapshot", "save", "--config", config)
        sidecar = harness.Sidecar(self.scene, config, port, self.dir, under=AS_NOBODY)
        self.addCleanup(sidecar.process.kill)
        sidecar.wait_for_line("etcdrill started")
        self.etcdrill("drill", "latest", "--config", config)
        self.etcdrill("snapshot", "save", "--config", config)
        self.etcdrill("verify", "latest", "--config", config)
        foreign = [path for path in (home / "not").rglob("*") if path.stat().st_uid != NOBODY]
        self.assertEqual(foreign, [])
        sidecar.wait_for_line("drill passed", after=2)
        self.assertEqual(sidecar.value("etcdrill_drill_consecutive_failures"), 0)
        self.assertEqual(sidecar.value("etcdrill_snapshots", state="unreadable"), 0)
        self.assertEqual(
            [line for line in sidecar.log.read_text().splitlines() if "level=error" in line], [])
        self.assertEqual(sidecar.stop(), 0)


if __name__ == "__main__":
    harness.main()
