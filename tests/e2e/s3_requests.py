"""Signed requests that a test makes of an object store by itself: buckets, policies, what it holds.
The signature is that of AWS (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-
signed-request.html); test_s3.py holds etcdrill's own one to botocore's."""
import collections
import datetime
import hashlib
import hmac
import http.client
import ssl
import urllib.parse

Keys = collections.namedtuple("Keys", "id secret")
Answer = collections.namedtuple("Answer", "status body")


def signature(secret, scope, text):
    key = b"AWS4" + secret.encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def conformance_environment(url, bucket, keys, **more):
    """For s3_conformance."""
    values = {"endpoint": url, "bucket": bucket, "key": keys.id, "secret": keys.secret} | more
    return {f"ETCDRILL_S3_{name.upper()}": str(value) for name, value in values.items()}


class S3Requests:
    """To one server, as one user."""

    def __init__(self, url, keys, region="us-east-1", ca_file=None):
        parts = urllib.parse.urlsplit(url)
        self._host = parts.netloc
        self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        self._keys = keys
        self._region = region

    def ask(self, method, path, headers=None, query=None, body=""):
        """Path and query as they are, not encoded."""
        target = urllib.parse.quote(path)
        pairs = urllib.parse.urlencode(sorted((query or {}).items()), safe="~",
                                       quote_via=urllib.parse.quote)
        signed = self._signed(method, target, pairs, headers or {}, body)
        if self._tls:
            connection = http.client.HTTPSConnection(self._host, timeout=10, context=self._tls)
        else:
            connection = http.client.HTTPConnection(self._host, timeout=10)
        try:
            connection.request(method, f"{target}?{pairs}" if pairs else target, body=body,
                               headers=signed)
            answer = connection.getresponse()
            return Answer(answer.status, answer.read().decode())
        finally:
            connection.close()

    def must(self, method, path, **options):
        answer = self.ask(method, path, **options)
        if answer.status not in (200, 204):
            raise RuntimeError(f"{method} {path}: {answer.status} {answer.body}")
        return answer.body

    def is_answered(self):
        try:
            return self.ask("GET", "/").status == 200
        except OSError:
            return False

    def make_bucket(self, name, lock=False):
        """With versions and object lock, or without."""
        self.must("PUT", f"/{name}",
                  headers={"x-amz-bucket-object-lock-enabled": "true"} if lock else {})
        return name

    def _signed(self, method, target, pairs, headers, body):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        digest = hashlib.sha256(body.encode()).hexdigest()
        signed = dict(headers, **{"host": self._host, "x-amz-date": now,
                                  "x-amz-content-sha256": digest})
        names = ";".join(sorted(signed))
        lines = "".join(f"{name}:{signed[name]}\n" for name in sorted(signed))
        scope = f"{now[:8]}/{self._region}/s3/aws4_request"
        canonical = f"{method}\n{target}\n{pairs}\n{lines}\n{names}\n{digest}"
        text = "\n".join(["AWS4-HMAC-SHA256", now, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()])
        signed["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self._keys.id}/{scope}, SignedHeaders={names}, "
            f"Signature={signature(self._keys.secret, scope, text)}")
        return signed
