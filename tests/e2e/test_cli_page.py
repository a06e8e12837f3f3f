#!/usr/bin/env python3
"""Holds docs/reference/cli.md equal to the command table: scripts/cli-page would write the same.
And each command has an example, which the command line takes."""
import re
import shlex
import sys

sys.dont_write_bytecode = True
import harness

PROGRAM = harness.build_dir() / "etcdrill"
PAGE = harness.ROOT / "docs/reference/cli.md"
SCRIPT = harness.ROOT / "scripts/cli-page"


class CliPage(harness.TestCase):
    def test_it_is_what_the_table_says(self):
        harness.must([SCRIPT, "--check", PROGRAM])

    def test_another_table_is_noticed(self):
        """A program whose help says something else."""
        other = self.dir / "etcdrill"
        for change in ("s/Output format/Form/", "s/(default 5s)/(default 6s)/",
                       "s/drills list/drills all/", "s/backup.db/copy.db/"):
            with self.subTest(change):
                other.write_text(f"#!/bin/sh\n'{PROGRAM}' \"$@\" | sed '{change}'\n")
                other.chmod(0o755)
                outcome = harness.run([SCRIPT, "--check", other])
                self.assertEqual(outcome.code, 1)
                self.assertIn("run scripts/cli-page", outcome.err)

    def test_each_example_is_a_command_with_options_that_exist(self):
        sections = re.findall(r"^## ([a-z][a-z -]*)\n.*?^Example:\n\n```sh\n(.*?)\n```$",
                              PAGE.read_text(), re.S | re.M)
        self.assertGreater(len(sections), 15)
        for name, example in sections:
            with self.subTest(name):
                words = shlex.split(example.partition(" > ")[0])
                self.assertEqual(words[:1 + len(name.split())], ["etcdrill", *name.split()])
                # Before it runs, CLI11 has read all of it, and prints the help.
                said = self.etcdrill(*words[1:], "--help").out
                self.assertIn(f"Example:\n  {example}", said)
                for option in (word for word in words if word.startswith("--")):
                    self.assertRegex(said, rf"(?m){re.escape(option)}\b")


if __name__ == "__main__":
    harness.main()
