#!/usr/bin/env python3
"""Proves that everything ends at its deadline: hosts that swallow what they are sent, members that
hang before, in the middle of and after a stream, disks that are too slow for a drill. What ends
there says so with the reason `timeout`, and leaves nothing."""
import json
import os
import re
import signal
import socket
import sys
import threading
import time
import unittest

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase, fill_for_streams

RATE = 300_000  # bytes a second through a proxy: the stream of 800 kB takes nearly three
MARGIN = 3.0  # seconds: two cores may be busy with something else


class NameServer:
    """On port 53 of a loopback address. Answers questions for IPv4 addresses if it is told to, and
    never those for IPv6."""

    ADDRESS = "127.53.53.53"

    def __init__(self, answers):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((self.ADDRESS, 53))
        self._socket.settimeout(0.1)
        self._answers = answers
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self):
        self._closed.set()
        self._thread.join()
        self._socket.close()

    def _serve(self):
        while not self._closed.is_set():
            try:
                question, sender = self._socket.recvfrom(512)
            except TimeoutError:
                continue
            if self._answers and question[-4:] == b"\0\1\0\1":  # type A, class IN
                head = question[:2] + b"\x81\x80" + b"\0\1\0\1\0\0\0\0"
                answer = (b"\xc0\x0c\0\1\0\1" + (60).to_bytes(4, "big")
                          + b"\0\4" + bytes([127, 0, 0, 1]))
                self._socket.sendto(head + question[12:] + answer, sender)


class DeadlineCase(SidecarCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5", size=2)
        fill_for_streams(cls.cluster)

    def within(self, seconds, action):
        """What the action returns, which must be there in time."""
        begin = time.monotonic()
        result = action()
        took = time.monotonic() - begin
        self.assertLess(took, seconds + MARGIN, f"took {took:.1f} s, its deadline was {seconds} s")
        return result


@unittest.skipUnless(os.geteuid() == 0, "only root can have another name server")
class Names(DeadlineCase):
    def health(self, answers, code):
        server = NameServer(answers)
        self.addCleanup(server.close)
        file = self.dir / "resolv.conf"
        file.write_text(f"nameserver {server.ADDRESS}\n")
        port = self.cluster.endpoints[0].rsplit(":", 1)[1]
        command = [
            "unshare", "--mount", "sh", "-c",
            'mount --bind "$1" /etc/resolv.conf && shift && exec "$@"', "sh", file,
            harness.build_dir() / "etcdrill", "health", "--endpoints",
            f"http://etcd.example.test:{port}", "-w", "json"
        ]
        outcome = self.within(5, lambda: harness.run(command))
        self.assertEqual(outcome.code, code, outcome.out + outcome.err)
        return json.loads(outcome.out)[0]["problem"]

    def test_a_name_server_that_is_silent(self):
        problem = self.health(answers=False, code=1)
        self.assertIn("DNS resolution failed", problem)
        self.assertIn("Check the host name and the name server", problem)
        self.assertNotIn("no answer in time", problem)

    def test_a_name_server_that_is_silent_about_ipv6_only(self):
        self.assertEqual(self.health(answers=True, code=0), "")


class Calls(DeadlineCase):
    """Commands, whose deadline is --command-timeout."""

    def test_a_host_that_swallows_everything(self):
        url = self.cluster.endpoints[0]
        for scheme in ("http", "https"):
            proxy, = self.proxies(self.cluster, urls=[url.replace("http", scheme)])[0]
            proxy.silence()
            flags = ["--endpoints", proxy.url, "--command-timeout", "2s", "--dial-timeout", "1s"]
            for command in (["health"], ["snapshot", "save", self.dir / "x.db"]):
                with self.subTest(scheme, command=command[0]):
                    outcome = self.within(2, lambda: self.etcdrill(*command, *flags, code=1))
                    self.assertRegex(outcome.out + outcome.err,
                                     "[Tt]he host is down, hangs, or is unreachable")
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_a_member_that_hangs_once_it_was_connected(self):
        sidecar = self.start(self.cluster, health={"interval": "500ms", "timeout": "1s"})
        sidecar.wait_for_line("snapshot taken")
        for member in self.cluster.members:
            member.process.send_signal(signal.SIGSTOP)
        try:
            # The first call finds the connection standing; it is given up, and no other can be
            # made.
            line = self.within(4, lambda: self.next_line(sidecar, "snapshot failed"))
            self.assertRegex(
                line, "reason=(timeout .*no answer in time|connect .*not connected in time)")
            failures = [sidecar.value("etcdrill_snapshot_failures_total", reason=reason)
                        for reason in ("timeout", "connect")]
            self.assertGreaterEqual(sum(failures), 1)
            self.within(4, lambda: sidecar.wait_for_value(0, "etcdrill_source_up"))
            self.assertEqual(sidecar.request("/-/healthy")[0], 200)
        finally:
            for member in self.cluster.members:
                member.process.send_signal(signal.SIGCONT)
        self.next_line(sidecar, "snapshot taken")
        sidecar.wait_for_value(1, "etcdrill_source_up")
        self.assertStops(sidecar)


class Streams(DeadlineCase):
    TIMEOUT = 4

    def run_sidecar(self, section):
        sidecar = self.start(section, snapshot={"timeout": f"{self.TIMEOUT}s"},
                             health={"interval": "1h", "timeout": "1s"})
        self.streaming()
        return sidecar

    def test_a_stream_that_stalls_midway(self):
        proxies, section = self.proxies(self.cluster, RATE)
        sidecar = self.run_sidecar(section)
        for proxy in proxies:
            proxy.silence()
        # The other member gets its own chance, and does not even answer.
        line = self.within(2 * self.TIMEOUT, lambda: self.next_line(sidecar, "snapshot failed"))
        self.assertRegex(line, "reason=(timeout|connect)")
        self.assertEqual(self.parts(), [])
        for proxy in proxies:
            proxy.rate = None
            proxy.speak()
        self.next_line(sidecar, "snapshot taken", timeout=20)  # over a new connection
        self.assertStops(sidecar)

    def test_the_only_member_is_stopped_in_mid_stream(self):
        member = self.follower()
        process = member.process
        proxies, section = self.proxies(self.cluster, RATE, urls=[member.client_url])
        sidecar = self.run_sidecar(section)
        proxies[0].silence()  # what is on its way already would go on for a while
        process.send_signal(signal.SIGSTOP)
        try:
            # The first one there is: the next attempt, a second later, can't even connect.
            self.within(self.TIMEOUT, lambda: sidecar.wait_for_line("snapshot failed"))
            line = sidecar.lines("snapshot failed")[0]
            self.assertIn("reason=timeout", line)
            self.assertRegex(line, r"only \d+ bytes received within 4", sidecar.log.read_text())
            self.assertEqual(self.parts(), [])
            self.assertEqual(sidecar.value("etcdrill_snapshot_failures_total", reason="timeout"), 1)
        finally:
            process.send_signal(signal.SIGCONT)
        proxies[0].rate = None
        proxies[0].speak()
        self.next_line(sidecar, "snapshot taken", timeout=20)  # over a new connection
        self.assertStops(sidecar)

    def test_a_stream_that_is_too_slow(self):
        _, section = self.proxies(self.cluster, rate=100_000, urls=[self.follower().client_url])
        sidecar = self.run_sidecar(section)
        line = self.within(self.TIMEOUT, lambda: self.next_line(sidecar, "snapshot failed"))
        self.assertIn("reason=timeout", line)
        self.assertIn("raise snapshot.timeout", line)
        self.assertStops(sidecar)

    def test_a_command_obeys_its_flag_and_else_the_configuration(self):
        _, section = self.proxies(self.cluster, rate=100_000, urls=[self.follower().client_url])
        config = self.configure(section, snapshot={"timeout": f"{self.TIMEOUT}s"})[0]
        for flags, limit in (([], self.TIMEOUT), (["--timeout", "1s"], 1)):
            for target in ([], [self.dir / "snapshot.db"]):
                with self.subTest(limit=limit, target=target):
                    command = ["snapshot", "save", *target, "--config", config, *flags]
                    outcome = self.within(limit, lambda: self.etcdrill(*command, code=1))
                    self.assertOneLine(outcome.err, fr"only \d+ bytes received within {limit}\.0s")
                    self.assertEqual(self.parts(), [])

    def test_a_member_that_does_not_give_its_hash(self):
        """The snapshot is proven by its own bytes and by the member that answers; the receipt names
        the one that did not."""
        proxies, section = self.proxies(self.cluster, RATE)
        silent = proxies[1 - self.cluster.members.index(self.follower())]
        sidecar = self.run_sidecar(section)
        silent.silence()
        self.within(self.TIMEOUT, lambda: sidecar.wait_for_line("snapshot taken"))
        receipt = {record["endpoint"]: record for record in self.manifests()[0]["receipt"]}
        self.assertRegex(receipt[silent.url]["error"], "no answer in time|is unreachable")
        self.assertEqual([record["result"] for url, record in receipt.items() if url != silent.url],
                         ["equal"])
        self.assertStops(sidecar)

    def follower(self):
        leader = self.cluster.leader()
        return next(member for member in self.cluster.members if member is not leader)


class Drills(DeadlineCase):
    TIMEOUT = 3

    def failed_drill(self, under=(), meanwhile=lambda sidecar: None):
        """The log line of a drill that had three seconds."""
        first = self.start(self.cluster, snapshot={"schedule": "@every 1h"})
        first.wait_for_line("snapshot taken")
        self.assertEqual(first.stop(), 0)
        sidecar = self.start(self.cluster, under=under, snapshot={"schedule": "none"},
                             drill={"timeout": f"{self.TIMEOUT}s"})
        sidecar.first_answer("/-/ready")
        begin = time.monotonic()
        self.assertEqual(sidecar.request("/-/drill", "POST")[0], 202)
        meanwhile(sidecar)
        line = sidecar.wait_for_line("drill failed")
        self.assertLess(time.monotonic() - begin, self.TIMEOUT + MARGIN, line)
        self.assertEmpty(self.dir / "scratch")
        stage = re.search(r"stage=(\w+)", line)[1]
        self.assertGreaterEqual(sidecar.value("etcdrill_drill_failures_total", stage=stage), 1)
        self.assertStops(sidecar)
        return line

    def slow(self, fault):
        return harness.strace("/dev/null", "-D", "-e", f"trace={fault.split(':')[0]}",
                              "-e", f"inject={fault}")

    def test_reading_takes_too_long(self):
        line = self.failed_drill(self.slow("pread64:delay_enter=200ms"))
        self.assertIn("stage=checksum", line)
        self.assertIn("reason=timeout", line)
        self.assertIn("Raise drill.timeout", line)

    def test_writing_takes_too_long(self):
        line = self.failed_drill(self.slow("pwrite64:delay_enter=700ms"))
        # How many writes a restore takes is not for this test to know.
        self.assertRegex(line, "stage=(restore|boot)")
        self.assertIn("reason=timeout", line)

    def test_an_etcd_that_hangs_while_it_boots(self):
        def stop_etcd(sidecar):
            def etcd():
                return [pid for pid, (parent, command) in harness.process_table().items()
                        if parent == sidecar.process.pid and str(self.dir / "scratch") in command]

            os.kill(harness.wait_until(etcd, "the drill's etcd")[0], signal.SIGSTOP)

        line = self.failed_drill(meanwhile=stop_etcd)
        self.assertIn("stage=boot", line)
        self.assertIn("reason=timeout", line)
        self.assertIn("last output", line)


if __name__ == "__main__":
    harness.main()
