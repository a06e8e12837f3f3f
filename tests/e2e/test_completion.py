#!/usr/bin/env python3
"""Proves completion and the manual page: a real bash completes commands, options, values and files;
every command of the table is in both; and a manual reader finds nothing to complain about."""
import os
import pty
import re
import select
import shutil
import sys
import time

sys.dont_write_bytecode = True
import harness

PROGRAM = harness.build_dir() / "etcdrill"
HEAD = re.compile(r"^  ([a-z][\w-]*) {2,}\S", re.M)


class Completion(harness.TestCase):
    def setUp(self):
        super().setUp()
        (self.dir / "backup.db").write_text("")
        (self.dir / "bands").mkdir()

    def complete(self, *words):
        """What bash would offer for the last of the words."""
        quoted = " ".join(f"'{word}'" for word in (PROGRAM, *words))
        script = (
            f"compopt() {{ :; }}; source <('{PROGRAM}' completion bash); COMP_WORDS=({quoted}); "
            f"COMP_CWORD={len(words)}\n"
            'complete -p etcdrill > /dev/null; _etcdrill; printf "%s\\n" "${COMPREPLY[@]}"')
        return harness.must(["bash", "--norc", "-euc", script], cwd=self.dir).split()

    def test_commands(self):
        self.assertEqual(self.complete("sn"), ["snapshot"])
        self.assertEqual(self.complete("snapshot", ""),
                         ["save", "status", "restore", "list", "copy"])
        self.assertEqual(self.complete("--log-level", "debug", "snapshot", "re"), ["restore"])
        self.assertEqual(self.complete("nonsense", "x", ""), self.complete(""))

    def test_options_of_the_command_and_of_all(self):
        self.assertEqual(self.complete("snapshot", "save", "--t"), ["--timeout"])
        self.assertEqual(self.complete("verify", "--log"), ["--log-level", "--log-format"])
        self.assertEqual(self.complete("verify", "--endp"), [])

    def test_values(self):
        self.assertEqual(self.complete("verify", "-w", ""), ["simple", "table", "json"])
        self.assertEqual(self.complete("snapshot", "status", "--write-out", "f"), ["fields"])
        self.assertEqual(self.complete("drill", "latest-"), ["latest-restorable"])
        self.assertEqual(self.complete("completion", ""), ["bash", "zsh", "fish"])
        self.assertEqual(self.complete("health", "--dial-timeout", ""), [])
        self.assertEqual(self.complete("verify", "--write-out", "=", "j"), ["json"])

    def test_files(self):
        self.assertEqual(sorted(self.complete("verify", "ba")), ["backup.db", "bands"])
        self.assertEqual(self.complete("snapshot", "restore", "x", "--data-dir", "ba"), ["bands"])
        self.assertEqual(self.complete("verify", "backup.db", ""), [])

    def test_a_person_at_a_terminal(self):
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.dir)
            os.execve(shutil.which("bash"), ["bash", "--norc", "--noprofile", "-i"], {
                "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}", "TERM": "dumb", "PS1": "$ "})
        said = ""

        def see(wanted, keys):
            nonlocal said
            os.write(terminal, keys.encode())
            until = time.monotonic() + 10
            while wanted not in said and time.monotonic() < until:
                if select.select([terminal], [], [], 0.1)[0]:
                    said += os.read(terminal, 4096).decode()
            self.assertIn(wanted, said)
            said = ""

        try:
            see("ready-7", "source <(etcdrill completion bash); echo ready-$((3 + 4))\n")
            see("etcdrill snapshot ", "etcdrill sna\t")
            see("status ", "stat\t")
            see("backup.db ", "bac\t")
        finally:
            os.close(terminal)
            os.kill(pid, 9)
            os.waitpid(pid, 0)

    def test_an_unknown_shell(self):
        self.assertOneLine(self.etcdrill("completion", "tcsh", code=2).err, "tcsh")

    def script(self, shell):
        if shutil.which(shell) is None:
            self.skipTest(f"no {shell} here")
        path = self.dir / "script"
        path.write_text(self.etcdrill("completion", shell).out)
        return path

    def test_fish(self):
        script = self.script("fish")
        for typed, wanted in (("sna", ["snapshot"]), ("verify -w s", ["simple"]),
                              ("verify ba", ["backup.db", "bands/"])):
            said = harness.must(
                ["fish", "--no-config", "-c", f"source {script}; complete -C '{PROGRAM} {typed}'"],
                cwd=self.dir)
            self.assertEqual([line.split("\t")[0] for line in said.splitlines()], wanted)

    def test_zsh_takes_its_script(self):
        harness.must(["zsh", "-n", self.script("zsh")])


class Manual(harness.TestCase):
    def test_every_command_and_option_of_the_help_is_there(self):
        page = self.etcdrill("man").out.replace("\\-", "-")
        sections = dict(
            re.findall(r"^\.SS ([a-z -]*[a-z])(?: [^\n]*)?\n(.*?)(?=^\.S[HS] )", page, re.S | re.M))

        def leaves(path):
            text = self.etcdrill(*path, "--help").out
            head, _, commands = text.partition("\nSubcommands:\n")
            below = HEAD.findall(commands)
            if not below:
                yield path, re.findall(r"^  (?:-\w,)?(--[a-z-]+)", head, re.M)
            for name in below:
                yield from leaves([*path, name])

        found = {" ".join(path): options for path, options in leaves([])}
        self.assertGreater(len(found), 15)
        table = (harness.ROOT / "README.md").read_text().split("## Commands")[1].split("\n## ")[0]
        for name in found:
            self.assertTrue(
                name == "version" or f"`{name.split()[0]} " in table or f"`{name}`" in table,
                f"README: {name}")
        names = {name: next((full for full in found
                             if name == full or name.startswith(full + " ")), name)
                 for name in sections}
        self.assertEqual(sorted(names.values()), sorted(found))
        for name, section in sections.items():
            for option in found[names[name]]:
                if option != "--help":
                    self.assertIn(option, section, name)

    def test_a_manual_reader_has_no_complaint(self):
        if shutil.which("mandoc") is None:
            self.skipTest("no mandoc here")
        page = self.dir / "etcdrill.1"
        page.write_text(self.etcdrill("man").out)
        said = harness.run(["mandoc", "-T", "lint", page]).out
        # Its date is a version.
        kept = [line for line in said.splitlines() if "cannot parse date" not in line]
        self.assertEqual(kept, [])


if __name__ == "__main__":
    harness.main()
