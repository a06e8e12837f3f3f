#!/usr/bin/env python3
"""Proves what a drill does when something goes wrong: a fault in each stage is told as that stage,
with the right reason, exit code and verdict; a drill that is killed at any moment leaves no
process; hundreds in a row leak nothing.

One hard fact: an etcd can be made to fail at one call only from outside, by a proxy between its
socket and ours.
"""
import json
import os
import pathlib
import random
import re
import sys
import time

sys.dont_write_bytecode = True
import bolt
import harness
import test_drill
from sidecar_case import every, start_sidecar

SNAPSHOT = harness.fixture("e3530-compacted")
VERSION_ANSWER = 'if [ "$1" = --version ]; then echo "etcd Version: 3.5.30"; exit 0; fi\n'

# Stands in for etcd: starts the real one on another socket, passes all bytes on, and goes silent
# once it sees MARKER.
SILENT_AT = """\
import os, socket, subprocess, sys, threading
arguments = sys.argv[1:]
if arguments == ["--version"]:
    os.execv("{etcd}", ["etcd", "--version"])
for flag in ("--listen-client-urls", "--advertise-client-urls"):
    arguments[arguments.index(flag) + 1] = "unix://real:0"
child = subprocess.Popen(["{etcd}", *arguments])
listener = socket.socket(socket.AF_UNIX)
listener.bind("m1.client:0")
listener.listen()
silent = threading.Event()
def pass_on(source, target, look):
    while data := source.recv(65536):
        if look and b"{marker}" in data:
            silent.set()
        if not silent.is_set():
            target.sendall(data)
def serve(near):
    far = socket.socket(socket.AF_UNIX)
    try:
        far.connect("real:0")
    except OSError:
        near.close()
        return
    threading.Thread(target=pass_on, args=(near, far, True), daemon=True).start()
    threading.Thread(target=pass_on, args=(far, near, False), daemon=True).start()
while True:
    serve(listener.accept()[0])
"""


class FaultCase(test_drill.DrillCase):
    def setUp(self):
        super().setUp()
        self.etcd = harness.tool("3.5", "etcd")

    def stand_in(self, text):
        path = self.scratch.with_name("stand-in") / "etcd"
        path.parent.mkdir()
        path.write_text(text)
        path.chmod(0o755)
        return path

    def fails(self, etcd, stage, verdict, reason, code, *flags, snapshot=SNAPSHOT):
        """A drill that fails so; its report and its error line."""
        report = self.drill(snapshot, etcd, *flags, code=code)
        self.assertFailedIn(report, stage, verdict)
        self.assertOneLine(self.error, reason)
        return report


class Stages(FaultCase):
    """One fault for each stage that damages nothing by itself. What is no etcd, and damaged files:
    test_drill.py."""

    def test_select_no_space(self):
        sparse = self.dir / "sparse.db"
        sparse.touch()
        os.truncate(sparse, 8 << 40)
        self.fails(self.etcd, "select", "not_provable", "bytes free.*Free", 1, snapshot=sparse)

    def test_select_scratch_is_no_directory(self):
        self.scratch.write_text("")
        outcome = self.etcdrill(*self.drill_command(SNAPSHOT, self.etcd), code=1)
        self.assertOneLine(outcome.err, "scratch")
        self.error = outcome.err
        self.assertFailedIn(json.loads(outcome.out), "select", "not_provable")

    def strace(self, *options):
        command = [harness.build_dir() / "etcdrill", *self.drill_command(SNAPSHOT, self.etcd)]
        outcome = harness.run([*harness.strace("/dev/null", *options), *command])
        self.error = outcome.err
        return outcome.code, json.loads(outcome.out)

    def test_restore_refused_by_the_disk(self):
        for error, words in (("ENOSPC", "No space left"), ("EIO", "Input/output error")):
            with self.subTest(error):
                code, report = self.strace("-e", "trace=fallocate", "-e",
                                           f"inject=fallocate:error={error}:when=1")
                self.assertEqual(code, 1)
                self.assertFailedIn(report, "restore", "not_provable")
                self.assertEqual(report["level_reached"], 3)
                self.assertOneLine(self.error, words)
                self.assertNothingLeft()

    def test_boot_of_a_database_that_changed_on_the_way(self):
        stand_in = self.stand_in(
            f'#!/bin/sh\n{VERSION_ANSWER}: > "$4"/member/snap/db\nexec {self.etcd} "$@"\n')
        self.fails(stand_in, "boot", "not_provable", "etcd exited", 1, "--timeout", "10s")

    def silent_at(self, marker):
        text = SILENT_AT.format(etcd=self.etcd, marker=marker)
        return self.stand_in(f"#!{sys.executable}\n{text}")

    def test_health_gets_no_answer(self):
        report = self.fails(self.silent_at("Maintenance/Alarm"), "health", "not_provable",
                            "before health was done", 1, "--timeout", "10s")
        self.assertEqual(report["level_reached"], 4)

    def test_verify_gets_no_answer(self):
        began = time.monotonic()
        report = self.fails(self.silent_at("Maintenance/HashKV"), "verify", "not_provable",
                            "before verify was done", 1, "--timeout", "10s")
        self.assertEqual(
            [check["result"] for check in report["checks"] if check["name"] == "hashkv"],
            ["skipped"])
        self.assertLess(time.monotonic() - began, 25)

    def test_health_with_other_alarms_than_the_snapshot(self):
        # The stand-in boots what another snapshot restores to, which has no alarm.
        restore = (
            f'{harness.tool("3.5", "etcdutl")} snapshot restore {SNAPSHOT} --data-dir other '
            '--name m1 --initial-cluster m1=unix://m1.peer:0 '
            '--initial-advertise-peer-urls unix://m1.peer:0 >/dev/null 2>&1')
        stand_in = self.stand_in(
            f'#!/bin/sh\n{VERSION_ANSWER}rm -rf "$4"\n{restore}\nmv other "$4"\n'
            f'exec {self.etcd} "$@"\n')
        report = self.fails(stand_in, "health", "damaged", "alarms: expected NOSPACE, got none", 3,
                            snapshot=harness.fixture("e3530-alarm"))
        self.assertEqual(report["level_reached"], 4)

    def test_verify_finds_a_value_that_changed_on_the_way(self):
        rows = bolt.BoltFile(SNAPSHOT.read_bytes()[:-32]).buckets["key"]
        value = max(rows.values(), key=len)
        find, put = value[-40:].hex(), (b"x" * 40).hex()
        change = (
            f"import sys\npath = sys.argv[1] + '/member/snap/db'\nd = open(path, 'rb').read()\n"
            f"open(path, 'wb').write(d.replace(bytes.fromhex('{find}'), bytes.fromhex('{put}')))\n")
        (self.dir / "change.py").write_text(change)
        stand_in = self.stand_in(
            f'#!/bin/sh\n{VERSION_ANSWER}{sys.executable} {self.dir / "change.py"} "$4"\n'
            f'exec {self.etcd} "$@"\n')
        report = self.fails(stand_in, "verify", "damaged", "hashkv: expected", 3)
        self.assertEqual({check["name"] for check in report["checks"] if check["result"] == "fail"},
                         {"hashkv"})

    def test_a_fourth_member_that_never_joins(self):
        stand_in = self.stand_in('#!/bin/sh\nif [ "$2" = m4 ]; then exit 1; fi\n'
                                 f'exec {self.etcd} "$@"\n')
        began = time.monotonic()
        report = self.fails(stand_in, "verify", "not_provable",
                            "before verify was done.*new_member", 1,
                            "--full-cluster", "--timeout", "25s")
        self.assertLess(time.monotonic() - began, 40)
        results = {check["name"]: check["result"] for check in report["checks"]}
        self.assertEqual((results["replicas"], results["new_member"]), ("pass", "skipped"))

    def test_cleanup_that_fails_takes_nothing_away(self):
        code, report = self.strace("-e", "trace=rmdir", "-e", "inject=rmdir:error=EIO")
        self.assertEqual(code, 0)
        self.assertEqual((report["verdict"], report["level_reached"]), ("proven", 5))
        self.assertEqual((report["stages"][-1]["name"], report["stages"][-1]["result"]),
                         ("cleanup", "fail"))
        self.assertRegex(report["stages"][-1]["error"], "Input/output error")
        self.drill(SNAPSHOT, self.etcd)  # and the next one sweeps


class Memory(FaultCase):
    def configure(self, limit):
        path = self.dir / "drill.yaml"
        path.write_text(f"drill:\n  scratch_dir: {self.scratch}\n"
                        f"  etcd: {{binary: {self.etcd}, memory_limit: {limit}}}\n")
        return path

    def test_a_limit_that_the_snapshot_does_not_fit_into(self):
        report = self.fails(self.etcd, "boot", "not_provable",
                            "drill.etcd.memory_limit is 10.0 MiB", 1, "--config",
                            self.configure("10MiB"))
        self.assertEqual(report["level_reached"], 4)

    def test_the_limit_holds_for_etcd(self):
        process = self.scene.start(
            [harness.build_dir() / "etcdrill", *self.drill_command(SNAPSHOT, self.etcd),
             "--config", self.configure("200MiB")], self.dir / "log")
        seen = set()
        while process.poll() is None:
            for pid in harness.processes_naming(self.scratch):
                try:
                    limits = pathlib.Path(f"/proc/{pid}/limits").read_text()
                    environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes()
                except OSError:
                    continue
                if b"GOMEMLIMIT" in environment:
                    seen.add((re.search(r"Max data size +(\S+)", limits)[1],
                              re.search(rb"GOMEMLIMIT=(\d+)", environment)[1].decode()))
        self.assertEqual(process.returncode, 0)
        self.assertIn((str(200 << 20), str((200 << 20) // 10 * 9)), seen)


class Endurance(FaultCase):
    def test_killed_at_a_hundred_moments(self):
        command = [harness.build_dir() / "etcdrill", *self.drill_command(SNAPSHOT, self.etcd)]
        began = time.monotonic()
        self.drill(SNAPSHOT, self.etcd)
        whole = time.monotonic() - began
        cut_short = tries = 0
        while cut_short < 100:  # one that was over before its moment does not count
            tries += 1
            self.assertLess(tries, 300)
            process = self.scene.start(command, self.dir / "log")
            time.sleep(random.uniform(0, whole))
            cut_short += process.poll() is None
            process.kill()
            process.wait()
            harness.wait_until(lambda: not harness.processes_naming(self.scratch),
                               f"no process after kill {tries}", timeout=2)
            self.assertLessEqual(len(list(self.scratch.glob("*"))), 2,
                                 "what earlier ones left was not swept")
        self.drill(SNAPSHOT, self.etcd)

    def test_two_hundred_in_a_row_leak_nothing(self):
        cluster = harness.Cluster(self.scene, "3.5")
        cluster.etcdctl("put", "a", "b")
        sidecar = start_sidecar(
            self.scene, self.dir, {"endpoints": cluster.endpoints}, bare=True,
            snapshot=every("1h"), drill=every("100ms") | {"etcd": {"binary": str(self.etcd)}})
        self.addCleanup(sidecar.process.kill)
        pid = sidecar.process.pid

        def passed():
            return len(sidecar.lines("drill passed"))

        def held():
            """Descriptors and threads, at a moment without a drill."""
            def look():
                children = [p for p, (parent, _) in harness.process_table().items()
                            if parent == pid]
                counts = (len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task")))
                idle = not children and sidecar.value("etcdrill_drill_in_progress") == 0
                return counts if idle else None

            return harness.wait_until(look, "a moment between two drills", timeout=60)

        harness.wait_until(lambda: passed() >= 10, "ten drills", timeout=60)
        before = held()
        harness.wait_until(lambda: passed() >= 200, "two hundred drills", timeout=540)
        after = held()
        self.assertLessEqual(after[0], before[0] + 3, "descriptors")
        self.assertLessEqual(after[1], before[1] + 2, "threads")
        zombies = [path for path in pathlib.Path("/proc").glob("[0-9]*/stat")
                   if self.fields(path)[1:3] == ["Z", str(pid)]]
        self.assertEqual(zombies, [])
        self.assertEqual(sidecar.lines("drill failed"), [])
        # Due while one ran: counted only.
        self.assertGreater(sidecar.value("etcdrill_drill_skipped_total", reason="busy"), 100)
        self.assertEqual(sidecar.stop(), 0)
        self.assertNothingLeft()
        self.etcdrill("drills", "verify", "--config", self.dir / "etcdrill.yaml")

    def fields(self, path):
        try:
            return [path.parent.name, *path.read_text().rsplit(")", 1)[1].split()[:2]]
        except OSError:
            return ["", "", ""]


if __name__ == "__main__":
    harness.main()
