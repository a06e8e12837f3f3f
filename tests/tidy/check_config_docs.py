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
PAGE, EXAMPLE, HEADER, READER = (
    ROOT / p for p in ("docs/reference/configuration.md", "deploy/systemd/etcdrill.yaml",
                       "src/config/config.h", "src/config/load.cc"))
KINDS = {
    "ParseSchedule": "schedule", "ParseSize": "size", "ParseRate": "rate", "ParseCount": "number",
    "ParseBool": "bool", "ParsePercent": "percentage", "ParseParts": "fraction"
}
# Defaults that are no literal in config.h.
ELSEWHERE = {"drill.sample.newest": "always"}

FUNCTION = re.compile(
    r"^(?:void|Assertion) (\w+)\(Section&? (\w+)(?:, (\w+)& (\w+))?\) \{\n(.*?)^\}", re.S | re.M)
REFUSED = re.compile(r'\bsame\("([\w.]+)"')
LITERAL = re.compile(r'(\w+)\.(Read\w*|Sub|List)(?:<[^>]*>)?\(\s*"(\w+)"((?:,\s*[\w.:]+)*)')


def functions(texts):
    return {m[1]: m.groups()[1:] for text in texts for m in FUNCTION.finditer(text)}


def keys_in_source(texts):
    """{key: (kind of value or None, member that it fills as (struct, path))}."""
    known, found, placed = functions(texts), {}, set()

    def follow(name, prefix):
        section, struct, target, body = known[name]
        sections = {section: prefix}
        for m in LITERAL.finditer(body):
            variable, call, key, rest = m.groups()
            if variable not in sections:
                continue
            placed.add((name, m.start()))
            path = f"{sections[variable]}{key}"
            before = body[:m.start()].splitlines()[-1] if body[:m.start()].splitlines() else ""
            if call == "Sub":
                if made := re.search(r"Section (\w+) = $", before):
                    sections[made[1]] = path + "."
                elif called := re.search(r"(\w+)\($", before):
                    follow(called[1], path + ".")
            elif call == "List":
                found[path] = (None, None)
                entry = re.search(r"for \(Section& (\w+) : $", before)[1]
                follow(re.search(rf"(\w+)\({entry}\)", body[m.end():])[1], path + "[].")
            else:
                names = re.findall(r"[\w.:]+", rest)
                kind = next((KINDS[n] for n in names if n in KINDS), None)
                member = names[0].split(".") if names else []
                ours = member[:1] == [target or "config"]
                found[path] = (kind, (struct or "Config", member[1:]) if ours else None)

    follow("ReadRoot", "")
    total = {(name, m.start()) for name, parts in known.items() for m in LITERAL.finditer(parts[3])}
    literals = sum(
        len(re.findall(r'\.(?:Read\w*|Sub|List)(?:<[^>]*>)?\(\s*"', text)) for text in texts)
    if placed != total or len(total) != literals:
        raise SystemExit(f"{literals} keys are read in src/config, {len(placed)} of them could be "
                         "placed: teach this test the new shape")
    return found


def structs():
    """{struct: {member: (type, initialiser)}} of config.h."""
    member = re.compile(r"^  ([\w:<> ]+?) (\w+)(?: = ([^;]+)|\{\})?;", re.M)
    return {m[1]: {name: (kind.strip(), text) for kind, name, text in member.findall(m[2])}
            for m in re.finditer(r"^struct (\w+) \{\n(.*?)^\};", HEADER.read_text(), re.S | re.M)}


def as_written(text):
    """A C++ initialiser as a person writes it in the file."""
    if text in (None, ""):
        return ""
    for pattern, made in ((r'\{?"(.*)"\}?', r"\1"), (r"7 \* 24h", "7d"), (r"(\d+)min", r"\1m"),
                          (r"(\d+(?:s|h))", r"\1"), (r"(true|false|\d+)", r"\1"),
                          (r"uint64_t\{(\d+)\} << 20", r"\1MiB/s"),
                          (r"\w+::k(\w+)", lambda m: m[1].lower()), (r"0\.(\d)", r"\g<1>0%")):
        if m := re.fullmatch(pattern, text):
            return m.expand(made) if isinstance(made, str) else made(m)
    if m := re.fullmatch(r"Every\((.*)\)", text):
        return "@every " + as_written(m[1])
    raise SystemExit(f"config.h: teach this test how {text} is written")


def default_of(member, types):
    """Type and default of a member, as config.h has them; where its struct is itself a member, that
    may say otherwise."""
    struct, path = member
    for name in path[:-1]:
        struct = types[struct][name][0]
    kind, text = types[struct][path[-1]]
    for outer in (init for members in types.values() for type_name, init in members.values()
                  if type_name == struct and init):
        if inner := re.search(rf"\.{path[-1]} = ([^,}}]+)", outer):
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
            wanted = default_of(("DrillConfig", ["etcd_binaries"]), types)[1]
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
    new_key = [t.replace('scrub.Read("period"', 'scrub.Read("new_key"') for t in texts]
    changes = {
        "a key in the source only": (new_key, page, example, "no scrub.new_key"),
        "a key in the page only": (
            texts, page.replace("`web.listen`", "`web.nothing`"), example, "web.nothing"),
        "another default": (texts, page.replace("| `26h` |", "| `27h` |"), example,
                            "restorable_rpo defaults to 26h"),
        "another kind": (texts, page.replace("`scrub.rate` | rate", "`scrub.rate` | size"),
                         example, "is a rate"),
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
    texts = [READER.read_text()]
    if "--self-test" in sys.argv:
        return self_test(texts, PAGE.read_text(), EXAMPLE.read_text())
    found = list(problems(texts, PAGE.read_text(), EXAMPLE.read_text()))
    print("\n".join(found) or "the reference of the configuration and its reader agree")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
