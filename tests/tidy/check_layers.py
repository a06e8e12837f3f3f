#!/usr/bin/env python3
"""Reads every #include line of src/ and holds it to the layers of docs/architecture.md, and
heavy headers to their one place.

A folder includes only folders on lower lines, never a sibling on its own line:
    main > cli > sidecar > pipeline > { crosscheck report } > catalog
         > { capture store verify restore drill } > config > { etcd format http } > { io crypto }
         > proof > base
Of cli/ only the command that starts the sidecar includes it.
With --self-test it proves that it can fail: it plants one wrong edge of each kind in a copy and
expects to be told.
"""
import pathlib
import re
import shutil
import sys
import tempfile

LAYERS = [
    {"base"},
    {"proof"},
    {"io", "crypto"},
    {"etcd", "format", "http"},
    {"config"},
    {"capture", "store", "verify", "restore", "drill"},
    {"catalog"},
    {"crosscheck", "report"},
    {"pipeline"},
    {"sidecar"},
    {"cli"},
]
LEVEL = {folder: level for level, folders in enumerate(LAYERS) for folder in folders}

# Header prefix: the files that may include it, as a pattern on the path below src/.
HEAVY = {
    "grpc": r"etcd/",
    "absl/": r"base/status\.h",
    "CLI/": r"cli/cli\.cc",
    "yaml-cpp/": r"config/(section\.h|yaml_shape\.cc)",
    "prometheus/": r"report/metrics_page\.",
    "civetweb.h": r"http/civet\.cc",
    "openssl/": r"crypto/|http/front/",
    "crypt.h": r"crypto/",
    "isa-l/": r"crypto/",
    "zip.h": r"io/expand\.cc",
    "zlib.h": r"(io/expand|http/gzip)\.cc",
    "nlohmann/json.hpp": r".*\.cc|base/json_reader\.h",
    "base/json_reader.h": r".*\.cc",
    "proto/etcdserverpb.grpc": r"etcd/",
    "sidecar/": r"sidecar/|cli/cmd_run\.cc|main\.cc",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]')


def problems_in(src):
    for path in sorted(p for p in src.rglob("*") if p.suffix in {".h", ".cc"}):
        name = path.relative_to(src).as_posix()
        folder = name.split("/")[0] if "/" in name else "main"
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            header = match.group(1)
            target = header.split("/")[0]
            level = LEVEL.get(folder, len(LAYERS))
            if target in LEVEL and target != folder and LEVEL[target] >= level:
                yield (f"src/{name}:{number}: {folder}/ must not include {header}: "
                       f"{target}/ is not on a lower line")
            for prefix, allowed in HEAVY.items():
                if header.startswith(prefix) and not re.match(allowed, name):
                    yield f"src/{name}:{number}: {header} belongs into {allowed} only"


def self_test(src):
    edges = [
        ("base/bytes.h", '#include "io/file_system.h"'),
        ("verify/verify.h", '#include "restore/restore.h"'),
        ("pipeline/run.cc", '#include "cli/output.h"'),
        ("cli/targets.cc", '#include "sidecar/daemon.h"'),
        ("proof/manifest.h", "#include <nlohmann/json.hpp>"),
        ("drill/probe.cc", "#include <grpcpp/grpcpp.h>"),
    ]
    for name, line in edges:
        with tempfile.TemporaryDirectory() as temp:
            copy = pathlib.Path(temp) / "src"
            shutil.copytree(src, copy)
            with open(copy / name, "a") as f:
                f.write(line + "\n")
            if not any(f"src/{name}:" in problem for problem in problems_in(copy)):
                print(f"self-test: nobody noticed {line} in {name}")
                return 1
    print(f"self-test: all {len(edges)} planted edges were noticed")
    return 0


def main():
    src = pathlib.Path(__file__).resolve().parents[2] / "src"
    if "--self-test" in sys.argv:
        return self_test(src)
    found = list(problems_in(src))
    print("\n".join(found) or "the layers hold")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
