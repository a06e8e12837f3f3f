#!/usr/bin/env python3
"""Proves that what was proven is what is used: each command opens a snapshot once, and reads that
one open file, however often the name changes hands meanwhile. Every producer of snapshots publishes
by rename, so this is no rare race.

strace counts the opens, and holds the program where another file takes the place of the first.
"""
import itertools
import os
import re
import shutil
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
import harness

SOUND = harness.fixture("e3530-compacted")


def damaged_bytes():
    """One bit of a value, under the old trailer."""
    sound = bytearray(SOUND.read_bytes())
    at = sound.rindex(b"/registry/") if b"/registry/" in sound else len(sound) // 2
    sound[at + 3] ^= 1
    return bytes(sound)


class OneOpenFile(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.file = self.dir / "snapshot.db"
        self.log = self.dir / "strace.log"

    def strace(self, *options):
        return [*harness.strace(self.log, *options), harness.build_dir() / "etcdrill"]

    def test_each_command_opens_it_once(self):
        shutil.copy(SOUND, self.file)
        older = self.dir / "older.db"
        shutil.copy(harness.fixture("e3530-nocompact"), older)
        assertions = self.dir / "etcdrill.yaml"
        assertions.write_text(
            "store: {path: store}\ndrill:\n  assertions: [{prefix: k, min_keys: 1}]\n")
        etcd = harness.tool("3.5", "etcd")
        drill = ["drill", self.file, "--scratch-dir", self.dir / "scratch"]
        for arguments, code in (
            (["verify", "--inventory", self.file], 0),
            (["hashkv", self.file], 0),
            (["snapshot", "status", self.file], 0),
            (["lineage", older, self.file], 0),
            (["snapshot", "restore", self.file, "--data-dir", self.dir / "data"], 0),
            ([*drill, "--etcd", etcd], 0),
            ([*drill, "--etcd", etcd, "--full-cluster"], 0),
            # Without an etcd the assertions are asked of the file.
            ([*drill, "--etcd", "/nowhere/etcd", "--config", assertions], None),
        ):
            with self.subTest(" ".join(map(str, arguments[:3]))):
                done = harness.run([*self.strace("-e", "trace=open,openat,openat2"), *arguments])
                if code is not None:
                    self.assertEqual(done.code, code, done.out + done.err)
                opens = [line for line in self.log.read_text().splitlines()
                         if f'"{self.file}"' in line]
                self.assertEqual(len(opens), 1, opens)

    def test_a_stored_one_is_opened_once(self):
        cluster = harness.Cluster(self.scene, "3.5")
        self.addCleanup(cluster.kill)
        config = self.dir / "etcdrill.yaml"
        config.write_text(f"cluster: {{endpoints: ['{cluster.endpoints[0]}']}}\n"
                          "store: {path: store}\n")
        self.etcdrill("snapshot", "save", "--config", config)
        stored, = (self.dir / "store").glob("*.db")
        traced = self.strace("-y", "-e", "trace=open,openat,openat2,read,pread64")
        harness.must([*traced, "verify", "latest", "--config", config])
        lines = [line for line in self.log.read_text().splitlines() if stored.name in line]
        # One more holds the lock, so that no other process removes the file; it is not read.
        opens = [line for line in lines if " open" in line and "O_NOFOLLOW" not in line]
        readers = set(re.findall(r" p?read(?:64)?\((\d+)<", "\n".join(lines)))
        self.assertEqual(len(readers), 1, readers)
        self.assertEqual(len(opens), 1, opens)

    def while_it_is_read(self, act, *command):
        """Runs a command whose every read is slow; `act` runs each 10 ms meanwhile."""
        done = threading.Event()

        def go_on():
            while not done.wait(0.01):
                act()

        writer = threading.Thread(target=go_on)
        writer.start()
        try:
            slow = self.strace("-e", "trace=pread64", "-e", "inject=pread64:delay_enter=30000")
            return harness.run([*slow, *command])
        finally:
            done.set()
            writer.join()

    def test_a_writer_takes_the_verdict_away(self):
        """Neither sound nor damaged: nobody knows."""
        shutil.copy(SOUND, self.file)
        numbers = itertools.count()

        def write():
            with open(self.file, "r+b") as file:
                file.seek(len(SOUND.read_bytes()) // 2)
                file.write(next(numbers).to_bytes(8, "big"))

        for command in (
            ["verify"], ["verify", "--level", "1"], ["snapshot", "status"],
            ["snapshot", "restore", "--data-dir", self.dir / "data"],
            ["drill", "--etcd", harness.tool("3.5", "etcd"), "--scratch-dir", self.dir / "scratch"],
        ):
            with self.subTest(" ".join(map(str, command[:2]))):
                done = self.while_it_is_read(write, *command, self.file)
                self.assertEqual(done.code, 1, done.out + done.err)
                self.assertRegex(done.out + done.err, "the file changes while etcdrill reads it")
        self.assertFalse((self.dir / "data").exists())

    def test_what_sets_times_is_no_writer(self):
        shutil.copy(SOUND, self.file)
        for command in (["verify"], ["snapshot", "status"]):
            with self.subTest(command[0]):
                done = self.while_it_is_read(lambda: os.utime(self.file), *command, self.file)
                self.assertEqual(done.code, 0, done.out + done.err)

    def restore_while(self, first, then):
        """Restores `first`; while the directories are made, `then` takes its name."""
        self.file.write_bytes(first)
        late = self.dir / "late.db"
        late.write_bytes(then)
        target = self.dir / "data"
        slow = self.strace("-e", "trace=mkdir", "-e", "inject=mkdir:delay_enter=1500000:when=1")
        process = subprocess.Popen(
            harness.guarded([*slow, "snapshot", "restore", self.file, "--data-dir", target]),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=harness.environment())
        self.addCleanup(process.kill)
        opened = lambda: any("snapshot.db" in link
                             for pid, (_, command) in harness.process_table().items()
                             if str(target) in command and "strace" not in command.split()[0]
                             for link in harness.open_files(pid))
        harness.wait_until(opened, "the snapshot is open")
        late.replace(self.file)
        out, err = process.communicate(timeout=60)
        return process.returncode, out + err, target

    def test_a_sound_file_that_comes_late_proves_nothing_of_the_first(self):
        code, said, target = self.restore_while(damaged_bytes(), SOUND.read_bytes())
        self.assertEqual(code, 3, said)
        self.assertFalse(target.exists())

    def test_a_damaged_file_that_comes_late_takes_nothing_from_the_first(self):
        code, said, target = self.restore_while(SOUND.read_bytes(), damaged_bytes())
        self.assertEqual(code, 0, said)
        ours = self.etcdrill("hashkv", target / "member" / "snap" / "db", "-w", "json").out
        self.assertEqual(ours, self.etcdrill("hashkv", SOUND, "-w", "json").out)


if __name__ == "__main__":
    harness.main()
