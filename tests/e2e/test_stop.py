#!/usr/bin/env python3
"""Proves that SIGTERM ends the sidecar within five seconds whatever it is doing, that nothing
half-made and no child stays, and that a second one ends it at once. strace makes the disk slow and
tells what is read, so that the moment is no guess.

One hard fact: strace -D leaves the process id to etcdrill; the tracer is a child of nobody and ends
with it."""
import os
import signal
import sys
import time

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase, fill_for_streams

RATE = 400_000  # bytes a second through a proxy: a stream takes some seconds
NEVER = {"schedule": "none"}
# No call but those of the task; each would hang for longer than a stop may take.
QUIET = {"interval": "1h", "timeout": "30s"}


class StopCase(SidecarCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5", size=2)
        fill_for_streams(cls.cluster)

    def traced(self, *faults):
        """A prefix that slows calls down, and the file that tells of each call with the paths of
        its descriptors."""
        trace = self.dir / "trace"
        names = ",".join(fault.split(":")[0] for fault in faults)
        injections = [word for fault in faults for word in ("-e", f"inject={fault}")]
        return harness.strace(trace, "-D", "-y", "-e", f"trace={names}", *injections), trace

    def wait_for_call(self, trace, name, part):
        def called():
            return trace.exists() and any(f" {name}(" in line and part in line
                                          for line in trace.read_text().splitlines())

        harness.wait_until(called, f"{name} of {part}", timeout=30)

    def requests(self, sidecar, method):
        return sidecar.value("etcdrill_etcd_requests_total", method=method)

    def assertStops(self, sidecar):
        begin = time.monotonic()
        super().assertStops(sidecar)
        print(f"{self.id().rsplit('.', 1)[1]}: {time.monotonic() - begin:.2f} s", file=sys.stderr)
        self.assertIn("etcdrill stopped", sidecar.log.read_text())
        # Neither a failure nor a success.
        self.assertEqual(sidecar.lines("snapshot failed") + sidecar.lines("drill failed"), [])


class Tasks(StopCase):
    def test_status(self):
        proxies, section = self.proxies(self.cluster)
        for proxy in proxies:
            proxy.silence()
        sidecar = self.start(section, health=QUIET)
        harness.wait_until(lambda: proxies[0].asked.is_set() and self.requests(sidecar, "Status"),
                           "a call")
        self.assertStops(sidecar)

    def test_stream(self):
        proxies, section = self.proxies(self.cluster, RATE)
        sidecar = self.start(section, health=QUIET)
        self.streaming()
        for proxy in proxies:
            proxy.silence()
        self.assertStops(sidecar)
        self.assertEqual(self.manifests(), [])

    def test_verify(self):
        under, trace = self.traced("pread64:delay_enter=300ms")
        sidecar = self.start(self.cluster, under=under, health=QUIET)
        self.wait_for_call(trace, "pread64", ".part")
        self.assertStops(sidecar)
        self.assertEqual(self.manifests(), [])

    def test_receipt(self):
        proxies, section = self.proxies(self.cluster, RATE)
        leader = proxies[self.cluster.members.index(self.cluster.leader())]
        sidecar = self.start(section, health=QUIET)
        self.streaming()
        asked = self.requests(sidecar, "Status")
        leader.silence()  # the stream comes from the follower, and goes on
        harness.wait_until(
            lambda: leader.asked.is_set() and self.requests(sidecar, "Status") > asked,
            "the leader asked for the receipt", timeout=30)
        self.assertStops(sidecar)
        self.assertEqual(self.manifests(), [])  # who was not asked has not agreed

    def test_seal(self):
        """A disk that takes two seconds to make a file durable: whatever comes of the snapshot is
        whole."""
        under, trace = self.traced("fsync:delay_enter=2s:when=1")
        sidecar = self.start(self.cluster, under=under, health=QUIET)
        self.wait_for_call(trace, "fsync", ".part")
        self.assertStops(sidecar)

    def test_scrub(self):
        first = self.start(self.cluster, health=QUIET, snapshot={"schedule": "@every 1h"})
        first.wait_for_line("snapshot taken")
        self.assertEqual(first.stop(), 0)
        sidecar = self.start(self.cluster, health=QUIET, snapshot=NEVER,
                             scrub={"period": "2s", "rate": "16KiB/s"})
        opened = lambda: harness.open_files(sidecar.process.pid)
        harness.wait_until(lambda: any(path.endswith(".db") for path in opened()),
                           "a snapshot that is read")
        self.assertStops(sidecar)
        self.assertEqual(sidecar.lines("stored snapshot changed"), [])

    def test_adopt(self):
        theirs = self.dir / "theirs"
        theirs.mkdir()
        self.cluster.save(theirs / "snapshot.db")
        under, trace = self.traced("pread64:delay_enter=300ms")
        sidecar = self.start(self.cluster, under=under, health=QUIET, snapshot=NEVER,
                             store={"adopt": ["theirs/*.db"], "adopt_quiet": "1s"})
        self.wait_for_call(trace, "pread64", "snapshot.db>")
        self.assertStops(sidecar)
        self.assertEqual(self.manifests(), [])
        self.assertEqual([path.name for path in theirs.iterdir()], ["snapshot.db"])

    def test_comparing_the_members(self):
        proxies, section = self.proxies(self.cluster)
        sidecar = self.start(section, snapshot=NEVER, health=QUIET | {"hashkv": "@every 1s"})
        sidecar.wait_for_line("members agree")
        for proxy in proxies:
            proxy.silence()
        harness.wait_until(lambda: any(proxy.asked.is_set() for proxy in proxies),
                           "a call that hangs")
        self.assertStops(sidecar)


class Drills(StopCase):
    """Each needs a snapshot in the store; the drill is then asked for."""

    def sidecar_with_a_snapshot(self, under=()):
        first = self.start(self.cluster, health=QUIET, snapshot={"schedule": "@every 1h"})
        first.wait_for_line("snapshot taken")
        self.assertEqual(first.stop(), 0)
        sidecar = self.start(self.cluster, under=under, health=QUIET, snapshot=NEVER)
        sidecar.first_answer("/-/ready")
        self.assertEqual(sidecar.request("/-/drill", "POST")[0], 202)
        return sidecar

    def assertStops(self, sidecar):
        super().assertStops(sidecar)
        self.assertEqual(list((self.dir / "store" / "drills").iterdir()), [])

    def etcd_of(self, sidecar):
        return [pid for pid, (parent, command) in harness.process_table().items()
                if parent == sidecar.process.pid and str(self.dir / "scratch") in command]

    def test_checksum(self):
        under, trace = self.traced("pread64:delay_enter=300ms")
        sidecar = self.sidecar_with_a_snapshot(under)
        self.wait_for_call(trace, "pread64", "Z.db>")
        self.assertStops(sidecar)

    def test_restore(self):
        under, trace = self.traced("pwrite64:delay_enter=500ms")
        sidecar = self.sidecar_with_a_snapshot(under)
        self.wait_for_call(trace, "pwrite64", "scratch")
        self.assertStops(sidecar)

    def test_a_second_signal_ends_it_at_once(self):
        """Where the first one would take a dozen seconds."""
        under, trace = self.traced("pwrite64:delay_enter=3s")
        sidecar = self.sidecar_with_a_snapshot(under)
        self.wait_for_call(trace, "pwrite64", "scratch")
        sidecar.process.send_signal(signal.SIGTERM)
        with self.assertRaises(harness.subprocess.TimeoutExpired):
            sidecar.process.wait(0.3)
        sidecar.process.send_signal(signal.SIGTERM)
        # strace lets go of it when the call is over.
        self.assertEqual(sidecar.process.wait(3.5), 130)
        # The next one sweeps what was left.
        after = self.start(self.cluster, health=QUIET, snapshot=NEVER)
        after.first_answer("/-/ready")
        self.assertEqual(after.request("/-/drill", "POST")[0], 202)
        after.wait_for_line("drill passed")
        super().assertStops(after)

    def test_boot(self):
        sidecar = self.sidecar_with_a_snapshot()
        etcd, = harness.wait_until(lambda: self.etcd_of(sidecar), "the drill's etcd")
        os.kill(etcd, signal.SIGSTOP)
        self.assertStops(sidecar)

    def test_at_any_moment(self):
        """The command, stopped at the parts of the time that it takes: health, verify and cleanup
        last milliseconds only."""
        saved = self.cluster.save(self.dir / "saved.db")
        command = [harness.build_dir() / "etcdrill", "drill", saved,
                   "--scratch-dir", self.dir / "scratch",
                   "--etcd", harness.tool("3.5", "etcd"), "-w", "json"]
        begin = time.monotonic()
        harness.must(command)
        took = time.monotonic() - begin
        interrupted = []
        for part in range(1, 9):
            process = self.scene.start(command, self.dir / f"drill-{part}.json")
            begin = time.monotonic()
            try:
                process.wait(took * part / 9)
            except harness.subprocess.TimeoutExpired:
                process.send_signal(signal.SIGTERM)
            code = process.wait(5)
            self.assertIn(code, (0, 130))
            interrupted.append(code == 130)
            if code == 0:  # the machine has less other work than before
                took = min(took, time.monotonic() - begin)
            self.assertEqual(harness.processes_naming(self.dir / "scratch"), [])
            self.assertEmpty(self.dir / "scratch")
        self.assertGreaterEqual(sum(interrupted), 3, interrupted)


if __name__ == "__main__":
    harness.main()
