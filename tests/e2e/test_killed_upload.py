#!/usr/bin/env python3
"""Kills `snapshot copy` at each request that it makes of a site, and then looks at what a reader
would: a manifest is only there where the copy is whole, and bytes or uploads that nobody seals are
swept once they are a day old, not before."""
import base64
import hashlib
import json
import os
import re
import sys
import threading
import time

sys.dont_write_bytecode = True
import harness
import s3_server
from fault_proxy import FaultProxy
from sidecar_case import configuration, start_sidecar

REQUESTS_MAX = 60  # of one copy, which makes some 15
DAYS_OLD = 8 * 86400


class KillingProxy(FaultProxy):
    """Kills the client when a request has come that `is_last` says yes to. The request is then
    carried out, or not."""

    def __init__(self, upstream, is_last, carried_out):
        self._is_last = is_last
        self._carried_out = carried_out
        self._last = None
        self._process = None
        self._is_known = threading.Event()
        self._is_over = threading.Event()
        super().__init__(upstream)

    @property
    def killed_at(self):
        return f"{self._last.method} {self._last.target}" if self._last else None

    def watch(self, process):
        """Until it ends, and what it asked for last is carried out, where it is; its exit code."""
        self._process = process
        self._is_known.set()
        code = process.wait(120 * harness.slower())
        if self._last and not self._is_over.wait(60):
            raise AssertionError(f"{self.killed_at}: no answer")
        return code

    def _kill(self):
        self._is_known.wait()
        self._process.kill()
        self._process.wait()

    def _rule_for(self, request):
        rule = super()._rule_for(request)
        if not self._last and self._is_last(len(self.seen), request):
            self._last = request
            if not self._carried_out:
                self._kill()
                self._is_over.set()
                raise ConnectionAbortedError
        return rule

    def _ask(self, request, body):
        if request is not self._last:
            return super()._ask(request, body)
        self._kill()
        answer = super()._ask(request, body)
        self._is_over.set()
        return answer


class KilledUploadTest(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = s3_server.S3Server(cls.scene)
        cls.cluster = harness.Cluster(cls.scene, "3.5")
        # More than one PUT takes, and nothing to compress: so the copy is an upload in parts.
        for number in range(16):
            value = base64.b64encode(os.urandom(900_000)).decode()
            cls.cluster.etcdctl("put", f"/big/{number}", text=value)

    def setUp(self):
        super().setUp()
        self.bucket = self.server.make_bucket(f"killed-{self.dir.name}")
        keys = self.dir / "keys"
        keys.mkdir()
        (keys / "accessKeyID").write_text(s3_server.KEY)
        (keys / "secretAccessKey").write_text(s3_server.SECRET)
        self.etcdrill("snapshot", "save", "--config", self.configured("unused", self.server.url))
        self.name, = [path.stem for path in harness.manifest_paths(self.dir / "store")]
        self.sha256 = hashlib.sha256(
            (self.dir / "store" / f"{self.name}.db").read_bytes()).hexdigest()

    def store(self, prefix, endpoint):
        """`store` of a configuration, with the site `bucket`."""
        s3 = {"endpoint": endpoint, "region": "us-east-1", "bucket": self.bucket, "prefix": prefix,
              "credentials_dir": "keys"}
        return {"path": "store", "sites": [{"name": "bucket", "s3": s3, "compress": "none",
                                            "drill": "none"}]}

    def configured(self, prefix, endpoint):
        return configuration(self.dir, self.cluster, store=self.store(prefix, endpoint))[0]

    def copy(self, prefix, is_last, carried_out):
        """Copies the snapshot through a proxy that kills it at some time; the proxy."""
        proxy = KillingProxy(("127.0.0.1", self.server.port), is_last, carried_out)
        self.addCleanup(proxy.close)
        log = self.dir / f"{prefix.replace('/', '-')}.log"
        process = self.scene.start(
            [harness.build_dir() / "etcdrill", "snapshot", "copy", self.name, "--to", "bucket",
             "--config", self.configured(prefix, proxy.url)], log)
        code = proxy.watch(process)
        self.assertEqual(code, -9 if proxy.killed_at else 0, log.read_text())
        return proxy

    def whole(self, prefix):
        """The copies that have a manifest there; the bytes of each are those of the snapshot."""
        folder = self.server.data / self.bucket / prefix
        copies = [path.stem for path in (folder / "manifests").glob("*")]
        for copy in copies:
            self.assertTrue(copy.startswith(self.name), copy)
            json.loads((folder / "manifests" / f"{copy}.json").read_text())
            content = (folder / "snapshots" / f"{copy}.db").read_bytes()
            self.assertEqual(hashlib.sha256(content).hexdigest(), self.sha256)
        return copies

    def listed(self, prefix):
        """What etcdrill takes for snapshots of the site."""
        config = self.configured(prefix, self.server.url)
        out = self.etcdrill("snapshot", "list", "--site", "bucket", "--config", config, "-w",
                            "json").out
        return json.loads(out)

    def uploads(self):
        """Keys of the uploads in parts that are open."""
        return re.findall("<Key>(.*?)</Key>", self.server.owner.must(
            "GET", f"/{self.bucket}", query={"uploads": ""}))

    def test_at_each_request(self):
        for carried_out in (True, False):
            sealed = []  # at which requests it was killed, and the copy was there
            for last in range(1, REQUESTS_MAX):
                prefix = f"{'after' if carried_out else 'before'}-{last}"
                proxy = self.copy(prefix, lambda number, _, n=last: number == n, carried_out)
                with self.subTest(proxy.killed_at or "not killed", carried_out=carried_out):
                    copies = self.whole(prefix)
                    self.assertLessEqual(len(copies), 1)
                    self.assertEqual(len(self.listed(prefix)), len(copies))
                if copies:
                    sealed.append(proxy.killed_at)
                if not proxy.killed_at:
                    break
            self.assertIsNone(proxy.killed_at, f"more than {REQUESTS_MAX} requests")
            self.assertTrue(copies)
            # It was killed in the middle of an upload in parts, too; and no request before that of
            # the manifest made a copy.
            requests = "\n".join(proxy.seen)
            self.assertRegex(requests, r"PUT \S+partNumber=2")
            manifest = [line for line in proxy.seen if "PUT" in line and "/manifests/" in line]
            self.assertEqual(len(manifest), 1, requests)
            # From that one on, or from the next one on if it is not carried out; and once it was
            # not killed.
            left = len(proxy.seen) - proxy.seen.index(manifest[0])
            self.assertEqual(len(sealed), left + 1 - (not carried_out), sealed)

    def test_what_is_left_is_swept_after_a_week(self):
        def at_part_2(_, request):
            return request.method == "PUT" and "partNumber=2" in request.target

        def at_manifest(_, request):
            return request.method == "PUT" and "/manifests/" in request.target

        for is_last in (at_part_2, at_manifest):
            self.assertTrue(self.copy("prod", is_last, carried_out=False).killed_at)
        folder = self.server.data / self.bucket
        unsealed, = (folder / "prod" / "snapshots").glob("*")
        old_upload, = self.uploads()
        old = time.time() - DAYS_OLD
        for path in folder.rglob("*"):
            os.utime(path, (old, old))
        # What is left today may be somebody's who is still at it.
        for is_last in (at_part_2, at_manifest):
            self.assertTrue(self.copy("prod", is_last, carried_out=False).killed_at)
        young_upload, = set(self.uploads()) - {old_upload}
        young, = set((folder / "prod" / "snapshots").glob("*")) - {unsealed}
        self.assertEqual(self.listed("prod"), [])

        sidecar = start_sidecar(self.scene, self.dir, self.cluster, snapshot={"schedule": "none"},
                                store=self.store("prod", self.server.url))
        harness.wait_until(lambda: not unsealed.exists() and self.uploads() == [young_upload],
                           "what is older than a week is swept", timeout=60)
        harness.wait_until(lambda: self.whole("prod"), "the sidecar has made a copy", timeout=60)
        sidecar.stop()
        self.assertTrue(young.exists())
        copy, = self.whole("prod")
        self.assertEqual(len(self.listed("prod")), 1)
        self.assertEqual({path.stem for path in (folder / "prod" / "snapshots").glob("*")},
                         {copy, young.stem})


if __name__ == "__main__":
    harness.main()
