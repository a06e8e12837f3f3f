"""`scripts/bench soak [MINUTES]`: a sidecar beside a real etcd of three members that is written to
all the time, with a snapshot and a drill each minute (in a run of less than half an hour, thirty of
each). What it holds is looked at each second.

One hard fact: what a process holds in mid-drill says nothing about growth. So start and end are the
least that was seen in two intervals, the first two after the first drill and the last two; the
greatest value of the whole run is printed beside them.
"""
import base64
import collections
import contextlib
import http.client
import json
import os
import pathlib
import random
import threading
import time
import urllib.parse

import harness
import measure

INTERVAL = 60
ROUNDS = 30
KEYS = 5000
PUTS_A_SECOND = 100
VALUE_BYTES = 1500
# What may be more at the end than at the start.
GROWTH_MAX = {
    "RSS, MiB": 4, "anonymous, MiB": 4, "descriptors": 4, "threads": 2, "files in scratch": 0,
    "children": 0
}

CONFIG = """\
cluster: {{name: soak, endpoints: {endpoints}}}
store: {{path: store}}
snapshot: {{schedule: "@every {interval}s", skip_unchanged: false, retention: {{last: 10}}}}
scrub: {{period: {period}s, rate: 100MiB/s}}
drill: {{schedule: "@every {interval}s", scratch_dir: scratch, etcd: {{binary: {etcd}}}}}
health: {{interval: 5s, hashkv: "@every {period}s"}}
web: {{listen: "127.0.0.1:{port}"}}
"""

Sample = collections.namedtuple("Sample", "time values")


@contextlib.contextmanager
def write_load(cluster):
    """Puts, ten a transaction, over the JSON gateway of the first member."""
    stop = threading.Event()
    written = [0]

    def write():
        numbers = random.Random(1)
        address = urllib.parse.urlsplit(cluster.endpoints[0])
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=30)
        while not stop.wait(10 / PUTS_A_SECOND):
            puts = [{
                "requestPut": {
                    "key": base64.b64encode(
                        f"/soak/{numbers.randrange(KEYS):05}".encode()).decode(),
                    "value": base64.b64encode(numbers.randbytes(VALUE_BYTES)).decode()
                }
            } for _ in range(10)]
            try:
                connection.request("POST", "/v3/kv/txn", json.dumps({"success": puts}))
                written[0] += 10 * (connection.getresponse().read() != b"")
            except (OSError, http.client.HTTPException):
                connection.close()

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield written
    finally:
        stop.set()
        thread.join()


def look(pid, scratch):
    """What the process holds now."""
    status = dict(
        line.split(":", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    return Sample(time.monotonic(), {
        "RSS, MiB": int(status["VmRSS"].split()[0]) / 1024,
        "anonymous, MiB": int(status["RssAnon"].split()[0]) / 1024,
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "threads": int(status["Threads"]),
        "files in scratch": sum(len(files) for _, _, files in os.walk(scratch)),
        "children": sum(parent == pid for parent, _ in harness.process_table().values()),
    })


def watch(sidecar, scratch, seconds):
    """A sample each second; ends early if the sidecar does."""
    samples = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if sidecar.process.poll() is not None:
            raise RuntimeError(f"the sidecar ended with {sidecar.process.returncode}:\n"
                               f"{sidecar.log.read_text()[-3000:]}")
        samples.append(look(sidecar.process.pid, scratch))
        time.sleep(1)
    return samples


def judge(samples, window):
    """Prints each figure; the names of those that grew too much."""
    first, last = samples[0].time, samples[-1].time
    start = [sample for sample in samples if sample.time <= first + window]
    end = [sample for sample in samples if sample.time >= last - window]
    line = "{:<18}{:>10}{:>10}{:>10}   {}"
    print(line.format("", "START", "END", "MAX", "GROWTH"))
    grown = []
    for name, limit in GROWTH_MAX.items():
        before, after, most = (choose(sample.values[name] for sample in part)
                               for choose, part in ((min, start), (min, end), (max, samples)))
        growth = after - before
        judged = "met" if growth <= limit else "MISSED"
        print(line.format(name, f"{before:.1f}", f"{after:.1f}", f"{most:.1f}",
                          f"{growth:+.1f}, at most +{limit}: {judged}"))
        if growth > limit:
            grown.append(name)
    return grown


def total(sidecar, name):
    return sum(number for _, _, number in sidecar.metrics()[name].samples)


def check_outcome(sidecar, began, rounds):
    """Prints what was done; what of it was not well."""
    counts = {name: total(sidecar, f"etcdrill_{name}_total") for name in
              ("snapshot_attempts", "snapshot_failures", "drill_attempts", "drill_failures")}
    cpu = total(sidecar, "process_cpu_seconds_total") / (time.monotonic() - began)
    print(", ".join(f"{name.replace('_', ' ')} {count:.0f}" for name, count in counts.items()),
          end="; ")
    print(f"{cpu * 100:.1f} % of a core; "
          f"errors in the log: {sidecar.log.read_text().count('level=error')}")
    problems = [name for name in ("snapshot_failures", "drill_failures") if counts[name] > 0]
    return problems + [
        name for name in ("snapshot_attempts", "drill_attempts") if counts[name] < rounds * 0.8
    ]


def run(build, minutes):
    """The exit status: 1 if something grew, or a snapshot or a drill failed."""
    interval = min(INTERVAL, minutes * 60 / ROUNDS)
    scene = harness.Scene()
    try:
        cluster = harness.Cluster(scene, "3.6", size=3, flags=["--auto-compaction-mode=revision",
                                                               "--auto-compaction-retention=1000"])
        path = scene.new_dir()
        port = harness.free_port()
        (path / "etcdrill.yaml").write_text(
            CONFIG.format(endpoints=json.dumps(cluster.endpoints), port=port,
                          etcd=harness.tool("3.6", "etcd"), interval=round(interval),
                          period=round(10 * interval)))
        with write_load(cluster) as written:
            os.environ["ETCDRILL_BUILD_DIR"] = str(build)
            began = time.monotonic()
            sidecar = harness.Sidecar(scene, path / "etcdrill.yaml", port, path)
            sidecar.wait_for_line("drill passed", timeout=60)
            print(f"{minutes:g} minutes, a snapshot and a drill each {round(interval)} s; "
                  f"load average {measure.load_average()}")
            samples = watch(sidecar, path / "scratch", minutes * 60)
            grown = judge(samples, 2 * interval)
            problems = check_outcome(sidecar, began, minutes * 60 / round(interval))
            print(
                f"{written[0]:,} keys were written meanwhile; "
                f"{len(list((path / 'store').glob('*.db')))} snapshots stay, "
                f"{len(list((path / 'store' / 'drills').iterdir()))} drill reports; "
                f"load average {measure.load_average()}")
            if sidecar.stop() != 0:
                problems.append("the stop")
            for name in grown + problems:
                print(f"NOT WELL: {name}")
            return 1 if grown or problems else 0
    finally:
        scene.close()
