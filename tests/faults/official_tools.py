#!/usr/bin/env python3
"""What etcd's own tools notice of a damaged snapshot, beside etcdrill: the table in
docs/coverage.md.
Not a test: run it by hand.

Each damage is done to a copy of one real snapshot; `snapshot status` of each etcd looks at it, and
`etcdrill verify`. Noticed is an exit code other than 0. Usage: official_tools.py [TRIES] [SEED]
"""
import collections
import pathlib
import random
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
sys.dont_write_bytecode = True
import harness

PAGE = 4096
TOOLS = {"3.4": "etcdctl", "3.5": "etcdutl", "3.6": "etcdutl", "3.7": "etcdutl"}


def flip(data, rng):
    bit = rng.randrange(len(data) * 8)
    data[bit // 8] ^= 1 << bit % 8


def cut(data, rng):
    del data[len(data) - rng.choice((1, 32, 512, 4096, 4128, len(data) // 2)):]


def zero(data, rng):
    page = rng.randrange(2, len(data) // PAGE)
    data[page * PAGE:(page + 1) * PAGE] = bytes(PAGE)


def swap(data, rng):
    a, b = (page * PAGE for page in rng.sample(range(2, len(data) // PAGE), 2))
    data[a:a + PAGE], data[b:b + PAGE] = data[b:b + PAGE], data[a:a + PAGE]


def append(data, rng):
    data += bytes(rng.choice((1, 512, 4096)))


DAMAGES = {
    "one flipped bit": flip, "cut at the end": cut, "a zeroed page": zero,
    "two swapped pages": swap, "bytes added": append
}


def look(command):
    """(what it printed, noticed, crashed)"""
    try:
        done = harness.run(command, timeout=10)
    except subprocess.TimeoutExpired:
        return "", True, True
    return done.out, done.code != 0, done.code == 2 or done.code < 0


def main():
    tries = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    rng = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    clean = harness.fixture("e3530-compacted").read_bytes()
    tools = {version: harness.tool(version, name) for version, name in TOOLS.items()}
    print("| damage | tool | reports an error | of these a panic or hang "
          f"| same output as undamaged |\n|{' --- |' * 5}")
    with tempfile.TemporaryDirectory() as work:
        path = pathlib.Path(work) / "s.db"
        path.write_bytes(clean)
        sound = {version: look([tool, "snapshot", "status", path])[0]
                 for version, tool in tools.items()}
        for name, damage in DAMAGES.items():
            counts = collections.Counter()
            for _ in range(tries):
                data = bytearray(clean)
                damage(data, rng)
                if data == clean:  # an unused page that was zero
                    continue
                counts["tries"] += 1
                for version, tool in tools.items():
                    path.write_bytes(data)  # each time, as 3.4's status writes to it
                    said, noticed, crashed = look([tool, "snapshot", "status", path])
                    counts.update({(version, "noticed"): noticed, (version, "crashed"): crashed,
                                   (version, "same"): said == sound[version]})
                path.write_bytes(data)
                counts["etcdrill"] += look([harness.build_dir() / "etcdrill", "verify", path])[1]
            for version in TOOLS:
                cells = [counts[version, what] for what in ("noticed", "crashed", "same")]
                print(f"| {name} ({counts['tries']}) | {version} |", *(f"{n} |" for n in cells))
            print(f"| | etcdrill | {counts['etcdrill']} | | |", flush=True)


if __name__ == "__main__":
    main()
