#!/usr/bin/env python3
"""Holds tables in docs/ equal to the tables in the source: reasons, findings. A name on one side
only fails."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXIT_CODES = {"kFailed": 1, "kUsage": 2, "kVerificationFailed": 3, "kInterrupted": 130}


def rows(page):
    """The cells of each table row of a Markdown page, but for heads and rules."""
    for line in (ROOT / page).read_text().splitlines():
        if line.startswith("| `"):
            yield [cell.strip().strip("`") for cell in line.strip("|").split("|")]


def reasons_in_source():
    text = (ROOT / "src/base/reason.cc").read_text()
    pattern = r'ReasonInfo\{Reason::\w+,\s*"(\w+)",\s*"(\w+)",\s*(k\w+),\s*((?:"[^"]*"\s*)+)\}'
    for name, label, code, meaning in re.findall(pattern, text):
        text_of = "".join(re.findall(r'"([^"]*)"', meaning))
        yield [name, label, str(EXIT_CODES[code]), text_of]


def compare(what, source, docs):
    if not source:
        return [f"{what}: the source could not be read"]
    return [f"{what}: in the source only: {x}" for x in source if x not in docs] + [
        f"{what}: in docs only: {x}" for x in docs if x not in source
    ]


def main():
    codes = re.findall(r'string_view k\w+ = "(\w+)"',
                       (ROOT / "src/proof/finding_codes.h").read_text())
    reasons = [row[:4] for row in rows("docs/reference/exit-codes.md") if len(row) == 5]
    problems = compare("reasons", list(reasons_in_source()), reasons)
    problems += compare("findings", codes, [row[0] for row in rows("docs/reference/findings.md")])
    print("\n".join(problems) or "docs and source agree")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
