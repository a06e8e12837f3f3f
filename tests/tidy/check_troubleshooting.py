#!/usr/bin/env python3
"""Holds docs/troubleshooting.md to what src prints.

Tables whose first head is "log line" have each message that is logged as a warning or an error, and
no other. Tables whose first head is "error" quote parts of errors, with "..." for what varies: each
must be in one literal of the source. With --self-test it proves that it can fail.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = "docs/troubleshooting.md"
STRINGS = re.compile(r'"((?:[^"\\\n]|\\.)*)"(?:\s*"((?:[^"\\\n]|\\.)*)")*')
ONE_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
LOGS = re.compile(r"\blog\.(?:Warn|Error)\(|\bTellOf\(")


def joined(match):
    """Literals that follow each other are one text."""
    return "".join(ONE_STRING.findall(match.group())).replace('\\"', '"').replace("\\\\", "\\")


def without_comments(text):
    return re.sub(r"^\s*//.*$", "", text, flags=re.M)


def literals(text):
    return [joined(match) for match in STRINGS.finditer(without_comments(text))]


def log_messages(text):
    """The literals of the call up to its fields: one, or two that a condition chooses from."""
    text = without_comments(text)
    for call in LOGS.finditer(text):
        at, depth = call.end(), 1
        while depth > 0 and text[at] != "{":
            if string := STRINGS.match(text, at):
                yield joined(string)
                at = string.end()
                continue
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1


def tables(page):
    """(head of the first column, line, first cell) of each row."""
    head, before = None, ""
    for number, line in enumerate(page.splitlines(), 1):
        if not line.startswith("|"):
            head = None
        elif re.fullmatch(r"[|\s:-]+", line):
            head = before.split("|")[1].strip()
        elif head is not None:
            yield head, number, re.split(r"(?<!\\)\|", line)[1].strip()
        before = line


def is_in(quote, source):
    pattern = ".*".join(re.escape(part.strip()) for part in quote.split("..."))
    return any(re.search(pattern, text, re.S) for text in source)


def problems_in(page, sources):
    logged = {message for text in sources for message in log_messages(text)}
    source = [text for each in sources for text in literals(each)]
    if not logged:
        yield f"{PAGE}: no log message was found in src"
    told = set()
    for head, number, cell in tables(page):
        quotes = re.findall(r"`([^`]+)`", cell)
        if head == "log line":
            told |= set(quotes)
            for quote in quotes:
                if quote not in logged:
                    yield f"{PAGE}:{number}: src does not log {quote!r} as warning or error"
        if head == "error":
            if not quotes:
                yield f"{PAGE}:{number}: a row without a quote"
            for quote in quotes:
                if not is_in(quote, source):
                    yield f"{PAGE}:{number}: src has no text {quote!r}"
    for message in sorted(logged - told):
        yield f"{PAGE}: not on the page: the log line {message!r}"


def read_sources():
    return [path.read_text() for path in sorted((ROOT / "src").rglob("*.cc"))]


def self_test(page, sources):
    planted = [
        (page + "\n| log line | x |\n| --- | --- |\n| `nobody logs this` | x |\n", sources),
        (page + "\n| error | x |\n| --- | --- |\n| `nobody ... says this` | x |\n", sources),
        (page + "\n| error | x |\n| --- | --- |\n| no quote | x |\n", sources),
        (page, [*sources, 'context.log.Warn("a new "\n  "line", {{"err", 1}});']),
        (page, [*sources, 'log.Error(a ? "one" : "snapshot failed", {});']),
        (page, [*sources, 'TellOf(Path(name), "told of", {});']),
        (page, []),
    ]
    for number, (a_page, some) in enumerate(planted):
        if not list(problems_in(a_page, some)):
            print(f"self-test: nobody noticed plant {number}")
            return 1
    print(f"self-test: all {len(planted)} plants were noticed")
    return 0


def main():
    page, sources = (ROOT / PAGE).read_text(), read_sources()
    found = list(problems_in(page, sources))
    if found or "--self-test" not in sys.argv:
        print("\n".join(found) or "the page quotes what src prints")
        return 1 if found else 0
    return self_test(page, sources)


if __name__ == "__main__":
    sys.exit(main())
