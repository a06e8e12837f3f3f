#!/usr/bin/env python3
"""Fails if a line of source or of a page has more than 100 characters, so that two files can be
read side by side.

Source is what people write in a language, known by its name or by its first line. YAML, JSON and
units are not. A line of a single word, such as a URL or a hash, may be longer. In pages so may the
row of a table, and what a program printed: a fenced block without a language, or of `text` or
`console`. With --self-test this proves that it can fail: it plants long lines and expects each to
be reported.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WIDTH = 100
NAMES = re.compile(
    r"\.(cc|h|h\.in|py|sh|cmake|proto|go|js|html)$|(^|/)(CMakeLists\.txt|Dockerfile)$")
OUTPUT = ("", "text", "console")  # languages of fenced blocks that a program printed
NOT_SOURCE = {
    "tests/data/": "what real etcd servers wrote, packed",
    "tests/fuzz/corpus/": "inputs that a fuzzer found: any bytes, also those of a first line",
}


def is_checked(root, name):
    path = root / name
    if path.is_symlink() or not path.is_file():
        return False
    if name.endswith(".md"):
        return True
    if name.startswith(tuple(NOT_SOURCE)):
        return False
    if NAMES.search(name):
        return True
    with open(path, "rb") as file:
        return file.read(2) == b"#!"


def is_one_word(line):
    return len(re.sub(r"^\s*(#|//|[-*>]|\d+\.)", "", line).split()) == 1


def without_output(lines):
    """The lines of a page, blank where they are a row of a table or what a program printed."""
    fence = language = None
    for line in lines:
        mark = re.match(r"\s*(```+|~~~+)\s*(\w*)", line)
        if mark and fence is None:
            fence, language = mark.groups()
        elif mark and mark[1] == fence and not mark[2]:
            fence = None
        exempt = language in OUTPUT if fence else line.lstrip().startswith("|")
        yield "" if exempt else line


def problems_in(root, names):
    for name in names:
        if is_checked(root, name):
            lines = (root / name).read_text().split("\n")
            for number, line in enumerate(
                    without_output(lines) if name.endswith(".md") else lines, 1):
                if len(line) > WIDTH and not is_one_word(line):
                    yield f"{name}:{number}: {len(line)} characters, and {WIDTH} is the limit"


def self_test():
    long = "word " * 20 + "w"
    url = "https://example.com/" + "w" * WIDTH
    told = {
        "long.cc": f"int a;\n// {long}\n",
        "long.h.in": f"#define TEXT \"{long}\"\n",
        "long.py": f"text = '{long}'\n",
        "folder/CMakeLists.txt": f"# {long}\n",
        "with-a-shebang": f"#!/bin/sh\necho {long}\n",
        "one-more.go": "\t// " + "ä " * 48 + "a\n",
        "beside-a-url.sh": f"curl {url}\n",
        "page.md": f"# A page\n\n{long}\n",
        "block.md": f"```sh\n{long}\n```\n",
        "after-output.md": f"```\n{long}\n```\n{long}\n",
        "after-commands.md": f"```sh\nls\n```\n{long}\n",
    }
    silent = {
        "full.py": "# " + "ä" * (WIDTH - 2) + "\n",
        "url.sh": f"#!/bin/sh\n# {url}\n",
        "table.md": f"| a |\n| --- |\n| {long} |\n",
        "output.md": f"```\n{long}\n```\n\n```text\n{long}\n```\n",
        "url.md": f"- {url}\n",
        "without-a-shebang": f"{long}\n",
        "tests/fuzz/corpus/found": f"#!{long}\n",
    }
    with tempfile.TemporaryDirectory() as temp:
        root = pathlib.Path(temp)
        for name, text in (told | silent).items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        found = {problem.split(":")[0] for problem in problems_in(root, [*told, *silent])}
    wrong = sorted(found ^ told.keys())
    print("\n".join(f"self-test: wrong about {name}" for name in wrong)
          or f"self-test: all {len(told)} planted lines were noticed")
    return 1 if wrong else 0


def main():
    if "--self-test" in sys.argv:
        return self_test()
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True,
                             text=True).stdout
    found = list(problems_in(ROOT, tracked.split("\0")))
    print("\n".join(found) or f"no line is longer than {WIDTH} characters")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
