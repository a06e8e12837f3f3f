"""The snapshot files that are measured: a real etcd 3.6 is loaded, saved by etcdctl, and removed.
Made once, kept in build/bench.

One hard fact: etcd keeps the raft entries since its last raft snapshot in memory and in its WAL, so
with its default of 10,000 large transactions between two of them a load of 6 GB would need as much
memory.
"""
import base64
import collections
import concurrent.futures
import contextlib
import http.client
import json
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time
import urllib.parse

import harness

CACHE = harness.ROOT / "build" / "bench"
CONNECTIONS = 4
OPERATIONS = 256  # in one transaction, and so under one revision
FLAGS = [
    "--unsafe-no-fsync", "--quota-backend-bytes", 16 << 30, "--max-txn-ops", OPERATIONS,
    "--max-request-bytes", 16 << 20, "--snapshot-count", 100, "--snapshot-catchup-entries", 50,
    "--max-wals", 1, "--max-snapshots", 1, "--compaction-sleep-interval", "1ms", "--log-level",
    "error"
]

# value_bytes is the mean; with it, the file has the size that its name says. Lengths are spread as
# in Kubernetes: most values are small, some have many pages. The compaction is in the middle of the
# history, or before its first write: then every key has a row above it, and to know which one is
# the newest takes the most memory. (Never compacted, it takes none.)
Shape = collections.namedtuple("Shape", "keys value_bytes compact_in_middle")
Snapshot = collections.namedtuple("Snapshot", "name path facts")


def shape(name):
    """'1.5' is a file of 1.5 GB with 500,000 keys, other numbers in proportion; 'small-keys' has
    values of 30 bytes."""
    if name == "small-keys":
        return Shape(keys=2_000_000, value_bytes=30, compact_in_middle=False)
    return Shape(keys=round(float(name) * 1e9 / 3000), value_bytes=1500, compact_in_middle=True)


def halves(keys):
    """Both halves of the history, as steps: (put or delete, numbers of the keys). A twentieth more
    keys come and go."""
    extra = range(keys, keys + keys // 20)
    return (
        [("put", range(keys // 2)), ("put", extra), ("put", range(0, keys // 2, 5)),
         ("delete", extra[::2])],
        [("put", range(keys // 2, keys)), ("put", range(0, keys, 10)), ("put", range(0, keys, 20)),
         ("delete", extra[1::2])],
    )


def key(number):
    resource = ("pods", "configmaps", "secrets", "leases", "events", "replicasets",
                "endpointslices")[number % 7]
    workload = f"workload-{number * 2654435761 % 2**32:08x}-{number % 99991:05}"
    return f"/registry/{resource}/namespace-{number % 83:02}/{workload}"


def text(data):
    return base64.b64encode(data).decode()


def transaction(action, numbers, value_bytes, seed):
    """The JSON of one transaction, as etcd's gateway takes it; always the same bytes for the same
    arguments."""
    numbers_at_random = random.Random(seed)
    operations = []
    for number in numbers:
        operation = {"key": text(key(number).encode())}
        if action == "put":
            length = min(int(numbers_at_random.expovariate(1 / value_bytes)), 40 * value_bytes)
            operation["value"] = text(numbers_at_random.randbytes(length))
        operations.append({"requestPut" if action == "put" else "requestDeleteRange": operation})
    return json.dumps({"success": operations})


class Gateway:
    """etcd's HTTP/JSON gateway, by one connection for each thread."""

    def __init__(self, url):
        self._address = urllib.parse.urlparse(url).netloc
        self._own = threading.local()

    def call(self, path, body):
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(self._address, timeout=600)
        self._own.connection.request("POST", path, body, {"Content-Type": "application/json"})
        response = self._own.connection.getresponse()
        answer = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {answer[:300]}")
        return json.loads(answer)


def load(gateway, steps, shape_, seed):
    """Each step ends before the next begins, so that a key is there before it is changed; the last
    revision."""
    revision = 0
    with concurrent.futures.ThreadPoolExecutor(CONNECTIONS) as pool:
        def one(job):
            action, numbers, own_seed = job
            body = transaction(action, numbers, shape_.value_bytes, own_seed)
            return int(gateway.call("/v3/kv/txn", body)["header"]["revision"])

        for step, (action, numbers) in enumerate(steps):
            begins = range(0, len(numbers), OPERATIONS)
            jobs = ((action, numbers[begin:begin + OPERATIONS], f"{seed}/{step}/{begin}")
                    for begin in begins)
            waiting = collections.deque()
            for job in jobs:  # map() would take every job, and every body, at once
                waiting.append(pool.submit(one, job))
                if len(waiting) > 2 * CONNECTIONS:
                    revision = max(revision, waiting.popleft().result())
            revision = max([revision, *(future.result() for future in waiting)])
    return revision


def make(name, path):
    wanted = shape(name)
    first, second = halves(wanted.keys)
    tempfile.tempdir = str(CACHE)  # the scene's directory
    scene = harness.Scene()
    try:
        cluster = harness.Cluster(scene, "3.6", flags=FLAGS)
        gateway = Gateway(cluster.endpoints[0])
        middle = load(gateway, first, wanted, "first")
        last = load(gateway, second, wanted, "second")
        compact_revision, above = (
            (middle, second) if wanted.compact_in_middle else (1, first + second))
        gateway.call("/v3/kv/compaction",
                     json.dumps({"revision": compact_revision, "physical": True}))
        facts = {
            "keys": wanted.keys, "revision": last, "compact_revision": compact_revision,
            "keys_above_compact_revision": len(set().union(*(numbers for _, numbers in above)))
        }
        saved = scene.path / "snapshot.db"
        harness.must([harness.tool("3.6", "etcdctl"), "--endpoints", cluster.endpoints[0],
                      "snapshot", "save", saved], timeout=3600)
        saved.rename(path)
        path.with_suffix(".json").write_text(json.dumps(facts))
    finally:
        scene.close()


@contextlib.contextmanager
def scratch():
    """A directory beside the cache for what is not kept."""
    with tempfile.TemporaryDirectory(prefix="scratch-", dir=CACHE) as path:
        yield pathlib.Path(path)


def snapshot(name):
    """The snapshot of this size, made if it is not there; None, with a word why, if the disk has no
    room for it."""
    path = CACHE / "snapshots" / f"{name}.db"
    facts = path.with_suffix(".json")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not facts.exists():
        room = shutil.disk_usage(CACHE).free
        # The database, its last WALs, the snapshot, the private copies.
        need = 4 * shape(name).keys * 3000
        if room < need:
            print(f"skipped {name}: {room / 1e9:.0f} GB are free, it takes {need / 1e9:.0f}")
            return None
        print(f"making {path.name} ...", end="", file=sys.stderr, flush=True)
        begin = time.monotonic()
        make(name, path)
        print(f" {path.stat().st_size / 1e9:.2f} GB in {time.monotonic() - begin:.0f} s",
              file=sys.stderr)
    return Snapshot(name, path, json.loads(facts.read_text()))
