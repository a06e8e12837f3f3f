"""`scripts/bench impact`: what etcdrill costs an etcd. A real etcd of three members holds the data
of one of data.py's snapshots, and is written to and read at a steady pace all the time, while
nothing else runs, a sidecar idles, and each of etcdrill's operations runs again and again.

One hard fact: everything shares the cores of one machine here, the load too. So what is seen of
etcd's processor and latency is more than where etcdrill, or a member, has a machine of its own.
"""
import collections
import contextlib
import http.client
import json
import os
import pathlib
import random
import tempfile
import threading
import time

import data
import harness
import measure

SECONDS = 5  # of each row, times the rounds that were asked for
REQUESTS_A_SECOND = 20  # of each kind, through each member
RANGE_LIMIT = 50
LOOK_EVERY = 0.05
# etcd's own defaults, where the tests' are quicker or its quota too small.
FLAGS = [
    "--quota-backend-bytes", 16 << 30, "--heartbeat-interval", 100, "--election-timeout", 1000,
    "--log-level", "error"
]
SIDECAR = """\
cluster: {{name: impact, endpoints: {endpoints}}}
store: {{path: store}}
snapshot: {{schedule: none}}
drill: {{schedule: none}}
health: {{hashkv: {hashkv}}}
web: {{listen: "127.0.0.1:{port}"}}
"""

Answer = collections.namedtuple("Answer", "kind due seconds")
Operation = collections.namedtuple("Operation", "name command line seconds")
Row = collections.namedtuple("Row", "name windows answers etcd_cpu cpu peaks others failed")


class Load:
    """Puts and ranges at a steady pace through each member. A request is timed from when it was
    due, so one that waits behind a slow one is slow, too."""

    def __init__(self, cluster, shape):
        self.answers = []
        self.failed = 0
        self._due = {}  # of the next request, by kind and member
        self._shape = shape
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(kind, url))
            for url in cluster.endpoints for kind in ("put", "range")
        ]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def has_asked_until(self, end):
        """Whether all that was due by then has been answered, or has failed."""
        return all(due > end for due in list(self._due.values()))

    def _put(self, numbers):
        value = numbers.randbytes(self._shape.value_bytes)
        name = data.key(numbers.randrange(self._shape.keys))
        return "/v3/kv/put", {"key": data.text(name.encode()), "value": data.text(value)}

    def _range(self, numbers):
        prefix = f"/registry/pods/namespace-{numbers.randrange(83):02}"
        return "/v3/kv/range", {
            "key": data.text(f"{prefix}/".encode()), "range_end": data.text(f"{prefix}0".encode()),
            "limit": RANGE_LIMIT
        }

    def _ask(self, kind, url):
        numbers = random.Random(f"{kind} {url}")
        gateway = data.Gateway(url)
        due = time.monotonic() + numbers.random() / REQUESTS_A_SECOND
        while True:
            self._due[kind, url] = due
            path, fields = (self._put if kind == "put" else self._range)(numbers)
            body = json.dumps(fields)
            if self._stop.wait(max(0, due - time.monotonic())):
                return
            try:
                gateway.call(path, body)
                self.answers.append(Answer(kind, due, time.monotonic() - due))
            except (OSError, RuntimeError, http.client.HTTPException):
                self.failed += 1
                gateway = data.Gateway(url)
            due += 1 / REQUESTS_A_SECOND


def status_of(pid, name):
    """A number of /proc/PID/status, in bytes; 0 once the process has ended."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    fields = stat.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children_of(pid):
    """Cheaply: they are younger, and so have greater numbers, until the kernel begins anew."""
    children = []
    for other in (int(name) for name in os.listdir("/proc") if name.isdigit()):
        if other <= pid:
            continue
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            stat = pathlib.Path(f"/proc/{other}/stat").read_text()
            if int(stat.rsplit(")", 1)[1].split()[1]) == pid:
                children.append(other)
    return children


class Watch:
    """The most private memory of the members, of the etcdrill that runs, and of its children."""

    def __init__(self, members):
        self._members = [member.process.pid for member in members]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.subject = None
        self.peaks = collections.Counter()

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _look(self):
        while not self._stop.wait(LOOK_EVERY):
            groups = {"member": self._members}
            subject = self.subject
            if subject is not None:
                groups["etcdrill"] = [subject]
                groups["drilled"] = children_of(subject)
            for name, pids in groups.items():
                most = max((status_of(pid, "RssAnon") for pid in pids), default=0)
                self.peaks[name] = max(self.peaks[name], most)


def run_once(scene, watch, operation):
    """Runs it to its end, or until its log has the line, or for its seconds; when it ran, and what
    processor time it and its children took."""
    log = scene.path / "operation.log"
    log.unlink(missing_ok=True)
    begin = time.monotonic()
    process = scene.start(operation.command(), log)
    watch.subject = process.pid

    def has_ended():
        return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    if operation.line:
        harness.wait_until(lambda: operation.line in log.read_text() or has_ended(), operation.line,
                           timeout=1800)
    if operation.seconds:
        begin = time.monotonic()
        time.sleep(operation.seconds)
    end = time.monotonic()
    if operation.line:
        process.terminate()
    _, status, usage = os.wait4(process.pid, 0)
    watch.subject = None
    process.returncode = os.waitstatus_to_exitcode(status)
    said = log.read_text()
    if process.returncode != 0 or operation.line not in said:
        raise RuntimeError(f"{operation.name}: exit code {process.returncode}\n{said[-3000:]}")
    if not operation.line:
        end = time.monotonic()
    return (begin, end), usage.ru_utime + usage.ru_stime


def measure_row(scene, cluster, load, watch, operation, seconds):
    pids = [member.process.pid for member in cluster.members]
    time.sleep(1)  # what the row before left to do
    watch.peaks.clear()
    failed, busy, begin = load.failed, measure.busy_seconds(), time.monotonic()
    own, etcd = sum(os.times()[:2]), sum(map(cpu_seconds, pids))
    windows, cpu = [], 0.0
    if operation.command is None:
        time.sleep(seconds)
        windows.append((begin, time.monotonic()))
    while sum(end - start for start, end in windows) < seconds:
        window, used = run_once(scene, watch, operation)
        windows.append(window)
        cpu += used
    wall = time.monotonic() - begin
    etcd = sum(map(cpu_seconds, pids)) - etcd
    own = sum(os.times()[:2]) - own
    others = max(0.0, measure.busy_seconds() - busy - etcd - own - cpu) / wall / os.cpu_count()
    last = windows[-1][1]
    harness.wait_until(lambda: load.has_asked_until(last), "the last answers", timeout=300)
    answers = [
        answer for answer in list(load.answers)
        if any(start <= answer.due < end for start, end in windows)
    ]
    return Row(operation.name, windows, answers, etcd / wall, cpu / len(windows) if cpu else 0.0,
               dict(watch.peaks), others, load.failed - failed)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


LINE = "{:<17}{:>6}{:>11}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>10}{:>9}{:>9}"


def print_head():
    print(LINE.format("", "", "", "PUTS", "ms", "", "RANGES", "ms", "ETCD", "MEMBER", "ETCDRILL",
                      "", "ITS ETCD"))
    print(LINE.format("WHILE", "RUNS", "ONE TAKES", "p50", "p99", "max", "p50", "p99", "% OF 1",
                      "MiB", "CPU, s", "MiB", "MiB"))


def print_row(row):
    of = {kind: [a.seconds * 1e3 for a in row.answers if a.kind == kind]
          for kind in ("put", "range")}
    takes = measure.median(end - start for start, end in row.windows)
    print(
        LINE.format(
            row.name, len(row.windows), f"{takes:.2f} s", f"{percentile(of['put'], 0.5):.1f}",
            f"{percentile(of['put'], 0.99):.1f}", f"{max(of['put'], default=0):.0f}",
            f"{percentile(of['range'], 0.5):.1f}", f"{percentile(of['range'], 0.99):.1f}",
            f"{row.etcd_cpu * 100:.0f}", f"{row.peaks.get('member', 0) / 2**20:.0f}",
            f"{row.cpu:.2f}", f"{row.peaks.get('etcdrill', 0) / 2**20:.0f}",
            f"{row.peaks.get('drilled', 0) / 2**20:.0f}"), flush=True)
    if row.failed:
        print(f"  {row.failed} requests of the load failed")
    if row.others > measure.QUIET:
        print(f"  LOADED: others used {row.others * 100:.0f} % of the machine")


def sidecar(scene, etcdrill, cluster, hashkv):
    """The command of a sidecar that has nothing to do but to look at the members, and to compare
    them once if it is to."""
    def command():
        path = scene.new_dir()
        (path / "etcdrill.yaml").write_text(
            SIDECAR.format(endpoints=json.dumps(cluster.endpoints), port=harness.free_port(),
                           hashkv=json.dumps(hashkv)))
        return [etcdrill, "run", "--config", path / "etcdrill.yaml"]

    return command


def operations(scene, etcdrill, cluster, snapshot, seconds):
    def save():
        saved = scene.path / "saved.db"
        saved.unlink(missing_ok=True)
        return [etcdrill, "snapshot", "save", saved, "--endpoints", ",".join(cluster.endpoints)]

    def drill():
        return [etcdrill, "drill", snapshot.path, "--etcd", harness.tool("3.6", "etcd"),
                "--scratch-dir", scene.path / "scratch"]

    return [
        Operation("nothing", None, "", 0),
        Operation("sidecar, idle", sidecar(scene, etcdrill, cluster, "none"), "etcdrill started",
                  seconds),
        Operation("HashKV of all", sidecar(scene, etcdrill, cluster, "@every 1h"), "members agree",
                  0),
        Operation("snapshot save", save, "", 0),
        Operation("drill", drill, "", 0),
        Operation("nothing, again", None, "", 0),
    ]


def restored_cluster(scene, snapshot):
    """Three members that hold what the snapshot does."""
    cluster = harness.Cluster(scene, "3.6", size=3, flags=FLAGS, start=False)
    for member in cluster.members:
        harness.must([
            harness.tool("3.6", "etcdutl"), "snapshot", "restore", snapshot.path, "--data-dir",
            member.data_dir, "--name", member.name, "--initial-cluster", cluster.initial_cluster,
            "--initial-advertise-peer-urls", member.peer_url
        ], timeout=600)
    cluster.start()
    return cluster


def run(etcdrill, snapshot, rounds):
    seconds = SECONDS * rounds
    tempfile.tempdir = str(data.CACHE)  # the scene's directory, beside the snapshots
    scene = harness.Scene()
    try:
        cluster = restored_cluster(scene, snapshot)
        print(f"\n== {snapshot.name}: {snapshot.path.stat().st_size:,} bytes, "
              f"{snapshot.facts['keys']:,} keys, three members; {REQUESTS_A_SECOND} puts and as "
              f"many ranges a second through each; at least {seconds} s a row; "
              f"load average {measure.load_average()}")
        print_head()
        shape = data.shape(snapshot.name)
        with Load(cluster, shape) as load, Watch(cluster.members) as watch:
            time.sleep(2)
            for operation in operations(scene, etcdrill, cluster, snapshot, seconds):
                print_row(measure_row(scene, cluster, load, watch, operation, seconds))
    finally:
        scene.close()
