#!/usr/bin/env python3
"""Proves the port: TLS with its versions, client certificates and reload; users; what a wrong
web.config_file says; and that promtool takes the examples of deploy/web. No etcd is needed for
that: the one in the configuration does not exist."""
import base64
import http.client
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import warnings

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase

warnings.filterwarnings("ignore", category=DeprecationWarning)
import crypt

EXAMPLES = harness.ROOT / "deploy" / "web"


def bcrypt(password, cost="04"):
    return crypt.crypt(password, f"$2y${cost}$abcdefghijklmnopqrstuv")


class WebCase(SidecarCase):
    def setUp(self):
        super().setUp()
        self.pki = self.scene.certs

    def write(self, lifecycle=False, listen="127.0.0.1", endpoint="http://127.0.0.1:1"):
        """A configuration, with the web configuration beside it if there is one; its path and its
        port."""
        port = harness.free_port()
        web = "web.yml" if (self.dir / "web.yml").exists() else ""
        return self.configure(
            {"name": "web", "endpoints": [endpoint]}, port=port, bare=True,
            snapshot={"schedule": "none"}, drill={"schedule": "none"},
            web={"listen": f"{listen}:{port}", "config_file": web, "enable_lifecycle": lifecycle})

    def start(self, web=None, **settings):
        """A sidecar with this text as its web configuration."""
        (self.dir / "web.yml").unlink(missing_ok=True)
        if web is not None:
            (self.dir / "web.yml").write_text(web)
        (self.dir / "etcdrill.log").unlink(missing_ok=True)  # of a sidecar before
        sidecar = harness.Sidecar(self.scene, *self.write(**settings), self.dir)
        self.addCleanup(sidecar.process.kill)
        harness.wait_until(
            lambda: sidecar.lines("etcdrill started") or sidecar.process.poll() is not None,
            "a start")
        self.assertIsNone(sidecar.process.poll(), sidecar.log.read_text())
        return sidecar

    def install(self, name):
        for suffix in ("crt", "key"):
            shutil.copy(self.pki / f"{name}.{suffix}", self.dir / f"server.{suffix}.new")
            os.replace(self.dir / f"server.{suffix}.new", self.dir / f"server.{suffix}")

    def tls(self, client=None, minimum=None, maximum=None, check_name=True):
        context = ssl.create_default_context(cafile=self.pki / "ca.crt")
        context.check_hostname = check_name
        if client:
            context.load_cert_chain(self.pki / f"{client}.crt", self.pki / f"{client}.key")
        if minimum:
            context.minimum_version = minimum
        if maximum:
            context.maximum_version = maximum
        return context

    def ask(self, sidecar, path="/metrics", method="GET", context=None, headers=None, body=None,
            decode=True):
        kind = http.client.HTTPSConnection if context else http.client.HTTPConnection
        options = {"context": context} if context else {}
        connection = kind("127.0.0.1", sidecar.port, timeout=10, **options)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            content = response.read()
            response.text = content.decode() if decode else ""
            return response
        finally:
            connection.close()

    def status(self, *arguments, **options):
        """None: the connection was refused."""
        try:
            return self.ask(*arguments, **options).status
        except (ssl.SSLError, ConnectionError, http.client.RemoteDisconnected):
            return None

    def login(self, user, password):
        encoded = base64.b64encode(f"{user}:{password}".encode()).decode()
        return {"Authorization": f"Basic {encoded}"}


BASIC_TLS = "tls_server_config: {cert_file: server.crt, key_file: server.key}\n"


class Tls(WebCase):
    def setUp(self):
        super().setUp()
        self.install("server")

    def test_https_and_nothing_else(self):
        sidecar = self.start(BASIC_TLS)
        answer = self.ask(sidecar, context=self.tls())
        self.assertEqual(answer.status, 200)
        self.assertIn("etcdrill_build_info", answer.text)
        plain = self.ask(sidecar)
        self.assertEqual(plain.status, 400)
        self.assertIn("https://", plain.text)
        for hello in (b"\x16\x03\x01\x00\x05hello", b"\x00" * 300, b"\x16\x03\x01\xff\xff"):
            with socket.create_connection(("127.0.0.1", sidecar.port)) as client:
                client.sendall(hello)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertEqual(
                self.status(sidecar, context=self.tls(minimum=version, maximum=version)), 200)
        old = self.tls(minimum=ssl.TLSVersion.TLSv1_1, maximum=ssl.TLSVersion.TLSv1_1)
        old.set_ciphers("ALL:@SECLEVEL=0")
        self.assertIsNone(self.status(sidecar, context=old))
        self.assertEqual(self.status(sidecar, context=self.tls()), 200)

    def test_https_over_ipv6(self):
        sidecar = self.start(BASIC_TLS, listen="[::1]")
        with socket.create_connection(("::1", sidecar.port)) as raw:
            with self.tls().wrap_socket(raw, server_hostname="localhost") as client:
                client.sendall(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
                self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n"))

    def test_version_and_ciphers(self):
        sidecar = self.start(
            "tls_server_config: {cert_file: server.crt, key_file: server.key, max_version: TLS12,\n"
            "  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384], "
            "curve_preferences: [CurveP384]}\n")
        connection = self.tls().wrap_socket(socket.create_connection(("127.0.0.1", sidecar.port)),
                                            server_hostname="localhost")
        self.assertEqual(connection.cipher()[:2], ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2"))
        connection.close()
        self.assertIsNone(self.status(sidecar, context=self.tls(minimum=ssl.TLSVersion.TLSv1_3)))

    def answers(self, policy, ca="client_ca_file: ca.crt, ", more=""):
        """Statuses without a certificate, with one of our CA, with one of another."""
        shutil.copy(self.pki / "ca.crt", self.dir)
        sidecar = self.start(
            f"tls_server_config: {{cert_file: server.crt, key_file: server.key, {ca}"
            f"client_auth_type: {policy}{more}}}\n")
        # An authority signs itself; as a client's certificate it is one that nobody here trusts.
        found = [self.status(sidecar, context=self.tls(client))
                 for client in (None, "client", "other-ca")]
        self.assertIsNone(sidecar.process.poll())
        sidecar.stop()
        return found

    def test_client_certificates(self):
        self.assertEqual(self.answers("RequireAndVerifyClientCert"), [None, 200, None])
        self.assertEqual(self.answers("VerifyClientCertIfGiven"), [200, 200, None])
        self.assertEqual(self.answers("RequireAnyClientCert"), [None, 200, 200])
        self.assertEqual(self.answers("RequestClientCert", ca=""), [200, 200, 200])
        self.assertEqual(self.answers("NoClientCert", ca=""), [200, 200, 200])

    def test_names_in_client_certificates(self):
        policy = "RequireAndVerifyClientCert"
        self.assertEqual(self.answers(policy, more=", client_allowed_sans: [etcdrill]"),
                         [None, 200, None])
        self.assertEqual(self.answers(policy, more=", client_allowed_sans: [other, 10.0.0.1]"),
                         [None, None, None])

    def shown_end(self, sidecar):
        """Unix time at which the certificate in use ends, as the metrics have it."""
        families = harness.parse_metrics(self.ask(sidecar, context=self.tls(check_name=False)).text)
        return harness.by_label(families["etcdrill_certificate_not_after_timestamp_seconds"],
                                "certificate")["web_server"]

    def end_of(self, name):
        text = harness.must(
            ["openssl", "x509", "-noout", "-enddate", "-in", self.pki / f"{name}.crt"])
        return ssl.cert_time_to_seconds(text.strip().removeprefix("notAfter="))

    def test_new_certificates_are_used_without_a_restart(self):
        sidecar = self.start(BASIC_TLS)
        self.assertEqual(self.status(sidecar, context=self.tls()), 200)
        self.assertEqual(self.shown_end(sidecar), self.end_of("server"))
        self.install("named")
        self.assertIsNone(self.status(sidecar, context=self.tls()))  # it is called etcd.example now
        self.assertEqual(self.status(sidecar, context=self.tls(check_name=False)), 200)
        # Half a pair, then none: the old one is kept, and it is told.
        shutil.copy(self.pki / "server.key", self.dir / "server.key")
        self.assertEqual(self.status(sidecar, context=self.tls(check_name=False)), 200)
        os.unlink(self.dir / "server.crt")
        self.assertEqual(self.shown_end(sidecar), self.end_of("named"))
        told = sidecar.lines("web configuration rejected, previous one kept")
        self.assertIn("server.key does not match cert_file", told[0])
        self.assertEqual(len(told), 2)  # once for each change, not for each connection
        self.install("server")
        self.assertEqual(self.status(sidecar, context=self.tls()), 200)

    def test_a_certificate_that_comes_after_its_configuration(self):
        sidecar = self.start(BASIC_TLS)
        web = self.dir / "web.yml"
        text = web.read_text().replace("server.crt", "later.crt")
        web.write_text(text.replace("server.key", "later.key"))
        self.assertEqual(self.status(sidecar, context=self.tls()), 200)  # the old one
        self.assertTrue(
            sidecar.lines("web configuration rejected, previous one kept"))
        shutil.copy(self.pki / "named.key", self.dir / "later.key")
        shutil.copy(self.pki / "named.crt", self.dir / "later.crt")
        self.assertIsNone(self.status(sidecar, context=self.tls()))  # it is called etcd.example
        self.assertEqual(self.status(sidecar, context=self.tls(check_name=False)), 200)

    def test_an_expired_certificate_of_our_own(self):
        (self.dir / "ca.cnf").write_text(
            "[ca]\ndefault_ca = d\n[d]\ndatabase = index\nnew_certs_dir = .\nrand_serial = yes\n"
            "default_md = sha256\npolicy = p\n[p]\ncommonName = supplied\n")
        (self.dir / "index").touch()
        for command in (
            ["req", "-new", "-key", "server.key", "-subj", "/CN=localhost", "-out", "late.csr"],
            ["ca", "-batch", "-config", "ca.cnf", "-selfsign", "-keyfile", "server.key",
             "-in", "late.csr", "-out", "server.crt", "-startdate", "20200101000000Z",
             "-enddate", "20200102000000Z", "-notext"],
        ):
            subprocess.run(["openssl", *command], cwd=self.dir, check=True, capture_output=True)
        sidecar = self.start(BASIC_TLS)
        self.assertIsNone(self.status(sidecar, context=self.tls()))
        context = self.tls(check_name=False)
        context.verify_mode = ssl.CERT_NONE
        self.assertEqual(self.status(sidecar, context=context), 200)

    def test_tls_is_not_lost_by_a_bad_edit(self):
        sidecar = self.start(BASIC_TLS)
        for text in ("", "tls_server_config: {cert_fil: server.crt}\n", "{"):
            (self.dir / "web.yml").write_text(text)
            self.assertEqual(self.status(sidecar, context=self.tls()), 200)
            self.assertEqual(self.ask(sidecar).status, 400)


class Users(WebCase):
    def test_only_the_right_password(self):
        sidecar = self.start(
            f"basic_auth_users: {{ann: '{bcrypt('s3cret:with colon')}', bob: '{bcrypt('b')}'}}\n")
        for path in ("/metrics", "/-/healthy", "/", "/nonsense"):
            answer = self.ask(sidecar, path)
            self.assertEqual((answer.status, answer.getheader("WWW-Authenticate")),
                             (401, 'Basic realm="etcdrill"'))
        right = self.login("ann", "s3cret:with colon")
        self.assertEqual(self.ask(sidecar, headers=right).status, 200)
        self.assertEqual(self.ask(sidecar, "/nonsense", headers=right).status, 404)
        for headers in (self.login("ann", "b"), self.login("", ""), self.login("eve", "b"),
                        self.login("ann", ""), self.login("ann", "s3cret"),
                        {"Authorization": "Basic !!!!"}, {"Authorization": "Bearer x"},
                        {"Authorization": "Basic"}, self.login("ann", "s3cret:with colon\0x")):
            self.assertEqual(self.ask(sidecar, headers=headers).status, 401, headers)
        self.assertEqual(len(sidecar.lines("web requests rejected: wrong user or password")), 1)
        self.assertNotIn("s3cret", sidecar.log.read_text())
        # Users are read anew, too.
        (self.dir / "web.yml").write_text(f"basic_auth_users: {{ann: '{bcrypt('fresh')}'}}\n")
        self.assertEqual(self.ask(sidecar, headers=right).status, 401)
        self.assertEqual(self.ask(sidecar, headers=self.login("ann", "fresh")).status, 200)

    def test_a_password_costs_once_and_guessing_gives_nothing_away(self):
        sidecar = self.start(f"basic_auth_users: {{ann: '{bcrypt('right', '10')}'}}\n")

        def seconds(user, password):
            begin = time.monotonic()
            self.ask(sidecar, "/-/healthy", headers=self.login(user, password))
            return time.monotonic() - begin

        seconds("ann", "right")
        self.assertLess(min(seconds("ann", "right") for _ in range(10)), 0.03 * harness.slower())
        # In turn, so that what else the machine does meets both.
        pairs = [(seconds("ann", f"wrong{n}"), seconds("eve", f"wrong{n}")) for n in range(12)]
        known, unknown = map(min, zip(*pairs))
        self.assertGreater(known, 0.03)
        self.assertLess(abs(known - unknown), 0.5 * known)

    def test_guessing_does_not_keep_the_known_out(self):
        sidecar = self.start(f"basic_auth_users: {{ann: '{bcrypt('right', '10')}'}}\n")
        right = self.login("ann", "right")
        self.assertEqual(self.ask(sidecar, headers=right).status, 200)
        statuses = []

        def guess(n):
            statuses.append(self.status(sidecar, headers=self.login("eve", f"x{n}")))

        threads = [threading.Thread(target=guess, args=(n,)) for n in range(40)]
        for thread in threads:
            thread.start()
        begin = time.monotonic()
        self.assertEqual(self.ask(sidecar, headers=right).status, 200)
        self.assertLess(time.monotonic() - begin, 1 * harness.slower())
        for thread in threads:
            thread.join()
        self.assertLessEqual(set(statuses), {401, 429})

    def test_headers_and_rate_limit(self):
        sidecar = self.start(
            "http_server_config:\n  headers: {X-Frame-Options: sameorigin, "
            "Strict-Transport-Security: max-age=9}\n"
            "rate_limit: {interval: 1h, burst: 2}\n")
        answer = self.ask(sidecar)
        self.assertEqual(
            (answer.getheader("X-Frame-Options"), answer.getheader("Strict-Transport-Security"),
             answer.getheader("X-Content-Type-Options")), ("sameorigin", "max-age=9", "nosniff"))
        self.assertEqual([self.ask(sidecar).status for _ in range(2)], [200, 429])


class Lifecycle(WebCase):
    """What is started by POST, and who may. The etcd takes calls and answers none, so a run
    lasts."""

    def setUp(self):
        super().setUp()
        self.silent = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.silent.close)
        self.sidecar = self.start(f"basic_auth_users: {{ann: '{bcrypt('right')}'}}\n",
                                  lifecycle=True,
                                  endpoint=f"http://127.0.0.1:{self.silent.getsockname()[1]}")
        self.right = self.login("ann", "right")

    def post(self, path, headers, **options):
        return self.ask(self.sidecar, path, options.pop("method", "POST"), headers=headers,
                        **options).status

    def attempts(self):
        families = harness.parse_metrics(self.ask(self.sidecar, headers=self.right).text)
        return families["etcdrill_snapshot_attempts_total"].samples[0][2]

    def test_only_users_start_something(self):
        for path in ("/-/snapshot", "/-/drill", "/-/reload", "/-/snapshot/", "/-/nonsense"):
            for headers in ({}, self.login("ann", "wrong"), self.login("eve", "right"),
                            {"Authorization": "Bearer right"}):
                self.assertEqual(self.post(path, headers), 401, (path, headers))
        self.assertEqual(self.attempts(), 0)
        self.assertEqual(self.post("/-/reload", self.right), 200)
        self.assertEqual(self.post("/-/snapshot", self.right), 202)
        harness.wait_until(lambda: self.attempts() == 1, "the snapshot that was asked for")
        self.assertEqual(self.post("/-/snapshot", self.right), 409)
        # A stranger does not learn that one runs.
        self.assertEqual(self.post("/-/snapshot", {}), 401)
        self.assertEqual(self.post("/-/snapshot", self.right, method="PUT"), 409)
        self.assertEqual(self.attempts(), 1)

    def test_nothing_starts_by_what_only_looks_like_it(self):
        for method in ("GET", "HEAD", "DELETE", "OPTIONS", "PATCH"):
            answer = self.ask(self.sidecar, "/-/snapshot", method, headers=self.right)
            self.assertEqual((answer.status, answer.getheader("Allow")), (405, "POST, PUT"), method)
        for path in ("/-/snapshot/", "/-/snapshot/x", "//-/snapshot", "/-/Snapshot",
                     "/-/%73napshot", "/-/./snapshot"):
            self.assertEqual(self.post(path, self.right), 404, path)
        self.assertEqual(self.post("/-/snapshot", self.right | {"Origin": "https://example.com"}),
                         403)
        self.assertEqual(self.post("/-/snapshot", self.right, body=b"x" * 5000), 413)
        self.assertEqual(self.post("/-/snapshot", self.right | {"X-Long": "x" * 9000}), 431)
        self.assertEqual(
            self.post("/-/snapshot",
                      self.right | {"Transfer-Encoding": "chunked", "Content-Length": "3"}), 400)
        self.assertEqual(self.attempts(), 0)

    def test_a_new_password_counts_at_once(self):
        (self.dir / "web.yml").write_text(f"basic_auth_users: {{ann: '{bcrypt('fresh')}'}}\n")
        self.assertEqual(self.post("/-/snapshot", self.right), 401)
        self.assertEqual(self.post("/-/snapshot", self.login("ann", "fresh")), 202)

    def test_a_switched_file_counts_though_size_and_time_are_the_same(self):
        """A bcrypt hash always has one size; OSTree, `cp -p` and `rsync -t` give one time to
        all."""
        first, second = self.dir / "first.yml", self.dir / "second.yml"
        link = self.dir / "web.yml"
        for path, password in ((first, "before"), (second, "behind")):
            path.write_text(f"basic_auth_users: {{ann: '{bcrypt(password)}'}}\n")
            os.utime(path, (1, 1))
        self.assertEqual(first.stat().st_size, second.stat().st_size)

        def switch(target):
            (self.dir / "new").symlink_to(target)
            os.replace(self.dir / "new", link)

        switch(first)
        self.assertEqual(self.post("/-/reload", self.login("ann", "before")), 200)
        switch(second)
        self.assertEqual(self.post("/-/reload", self.login("ann", "before")), 401)
        self.assertEqual(self.post("/-/reload", self.login("ann", "behind")), 200)
        content = second.read_bytes()  # written over in place, with the time set back
        second.write_bytes(content.replace(bcrypt("behind").encode(), bcrypt("anew").encode()))
        os.utime(second, (1, 1))
        self.assertEqual(self.post("/-/reload", self.login("ann", "behind")), 401)
        self.assertEqual(self.post("/-/reload", self.login("ann", "anew")), 200)


def traversals():
    """Some 100 spellings of the way to a file that must not be had."""
    dots = ("..", "%2e%2e", "%2E.", "%252e%252e", "..%00", "%c0%ae%c0%ae", "..;", ". .")
    slashes = ("/", "%2f", "\\", "%5c", "//")
    for dot in dots:
        for slash in slashes:
            yield "/" + slash.join([dot] * 6 + ["etc", "passwd"])
            yield "/metrics" + slash + slash.join([dot] * 8 + ["etc", "passwd"])
    yield from ("/etc/passwd", "//etc/passwd", "/./etc/passwd", "/metrics%00/etc/passwd",
                "/.htpasswd", "/web.yml", "/etcdrill.yaml", "/store/state.json",
                "/../store/state.json", "/index.html", "/cgi-bin/x.cgi", "/x.lua", "/x.shtml",
                "/proc/self/environ", "file:///etc/passwd", "http://127.0.0.1/../etc/passwd",
                "/~root/.profile", "/metrics;/etc/passwd", "/?../../etc/passwd#")


class Faults(WebCase):
    def raw(self, sidecar, request):
        with socket.create_connection(("127.0.0.1", sidecar.port), timeout=10) as client:
            client.sendall(request)
            answer = b""
            while chunk := client.recv(65536):
                answer += chunk
        return answer

    def test_no_path_opens_a_file(self):
        """strace sees every call that takes a path, and none of them is of a request's making."""
        sidecar = self.start("http_server_config: {headers: {}}\n")
        trace = self.dir / "trace"
        tracer = self.scene.start(
            ["strace", "-f", "-y", "-p", str(sidecar.process.pid), "-e", "trace=%file",
             "-o", trace], self.dir / "strace.log")
        harness.wait_until(lambda: "attached" in (self.dir / "strace.log").read_text(), "strace")
        harness.wait_until(
            lambda: self.ask(sidecar).status and trace.exists() and "/store" in trace.read_text(),
            "a traced call")
        count = 0
        for path in traversals():
            answer = self.raw(sidecar, f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            expected = rb"HTTP/1\.1 (400|404) " if not path.startswith("/?") else rb"HTTP/1\.1 200 "
            self.assertRegex(answer, expected, path)
            self.assertNotIn(b"root:", answer)
            count += 1
        self.assertGreater(count, 95)
        tracer.send_signal(2)
        tracer.wait(10)
        touched = set(re.findall(r'"((?:[^"\\]|\\.)*)"', trace.read_text()))
        ours = ("/proc/", "/sys/fs/cgroup", "/sys/devices/system/cpu/", "/etc/localtime",
                "/usr/lib/ssl/openssl.cnf", str(self.dir))
        self.assertEqual([path for path in touched if path and not path.startswith(ours)], [])
        self.assertEqual(
            [path for path in touched if re.search(r"passwd|\.\.|index|htpasswd|cgi|lua", path)],
            [])

    def test_fifty_scrapers_at_once(self):
        """Here for what is counted; scripts/bench web has the times."""
        sidecar = self.start()
        harness.wait_until(
            lambda: self.ask(sidecar).text.count("etcdrill_task_last_run_timestamp_seconds{") == 3,
            "all tasks run")
        before = harness.parse_metrics(self.ask(sidecar).text)
        seconds, statuses = [], set()

        def scrape():
            for _ in range(20):
                begin = time.monotonic()
                statuses.add(self.status(sidecar, headers={"Accept-Encoding": "gzip"},
                                         decode=False))
                seconds.append(time.monotonic() - begin)

        threads = [threading.Thread(target=scrape) for _ in range(50)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual((statuses, len(seconds)), ({200}, 1000))
        slow = sorted(seconds)[990]
        print(f"50 scrapers without a pause: 99 % below {slow * 1000:.0f} ms", file=sys.stderr)
        self.assertLess(slow, 2 * harness.slower())  # most of it is this program's own work
        after = harness.parse_metrics(self.ask(sidecar).text)
        self.assertEqual({name: len(family.samples) for name, family in after.items()},
                         {name: len(family.samples) for name, family in before.items()})

    def test_descriptors_run_out_for_a_while(self):
        sidecar = self.start()
        pid = sidecar.process.pid
        limits = harness.must(
            ["prlimit", "--pid", pid, "--nofile", "--output", "SOFT,HARD", "--noheadings"]).split()
        # What is open for good.
        in_use = min(len(os.listdir(f"/proc/{pid}/fd")) for _ in range(20) if not time.sleep(0.05))
        harness.must(["prlimit", "--pid", pid, f"--nofile={in_use}:{limits[1]}"])
        with socket.create_connection(("127.0.0.1", sidecar.port), timeout=10) as client:
            client.sendall(b"GET /-/healthy HTTP/1.1\r\n\r\n")
            time.sleep(1)
            harness.must(["prlimit", "--pid", pid, f"--nofile={limits[0]}:{limits[1]}"])
            self.assertTrue(client.recv(100).startswith(b"HTTP/1.1 200 "))
        self.assertEqual(self.ask(sidecar).status, 200)

    def test_the_port_is_lost_and_found(self):
        """The kernel takes the listening socket away under a running sidecar."""
        sidecar = self.start()
        self.assertEqual(self.ask(sidecar).status, 200)

        def lose():
            harness.run(["ss", "-K", "state", "listening", "sport", "=", f":{sidecar.port}"])

        def cpu():
            stat = pathlib.Path(f"/proc/{sidecar.process.pid}/stat").read_text()
            fields = stat.rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

        lose()
        if self.status(sidecar) == 200:
            self.skipTest("this kernel, or who runs this, can't destroy sockets")
        harness.wait_until(lambda: self.status(sidecar) == 200, "the port again", 5)
        self.assertEqual(len(sidecar.lines("HTTP listener restored")), 1)
        # While somebody else has it, it is asked for again and again, but not at the price of a
        # core.
        lose()
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.bind(("127.0.0.1", sidecar.port))
            thief.listen()
            before = cpu()
            harness.wait_until(lambda: sidecar.lines("HTTP listener lost, retrying"),
                               "a line about it", 5)
            time.sleep(2.5)
            self.assertLess(cpu() - before, 0.3 * harness.slower())
            self.assertEqual(len(sidecar.lines("HTTP listener lost, retrying")), 1)
        harness.wait_until(lambda: self.status(sidecar) == 200, "the port again", 5)


class Config(WebCase):
    def complaint(self, text):
        path = self.dir / "web.yml"
        path.write_text(text)
        outcome = self.etcdrill("check", "web-config", path, code=None)
        return "" if outcome.code == 0 else outcome.err

    def promtool_likes(self, path):
        return harness.run(["promtool", "check", "web-config", path]).code == 0

    def test_the_examples_are_right_for_us_and_for_promtool(self):
        self.install("server")
        shutil.copy(self.pki / "ca.crt", self.dir)
        examples = sorted(EXAMPLES.glob("*.yml"))
        self.assertGreaterEqual(len(examples), 2)
        for example in examples:
            shutil.copy(example, self.dir)
            self.assertIn("valid",
                          self.etcdrill("check", "web-config", self.dir / example.name).out)
            self.assertTrue(self.promtool_likes(self.dir / example.name), example.name)
        text = (self.dir / "web-users.yml").read_text()
        found = re.search(r"prometheus: (\S+)", text).group(1)
        self.assertEqual(crypt.crypt("change-me", found), found)

    def test_what_is_wrong_is_told_with_its_place(self):
        self.install("server")
        shutil.copy(self.pki / "ca.crt", self.dir)
        hashed = "$2x$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
        base = "cert_file: server.crt, key_file: server.key"
        for text, expected in (
            ("tls_server_confg: {}",
             r"web.yml:1:1: tls_server_confg is not a key; did you mean tls_server_config\?"),
            ("tls_server_config: {cert_file: server.crt}", "needs key_file"),
            ("tls_server_config: {key_file: server.key}", "needs cert_file"),
            ("tls_server_config: {client_auth_type: NoClientCert}", "needs cert_file"),
            (f"tls_server_config: {{{base}, client_ca_file: ca.crt}}", "no client_auth_type"),
            (f"tls_server_config: {{{base}, client_auth_type: RequireAndVerifyClientCert}}",
             "no client_ca_file"),
            (f"tls_server_config: {{{base}, client_auth_type: Nonsense}}", "none of NoClientCert"),
            (f"tls_server_config: {{{base}, min_version: TLS11}}", "insecure"),
            (f"tls_server_config: {{{base}, min_version: TLS13, max_version: TLS12}}", "above"),
            (f"tls_server_config: {{{base}, cipher_suites: [TLS_RSA_WITH_RC4_128_SHA]}}",
             "not a known safe cipher suite"),
            (f"tls_server_config: {{{base}, curve_preferences: [P-256]}}", "CurveP256"),
            ("tls_server_config: {cert_file: none.crt, key_file: server.key}", "none.crt"),
            ("tls_server_config: {cert_file: server.crt, key_file: server.crt}", "no private key"),
            ("tls_server_config: {cert_file: server.key, key_file: server.key}", "no certificate"),
            ("basic_auth_users: {ann: secret}", 'password of "ann" is not a bcrypt hash'),
            (f"basic_auth_users: {{ann: {hashed}}}", "not a bcrypt"),
            (f"basic_auth_users: {{ann: {bcrypt('a')}, ann: {bcrypt('b')}}}", "twice"),
            ("http_server_config: {headers: {Server: x}}", '"Server" cannot be set'),
            ("http_server_config: {headers: {X-Frame-Options: DENY}}", "deny or sameorigin"),
            ('http_server_config: {headers: {Content-Security-Policy: "a\\r\\nSet-Cookie: b"}}',
             "one line"),
            ("http_server_config: {http2: maybe}", "neither true nor false"),
            ("a: 1\n---\nb: 2", "second YAML document"),
            ("- list", "mapping"),
        ):
            with self.subTest(text):
                self.assertRegex(self.complaint(text), expected)
        for text in ("", "# nothing\n", "http_server_config: {http2: false}\n",
                     "tls_server_config: {}\n", f"basic_auth_users: {{ann: {bcrypt('x')}}}\n",
                     f"tls_server_config: {{{base}}}\n"):
            with self.subTest(text):
                self.assertEqual(self.complaint(text), "")
                self.assertTrue(self.promtool_likes(self.dir / "web.yml"))

    def test_pem_in_the_file_itself(self):
        indented = {name: (self.pki / name).read_text().replace("\n", "\n    ")
                    for name in ("server.crt", "server.key")}
        sidecar = self.start(
            f"tls_server_config:\n  cert: |\n    {indented['server.crt']}\n"
            f"  key: |\n    {indented['server.key']}\n")
        self.assertEqual(self.status(sidecar, context=self.tls()), 200)

    def test_a_bad_file_at_the_start_ends_it(self):
        (self.dir / "web.yml").write_text(BASIC_TLS)
        path, _ = self.write()
        self.assertOneLine(
            self.etcdrill("run", "--config", path, code=1, timeout=10).err, "server.crt")


if __name__ == "__main__":
    harness.main()
