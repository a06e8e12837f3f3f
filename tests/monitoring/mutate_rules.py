#!/usr/bin/env python3
"""Proves that alerts/tests/ can fail: breaks one thing in one rule at a time, and a test must
notice each.

What is broken: every comparison is turned around or moved by its border, every number and window in
an expression and every "for" and "keep_firing_for" becomes a little longer and a little shorter,
every severity changes. A mutant that no test notices is printed and fails this check. Those that
can't matter are listed in NO_MATTER with the reason.

All of it takes a quarter of an hour. Without --all, one mutant of each kind is made of each rule.

Usage: mutate_rules.py [--all]
"""
import concurrent.futures
import copy
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

REPO = pathlib.Path(__file__).resolve().parents[2]
# (rule, what was broken): why the tests can't notice, and need not.
NO_MATTER = {
    # The first of its two comparisons: a store that is predicted to have exactly nothing left.
    ("EtcdBackupStoreFillingUp", "compare < -> <="),
}
COMPARISONS = {">": ["<", ">="], "<": [">", "<="], "==": ["!="], ">=": [">", "<"], "<=": ["<", ">"]}
UNITS = {"m": 60, "h": 3600, "d": 86400}


def durations(text):
    """A quarter longer and shorter, at least a minute, as whole minutes: what an evaluation a
    minute can tell apart."""
    minutes = int(text[:-1]) * UNITS[text[-1]] // 60
    step = max(1, minutes // 4)
    return [f"{minutes + step}m"] + ([f"{minutes - step}m"] if minutes > step else [])


def numbers(text):
    """The next ones of a small whole number, which may be a count; a quarter more and less of any
    other."""
    if text.isdigit() and int(text) < 10:
        return [str(int(text) + step) for step in (1, -1)]
    return [f"{float(text) * factor:g}" for factor in (1.25, 0.75)]


def broken_expressions(expr):
    """Each with what was broken. Label values, names and "by" lists stay as they are."""
    token = (
        r'"[^"]*"'
        r"|\[(?P<window>\d+[mhd])(?::\d+m)?\]"
        r"|(?P<offset>(?<=offset )\d+[mhd])"
        r"|(?P<compare>[<>]=?|==)"
        r"|(?<![\w:.])(?P<number>\d+(?:\.\d+)?)(?![\w:.])")
    for match in re.finditer(token, expr):
        kind, old = match.lastgroup, match.group(match.lastgroup) if match.lastgroup else None
        if kind is None:
            continue
        values = {
            "window": durations, "offset": durations, "number": numbers, "compare": COMPARISONS.get
        }[kind](old)
        start, end = match.span(kind)
        for new in values:
            yield f"{kind} {old} -> {new}", expr[:start] + new + expr[end:]


def mutants():
    """(file, rule's name, what was broken, the whole file as it is then)."""
    for path in sorted((REPO / "alerts").glob("*.yml")):
        sound = yaml.safe_load(path.read_text())
        for g, group in enumerate(sound["groups"]):
            for r, rule in enumerate(group["rules"]):
                changes = [("expr", what, new) for what, new in broken_expressions(rule["expr"])]
                for key in {"for", "keep_firing_for"} & rule.keys():
                    changes += [(key, f"{key} {rule[key]} -> {new}", new)
                                for new in durations(rule[key])]
                if "severity" in rule.get("labels", {}):
                    changes.append(("labels", "severity", rule["labels"] | {"severity": "info"}))
                for key, what, new in changes:
                    mutant = copy.deepcopy(sound)
                    mutant["groups"][g]["rules"][r][key] = new
                    yield path.name, rule.get("alert") or rule["record"], what, mutant


def noticed(mutant):
    """Whether any test that reads this file fails."""
    name, _, _, content = mutant
    with tempfile.TemporaryDirectory() as work:
        alerts = pathlib.Path(work) / "alerts"
        shutil.copytree(REPO / "alerts", alerts)
        (alerts / name).write_text(yaml.safe_dump(content))
        tests = [path for path in (alerts / "tests").glob("*.yml")
                 if f"../{name}" in path.read_text()]
        tests.sort(key=lambda path: path.name != name)  # most likely first
        return any(
            subprocess.run(["promtool", "test", "rules", path], capture_output=True).returncode
            for path in tests)


def main():
    todo = [mutant for mutant in mutants() if mutant[1:3] not in NO_MATTER]
    if sys.argv[1:] != ["--all"]:
        todo = list({(rule, what.split()[0]): (file, rule, what, content)
                     for file, rule, what, content in todo}.values())
    survivors = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for (_, rule, what, _), seen in zip(todo, pool.map(noticed, todo)):
            if not seen:
                survivors += 1
                print(f"FAIL {rule}: no test notices {what}", flush=True)
    print(f"{len(todo)} mutants, {len(todo) - survivors} noticed")
    return 1 if survivors or not todo else 0


if __name__ == "__main__":
    sys.exit(main())
