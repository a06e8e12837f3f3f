#!/usr/bin/env python3
"""Holds the subjects of commits to 72 characters, from the day on that this is the rule. Merges may
be named by a machine, and are passed over.

In a shallow clone, as CI may make one, the first commit of the rule is missing: it says so, and
passes.
"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LENGTH = 72
SINCE = "7619f0a"


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)


def main():
    if git("merge-base", "--is-ancestor", SINCE, "HEAD").returncode:
        print(f"skipped: this clone is without {SINCE}")
        return 0
    log = git("log", "--no-merges", "--format=%h %s", f"{SINCE}..HEAD").stdout
    found = [line for line in log.splitlines() if len(line.partition(" ")[2]) > LENGTH]
    print("\n".join(f"{line}: more than {LENGTH} characters" for line in found)
          or f"no subject is longer than {LENGTH} characters")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
