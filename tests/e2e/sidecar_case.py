"""What tests of a running sidecar share: its configuration as a dict, what the store holds at its
end, and a proxy before a member that is slow or silent on demand, which a real member can't be made
to be at a chosen byte."""
import json
import select
import socket
import threading
import time
import urllib.parse

import harness
from loopback_server import LoopbackServer

PASSWORD = "canary-root-password"


def cluster_section(cluster, **more):
    """`cluster` of a configuration, with the certificates of the scene where the cluster has
    TLS."""
    section = {"name": "e2e", "endpoints": cluster.endpoints}
    if cluster.tls:
        pki = cluster.scene.certs
        section["tls"] = {
            "ca_file": f"{pki}/ca.crt", "cert_file": f"{pki}/client.crt",
            "key_file": f"{pki}/client.key"
        }
    return section | more


def streamed_parts(store):
    """The sizes of the snapshots that stream into a store."""
    sizes = []
    for path in store.glob(".*.part"):
        if any(name in path.name for name in ("state.json", "suspects.json", ".owner")):
            continue
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # it was sealed, or removed
            pass
    return sizes


def fill_for_streams(cluster):
    """Data of which a snapshot has 800 kB, in one revision."""
    value = "x" * 8000
    cluster.etcdctl(
        "txn", text="\n".join(["", *(f"put /load/{n:03} {value}" for n in range(100)), "", "", ""]))


class SidecarCase(harness.TestCase):
    """Starts sidecars in self.dir. A snapshot each second unless told otherwise, and no drill."""

    def configure(self, cluster, name="etcdrill.yaml", **sections):
        """Writes a configuration; its path and its port. A section is merged into the defaults key
        by key."""
        port = harness.free_port()
        config = {
            "cluster": cluster if isinstance(cluster, dict) else cluster_section(cluster),
            "store": {"path": "store"},
            "snapshot": {"schedule": "@every 1s", "skip_unchanged": False},
            "drill": {
                "schedule": "none", "scratch_dir": "scratch",
                "etcd": {"binary": str(harness.tool("3.5", "etcd"))}
            },
            "health": {"interval": "500ms", "timeout": "2s", "hashkv": "none"},
            "web": {"listen": f"127.0.0.1:{port}", "enable_lifecycle": True},
        }
        for section, values in sections.items():
            config[section] = config.get(section, {}) | values
        path = self.dir / name
        path.write_text(json.dumps(config))
        return path, port

    def start(self, cluster, env=None, under=(), **sections):
        sidecar = harness.Sidecar(self.scene, *self.configure(cluster, **sections), self.dir, env,
                                  under=under)
        self.addCleanup(sidecar.process.kill)
        return sidecar

    def proxies(self, cluster, rate=None, urls=None):
        """Slow ways to members of a cluster, to all if none is named; and the section of a
        configuration that takes them."""
        proxies = [Proxy(url, rate) for url in urls or cluster.endpoints]
        for proxy in proxies:
            self.addCleanup(proxy.close)
        return proxies, cluster_section(cluster, endpoints=[proxy.url for proxy in proxies])

    def streaming(self):
        harness.wait_until(lambda: any(self.parts()), "a snapshot under way")

    # --- What the store holds ---------------------------------------------------------------------

    def manifests(self):
        files = harness.manifest_paths(self.dir / "store")
        return sorted((json.loads(path.read_text()) for path in files),
                      key=lambda manifest: manifest["taken"])

    def parts(self):
        return streamed_parts(self.dir / "store")

    def assertNothingHalfDone(self):
        self.assertEqual(harness.processes_naming(self.dir), [])
        self.assertEqual([path.name for path in (self.dir / "store").rglob("*.part")], [])
        self.assertEmpty(self.dir / "scratch")
        databases = {path.stem for path in (self.dir / "store").glob("*.db")}
        self.assertEqual(databases, {path.stem for path
                                     in harness.manifest_paths(self.dir / "store")})

    def assertStops(self, sidecar):
        self.assertEqual(sidecar.stop(), 0, sidecar.log.read_text()[-3000:])
        self.assertNothingHalfDone()

    # --- What happens next ------------------------------------------------------------------------

    def next_line(self, sidecar, message, timeout=30.0):
        """The first line with this message from now on."""
        seen = len(sidecar.lines(message))
        sidecar.wait_for_line(message, after=seen, timeout=timeout)
        return sidecar.lines(message)[seen]

    def wait_for_text(self, sidecar, message, text, timeout=30.0):
        """A line with this message that has this text, at any time since the start."""
        found = lambda: [line for line in sidecar.lines(message) if text in line]
        try:
            return harness.wait_until(found, f'"{message}" with "{text}"', timeout)[0]
        except AssertionError as late:
            raise AssertionError(
                f"{late}; the log ends with\n{sidecar.log.read_text()[-6000:]}") from late


class Proxy(LoopbackServer):
    """Passes bytes on to a member of etcd. `rate`: so many bytes a second come back at most, on
    each connection. After silence() it takes what comes and passes nothing on, in both directions,
    also on new connections: a host that was cut off."""

    CHUNK = 16 * 1024

    def __init__(self, url, rate=None):
        parts = urllib.parse.urlsplit(url)
        self._upstream = parts.port
        self.rate = rate
        self.edit = lambda data: data  # what the member gets of what a client sends
        self._silent = threading.Event()
        self.asked = threading.Event()  # somebody has sent something since silence()
        super().__init__(parts.scheme)

    def silence(self):
        self.asked.clear()
        self._silent.set()

    def speak(self):
        """For connections that come from now on; what was swallowed is lost."""
        self._silent.clear()

    def serve(self, near):
        with socket.create_connection(("127.0.0.1", self._upstream)) as far:
            # Small buffers, or a slow reader has the whole stream on its way.
            for end in (near, far):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.CHUNK)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.CHUNK)
            self._pass_on(near, far)

    def _pass_on(self, near, far):
        was_silent = False
        while True:
            ready, _, _ = select.select([near, far], [], [], 0.5)
            for source, target in ((near, far), (far, near)):
                if source not in ready:
                    continue
                data = source.recv(self.CHUNK)
                if not data:
                    return
                was_silent |= self._silent.is_set()
                if was_silent:
                    if source is near:
                        self.asked.set()
                    continue
                target.sendall(self.edit(data) if source is near else data)
                if source is far and self.rate:
                    time.sleep(len(data) / self.rate)
