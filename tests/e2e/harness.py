"""What the end-to-end tests stand on: real etcd clusters, the etcdrill under test, and no process
or file left behind.

The programs come from --build DIR or ETCDRILL_BUILD_DIR (default build/dev), and from
ETCDRILL_ETCD_DIR (default build/etcd). Everything that is started dies with this interpreter
(PR_SET_PDEATHSIG), and is ended by its process id only.
"""
import argparse
import atexit
import base64
import collections
import datetime
import fcntl
import functools
import hashlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MUST_BE_THERE = ("3.4", "3.5")

Outcome = collections.namedtuple("Outcome", "code out err")


# --- Programs and data ----------------------------------------------------------------------------


def build_dir():
    return pathlib.Path(os.environ.get("ETCDRILL_BUILD_DIR", ROOT / "build" / "dev")).resolve()


def etcd_dir():
    return pathlib.Path(os.environ.get("ETCDRILL_ETCD_DIR", ROOT / "build" / "etcd")).resolve()


@functools.cache
def slower():
    """By how much the programs under test are slower than those that people get: sanitizers cost
    time."""
    sanitized = re.search(r"^ETCDRILL_SANITIZE:\w+=\S",
                          (build_dir() / "CMakeCache.txt").read_text(), re.M)
    return 10 if sanitized else 1


def tool(version, name):
    """Path of etcd, etcdctl or etcdutl of a version; skips the test where a version that may be
    missing is missing."""
    path = etcd_dir() / version / name
    if path.exists():
        return path
    if version in MUST_BE_THERE:
        raise FileNotFoundError(f"{name} {version} is missing; run scripts/fetch-etcd")
    raise unittest.SkipTest(f"{name} {version} is not there")


def fixture(name):
    """Path of a snapshot of tests/data, as the build unpacked it."""
    return build_dir() / "tests" / "data" / f"{name}.db"


def fixture_names():
    return sorted(path.stem for path in fixture("x").parent.glob("*.db"))


def fixture_facts(name):
    return json.loads(fixture(name).with_suffix(".json").read_text())


def known_fault(name):
    """Path of a snapshot of tests/data/faults.tar.xz."""
    return build_dir() / "tests" / "known_faults" / f"{name}.db"


def with_trailer(body):
    """The bytes with the SHA-256 behind them that etcd would send."""
    return body + hashlib.sha256(body).digest()


def flipped(content, at=None, bits=1):
    """The bytes with these bits of one of them turned, of the one in the middle unless told
    otherwise."""
    changed = bytearray(content)
    changed[len(changed) // 2 if at is None else at] ^= bits
    return bytes(changed)


def unix(text):
    """Seconds of a time as etcdrill writes it."""
    return datetime.datetime.fromisoformat(text).timestamp()


# --- Processes ------------------------------------------------------------------------------------


def guarded(command):
    return [shutil.which("setpriv"), "--pdeathsig", "KILL", *map(str, command)]


@functools.cache
def reports_dir():
    """Where programs that are built with a sanitizer leave what it found, whatever user they run
    as."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="etcdrill-reports-"))
    path.chmod(0o1777)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def sanitizer_reports():
    """What the sanitizers found since this was asked last. A program may end as it should all the
    same, or be killed later."""
    texts = []
    for path in reports_dir().iterdir():
        text = path.read_text(errors="replace")
        path.unlink()
        if re.search(r"Sanitizer:|runtime error:", text):  # else it is a list of suppressions
            texts.append(text)
    return texts


def strace(trace, *options):
    """A prefix of a command that traces it and its children into a file."""
    return [shutil.which("strace"), "-f", "-qq", "-o", trace, *options]


def sanitizer_options(traced):
    options = f"log_path={reports_dir() / 'report'}"
    leaks = ":detect_leaks=0" if traced else ""  # the leak checker can't work under strace
    return {"ASAN_OPTIONS": options + leaks, "UBSAN_OPTIONS": options, "TSAN_OPTIONS": options}


def environment(extra=None, command=()):
    """Ours, without what would change the behaviour of etcd's tools or of etcdrill."""
    kept = {
        name: value
        for name, value in os.environ.items() if not name.startswith(("ETCD", "NO_COLOR", "TMPDIR"))
    }
    traced = any(str(word).endswith("strace") for word in command)
    return kept | {"ETCDCTL_API": "3"} | sanitizer_options(traced) | (extra or {})


def run(command, text=None, timeout=60, env=None, **options):
    done = subprocess.run(guarded(command), input=text, capture_output=True, text=True,
                          timeout=timeout, errors="replace", env=environment(env, command),
                          stdin=None if text is not None else subprocess.DEVNULL, **options)
    return Outcome(done.returncode, done.stdout, done.stderr)


def must(command, **options):
    """Runs a command that has to succeed; its output."""
    outcome = run(command, **options)
    if outcome.code != 0:
        raise RuntimeError(
            f"{' '.join(map(str, command))}: exit code {outcome.code}\n{outcome.out}{outcome.err}")
    return outcome.out


def wait_until(condition, what, timeout=20.0):
    """Polls until the condition holds, and returns what it returned. The time is that of the
    program that people get."""
    deadline = time.monotonic() + timeout * slower()
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {timeout:g} s")
        time.sleep(0.02)


def process_table():
    """pid -> (parent's pid, command line) of every process but the dead ones."""
    table = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if state != "Z":
            table[int(entry.name)] = int(parent), command
    return table


def processes_naming(path):
    """The processes that have this path in their command line."""
    return [pid for pid, (_, command) in process_table().items() if str(path) in command]


def open_files(pid):
    """Where the descriptors of a process lead, by what the kernel calls it: a path, "socket:[7]".
    One that is closed meanwhile is passed over, and so is a process that ends."""
    links = []
    for path in pathlib.Path(f"/proc/{pid}/fd").glob("*"):
        try:
            links.append(os.readlink(path))
        except FileNotFoundError:
            continue
    return links


PORTS = pathlib.Path(tempfile.gettempdir()) / f"etcdrill-test-ports-{os.getuid()}"
CLAIMED = []  # descriptors: each is locked for as long as this interpreter lives


def free_port():
    """Ours until this interpreter ends. Below the ephemeral range, so that no outgoing connection
    takes it before its owner listens; and claimed, so that no test that runs beside this one does.
    """
    PORTS.mkdir(exist_ok=True)
    while True:
        port = random.SystemRandom().randrange(10000, 32000)
        claim = os.open(PORTS / str(port), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(claim)
            continue
        CLAIMED.append(claim)
        return port


class Scene:
    """A temporary directory with the processes that work in it; after close() neither is there."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="etcdrill-e2e-"))
        self._running = []
        self._mounted = []
        self._dirs = 0
        atexit.register(self.close)  # unittest runs no class cleanups after an interrupt

    def new_dir(self):
        self._dirs += 1
        path = self.path / str(self._dirs)
        path.mkdir(mode=0o700)
        return path

    @functools.cached_property
    def certs(self):
        must([ROOT / "tests" / "support" / "make-certs", self.path / "pki"])
        return self.path / "pki"

    def start(self, command, log, env=None, cwd=None):
        with open(log, "ab") as output:
            process = subprocess.Popen(
                guarded(command), stdin=subprocess.DEVNULL, stdout=output,
                stderr=subprocess.STDOUT, env=environment(env, command), cwd=cwd)
        self._running.append(process)
        return process

    def mount_tmpfs(self, path, size):
        """A file system of its own at this directory, which can be full; only root can do that."""
        must(["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "tmpfs", path])
        self._mounted.append(path)

    def close(self):
        atexit.unregister(self.close)
        for process in self._running:
            process.kill()
            process.wait()
        for path in self._mounted:
            must(["umount", "--lazy", path])
        try:
            wait_until(lambda: not processes_naming(self.path), f"no process of {self.path} left",
                       timeout=5)
        finally:
            # A grandchild that outlived its parent: named above, and ended here.
            for pid in processes_naming(self.path):
                os.kill(pid, signal.SIGKILL)
            shutil.rmtree(self.path)


# --- etcd -----------------------------------------------------------------------------------------


class Member:
    def __init__(self, name, scheme, path):
        self.name = name
        self.client_url = f"{scheme}://127.0.0.1:{free_port()}"
        self.peer_url = f"{scheme}://127.0.0.1:{free_port()}"
        self.data_dir = path / name
        self.log = path / f"{name}.log"
        self.process = None


class Cluster:
    """A real etcd of one or more members on loopback. With start=False it only has its names and
    addresses so far."""

    def __init__(self, scene, version, size=1, tls=False, flags=(), start=True):
        self.scene = scene
        self.version = version
        self.tls = tls
        self.user = ""  # NAME:PASSWORD, once auth is on
        self._flags = list(flags)
        self._path = scene.new_dir()
        self.members = [self._new_member(number) for number in range(size)]
        if start:
            self.start()

    def _new_member(self, number):
        return Member(f"m{number}", "https" if self.tls else "http", self._path)

    @property
    def endpoints(self):
        return [member.client_url for member in self.members]

    @property
    def initial_cluster(self):
        return ",".join(f"{member.name}={member.peer_url}" for member in self.members)

    def start(self):
        for member in self.members:
            self.start_member(member)
        self.wait_healthy()

    def start_member(self, member, state="new"):
        command = [
            tool(self.version, "etcd"), "--name", member.name, "--data-dir", member.data_dir,
            "--initial-cluster", self.initial_cluster, "--initial-cluster-state", state,
            "--listen-client-urls", member.client_url, "--advertise-client-urls", member.client_url,
            "--listen-peer-urls", member.peer_url, "--initial-advertise-peer-urls", member.peer_url,
            "--heartbeat-interval", "50", "--election-timeout", "500", *self._flags
        ]
        if self.tls:
            pki = self.scene.certs
            command += [
                "--client-cert-auth", "--trusted-ca-file", pki / "ca.crt",
                "--cert-file", pki / "server.crt", "--key-file", pki / "server.key",
                "--peer-client-cert-auth", "--peer-trusted-ca-file", pki / "ca.crt",
                "--peer-cert-file", pki / "server.crt", "--peer-key-file", pki / "server.key"
            ]
        member.process = self.scene.start(command, member.log)

    def wait_healthy(self, members=None):
        urls = [member.client_url for member in members or self.members]

        def healthy():
            dead = [
                member for member in members or self.members if member.process.poll() is not None
            ]
            if dead:
                raise AssertionError(f"{dead[0].name} ended:\n{dead[0].log.read_text()[-3000:]}")
            return run(self._etcdctl(["endpoint", "health"], urls)).code == 0

        wait_until(healthy, f"a healthy etcd {self.version}", timeout=30)

    def upgrade(self, member, version):
        """Starts it again as that version, whose tools the cluster uses from now on."""
        member.process.terminate()
        member.process.wait()
        self.version = version
        self.start_member(member)
        self.wait_healthy()

    def kill(self, *members):
        for member in members or self.members:
            if member.process:
                member.process.kill()
                member.process.wait()

    def add_member(self, learner=False):
        """A new, empty member joins; it is there when it has caught up and answers. A learner has
        only been started: it never counts as healthy."""
        member = self._new_member(len(self.members))
        add = ["member", "add", member.name, f"--peer-urls={member.peer_url}",
               *(["--learner"] if learner else [])]
        self.etcdctl_in_time(*add)
        self.members.append(member)
        self.start_member(member, state="existing")
        if not learner:
            self.wait_healthy()
        return member

    def _etcdctl(self, arguments, endpoints):
        command = [tool(self.version, "etcdctl"), "--endpoints", ",".join(endpoints)]
        if self.tls:
            pki = self.scene.certs
            command += ["--cacert", pki / "ca.crt", "--cert", pki / "client.crt",
                        "--key", pki / "client.key"]
        if self.user:
            command += ["--user", self.user]
        return [*command, *arguments]

    def etcdctl(self, *arguments, text=None, member=None):
        endpoints = [member.client_url] if member else self.endpoints
        return must(self._etcdctl(arguments, endpoints), text=text)

    def etcdctl_in_time(self, *arguments, member=None):
        """For what etcd refuses at first, such as a change of members within 5 s after one of them
        came."""
        command = self._etcdctl(arguments, [member.client_url] if member else self.endpoints)
        wait_until(lambda: run(command).code == 0, " ".join(arguments))

    def save(self, path, member=None):
        """A snapshot by the official tool."""
        self.etcdctl("snapshot", "save", path, member=member or self.members[0])
        return path

    def statuses(self, members=None):
        """Status of each member that answers, by name."""
        found = {}
        for member in members or self.members:
            outcome = run(self._etcdctl(["endpoint", "status", "-w", "json"], [member.client_url]))
            if outcome.code == 0:
                found[member.name] = json.loads(outcome.out)[0]["Status"]
        return found

    def member_id(self, member):
        return self.statuses([member])[member.name]["header"]["member_id"]

    def leader(self, members=None):
        """The member that leads, as it says itself: of these, if some are named."""

        def leads(status):
            return status and status.get("leader") == status["header"]["member_id"]

        def found():
            statuses = self.statuses(members)
            return [member for member in members or self.members
                    if leads(statuses.get(member.name))]

        return wait_until(found, "a leader", timeout=30)[0]

    def revision(self):
        status = json.loads(self.etcdctl("endpoint", "status", "-w", "json",
                                         member=self.members[0]))
        return status[0]["Status"]["header"]["revision"]

    def content(self, member=None):
        """Every key with its value, as one member alone has them."""
        answer = json.loads(self.etcdctl("get", "", "--prefix", "--consistency=s", "-w", "json",
                                         member=member or self.members[0]))
        return {base64.b64decode(kv["key"]): base64.b64decode(kv.get("value", ""))
                for kv in answer.get("kvs", [])}

    def hashkv(self, member, revision=0):
        answer = json.loads(
            self.etcdctl("endpoint", "hashkv", f"--rev={revision}", "-w", "json",
                         member=member))[0]["HashKV"]
        return answer["hash"], answer.get("compact_revision", 0)

    def enable_auth(self, password):
        self.etcdctl("user", "add", f"root:{password}")
        self.etcdctl("user", "grant-role", "root", "root")
        self.etcdctl("auth", "enable")
        self.user = f"root:{password}"

    def flags(self):
        """The connection as flags of etcdrill."""
        flags = ["--endpoints", ",".join(self.endpoints)]
        if self.tls:
            pki = self.scene.certs
            flags += ["--cacert", pki / "ca.crt", "--cert", pki / "client.crt",
                      "--key", pki / "client.key"]
        return flags + (["--user", self.user] if self.user else [])


def _puts(kind, numbers, lease=""):
    value = random.Random(len(numbers)).randbytes(400).hex()
    return [f"put /registry/{kind}/ns-{n % 7}/object-{n:04} {value[:40 + n * 13 % 700]}{lease}"
            for n in numbers]


def fill(cluster):
    """Some 400 Kubernetes-shaped keys: transactions, leases, updates, deletes, a value of many
    pages, a compaction."""
    lease = cluster.etcdctl("lease", "grant", "3600").split()[1]
    for lines in (_puts("pods", range(100)), _puts("configmaps", range(90)),
                  _puts("events", range(80)), _puts("leases", range(60), f" --lease={lease}"),
                  _puts("secrets", range(100)), _puts("pods", range(40))):
        cluster.etcdctl("txn", text="\n".join(["", *lines, "", ""]) + "\n")
    cluster.etcdctl("txn", text="\n".join([
        'mod("/registry/pods/ns-0/object-0000") > "0"', "",
        "put /registry/txn/won yes", "",
        "put /registry/txn/lost yes", "", ""
    ]))
    cluster.etcdctl("del", "--prefix", "/registry/events/ns-3")
    cluster.etcdctl("put", "/registry/configmaps/big", text="0123456789abcdef" * 4000)
    middle = cluster.revision()
    for number in range(12):
        cluster.etcdctl("put", f"/registry/configmaps/ns-0/object-{number * 7:04}",
                        f"changed after the compaction {number}")
    cluster.etcdctl("del", "/registry/txn/won")
    cluster.etcdctl("compact", str(middle))


# --- The sidecar ----------------------------------------------------------------------------------


# Samples: [(name, {label: value}, number)].
Family = collections.namedtuple("Family", "type help samples")


def parse_metrics(text):
    """name -> Family, from the text format."""
    families = {}
    for line in text.splitlines():
        if line.startswith("# HELP "):
            name, help_text = line[len("# HELP "):].split(" ", 1)
            families[name] = Family(None, help_text, [])
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            families[name] = families[name]._replace(type=kind)
        else:
            full_name, labels, number = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line).groups()
            name = full_name if full_name in families else full_name.rsplit("_", 1)[0]
            families[name].samples.append(
                (full_name, dict(re.findall(r'(\w+)="([^"]*)"', labels or "")), float(number)))
    return families


def by_label(family, label):
    """{value of the label: number} of a family with one label beside that of the cluster."""
    return {labels[label]: number for _, labels, number in family.samples}


class Sidecar:
    def __init__(self, scene, config, port, path, env=None, tls=None, under=()):
        """`under`: a command that runs the sidecar as its own process, such as `strace -D`."""
        self.port = port
        self._tls = tls  # the client's ssl context
        self.log = path / "etcdrill.log"
        command = [*under, build_dir() / "etcdrill", "--log-level", "debug",
                   "run", "--config", config]
        self.process = scene.start(command, self.log, env)

    def request(self, path, method="GET"):
        if self._tls:
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10,
                                                     context=self._tls)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def first_answer(self, path):
        """The very first answer that the starting sidecar gives on this path."""

        def answer():
            if self.process.poll() is not None:
                raise AssertionError(
                    f"the sidecar ended with {self.process.returncode}:\n{self.log.read_text()}")
            try:
                return self.request(path)
            except ConnectionRefusedError:
                return None

        status, body = wait_until(answer, "an answer of the sidecar")
        if status != 200:
            raise AssertionError(f"{path}: {status}\n{body}")
        return body

    def metrics(self):
        return parse_metrics(self.first_answer("/metrics"))

    def value(self, name, **labels):
        """The value of one sample, or None if it is absent. The cluster goes without saying."""
        family = self.metrics().get(name)
        values = [
            number for _, found, number in (family.samples if family else [])
            if {label: found[label] for label in found if label != "etcd_cluster"} == labels
        ]
        return values[0] if values else None

    def wait_for_value(self, wanted, name, **labels):
        wait_until(lambda: self.value(name, **labels) == wanted, f"{name}{labels or ''} = {wanted}")

    def lines(self, message):
        """The log lines with this message so far."""
        return [line for line in self.log.read_text().splitlines() if f'msg="{message}"' in line]

    def wait_for_line(self, message, after=0, timeout=30.0):
        """Waits for a line with this message beyond the first `after`; returns the newest one."""
        try:
            return wait_until(lambda: self.lines(message)[after:], f'a log line "{message}"',
                              timeout)[-1]
        except AssertionError as late:
            raise AssertionError(
                f"{late}; the log ends with\n{self.log.read_text()[-6000:]}") from late

    def stop(self, within=5.0):
        """SIGTERM; the exit code, which must come in time."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(within)


# --- Tests ----------------------------------------------------------------------------------------


def manifest_paths(store):
    """Of the snapshots in a store, which keeps other records beside them."""
    return [path for path in store.glob("*.json") if path.stem not in ("state", "suspects")]


class TestCase(unittest.TestCase):
    """One scene for the class, one directory for each test."""

    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.scene = Scene()
        cls.addClassCleanup(cls.scene.close)

    def setUp(self):
        # The last one, when all processes have ended.
        self.addCleanup(lambda: self.assertEqual(sanitizer_reports(), []))
        self.dir = self.scene.new_dir()

    def etcdrill(self, *arguments, code=0, **options):
        """Runs etcdrill; it must end with this exit code (None: any but that of a crash)."""
        outcome = run([build_dir() / "etcdrill", *arguments], **options)
        said = (f"etcdrill {' '.join(map(str, arguments))}\n"
                f"{outcome.out[-3000:]}{outcome.err[-3000:]}")
        self.assertTrue(0 <= outcome.code < 128 or outcome.code == code,
                        f"exit code {outcome.code}: a crash\n{said}")
        if code is not None:
            self.assertEqual(outcome.code, code, said)
        return outcome

    def assertOneLine(self, text, pattern):
        """What a person reads when something went wrong: one line that says it."""
        self.assertRegex(text, r"\Aetcdrill: [^\n]+\n\Z")
        self.assertRegex(text, pattern)

    def assertEmpty(self, directory):
        self.assertEqual([path.name for path in pathlib.Path(directory).iterdir()], [])


def is_skipped(result):
    """Whether nothing was run, by the skips of tests and of whole classes."""
    skipped = sum(isinstance(test, unittest.TestCase) for test, _ in result.skipped)
    return bool(result.skipped) and result.wasSuccessful() and result.testsRun == skipped


def main():
    """unittest.main with --build DIR; a SIGTERM cleans up, too. Ends with 77 if all was skipped,
    which ctest counts as such."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--build")
    known, rest = parser.parse_known_args()
    if known.build:
        os.environ["ETCDRILL_BUILD_DIR"] = known.build
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    result = unittest.main(argv=[sys.argv[0], *rest], verbosity=2, exit=False).result
    sys.exit(77 if is_skipped(result) else not result.wasSuccessful())
