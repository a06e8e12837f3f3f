#!/usr/bin/env python3
"""Proves that a log that nobody reads stops nothing: snapshots go on, SIGTERM ends the sidecar in
time, what is lost is counted and told, and no line is cut or mixed. Real pipes, a real terminal,
readers that are stopped by SIGSTOP."""
import fcntl
import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import time
import unittest

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase

DROPPED = "etcdrill_log_dropped_total"


class LogCase(SidecarCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5")

    def start_into(self, descriptor, under=(), **log):
        """A sidecar whose log goes into this descriptor, which is closed here."""
        config, port = self.configure(self.cluster, log={"level": "debug"} | log,
                                      health={"interval": "100ms"},
                                      snapshot={"schedule": "@every 1s"})
        sidecar = harness.Sidecar.__new__(harness.Sidecar)
        sidecar.port, sidecar._tls, sidecar.log = port, None, self.dir / "read.log"
        sidecar.log.touch()
        command = [*under, harness.build_dir() / "etcdrill", "run", "--config", config]
        sidecar.process = subprocess.Popen(harness.guarded(command), stdin=subprocess.DEVNULL,
                                           stdout=descriptor, stderr=descriptor,
                                           env=harness.environment())
        os.close(descriptor)
        self.addCleanup(sidecar.process.wait)
        self.addCleanup(sidecar.process.kill)
        return sidecar

    def small_pipe(self):
        reading, writing = os.pipe()
        fcntl.fcntl(writing, 1031, 4096)  # F_SETPIPE_SZ
        return reading, writing

    def stopped_reader(self, reading):
        """`cat` into read.log, stopped."""
        with open(self.dir / "read.log", "ab") as out:
            reader = subprocess.Popen(harness.guarded(["cat"]), stdin=reading, stdout=out)
        os.close(reading)
        self.addCleanup(reader.wait)
        self.addCleanup(reader.kill)
        reader.send_signal(signal.SIGSTOP)
        return reader

    def assertGoesOnUnread(self, sidecar):
        """Snapshots are taken for longer than there is room for what is said of them, and lines are
        lost."""
        harness.wait_until(lambda: len(self.manifests()) >= 12, "twelve snapshots", timeout=40)
        self.assertGreater(sidecar.value(DROPPED), 0)
        self.assertEqual(sidecar.request("/-/healthy")[0], 200)

    def assertEnds(self, sidecar):
        self.assertEqual(sidecar.stop(within=5), 0)
        self.assertNothingHalfDone()


class Unread(LogCase):
    def test_a_pipe_whose_reader_is_stopped(self):
        reading, writing = self.small_pipe()
        self.stopped_reader(reading)
        sidecar = self.start_into(writing)
        self.assertGoesOnUnread(sidecar)
        self.assertEnds(sidecar)

    def test_a_reader_that_goes_on_gets_whole_lines_and_is_told_of_the_lost_ones(self):
        for form in ("logfmt", "json"):
            with self.subTest(form):
                shutil.rmtree(self.dir / "store", ignore_errors=True)
                reading, writing = self.small_pipe()
                reader = self.stopped_reader(reading)
                sidecar = self.start_into(writing, format=form)
                self.assertGoesOnUnread(sidecar)
                reader.send_signal(signal.SIGCONT)
                harness.wait_until(lambda: "log lines dropped" in sidecar.log.read_text(),
                                   "a word on the lost lines", timeout=10)
                lost = sidecar.value(DROPPED)
                time.sleep(1)
                self.assertEqual(sidecar.value(DROPPED), lost)  # no more
                self.assertEnds(sidecar)
                reader.wait(10)
                text = sidecar.log.read_text()
                self.assertTrue(text.endswith("\n"))
                told = 0
                for line in text.splitlines():
                    is_told = "log lines dropped" in line
                    if form == "json":
                        told += json.loads(line).get("count", 0) if is_told else 0
                        continue
                    self.assertRegex(
                        line,
                        r'^ts=\S+ level=\w+ msg=("[^"]*"|\S+)( \w+=("([^"\\]|\\.)*"|[^ "]+))*$')
                    told += int(re.search(r"count=(\d+)", line)[1]) if is_told else 0
                self.assertEqual(told, lost)
                self.assertIn("etcdrill stopped", text)
                sidecar.log.write_text("")

    def test_a_terminal_that_is_held_up(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        termios.tcflow(theirs, termios.TCOOFF)  # what ^S does
        sidecar = self.start_into(theirs)
        self.assertGoesOnUnread(sidecar)
        self.assertEnds(sidecar)

    @unittest.skipUnless(os.geteuid() == 0, "only root can change the user")
    def test_a_pipe_of_another_user_which_can_not_be_opened_anew(self):
        os.chown(self.dir, 65534, 65534)
        for parent in self.dir.parents:
            if parent == parent.parent or parent.stat().st_mode & 1:
                break
            parent.chmod(0o711)
        reading, writing = self.small_pipe()
        self.stopped_reader(reading)
        sidecar = self.start_into(
            writing, under=["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"])
        self.assertGoesOnUnread(sidecar)
        self.assertEnds(sidecar)

    def test_a_reader_that_went_away(self):
        reading, writing = os.pipe()
        os.close(reading)
        sidecar = self.start_into(writing)
        self.assertGoesOnUnread(sidecar)
        self.assertEnds(sidecar)

    def test_who_shares_the_pipe_still_waits_for_it(self):
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        mine = os.dup(writing)
        self.addCleanup(os.close, mine)
        sidecar = self.start_into(writing)
        sidecar.first_answer("/-/ready")
        self.assertFalse(fcntl.fcntl(mine, fcntl.F_GETFL) & os.O_NONBLOCK)
        self.assertEnds(sidecar)


if __name__ == "__main__":
    harness.main()
