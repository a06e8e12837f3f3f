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


def every(period):
    """When, in the sections snapshot and drill."""
    return {"schedule": f"@every {period}"}


def merged(defaults, sections):
    """Sections of a configuration, key by key."""
    return {name: defaults.get(name, {}) | sections.get(name, {}) for name in defaults | sections}


def configuration(directory, cluster, name="etcdrill.yaml", port=None, bare=False, **sections):
    """Writes a configuration; its path and its port. `cluster` is one, or the section as it stands;
    the other sections are merged into the defaults: a snapshot each second and no drill. A bare one
    only says where things are."""
    port = port or harness.free_port()
    where = {
        "cluster": cluster if isinstance(cluster, dict) else cluster_section(cluster),
        "store": {"path": "store"},
        "drill": {"scratch_dir": "scratch"},
        "web": {"listen": f"127.0.0.1:{port}"},
    }
    defaults = {} if bare else {
        "snapshot": every("1s") | {"skip_unchanged": False},
        "drill": {"schedule": "none", "etcd": {"binary": str(harness.tool("3.5", "etcd"))}},
        "health": {"interval": "500ms", "timeout": "2s", "hashkv": "none"},
        "web": {"enable_lifecycle": True},
    }
    path = directory / name
    path.write_text(json.dumps(merged(merged(where, defaults), sections)))
    return path, port


def start_sidecar(scene, directory, cluster, env=None, under=(), tls=None, **settings):
    """A sidecar in this directory, with a configuration of these settings."""
    return harness.Sidecar(scene, *configuration(directory, cluster, **settings), directory, env,
                           tls, under)


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
    """Starts sidecars in self.dir, or where they are told to be at home."""

    def configure(self, cluster, **settings):
        return configuration(self.dir, cluster, **settings)

    def start(self, cluster, home=None, **settings):
        sidecar = start_sidecar(self.scene, home or self.dir, cluster, **settings)
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
    also on new connections: a host that was cut off. `silent_after`: so is each connection once so
    many bytes have come back on it."""

    CHUNK = 16 * 1024

    def __init__(self, url, rate=None, silent_after=None):
        parts = urllib.parse.urlsplit(url)
        self._upstream = parts.port
        self.rate = rate
        self._silent_after = silent_after
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
        came_back = 0
        while True:
            ready, _, _ = select.select([near, far], [], [], 0.5)
            for source, target in ((near, far), (far, near)):
                if source not in ready:
                    continue
                data = source.recv(self.CHUNK)
                if not data:
                    return
                came_back += len(data) if source is far else 0
                was_silent |= self._silent.is_set()
                was_silent |= self._silent_after is not None and came_back > self._silent_after
                if was_silent:
                    if source is near:
                        self.asked.set()
                    continue
                target.sendall(self.edit(data) if source is near else data)
                if source is far and self.rate:
                    time.sleep(len(data) / self.rate)
