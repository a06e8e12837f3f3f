#!/usr/bin/env python3
"""Holds what comments and pages cite to what a stranger can open.

A document that is named is in the repository; links and URLs are the work of check_links.py. Facts
on etcd are cited by section, in one form, "docs/dev/formats.md §5.2" or "docs/dev/formats.md §2.5
and §6.6", and that section is there.
With --self-test it proves that it can fail: it plants one wrong citation of each kind and expects
to be told.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FORMATS = "docs/dev/formats.md"

# Checks that name pages which do not exist, to prove that they can fail.
MADE_UP = ("check_citations.py", "check_links.py", "check_width.py")

# One citation may go on in the next line of a comment.
GAP = r"(?:[ \t]+|[ \t]*\n[ \t]*(?://|#)?[ \t]*)"
SECTION = r"§(\d+(?:\.\d+)?)"
CITATION = re.compile(rf"{re.escape(FORMATS)}{GAP}{SECTION}(?:(?:,|{GAP}and){GAP}{SECTION})*")
HEADING = re.compile(r"^#+ (\d+(?:\.\d+)*)\.? ", re.M)
# But for links, and for paths on a machine: "/usr/...", "$repo/...".
DOCUMENT = re.compile(r"(?<![\w./:$*{}-])(?<!\]\()[\w.][\w./:-]*\.md\b(?!\]\(http)")
DECISION = re.compile(r"\bADR (\d+)\b")
UNFIT = [
    (re.compile(r"\.md,? +(?:sections? )?\d|^ *(//|#).*\.md,? *\n *\1 *(?:sections? )?\d", re.M),
     "a section is cited as \"docs/dev/formats.md §5.2\""),
    (re.compile(r"\bDESIGN\b|\b[Ff]ault row|\([A-KM-Z]\d{1,2}\)\"\)|^// [A-KM-Z]\d{1,2}: ", re.M),
     "nobody can open what is cited here; say the fact"),
]


def read():
    """The texts that are looked at, by their paths."""
    folders = [".ci", "alerts", "dashboards", "deploy", "docs", "proto", "scripts", "src", "tests"]
    paths = [path for name in folders for path in (ROOT / name).rglob("*")]
    texts = {}
    for path in sorted(paths + list(ROOT.glob("*.md")) + list(ROOT.glob("*.txt"))):
        if not path.is_file() or path.name in MADE_UP:
            continue
        try:
            texts[path.relative_to(ROOT).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            pass  # a picture, an archive, a fuzzer's input
    return texts


def is_there(cited, name):
    elsewhere = re.match(r"https?://|github\.com/", cited)
    folders = (ROOT, ROOT / "docs", (ROOT / name).parent)
    return elsewhere is not None or any((folder / cited).is_file() for folder in folders)


def problems_of(name, text, sections):
    """Yields a place in the text, and what is wrong there."""
    for match in DOCUMENT.finditer(text):
        if not is_there(match.group(), name):
            yield match.start(), f"{match.group()} is not in the repository"
    for match in DECISION.finditer(text):
        if not list((ROOT / "docs/dev/adr").glob(f"{int(match.group(1)):04}-*.md")):
            yield match.start(), f"there is no {match.group()}"
    for pattern, problem in UNFIT:
        for match in pattern.finditer(text):
            yield match.start(), problem
    spans = [match.span() for match in CITATION.finditer(text)]
    for match in re.finditer("§", text):
        if name != FORMATS and not any(begin <= match.start() < end for begin, end in spans):
            yield match.start(), f"§ of which document? Write \"{FORMATS} §5.2\""
        section = re.match(SECTION, text[match.start():])
        if section is None or section.group(1) not in sections:
            yield match.start(), f"{FORMATS} has no such section"


def problems_in(texts):
    sections = HEADING.findall(texts[FORMATS])
    for section in sorted(set(sections)):
        if sections.count(section) > 1 or section.count(".") > 1:
            yield f"{FORMATS}: section {section} is there twice, or too deep"
    for name, text in texts.items():
        for at, problem in problems_of(name, text, sections):
            yield f"{name}:{text.count(chr(10), 0, at) + 1}: {problem}"


def self_test(texts):
    planted = [
        ("src/base/bytes.h", "// docs/dev/formats.md §5.99."),
        ("src/base/bytes.h", "// docs/dev/formats.md §5.2 and §99."),
        ("src/base/bytes.h", "// docs/dev/formats.md 5.2."),
        ("src/base/bytes.h", "// docs/dev/formats.md\n// 5.2."),
        ("src/base/bytes.h", "// The sum of §5.2."),
        ("src/base/bytes.h", "// As formats.md says."),
        ("src/base/bytes.h", "// See docs/dev/adr/0099-none.md."),
        ("proto/mvccpb.proto", "// DESIGN section 4."),
        ("tests/e2e/test_web.py", "    \"\"\"Fault row H3: no path opens a file.\"\"\""),
        ("tests/faults/cuts_test.cc", "// D8: a file that was cut."),
        ("tests/faults/cuts_test.cc", "TEST_CASE(\"a cut (D8)\") {}"),
        ("alerts/content.yml", "# alerts/runbooks/None.md"),
        ("docs/security.md", "[ADR 99](adr/0001-error-type.md)"),
        ("docs/security.md", "As pages.md says."),
        (FORMATS, "As in §99."),
        (FORMATS, "### 5.2 Once more"),
    ]
    for name, line in planted:
        if not any(problem.startswith(name)
                   for problem in problems_in({**texts, name: f"{texts[name]}\n{line}\n"})):
            print(f"self-test: nobody noticed {line!r} in {name}")
            return 1
    print(f"self-test: all {len(planted)} planted citations were noticed")
    return 0


def main():
    texts = read()
    found = list(problems_in(texts))
    if found or "--self-test" not in sys.argv:
        print("\n".join(found) or "what is cited is there")
        return 1 if found else 0
    return self_test(texts)


if __name__ == "__main__":
    sys.exit(main())
