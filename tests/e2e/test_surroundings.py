#!/usr/bin/env python3
"""Proves that broken surroundings are named for what they are: descriptors that are closed at the
start, no /proc, small limits, what is mounted or resolved later; and that text from outside moves
no terminal."""
import json
import os
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import harness
from hostile_etcd import HostileEtcd, field
from sidecar_case import SidecarCase, every, start_sidecar

SNAPSHOT = harness.fixture("e3530-compacted")
# What a terminal obeys: C0 but the ends of lines, DEL, C1 as UTF-8, and what is no UTF-8 at all.
CONTROLS = bytes([*range(0, 10), *range(11, 32), 127])


class Shell(harness.TestCase):
    def shell(self, script, code, *arguments, **options):
        """Runs a script that has etcdrill as $E and the arguments behind it as $1...; stdout and
        stderr."""
        command = ["bash", "-c", script, "bash", *arguments]
        outcome = harness.run(command, env={"E": str(harness.build_dir() / "etcdrill")}, **options)
        self.assertEqual(outcome.code, code, outcome.out + outcome.err)
        return outcome


class ClosedDescriptors(SidecarCase):
    def test_nothing_that_is_logged_or_printed_goes_into_a_file_of_ours(self):
        cluster = harness.Cluster(self.scene, "3.5")
        config, port = self.configure(cluster, log={"level": "debug"})
        for closed in ("2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-", "0<&- 2>&-"):
            with self.subTest(closed):
                shutil.rmtree(self.dir / "store", ignore_errors=True)
                command = ["bash", "-c", f'exec "$0" run --config "$1" {closed}',
                           harness.build_dir() / "etcdrill", config]
                process = subprocess.Popen(harness.guarded(command), stdin=subprocess.DEVNULL,
                                           env=harness.environment())
                self.addCleanup(process.kill)
                harness.wait_until(lambda: len(self.manifests()) >= 2, "two snapshots")
                process.terminate()
                self.assertEqual(process.wait(5), 0)
                self.assertEqual((self.dir / "store" / ".lock").read_bytes(), b"")
                for path in (self.dir / "store").rglob("*"):
                    self.assertFalse(path.is_file() and b"level=" in path.read_bytes(), path)
                for path in (self.dir / "store").glob("*.db"):
                    self.etcdrill("verify", path)

    def test_commands_that_print(self):
        for closed in ("2>&-", "1>&- 2>&-", "0<&- 1>&- 2>&-"):
            copy = self.dir / "s.db"
            shutil.copy(SNAPSHOT, copy)
            harness.run(["bash", "-c", f'exec "$0" verify "$1" {closed}',
                         harness.build_dir() / "etcdrill", copy])
            self.assertEqual(copy.read_bytes(), SNAPSHOT.read_bytes())


class Output(Shell):
    def test_a_result_that_does_not_get_out_is_no_success(self):
        for command in ('verify "$1"', 'verify "$1" -w json', "man", "completion bash"):
            outcome = self.shell(f'exec "$E" {command} > /dev/full', 1, SNAPSHOT)
            self.assertRegex(outcome.err, r"\Aetcdrill: [^\n]*No space left on device\n\Z")

    def test_a_reader_that_had_enough_is_no_defect(self):
        for command in ("man", "version"):
            self.assertEqual(self.shell(f'"$E" {command} | true', 0).err, "")


class Limits(Shell):
    def test_a_limit_on_the_size_of_files_is_an_error(self):
        outcome = self.shell('ulimit -f 8; exec "$E" snapshot restore "$1" --data-dir "$2"', 1,
                             SNAPSHOT, self.dir / "d")
        self.assertOneLine(outcome.err, "File too large.*ulimit -f")
        self.assertEmpty(self.dir)

    def test_an_etcd_that_has_too_little_memory_is_not_missing(self):
        config = self.dir / "etcdrill.yaml"
        config.write_text(f"drill: {{etcd: {{binary: {harness.tool('3.5', 'etcd')}}}}}\n")
        starved = self.dir / "etcd"
        starved.write_text(
            f'#!/bin/sh\nulimit -v 200000\nexec {harness.tool("3.5", "etcd")} "$@"\n')
        starved.chmod(0o755)
        outcome = self.etcdrill("drill", SNAPSHOT, "--etcd", starved, "--scratch-dir",
                                self.dir / "scratch", code=1)
        self.assertRegex(
            outcome.err,
            rf"{starved} exists, but failed with exit code 2; "
            r"last output: fatal error: .*memory[^|]*$")
        self.assertNotIn("--etcd PATH", outcome.err)

    def test_an_etcd_that_is_no_program(self):
        broken = self.dir / "etcd"
        broken.write_bytes(b"\x7fELF\x02\x01\x01 of another machine")
        broken.chmod(0o755)
        outcome = self.etcdrill("drill", SNAPSHOT, "--etcd", broken, "--scratch-dir",
                                self.dir / "scratch", code=1)
        self.assertRegex(
            outcome.err,
            "exists, but failed with exit code 127; last output: .*Exec format error")

    def test_one_that_is_not_there_still_is(self):
        outcome = self.etcdrill("drill", SNAPSHOT, "--etcd", self.dir / "etcd", "--scratch-dir",
                                self.dir / "scratch", code=1)
        self.assertRegex(outcome.err, "No such file or directory. Set .*--etcd PATH")

    @unittest.skipUnless(os.geteuid() == 0, "only root can unmount")
    def test_without_proc(self):
        script = 'umount -l /proc; exec "$E" drill "$1" --etcd "$2" --scratch-dir "$3"'
        outcome = harness.run([
            "unshare", "--mount", "bash", "-c", script, "bash", SNAPSHOT,
            harness.tool("3.5", "etcd"), self.dir / "scratch"
        ], env={"E": str(harness.build_dir() / "etcdrill")})
        self.assertEqual(outcome.code, 1, outcome.err)
        self.assertRegex(outcome.err, "/proc is not mounted")
        self.assertNotIn("--etcd PATH", outcome.err)

    def test_the_one_variable_that_an_etcd_may_need_reaches_it(self):
        told = self.dir / "told"
        etcd = self.dir / "etcd"
        etcd.write_text(f'#!/bin/sh\nenv >> {told}\nexec {harness.tool("3.5", "etcd")} "$@"\n')
        etcd.chmod(0o755)
        arguments = ["drill", SNAPSHOT, "--etcd", etcd, "--scratch-dir", self.dir / "scratch"]
        self.etcdrill(*arguments, env={"ETCD_UNSUPPORTED_ARCH": "arm64", "ETCD_NAME": "other"})
        lines = told.read_text().splitlines()
        # For --version, and to boot.
        self.assertEqual(lines.count("ETCD_UNSUPPORTED_ARCH=arm64"), 2)
        self.assertNotIn("ETCD_NAME=other", lines)
        told.unlink()
        self.etcdrill(*arguments)
        self.assertNotIn("ETCD_UNSUPPORTED_ARCH", told.read_text())


class WhatComesLater(SidecarCase):
    """Exit code 1, so that a service manager tries again; 2 is for what is written wrongly."""

    def refused(self, code, pattern, **sections):
        config, _ = self.configure({"endpoints": ["127.0.0.1:1"]}, **sections)
        self.assertOneLine(
            self.etcdrill("run", "--config", config, code=code, timeout=20).err, pattern)

    def test_a_name_that_does_not_resolve_yet(self):
        self.refused(1, "cannot resolve", web={"listen": "not-yet.invalid:9379"})
        self.refused(2, "is not a valid address", web={"listen": "not yet:9379"})

    def test_a_web_configuration_that_is_not_mounted_yet(self):
        self.refused(1, "web.yml: No such file", web={"config_file": "web.yml"})
        web = "tls_server_config: {cert_file: a.crt, key_file: a.key}\n"
        (self.dir / "web.yml").write_text(web)
        self.refused(1, "a.crt: No such file", web={"config_file": "web.yml"})
        (self.dir / "web.yml").write_text("tls_server_confg: {}\n")
        self.refused(2, "web.yml:1:1: ", web={"config_file": "web.yml"})

    def test_a_configuration_that_is_not_mounted_yet(self):
        self.assertOneLine(
            self.etcdrill("run", "--config", self.dir / "later.yaml", code=1).err,
            "later.yaml: No such file")
        (self.dir / "later.yaml").write_text("clustre: {}\n")
        self.assertOneLine(
            self.etcdrill("run", "--config", self.dir / "later.yaml", code=2).err,
            "did you mean cluster")


class Warnings(SidecarCase):
    def test_what_is_hardly_meant_is_one_line_at_the_start(self):
        (self.dir / "password").write_text("secret")
        section = {"endpoints": ["http://127.0.0.1:1"],
                   "auth": {"username": "root", "password_file": "password"}}
        sidecar = self.start(section, objectives={"rpo": "1s"})
        sidecar.wait_for_line("etcdrill started")
        warned = "configuration warning"
        told = harness.wait_until(
            lambda: sidecar.lines(warned)[1:] and sidecar.lines(warned), "two warnings")
        self.assertRegex(told[0], "http://127.0.0.1:1 is not encrypted, and has a login")
        self.assertRegex(told[1], "objectives.rpo is 1.0s")
        self.assertEqual(len(told), 2)
        self.assertEqual(sidecar.stop(), 0)


class NoControls(harness.TestCase):
    def printed(self, *arguments, code=0):
        """What a command writes, which holds nothing that moves a terminal; code None: any but
        usage and a crash."""
        command = harness.guarded([harness.build_dir() / "etcdrill", *arguments])
        done = subprocess.run(command, capture_output=True, timeout=60,
                              env=harness.environment(), stdin=subprocess.DEVNULL)
        self.assertIn(done.returncode, (code,) if code is not None else (0, 1, 3),
                      done.stdout + done.stderr)
        for text in (done.stdout, done.stderr):
            self.assertFalse(set(text) & set(CONTROLS), text)
            text.decode()
            self.assertNotRegex(text.decode(), "[\u0080-\u009f]")
        return done.stdout.decode() + done.stderr.decode()

    # As a version: a new line, a control, ESC; the same bytes are a message with one field, which
    # Range takes for a key.
    EVIL = field(1, b"\x1b[31m\xc2\x9b")

    def test_the_version_of_a_server(self):
        server = HostileEtcd(field(1, b"\x10\x07") + field(2, self.EVIL) + b"\x20\x07")
        self.addCleanup(server.close)
        shown = r"\x0a\x07\x1b[31m\xc2\x9b"
        for form in ("simple", "table"):
            self.assertIn(shown,
                          self.printed("health", "--endpoints", server.url, "-w", form, code=None))
        told = json.loads(self.printed("health", "--endpoints", server.url, "-w", "json",
                                       code=None))
        self.assertEqual(told[0]["version"], shown)

    def test_the_error_of_a_server(self):
        server = HostileEtcd(error=b"%1b[2J%0aetcdrill: all is well%ff%c2%9b")
        self.addCleanup(server.close)
        for form in ("simple", "table", "json"):
            told = self.printed("health", "--endpoints", server.url, "-w", form, code=1)
            if form != "json":
                self.assertIn(r"\x1b[2J\x0aetcdrill: all is well", told)
        self.printed("snapshot", "save", self.dir / "s.db", "--endpoints", server.url, code=1)

    def test_the_log(self):
        server = HostileEtcd(error=b"%1b[2J%0aetcdrill: all is well%ff%c2%9b")
        self.addCleanup(server.close)
        for form in ("logfmt", "json"):
            (self.dir / "etcdrill.log").unlink(missing_ok=True)
            sidecar = start_sidecar(self.scene, self.dir, {"endpoints": [server.url]}, bare=True,
                                    store={"path": form}, snapshot=every("1s"),
                                    log={"format": form})
            self.addCleanup(sidecar.process.kill)
            harness.wait_until(lambda: b"all is well" in sidecar.log.read_bytes(), "the error")
            self.assertEqual(sidecar.stop(), 0)
            text = sidecar.log.read_bytes()
            self.assertFalse(set(text) & set(CONTROLS), text)
            for line in text.decode().splitlines():
                if form == "json":
                    json.loads(line)
                self.assertFalse(line.startswith("etcdrill: "))

    def test_the_names_of_files(self):
        evil = self.dir / os.fsdecode(b"s\x1b[31m\n\xff\xc2\x9b.db")
        shutil.copy(SNAPSHOT, evil)
        shown = r"s\x1b[31m\x0a\xff\xc2\x9b.db"
        self.assertIn(shown, self.printed("verify", evil))
        self.assertIn(shown, self.printed("lineage", evil, SNAPSHOT, code=None))
        self.assertIn(shown, self.printed("snapshot", "restore", evil,
                                          "--data-dir", self.dir / "d", "--no-sync"))
        self.assertIn(shown, self.printed("drill", evil, "--etcd", harness.tool("3.5", "etcd"),
                                          "--scratch-dir", self.dir / "x"))
        evil.write_bytes(b"no snapshot")
        for command in (["verify"], ["snapshot", "status"], ["hashkv"]):
            self.assertIn(r"\x1b", self.printed(*command, evil, code=None))
        evil.unlink()
        self.assertIn(shown, self.printed("verify", evil, code=1))
        self.assertIn(r"\x1b", self.printed("version", "--bogus\x1b[31m", code=2))
        self.assertIn(r"\x1b", self.printed("verfy\x1b", code=2))

    def test_what_stands_in_a_configuration(self):
        config = self.dir / "etcdrill.yaml"
        config.write_text('"a\\e[31m": 1\nsnapshot: {schedule: "\\e]0;x\\a"}\n')
        told = self.printed("check", "config", config, code=2)
        self.assertEqual(told.count("\n"), 2)
        self.assertIn(r"a\x1b[31m is not a key", told)


if __name__ == "__main__":
    harness.main()
