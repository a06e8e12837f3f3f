"""A real object store for the tests: versitygw (github.com/versity/versitygw), as
scripts/fetch-tools builds it. Its objects are files below a directory. Where it is missing, the
tests that need it are skipped by name."""
import unittest

import harness
from s3_requests import Keys, S3Requests, conformance_environment

KEY = "etcdrilltestkey"
SECRET = "etcdrill-test-secret"
OWNER = Keys(KEY, SECRET)
PROGRAM = harness.ROOT / "build" / "tools" / "versitygw"


class S3Server:
    def __init__(self, scene, *flags, region="us-east-1", tls=False):
        if not PROGRAM.exists():
            raise unittest.SkipTest("versitygw is not there (scripts/fetch-tools builds it)")
        self.port = harness.free_port()
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        path = scene.new_dir()
        self.data = path / "data"
        for name in ("data", "versions", "iam"):
            (path / name).mkdir()
        certificates = []
        if tls:
            self.ca_file = scene.certs / "ca.crt"
            certificates = ["--cert", scene.certs / "server.crt",
                            "--key", scene.certs / "server.key"]
        self.owner = S3Requests(self.url, OWNER, region, self.ca_file if tls else None)
        self.process = scene.start(
            [PROGRAM, "--access", OWNER.id, "--secret", OWNER.secret, "--region", region, "--port",
             f"127.0.0.1:{self.port}", "--iam-dir", path / "iam", "--quiet", *certificates, *flags,
             "posix", "--versioning-dir", path / "versions", self.data], path / "log")
        harness.wait_until(self.owner.is_answered, "versitygw answers")

    def environment(self, bucket, **more):
        return conformance_environment(self.url, bucket, OWNER, **more)

    def make_bucket(self, name, lock=False):
        return self.owner.make_bucket(name, lock)
