#!/usr/bin/env python3
"""Proves what a service manager sees of `run`: ready when it serves, alive while it runs,
reloading, stopping when it is told to end."""
import os
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase


class Notify(SidecarCase):
    def start(self, address, **environment):
        """A sidecar that is asked to tell `address`, and a function that waits for the next message
        there."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        listener.bind(address.replace("@", "\0"))
        listener.settimeout(10)
        self.addCleanup(listener.close)
        sidecar = super().start({"endpoints": ["127.0.0.1:1"]}, bare=True,
                                env={"NOTIFY_SOCKET": address, **environment})
        return sidecar, lambda: listener.recv(4096).decode()

    def next_but_alive(self, told):
        return next(message for message in iter(told, None) if message != "WATCHDOG=1")

    def test_ready_alive_stopping(self):
        for address in (str(self.dir / "notify"), f"@etcdrill-test-{os.getpid()}"):
            with self.subTest(address):
                sidecar, told = self.start(address, WATCHDOG_USEC="400000")
                self.assertEqual(told(), "READY=1")
                self.assertEqual(sidecar.request("/-/ready")[0], 200)
                sidecar.process.send_signal(signal.SIGHUP)
                self.assertRegex(self.next_but_alive(told), r"^RELOADING=1\nMONOTONIC_USEC=\d+$")
                self.assertEqual(self.next_but_alive(told), "READY=1")
                began = time.monotonic()
                self.assertEqual([told() for _ in range(4)], ["WATCHDOG=1"] * 4)
                self.assertLess(time.monotonic() - began, 4 * 0.4)  # each before its deadline
                sidecar.process.send_signal(signal.SIGTERM)
                messages = []
                while not messages or messages[-1] != "STOPPING=1":
                    messages.append(told())
                self.assertEqual(sidecar.process.wait(5), 0)

    def test_no_watchdog_is_fed_that_is_for_another_process(self):
        sidecar, told = self.start(str(self.dir / "notify"), WATCHDOG_USEC="100000",
                                   WATCHDOG_PID="1")
        self.assertEqual(told(), "READY=1")
        time.sleep(0.5)
        sidecar.process.send_signal(signal.SIGTERM)
        self.assertEqual(told(), "STOPPING=1")

    def test_a_manager_that_reads_nothing_holds_nobody_up(self):
        sidecar, told = self.start(str(self.dir / "notify"), WATCHDOG_USEC="1000")
        self.assertEqual(told(), "READY=1")
        time.sleep(3)  # the socket's queue is full by now
        self.assertEqual(sidecar.request("/-/ready")[0], 200)
        self.assertEqual(sidecar.stop(within=5), 0)

    def test_nobody_asked(self):
        sidecar, _ = self.start(str(self.dir / "notify"), NOTIFY_SOCKET="")
        sidecar.first_answer("/-/ready")
        self.assertEqual(sidecar.stop(), 0)


if __name__ == "__main__":
    harness.main()
