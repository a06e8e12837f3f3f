#!/usr/bin/env python3
"""Proves S3Objects on a real versitygw: that it keeps what a store promises; that nothing that
breaks on the way is seen by its caller; that what is configured wrongly is told; and that a program
killed in the middle of an upload leaves nothing visible. And the signer against botocore, where pip
has it."""
import datetime
import sys
import unittest
import unittest.mock
import urllib.parse

sys.dont_write_bytecode = True
import harness
import s3_server
from s3_case import S3Case

# One rule a row of the table of failures. The objects are `small`, one PUT, and `large`, three
# parts.
BROKEN = [
    "cut-request:method=PUT:match=partNumber=2:at=100000",
    "cut-request:method=PUT:match=small:at=3",
    "lost:method=PUT:match=partNumber=2",
    "lost:method=POST:match=uploadId",
    "lost:method=PUT:match=small",
    "lost:method=DELETE:match=large",
    "late-error:method=POST:match=uploadId=",
    "slow-down:method=PUT:match=small",
    "slow-down:method=HEAD",
    "throttle:method=PUT:match=partNumber=1",
    "internal:method=GET:match=list-type",
    "html:method=PUT:match=partNumber=2",
    "skew:method=PUT:match=partNumber=2",
    "skew:method=HEAD",
    "expired:method=PUT:match=partNumber=2",
    "conflict:method=PUT:match=small",
    "short:method=GET:match=large:at=300000",
    "short:method=GET:match=large:at=1000:times=3",
    "cut-response:method=GET:match=large:at=300000",
    "range-lost:method=GET:match=large",
    "hang:method=GET:match=large",
    "hang:method=PUT:match=partNumber=2",
    "drip:method=GET:match=large",
]


class VersitygwCase(S3Case):
    def setUp(self):
        super().setUp()
        self.buckets = 0

    def server(self, *flags, **options):
        return s3_server.S3Server(self.scene, *flags, **options)

    def bucket(self, server, lock=False):
        self.buckets += 1
        return server.make_bucket(f"bucket-{self.buckets}", lock=lock)


class ConformanceTest(VersitygwCase):
    def test_it_keeps_what_a_store_promises(self):
        server = self.server()
        self.run_tests("[conformance]", server.environment(self.bucket(server, lock=True)))

    def test_an_upload_in_parts_is_locked(self):
        server = self.server()
        answers = self.answers("[lock]", server.environment(self.bucket(server, lock=True)))
        self.assertEqual(answers["lock"], "applied")

    def test_keys_below_a_prefix(self):
        server = self.server()
        bucket = self.bucket(server)
        self.run_tests("[transfer]", server.environment(bucket, prefix="prod/a"))
        self.run_tests("[put]", server.environment(bucket, prefix="prod/a/"))
        self.assertTrue((server.data / bucket / "prod" / "a" / "large").is_file())


class FaultTest(VersitygwCase):
    def test_what_breaks_on_the_way_is_not_seen(self):
        server = self.server()
        for rule in BROKEN:
            with self.subTest(rule):
                proxy = self.proxy(server, rule)
                self.run_tests("[transfer]",
                               server.environment(self.bucket(server), endpoint=proxy.url))
                self.assertEqual(proxy.unused(), [])

    def test_our_own_success_is_no_conflict(self):
        """The second try of a conditional PUT meets what the first one wrote: 412, and no error."""
        server = self.server()
        for request in ["PUT:match=small", "POST:match=uploadId"]:
            with self.subTest(request):
                proxy = self.proxy(server, f"lost:method={request}")
                self.run_tests("[transfer]", server.environment(
                    self.bucket(server), endpoint=proxy.url, put_if_absent=1))
                self.assertEqual(proxy.unused(), [])

    def test_another_region_is_learnt_from_the_answer(self):
        server = self.server(region="eu-central-1")
        for rule in ["redirect:method=PUT:match=small", "redirect:method=HEAD",
                     "wrong-region:method=PUT:match=small"]:
            with self.subTest(rule):
                proxy = self.proxy(server, rule)
                self.run_tests("[transfer]", server.environment(
                    self.bucket(server), endpoint=proxy.url, region="eu-central-1",
                    expected_region="eu-central-1"))
                self.assertEqual(proxy.unused(), [])

    def test_what_does_not_pass_is_told_at_once(self):
        server = self.server()
        for rule, told in [
                ("full:times=9", r"no_space: .*PUT: 507 InsufficientStorage.*; the bucket or its "
                                 "quota is full"),
                ("quota:times=9", r"no_space: .*PUT: 403 QuotaExceeded.*; the bucket or its quota "
                                  "is full"),
                ("denied:times=9", r"access_denied: .*PUT: 403 AccessDenied.*; the key lacks the "
                                   "right to do this"),
                # Once refreshed and once more refused.
                ("expired:times=9", r"credentials: .*PUT: 400 ExpiredToken.*; the keys have ended")
        ]:
            with self.subTest(rule):
                proxy = self.proxy(server, f"{rule}:method=PUT")
                self.assertRegex(
                    self.told(server.environment(self.bucket(server), endpoint=proxy.url)), told)
                self.assertLessEqual(len(proxy.seen), 2)

    def test_a_conflict_ends_the_upload_in_parts(self):
        """Amazon wants the whole upload anew, and so does who holds the bytes: nothing is left."""
        server = self.server()
        bucket = self.bucket(server)
        proxy = self.proxy(server, "conflict:method=POST:match=uploadId")
        answers = self.answers("[wrong-large]", server.environment(bucket, endpoint=proxy.url))
        self.assertRegex(answers["told"], "io_error: .*409 ConditionalRequestConflict")
        self.assertEqual(server.owner.ask("HEAD", f"/{bucket}/large").status, 404)
        self.run_tests("[sweep]", server.environment(bucket, expected_sweep=0))

    def test_bytes_that_change_are_for_a_hash_to_find(self):
        server = self.server()
        proxy = self.proxy(server, "flip:method=GET:match=large:at=5000000")
        self.run_tests("[flip]", server.environment(self.bucket(server), endpoint=proxy.url))
        self.assertEqual(proxy.unused(), [])

    def test_killed_at_any_request_of_an_upload(self):
        server = self.server()
        for request in ["POST:match=uploads=", "PUT:match=partNumber=1", "PUT:match=partNumber=2",
                        "PUT:match=partNumber=3", "POST:match=uploadId"]:
            with self.subTest(request):
                self.check_killed_upload(server, self.bucket(server), request)


class ConnectionTest(VersitygwCase):
    def test_own_authority(self):
        server = self.server(tls=True)
        bucket = self.bucket(server)
        self.run_tests("[transfer]", server.environment(bucket, ca_file=server.ca_file))
        self.assertRegex(self.told(server.environment(bucket)), r"tls: .*not signed by a known CA")
        self.assertRegex(self.told(server.environment(bucket, ca_file=self.dir / "none.crt")),
                         r"tls: .*is the CA file there")
        plain = server.url.replace("https:", "http:")
        self.assertNotIn("tls:", self.told(server.environment(bucket, endpoint=plain)))

    def test_https_to_a_plaintext_port(self):
        server = self.server()
        secure = server.url.replace("http:", "https:")
        self.assertRegex(self.told(server.environment(self.bucket(server), endpoint=secure)),
                         "tls: .*is this a plaintext port")

    def test_virtual_host_style(self):
        server = self.server("--virtual-domain", "s3.localhost")
        self.run_tests("[transfer]", server.environment(
            self.bucket(server), endpoint=f"http://s3.localhost:{server.port}",
            addressing="virtual"))

    def test_wrong_secret(self):
        server = self.server()
        told = self.told(server.environment(self.bucket(server), secret="not-the-secret"))
        self.assertRegex(told, r"credentials: s3://bucket-1/x: PUT: 403 SignatureDoesNotMatch.*"
                               rf"\(key id {s3_server.KEY}, region us-east-1, "
                               r"host 127.0.0.1:\d+")
        self.assertNotIn("not-the-secret", told)

    def test_unknown_key_id(self):
        server = self.server()
        told = self.told(server.environment(self.bucket(server), key="nobody"))
        self.assertRegex(told, "credentials: .*does not know this key id")

    def test_missing_bucket(self):
        server = self.server()
        self.assertRegex(self.told(server.environment("nothing-here")), "bucket_missing: ")
        self.assertFalse((server.data / "nothing-here").exists())

    def test_a_store_that_takes_nothing(self):
        server = self.server()
        bucket = self.bucket(server)
        server.process.kill()
        server.process.wait()
        self.assertRegex(self.told(server.environment(bucket)), r"connect: .*Couldn't connect")


class BotocoreTest(VersitygwCase):
    """The same request, signed by botocore and by us at the same time."""

    def test_signatures_are_the_same(self):
        try:
            from botocore.auth import S3SigV4Auth
            from botocore.awsrequest import AWSRequest
            from botocore.credentials import Credentials
        except ImportError:
            raise unittest.SkipTest("botocore is not there (pip install botocore)") from None
        for token in ("", "the/session+token=="):
            for method, path, query in [
                    ("GET", "/b/a b+c=\u00e4~,:", {}),
                    ("PUT", "/b/x", {"partNumber": "7", "uploadId": "a/b=="}),
                    ("GET", "/b", {"list-type": "2", "prefix": "p q/",
                                   "continuation-token": "odd/#?;,"}),
                    ("POST", "/b/x", {"uploads": ""})]:
                with self.subTest(method=method, path=path, token=bool(token)):
                    ours = self.signed(method, path, query, token)
                    target = urllib.parse.quote(path, safe="/~")
                    if query:
                        target += "?" + urllib.parse.urlencode(
                            sorted(query.items()), quote_via=urllib.parse.quote, safe="~")
                    self.assertEqual(ours["target"], target)
                    request = AWSRequest(method, f"http://store:9000{target}", data=b"body",
                                         headers={"x-amz-meta-a": "b   c"})
                    signer = S3SigV4Auth(Credentials("AKID", "SECRET", token or None), "s3",
                                         "eu-west-1")
                    now = datetime.datetime.strptime(ours["x-amz-date"], "%Y%m%dT%H%M%SZ")
                    with unittest.mock.patch("botocore.auth.get_current_datetime",
                                             return_value=now):
                        signer.add_auth(request)
                    self.assertEqual(ours["authorization"], request.headers["Authorization"])

    def signed(self, method, path, query, token):
        """The headers that we would send, and the target."""
        return self.answers("[sign]", {
            "ETCDRILL_S3_METHOD": method, "ETCDRILL_S3_PATH": path, "ETCDRILL_S3_TOKEN": token,
            "ETCDRILL_S3_QUERY": "&".join(f"{key}={value}" for key, value in query.items())})


if __name__ == "__main__":
    harness.main()
