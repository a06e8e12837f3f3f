#!/usr/bin/env python3
"""Holds what the pages say of limits to the source: a number that a page gives stands there, and a
test that a page names is there.

With --self-test it proves that it can fail: it takes each of its words out of the page and out of
the source, and expects to be told.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

# A page, its words (a line break there may be anywhere), a file, and what it says of the same.
LIMITS = [
    ("impact.md", "(snapshot + 122 MiB) + 64 MiB", "src/pipeline/ladder.cc",
     "(image.size() + 2 * wal::kSegmentBytes) * CountEtcds(request) + kMargin"),
    ("impact.md", "64 MiB are the margin", "src/pipeline/ladder.cc",
     "kMargin = uint64_t{64} << 20"),
    ("impact.md", "122 MiB are two segments", "src/format/wal/wal.h", "kSegmentBytes = 64'000'000"),
    ("impact.md", "or 4 with --full-cluster", "src/pipeline/ladder.cc", "kFullCluster = 3;"),
    ("impact.md", "two snapshots and 256 MiB", "alerts/housekeeping.yml",
     "2 * last_over_time(etcdrill_snapshot_last_size_bytes[15m]) + 268435456"),
    ("impact.md", "64 MiB and 600 bytes per stored revision", "src/pipeline/ladder.cc",
     "kBytesARow = 600"),
    ("impact.md", "64 MiB and 600 bytes per stored revision", "src/pipeline/ladder.cc",
     "kEmptyEtcd = uint64_t{64} << 20"),
    ("impact.md", "60 s, or `drill.timeout`", "src/pipeline/ladder.cc",
     "kCallLimit = std::chrono::seconds(60)"),
    ("impact.md", "SIGKILL after 0.5 s", "src/drill/etcd_process.cc", "kStopGrace = 500ms"),
    ("impact.md", "nice 10, the idle I/O class", "src/io/subprocess.cc", "kNicer = 10"),
    ("impact.md", "highest OOM score (1000)", "src/io/subprocess.cc", 'write(fd.get(), "1000", 4)'),
    ("impact.md", "the snapshot stream, no data | 60 s", "src/etcd/client.h",
     "no_progress_timeout = std::chrono::seconds(60)"),
    ("impact.md", "2 s (`--dial-timeout`)", "src/etcd/client.h",
     "dial_timeout = std::chrono::seconds(2)"),
    ("impact.md", "1 s per 25 MiB of database", "src/etcd/endpoint.cc",
     "kHashedBytesASecond = int64_t{25} << 20"),
    ("impact.md", "(30 min at most)", "src/etcd/endpoint.cc",
     "kHashTimeMax = std::chrono::minutes(30)"),
    ("impact.md", "less than 64 MiB (on small disks 5 %)", "src/capture/capture.cc",
     "std::min(kReserveMax, space.size_bytes / 20)"),
    ("impact.md", "less than 64 MiB (on small disks 5 %)", "src/capture/capture.cc",
     "kReserveMax = uint64_t{64} << 20"),
    ("impact.md", "twice the database and 256 MiB", "src/capture/capture.cc",
     "kGrowthMax = uint64_t{128} << 20;  // of half a database"),
    ("impact.md", "more than 1,000 entries behind", "src/capture/member_choice.h",
     "kLagMax = 1000"),
    ("impact.md", "three rounds, one second apart", "src/crosscheck/member_consistency.cc",
     "kRounds = 3"),
    ("impact.md", "three rounds, one second apart", "src/crosscheck/member_consistency.cc",
     "kBetweenRounds = 1s"),
    ("impact.md", "a tenth of the interval, at most 5 min", "src/sidecar/timetable.cc",
     "kRetryPart = 10"),
    ("impact.md", "a tenth of the interval, at most 5 min", "src/sidecar/timetable.cc",
     "kRetryMax = 5min"),
    ("impact.md", "`CPUWeight=20`", "deploy/systemd/etcdrill.service", "CPUWeight=20"),
    ("impact.md", "`IOWeight=20`", "deploy/systemd/etcdrill.service", "IOWeight=20"),
    ("impact.md", "`MemoryMax=50%`", "deploy/systemd/etcdrill.service", "MemoryMax=50%"),
    ("impact.md", "`OOMScoreAdjust=500`", "deploy/systemd/etcdrill.service", "OOMScoreAdjust=500"),
    ("impact.md", "`TasksMax=512`", "deploy/systemd/etcdrill.service", "TasksMax=512"),
    ("impact.md", "a sign of life every 60 s", "deploy/systemd/etcdrill.service", "WatchdogSec=60"),
    ("impact.md", "limit 1 CPU", "deploy/kustomize/base/daemonset.yaml",
     'limits: {cpu: "1", memory: 2Gi}'),
    ("impact.md", "limit 1 CPU", "deploy/helm/etcdrill/values.yaml",
     'limits: {cpu: "1", memory: 2Gi}'),
    ("impact.md", "`sizeLimit: 8Gi`", "deploy/kustomize/base/daemonset.yaml", "{sizeLimit: 8Gi}"),
    ("impact.md", "`sizeLimit: 8Gi`", "deploy/helm/etcdrill/values.yaml", "sizeLimit: 8Gi"),
    ("impact.md", "`health.interval` (15 s)", "src/config/config.h", "interval = 15s"),
    ("impact.md", "`health.timeout`, 5 s", "src/config/config.h", "timeout = 5s"),
    ("impact.md", "`snapshot.timeout`, 10 min", "src/config/config.h", "timeout = 10min"),
    ("impact.md", "`drill.timeout`, 30 min", "src/config/config.h", "timeout = 30min"),
    ("impact.md", "one seventh of the older", "src/config/config.h", "older_parts = 7"),
    ("impact.md", "`scrub.rate` (20 MiB/s)", "src/config/config.h",
     "bytes_per_second = uint64_t{20} << 20"),
    ("impact.md", "`scrub.period` (7 d)", "src/config/config.h", "period = 7 * 24h"),
    ("impact.md", "10 s apart, restart", "deploy/kustomize/base/daemonset.yaml",
     "periodSeconds: 10"),
    ("concepts.md", "drills the newest one every six hours", "src/config/config.h",
     "schedule = Every(6h)"),
    ("concepts.md", "takes one each hour", "src/config/config.h", "schedule = Every(1h)"),
    ("concepts.md", "| `objectives.rpo` | 2 h |", "src/config/config.h", "rpo = 2h"),
    ("concepts.md", "| `objectives.restorable_rpo` | 26 h |", "src/config/config.h",
     "restorable_rpo = 26h"),
    ("concepts.md", "| `objectives.rto` | 15 min |", "src/config/config.h", "rto = 15min"),
]


def read_page(page):
    """In one line, as a page may be broken anywhere."""
    return " ".join((ROOT / "docs" / page).read_text().split())


def read_all():
    """The texts that are compared, by page and by file."""
    return ({page: read_page(page) for page, _, _, _ in LIMITS},
            {name: (ROOT / name).read_text() for _, _, name, _ in LIMITS})


def wrong_limits(pages, files):
    for page, words, name, code in LIMITS:
        if words not in pages[page]:
            yield f"docs/{page} does not say \"{words}\" any more; {name} does"
        if code not in files[name]:
            yield f"{name} does not say \"{code}\" any more; does docs/{page}, \"{words}\", hold?"


def missing_tests(page):
    for path in re.findall(r"`((?:e2e|unit|faults)/[\w/*.]+)`", page):
        if not list((ROOT / "tests").glob(path)):
            yield f"docs/coverage.md: tests/{path} is not there"


def self_test():
    pages, files = read_all()
    for page, words, name, code in LIMITS:
        without_words = pages | {page: pages[page].replace(words, "")}
        without_code = files | {name: files[name].replace(code, "")}
        if not list(wrong_limits(without_words, files)) or not list(
                wrong_limits(pages, without_code)):
            print(f"self-test: not noticed: {words}")
            return 1
    if not list(missing_tests("`e2e/test_none.py`")):
        print("self-test: not noticed: a test that is not there")
        return 1
    print(f"self-test: all {2 * len(LIMITS) + 1} changes were noticed")
    return 0


def main():
    problems = [*wrong_limits(*read_all()), *missing_tests(read_page("coverage.md"))]
    if problems or "--self-test" not in sys.argv:
        print("\n".join(problems) or "the pages give the limits of the source")
        return 1 if problems else 0
    return self_test()


if __name__ == "__main__":
    sys.exit(main())
