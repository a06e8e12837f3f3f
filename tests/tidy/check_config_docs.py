#!/usr/bin/env python3
"""Holds docs/reference/configuration.md and the commented example equal to src/config: every key
that is read, its kind of value, its default, and whether a change needs a restart; in both
directions.

The reader has no table. But it is regular: a Section is got from another by Sub or List, and each
key is one call with its name as a literal. This follows those calls from ReadRoot, and the members
that they fill through config.h. A literal that it can't place fails, so a new shape of code can't
hide a key. With --self-test it proves that it can fail.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE, EXAMPLE = (
    ROOT / p for p in ("docs/reference/configuration.md", "deploy/systemd/etcdrill.yaml"))
READERS = [ROOT / "src/config" / p for p in ("load.cc", "sites.cc", "shared_sections.cc")]
HEADERS = [ROOT / "src" / p for p in ("config/config.h", "objects/limited.h",
                                      "objects/s3/address.h", "objects/s3/credential_chain.h")]
KINDS = {
    "ParseSchedule": "schedule", "ParseSize": "size", "ParseRate": "rate", "ParseCount": "number",
    "ParseBool": "bool", "ParsePercent": "percentage", "ParseParts": "fraction"
}
# Defaults that are no literal in a header.
ELSEWHERE = {"drill.sample.newest": "always", "store.sites[].compress": "zstd",
             "store.sites[].s3.insecure_skip_verify": "false"}

FUNCTION = re.compile(
    r"^(?:void|Assertion) (\w+)\(Section&? (\w+)(?:,\s(?:\w+::)?(\w+)& (\w+))?\) \{\n(.*?)^\}",
    re.S | re.M)
REFUSED = re.compile(r'\bsame\("([\w.]+)"')
LITERAL = re.compile(r'(\w+)\.(Read\w*|Sub|List)(?:<[^>]*>)?\(\s*"(\w+)"((?:,\s*[\w.:]+)*)')


def functions(texts):
    return {m[1]: m.groups()[1:] for text in texts for m in FUNCTION.finditer(text)}


def keys_in_source(texts):
    """{key: (kind of value or None, the member that it fills)}; a member is [(struct, path), ...],
    from the innermost struct to the one that holds it."""
    known, found, placed = functions(texts), {}, set()

    def follow(name, prefix, outer):
        section, struct, target, body = known[name]
        sections = {section: prefix}
        struct, target = struct or "Config", target or "config"

        def call(function, argument, below):
            path = re.findall(r"\w+", argument or "")
            is_ours = path[:1] == [target] and "emplace" not in path
            holder = [(struct, path[1:])] if path[1:] else []
            follow(function, below, [*holder, *outer] if is_ours else [])

        for m in re.finditer(r"^ +(\w+)\((\w+), ([\w.]+(?:\(\))?)\);", body, re.M):
            function, variable, argument = m.groups()
            if function in known and variable in sections:  # keys of the same mapping
                call(function, argument, prefix)
        for m in LITERAL.finditer(body):
            variable, kind_of_call, key, rest = m.groups()
            if variable not in sections:
                continue
            placed.add((name, m.start()))
            path = f"{sections[variable]}{key}"
            before = body[:m.start()].splitlines()[-1] if body[:m.start()].splitlines() else ""
            after = body[m.end():]
            if kind_of_call == "Sub":
                if made := re.search(r"Section (\w+) = $", before):
                    sections[made[1]] = path + "."
                    if passed := re.search(rf"(\w+)\({made[1]}, ([\w.]+)", after):
                        call(passed[1], passed[2], path + ".")
                elif called := re.search(r"(\w+)\($", before):
                    call(called[1], re.match(r"\), ([\w.]+)", after)[1], path + ".")
            elif kind_of_call == "List":
                found[path] = (None, None)
                entry = re.search(r"for \(Section& (\w+) : $", before)[1]
                called = re.search(rf"(\w+)\({entry}(?:, (\w+))?\)", after)
                call(called[1], called[2], path + "[].")
            else:
                names = re.findall(r"[\w.:]+", rest)
                kind = next((KINDS[n] for n in names if n in KINDS), None)
                member = names[0].split(".") if names else []
                ours = member[:1] == [target]
                found[path] = (kind, [(struct, member[1:]), *outer] if ours else None)

    follow("ReadRoot", "", [])
    total = {(name, m.start()) for name, parts in known.items() for m in LITERAL.finditer(parts[3])}
    literals = sum(
        len(re.findall(r'\.(?:Read\w*|Sub|List)(?:<[^>]*>)?\(\s*"', text)) for text in texts)
    if placed != total or len(total) != literals:
        raise SystemExit(f"{literals} keys are read in src/config, {len(placed)} of them could be "
                         "placed: teach this test the new shape")
    return found


def structs():
    """{struct: {member: (type, initialiser)}} of the headers."""
    member = re.compile(r"^  ([\w:<> ]+?) (\w+)(?: = ([^;]+)|\{\})?;", re.M)
    return {m[1]: {name: (kind.strip(), text) for kind, name, text in member.findall(m[2])}
            for header in HEADERS
            for m in re.finditer(r"^struct (\w+) \{\n(.*?)^\};", header.read_text(), re.S | re.M)}


def as_written(text):
    """A C++ initialiser as a person writes it in the file."""
    if text in (None, "", "{}"):
        return ""
    for pattern, made in ((r'\{?"(.*)"\}?', r"\1"), (r"(\d+) \* 24h", r"\1d"),
                          (r"(\d+)min", r"\1m"), (r"(\d+(?:s|h))", r"\1"),
                          (r"(true|false|\d+)", r"\1"), (r"uint64_t\{(\d+)\} << 20", r"\1MiB/s"),
                          (r"\w+::k(\w+)", lambda m: m[1].lower()),
                          (r"\w+::\w+::k(\w+)", lambda m: m[1].lower()), (r"0\.(\d)", r"\g<1>0%")):
        if m := re.fullmatch(pattern, text):
            return m.expand(made) if isinstance(made, str) else made(m)
    if m := re.fullmatch(r"Every\((.*)\)", text):
        return "@every " + as_written(m[1])
    raise SystemExit(f"config.h: teach this test how {text} is written")


def default_of(member, types):
    """Type and default of a member, as the headers have them; where its struct is itself a member,
    that may say otherwise."""
    (struct, path), *outer = member

    def at(where, names):
        for name in names[:-1]:
            where = types[where][name][0].rpartition("::")[2]
        return types[where][names[-1]]

    kind, text = at(struct, path)
    for holder, names in outer:
        _, init = at(holder, names)
        if len(path) == 1 and (inner := re.search(rf"\.{path[0]} = ([^,}}]+)", init)):
            text = inner[1]
    return kind, as_written(text)


def rows(text):
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `") and len(cells) == 4:
            yield cells[0].strip("`"), cells[1], cells[2].strip("`"), cells[3]


def problems(texts, page, example):
    source, types = keys_in_source(texts), structs()
    documented = {key: (kind, default) for key, kind, default, _ in rows(page)}
    refused = set(REFUSED.findall("".join(texts)))  # by a reload
    listed = set(re.findall(r"^- `([\w.]+)`$", page, re.M))
    marked = {key for key, _, _, meaning in rows(page) if meaning.endswith("*Restart.*")}
    for key in sorted((refused ^ listed) | (refused ^ marked)):
        yield (f"docs/reference/configuration.md: {key} must be in the list of keys that need a "
               "restart, and marked in its row, if and only if CheckReloadable refuses it")
    for key in sorted(source.keys() - documented.keys()):
        yield f"docs/reference/configuration.md has no {key}"
    for key in sorted(documented.keys() - source.keys()):
        yield f"docs/reference/configuration.md has {key}, which src/config does not read"
    for key in sorted(source.keys() & documented.keys()):
        (kind, member), (said, default) = source[key], documented[key]
        wanted = ELSEWHERE.get(key, "")
        if member and not key.endswith("[]"):
            cpp, wanted = default_of(member, types) if key not in ELSEWHERE else ("", wanted)
            kind = kind or ("duration" if cpp == "Duration" else None)
        if key == "drill.sample.older":
            wanted = f"1/{wanted}"
        if key == "drill.etcd.binary":  # goes through a local variable
            wanted = default_of([("DrillConfig", ["etcd_binaries"])], types)[1]
        if key == "drill.etcd.binaries":
            wanted = ""
        if kind and kind != said:
            yield f"docs/reference/configuration.md: {key} is a {kind}, not a {said}"
        if default != wanted:
            yield (f"docs/reference/configuration.md: {key} defaults to {wanted or 'nothing'}, "
                   f"not to {default or 'nothing'}")
    for key in sorted(source):
        if not re.search(rf"\b{key.rsplit('.', 1)[-1]}\b", example):
            yield f"deploy/systemd/etcdrill.yaml does not show {key}"


def self_test(texts, page, example):
    new_key = [t.replace('section.Read("period"', 'section.Read("new_key"') for t in texts]
    changes = {
        "a key in the source only": (new_key, page, example, "no scrub.new_key"),
        "a key in the page only": (
            texts, page.replace("`web.listen`", "`web.nothing`"), example, "web.nothing"),
        "another default": (texts, page.replace("| `26h` |", "| `27h` |"), example,
                            "restorable_rpo defaults to 26h"),
        "another kind": (texts, page.replace("`scrub.rate` | rate", "`scrub.rate` | size"),
                         example, "is a rate"),
        "another default in a site": (
            texts, page.replace("`store.sites[].scrub.period` | duration | `30d`",
                                "`store.sites[].scrub.period` | duration | `7d`"), example,
            "store.sites[].scrub.period defaults to 30d"),
        "a key that needs a restart": (
            [t.replace('same("log.format"', 'same("log.level"') for t in texts], page, example,
            "log.level must be in the list"),
        "a mark that is missing": (
            texts, page.replace("`logfmt` or `json`. *Restart.*", ""), example,
            "log.format must be in the list"),
        "a key that the example lacks": (
            texts, page, example.replace("quarantine:", "x:"), "quarantine"),
    }
    failed = [name for name, (*changed, wanted) in changes.items()
              if not any(wanted in problem for problem in problems(*changed))]
    print("\n".join(f"nobody noticed {name}" for name in failed)
          or f"all {len(changes)} changes were noticed")
    return 1 if failed else 0


def main():
    texts = [reader.read_text() for reader in READERS]
    if "--self-test" in sys.argv:
        return self_test(texts, PAGE.read_text(), EXAMPLE.read_text())
    found = list(problems(texts, PAGE.read_text(), EXAMPLE.read_text()))
    print("\n".join(found) or "the reference of the configuration and its reader agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
