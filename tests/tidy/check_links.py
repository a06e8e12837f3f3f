#!/usr/bin/env python3
"""Fails if a link in a page leads nowhere: its file or its anchor does not exist.

Every relative link of every Markdown page is followed, and every URL of our own repository in any
text (runbooks in alert rules, dashboards, source). Anchors follow GitHub's rule: the heading in
lower case, without punctuation, with - for each space, and -1, -2 where a heading occurs again.
That a page which is only named exists is the work of check_citations.py. With --self-test this
proves that it can fail: it plants wrong links and expects each to be reported.
"""
import posixpath
import re
import sys

from check_citations import ROOT, read

OURS = "https://github.com/etcdrill/etcdrill/blob/main/"
FENCE = re.compile(r"^ *(```|~~~).*?^ *\1", re.S | re.M)
CODE = re.compile(r"(`+)[^`].*?\1")
LINK = re.compile(r"\]\(\s*<?([^)\s>]*)>?[^)]*\)|^ {0,3}\[[^\]]+\]:\s+(\S+)|<(?:a|img)[^>]+"
                  r"(?:href|src)=\"([^\"]*)\"", re.M)
HEADING = re.compile(r"^ {0,3}#{1,6} +(.*?)(?: +#+)?$", re.M)
NAMED = re.compile(r"<a[^>]+(?:id|name)=\"([^\"]+)\"")
URL = re.compile(re.escape(OURS.removesuffix("blob/main/")) +
                 r"(?:blob|tree)/main/([\w./-]*\w)(?:#([\w-]*\w))?")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|//")


def blank(match):
    """As many characters and lines, and no text."""
    return re.sub(r"[^\n]", " ", match.group())


def anchors_of(page):
    prose = FENCE.sub(blank, page)
    anchors, seen = set(NAMED.findall(prose)), {}
    for heading in HEADING.findall(prose):
        text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)  # a link is its text
        text = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        count = seen.get(text, 0)
        seen[text] = count + 1
        anchors.add(f"{text}-{count}" if count else text)
    return anchors


def links_of(name, text):
    """Yields where a link is, the path that it leads to, from the root, and its anchor."""
    for match in URL.finditer(text):
        yield match.start(), match.group(1), match.group(2)
    if not name.endswith(".md"):
        return
    prose = CODE.sub(blank, FENCE.sub(blank, text))
    for match in LINK.finditer(prose):
        link = next(group for group in match.groups() if group is not None)
        if not ELSEWHERE.match(link):
            path, _, anchor = link.partition("#")
            path = posixpath.join(posixpath.dirname(name), path) if path else name
            yield match.start(), posixpath.normpath(path), anchor or None


def problems_in(texts):
    anchors = {name: anchors_of(text) for name, text in texts.items() if name.endswith(".md")}
    for name, text in texts.items():
        for at, path, anchor in links_of(name, text):
            problem = None
            if path not in texts and (path.startswith("..") or not (ROOT / path).exists()):
                problem = f"{path} is not in the repository"
            elif anchor and path in anchors and anchor not in anchors[path]:
                problem = f"{path} has no heading #{anchor}"
            elif anchor and path not in anchors:
                problem = f"{path} is not a page, so it has no heading #{anchor}"
            if problem:
                yield f"{name}:{text.count(chr(10), 0, at) + 1}: {problem}"


def self_test():
    page = "# A page\n\n## Its `code`, and [a link](b.md)\n\n## Twice\n\n## Twice\n"
    sound = ("[a](#a-page) [b](#its-code-and-a-link) [c](#twice-1) [d](../LICENSE) `[e](none.md)`\n"
             "```sh\n# No heading, and [no link](none.md)\n```\n[f](https://example.com/none.md)\n")
    planted = {
        "docs/made.md": ["[a](none.md)", "[a](made.md#none)", "[a](#twice-2)",
                         "[a](../../above.md)", "[a][b]\n\n[b]: none.md",
                         "![a](images/none.png)", "[a](../LICENSE#none)",
                         "<img src=\"none.png\">", "[a](#no-heading-and-no-link)"],
        "alerts/content.yml": [f"# {OURS}alerts/runbooks/None.md",
                               f"# {OURS}docs/made.md#none"],
        "src/base/bytes.h": [f"// {OURS}docs/none.md"],
    }
    clean = {"docs/made.md": page + sound, "docs/b.md": "", "alerts/content.yml": "",
             "src/base/bytes.h": ""}
    wrong = [f"a right link is reported: {problem}" for problem in problems_in(clean)]
    count = 0
    for name, links in planted.items():
        for link in links:
            count += 1
            if not list(problems_in({**clean, name: f"{clean[name]}\n{link}\n"})):
                wrong.append(f"nothing is reported for {link!r} in {name}")
    print("\n".join(wrong) or f"self-test: all {count} planted links were reported")
    return 1 if wrong else 0


def main():
    if "--self-test" in sys.argv:
        return self_test()
    found = list(problems_in(read()))
    print("\n".join(found) or "every link leads somewhere")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
