"""A real object store for the tests: versitygw (github.com/versity/versitygw), as
scripts/fetch-tools builds it. Its objects are files below a directory. Where it is missing, the
tests that need it are skipped by name."""
import datetime
import hashlib
import hmac
import http.client
import ssl
import unittest

import harness

KEY = "etcdrilltestkey"
SECRET = "etcdrill-test-secret"
PROGRAM = harness.ROOT / "build" / "tools" / "versitygw"


def signature(secret, scope, text):
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


class S3Server:
    def __init__(self, scene, *flags, region="us-east-1", tls=False):
        if not PROGRAM.exists():
            raise unittest.SkipTest("versitygw is not there (scripts/fetch-tools builds it)")
        self.port = harness.free_port()
        self.region = region
        self.scheme = "https" if tls else "http"
        self.url = f"{self.scheme}://127.0.0.1:{self.port}"
        path = scene.new_dir()
        self.data = path / "data"
        for name in ("data", "versions", "iam"):
            (path / name).mkdir()
        certificates = []
        if tls:
            self.ca_file = scene.certs / "ca.crt"
            certificates = ["--cert", scene.certs / "server.crt",
                            "--key", scene.certs / "server.key"]
        self.process = scene.start(
            [PROGRAM, "--access", KEY, "--secret", SECRET, "--region", region, "--port",
             f"127.0.0.1:{self.port}", "--iam-dir", path / "iam", "--quiet", *certificates, *flags,
             "posix", "--versioning-dir", path / "versions", self.data], path / "log")
        harness.wait_until(self._answers, "versitygw answers")

    def environment(self, bucket, **more):
        """For s3_conformance."""
        values = {"endpoint": self.url, "bucket": bucket, "key": KEY, "secret": SECRET} | more
        return {f"ETCDRILL_S3_{name.upper()}": str(value) for name, value in values.items()}

    def make_bucket(self, name, lock=False):
        """With versions and object lock, or without."""
        status = self._ask("PUT", f"/{name}",
                           {"x-amz-bucket-object-lock-enabled": "true"} if lock else {})
        if status != 200:
            raise RuntimeError(f"the bucket {name} could not be made: {status}")
        return name

    def _answers(self):
        try:
            return self._ask("GET", "/") == 200
        except OSError:
            return False

    def _ask(self, method, path, headers=None):
        """The status of a request without a body."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        empty = hashlib.sha256(b"").hexdigest()
        signed = dict(headers or {}, **{"host": f"127.0.0.1:{self.port}", "x-amz-date": now,
                                        "x-amz-content-sha256": empty})
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        scope = f"{now[:8]}/{self.region}/s3/aws4_request"
        canonical = f"{method}\n{path}\n\n{lines}\n{names}\n{empty}"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        signed["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={KEY}/{scope}, SignedHeaders={names}, "
            f"Signature={signature(SECRET, scope, text)}")
        if self.scheme == "https":
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5,
                                                     context=ssl.create_default_context(cafile=self.ca_file))
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request(method, path, headers=signed)
            return connection.getresponse().status
        finally:
            connection.close()
