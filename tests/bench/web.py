"""`scripts/bench web`: how long a scrape takes, and what disturbs it. A real sidecar beside a real
etcd; every scrape is a new connection, as Prometheus' is here, and is timed from connecting to the
last byte.

One hard fact: the one who measures takes a core, too. On two cores a scrape during a drill also
waits for this program.
"""
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import ssl
import threading
import time

import harness
import measure

SCRAPES = 500
SLOW_SECONDS = 8
IDLE_SECONDS = 30

CONFIG = """\
cluster: {{name: bench, endpoints: {endpoints}}}
store: {{path: store}}
snapshot: {{schedule: "@every 1h"}}
drill: {{schedule: "@every 1h", scratch_dir: scratch, etcd: {{binary: {etcd}}}}}
web: {{listen: "127.0.0.1:{port}", enable_lifecycle: true, config_file: "{web}"}}
"""


class Subject:
    """A sidecar that has taken a snapshot and drilled it."""

    def __init__(self, scene, etcdrill, cluster, tls):
        self.context = None
        path = scene.new_dir()
        if tls:
            for name in ("server.crt", "server.key"):
                shutil.copy(scene.certs / name, path)
            (path / "web.yml").write_text(
                "tls_server_config: {cert_file: server.crt, key_file: server.key}\n")
            self.context = ssl.create_default_context(cafile=scene.certs / "ca.crt")
        self.port = harness.free_port()
        (path / "etcdrill.yaml").write_text(
            CONFIG.format(endpoints=json.dumps(cluster.endpoints), port=self.port,
                          etcd=harness.tool("3.6", "etcd"), web="web.yml" if tls else ""))
        self.log = path / "etcdrill.log"
        self.process = scene.start([etcdrill, "run", "--config", path / "etcdrill.yaml"], self.log)
        harness.wait_until(lambda: "drill passed" in self.log.read_text(), "a drill", 60)

    def scrape(self, path="/metrics", method="GET"):
        """Seconds."""
        begin = time.perf_counter()
        if self.context:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=30,
                                                     context=self.context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, headers={"Accept-Encoding": "gzip"})
            response = connection.getresponse()
            response.read()
            if response.status not in (200, 202, 409):
                raise RuntimeError(f"{path}: {response.status}")
        finally:
            connection.close()
        return time.perf_counter() - begin

    def memory(self, name):
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024

    def cpu_seconds(self):
        stat = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text()
        fields = stat.rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def verdict(value, limit):
    return "met" if value <= limit else "MISSED"


def report(what, seconds, limit, share=0.99):
    p = percentile(seconds, share)
    name = "max" if share >= 1 else f"p{share * 100:.0f}"
    print(f"{what:<44} n {len(seconds):>5}  "
          f"p50 {percentile(seconds, 0.5) * 1e3:7.2f} ms  {name} {p * 1e3:8.2f} ms, "
          f"target <= {limit * 1e3:.0f} ms: {verdict(p, limit)}", flush=True)


@contextlib.contextmanager
def others(subject, what):
    """Says how much of the machine was busy with something else than the sidecar and this
    program."""
    before, begin = measure.busy_seconds(), time.monotonic()
    own = subject.cpu_seconds() + sum(os.times()[:2])
    yield
    used = measure.busy_seconds() - before - (subject.cpu_seconds() + sum(os.times()[:2]) - own)
    share = max(0.0, used) / (time.monotonic() - begin) / os.cpu_count()
    if share > measure.QUIET:
        print(f"  LOADED: others used {share * 100:.0f} % of the machine ({what})")


@contextlib.contextmanager
def slow_clients(port, dripping, idle):
    """Some that send a byte now and then, some that send nothing; one that is ended is replaced."""
    stop = threading.Event()

    def hold(count, send):
        sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(count)]
        while not stop.wait(0.3):
            for at, s in enumerate(sockets):
                try:
                    if send:
                        s.send(b"G")
                    elif not s.recv(1, socket.MSG_DONTWAIT):
                        raise ConnectionError
                except BlockingIOError:
                    pass
                except OSError:
                    s.close()
                    sockets[at] = socket.create_connection(("127.0.0.1", port))
        for s in sockets:
            s.close()

    threads = [
        threading.Thread(target=hold, args=(dripping, True)),
        threading.Thread(target=hold, args=(idle, False))
    ]
    for thread in threads:
        thread.start()
    time.sleep(1)
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def fifty_scrapers(subject):
    """Fifty scrapes that begin at one moment, again and again: what many Prometheus servers do to
    one sidecar at worst."""
    seconds, start = [], threading.Barrier(50)

    def scrape():
        for _ in range(SCRAPES // 50):
            start.wait()
            seconds.append(subject.scrape())

    threads = [threading.Thread(target=scrape) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return seconds


def during_drills(subject):
    """Scrapes while a drill runs; the next one is started as soon as one ends."""
    seconds = []
    while len(seconds) < SCRAPES:
        subject.scrape("/-/drill", "POST")
        for _ in range(10):
            seconds.append(subject.scrape())
    return seconds


def run(etcdrill):
    scene = harness.Scene()
    try:
        cluster = harness.Cluster(scene, "3.6")
        harness.fill(cluster)
        for tls in (False, True):
            name = "TLS" if tls else "plain"
            subject = Subject(scene, etcdrill, cluster, tls)
            time.sleep(2)
            with others(subject, "idle"):
                report(f"{name}: idle", [subject.scrape() for _ in range(SCRAPES)], 0.005)
            report(f"{name}: during drills", during_drills(subject), 0.100)
            cpu = subject.cpu_seconds()
            with others(subject, "50 scrapers"):
                report(f"{name}: 50 scrapers at once", fifty_scrapers(subject), 0.100)
            each = (subject.cpu_seconds() - cpu) / SCRAPES
            print(f"  processor time of the sidecar: {each * 1e3:.2f} ms for each scrape")
            if tls:
                continue
            before = subject.memory("VmRSS")
            with slow_clients(subject.port, 200, 200):
                metrics, healthy = [], []
                end = time.monotonic() + SLOW_SECONDS
                while time.monotonic() < end:
                    metrics.append(subject.scrape())
                    healthy.append(subject.scrape("/-/healthy"))
            report("plain: /metrics beside 400 slow clients", metrics, 5.0, 1)
            report("plain: /-/healthy beside 400 slow clients", healthy, 1.0, 1)
            grown = subject.memory("VmHWM") - before
            print(f"memory beside them: +{grown / 2**20:.1f} MiB at most, "
                  f"target <= 32 MiB: {verdict(grown, 32 << 20)}")
            time.sleep(6)
            cpu = subject.cpu_seconds()
            time.sleep(IDLE_SECONDS)
            share = (subject.cpu_seconds() - cpu) / IDLE_SECONDS
            rss = subject.memory("VmRSS")
            print(f"idle: {share * 100:.2f} % of a core, target <= 0.2 %: {verdict(share, 0.002)}; "
                  f"RSS {rss / 2**20:.1f} MiB, target <= 32 MiB: {verdict(rss, 32 << 20)}")
    finally:
        scene.close()
