#!/usr/bin/env python3
"""Reads every #include line of src/ and holds it to the layers of docs/dev/architecture.md, and
heavy headers to their one place; and every line outside io/ and base/ to not touching the world.

A folder includes only folders on lower lines, never a sibling on its own line:
    main > cli > sidecar > pipeline > { crosscheck report sites } > catalog
         > { capture store verify restore drill } > config > { etcd format http objects }
         > { io crypto }
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
    {"etcd", "format", "http", "objects"},
    {"config"},
    {"capture", "store", "verify", "restore", "drill"},
    {"catalog"},
    {"crosscheck", "report", "sites"},
    {"pipeline"},
    {"sidecar"},
    {"cli"},
]
LEVEL = {folder: level for level, folders in enumerate(LAYERS) for folder in folders}

# Header prefix: the files that may include it, as a pattern on the path below src/.
HEAVY = {
    "grpc": r"etcd/",
    "absl/": r"base/status\.h",
    "CLI/": r"cli/command_line\.cc",
    "yaml-cpp/": r"config/section\.",
    "prometheus/": r"report/(families\.|cluster_metrics\.cc)",
    "civetweb.h": r"http/civet\.cc",
    "openssl/": r"crypto/|http/front/",
    "curl/": r"io/http_client\.cc",
    "zstd.h": r"io/zstd\.cc",
    "crypt.h": r"crypto/",
    "isa-l/": r"crypto/",
    "zip.h": r"io/expand\.cc",
    "zlib.h": r"(io/expand|http/gzip)\.cc",
    "nlohmann/json.hpp": r".*\.cc|base/json_reader\.h",
    "base/json_reader.h": r".*\.cc",
    "proto/etcdserverpb.grpc": r"etcd/",
    "sidecar/": r"sidecar/|cli/cmd_run\.cc|main\.cc",
}

# What touches the world: io/ and base/ do it for all others, so that tests can put something else
# in its place.
WORLD = {
    "opens files": r"std::(i|o)?fstream|std::filesystem|\bfopen\(|(?<![.>\w:])(::)?open(at)?\(",
    "reads the environment": r"\bgetenv\(|\benviron\b",
    "reads a clock": r"(system|steady)_clock|clock_gettime\(|gettimeofday\(|\btime\((nullptr|0)\)",
    "sleeps": r"sleep_(for|until)\(|\bu?sleep\(|nanosleep\(",
    "starts a process": r"posix_spawn|\bfork\(|\bexec[lv]p?e?\(|\bpopen\(|std::system\(",
}
# (file, what it does): why it may.
MAY = {
    ("config/values.cc", "opens files"): "only makes a path shorter",
    ("config/load.cc", "reads the environment"): "ETCDCTL_ENDPOINTS",
    ("http/civet.cc", "sleeps"): "between the knocks that end CivetWeb's accepting thread",
    ("report/process_metrics.cc", "opens files"): "of this process, in /proc",
    ("drill/etcd_binary.cc", "reads the environment"): "ETCD_UNSUPPORTED_ARCH, for its child",
    ("cli/output.cc", "reads the environment"): "NO_COLOR",
    ("cli/session.cc", "reads the environment"): "TMPDIR",
    ("cli/cmd_drill.cc", "reads the environment"): "PATH, in which etcd is looked for",
    ("sidecar/service_manager.cc", "reads the environment"): "systemd's variables",
    ("sidecar/service_manager.cc", "reads a clock"): "systemd's, which is not ours",
}

INCLUDE = re.compile(r'^\s*#\s*include\s+[<"]([^>"]+)[>"]')


def problems_in(src):
    used = set()
    for path in sorted(p for p in src.rglob("*") if p.suffix in {".h", ".cc"}):
        name = path.relative_to(src).as_posix()
        folder = name.split("/")[0] if "/" in name else "main"
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if folder not in {"io", "base"}:
                for what, pattern in WORLD.items():
                    if not re.search(pattern, line.split("//")[0]):
                        continue
                    used.add((name, what))
                    if (name, what) not in MAY:
                        yield f"src/{name}:{number}: {what}, which io/ and base/ do"
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
    for name, what in MAY.keys() - used:
        yield f"src/{name}: no longer {what}: take its exception away"


def self_test(src):
    edges = [
        ("base/bytes.h", '#include "io/file_system.h"'),
        ("verify/verify.h", '#include "restore/restore.h"'),
        ("pipeline/run_drill.cc", '#include "cli/output.h"'),
        ("cli/session.cc", '#include "sidecar/daemon.h"'),
        ("proof/manifest.h", "#include <nlohmann/json.hpp>"),
        ("drill/probe.cc", "#include <grpcpp/grpcpp.h>"),
        ("verify/verify.cc", "std::ifstream in(path);"),
        ("store/names.cc", "const auto now = std::chrono::system_clock::now();"),
        ("pipeline/scrub.cc", "std::this_thread::sleep_for(1s);"),
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
