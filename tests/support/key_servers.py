"""Those who give out keys, as botocore and etcdrill ask them: the metadata service of an instance
(IMDSv2), the agent of a container's host, STS with web identity, and a proxy that takes down who
came by. They answer on loopback only, with keys that are good for nothing.

Facts: docs.aws.amazon.com, "Use IMDSv2", "Container credential provider", and the STS API
reference. STS checks the signature of AssumeRole (Signature Version 4) and the HMAC of a token;
that of a real issuer is asymmetric, and a matter between STS and the issuer."""
import base64
import datetime
import hashlib
import hmac
import http.server
import json
import re
import threading
import time
import urllib.parse

REGION = "eu-central-1"


def end_in(seconds):
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")


class KeyServer:
    """`answer(method, path, headers, body)` gives (status, type, text) or None, which hangs up."""

    def __init__(self, lifetime=3600):
        self.lifetime = lifetime
        self.asked = []  # (method, path)
        self.given = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                size = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(size).decode()
                outer.asked.append((self.command, self.path))
                answer = outer.answer(self.command, self.path, self.headers, body)
                if answer is None:
                    self.close_connection = True
                    return
                status, kind, text = answer
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(text.encode())))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_PUT = do_POST = do_CONNECT = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def keys(self, prefix):
        self.given += 1
        return {"AccessKeyId": f"{prefix}{self.given}", "SecretAccessKey": "canary-secret",
                "Token": "canary-token", "Expiration": end_in(self.lifetime)}


class Imds(KeyServer):
    """The metadata service. `hangs`: the PUT never returns, as behind a hop too many."""

    ROLE = "node-role"
    hangs = False

    def answer(self, method, path, headers, _body):
        if method == "PUT" and path == "/latest/api/token":
            if self.hangs:
                time.sleep(5)
                return None
            if not headers.get("x-aws-ec2-metadata-token-ttl-seconds"):
                return 400, "text/plain", ""
            return 200, "text/plain", "the-session"
        if headers.get("x-aws-ec2-metadata-token") != "the-session":
            return 401, "text/plain", ""
        roles = "/latest/meta-data/iam/security-credentials/"
        if path == roles:
            return 200, "text/plain", self.ROLE
        if path == roles + self.ROLE:
            return 200, "text/plain", json.dumps({"Code": "Success"} | self.keys("IMDS"))
        return 404, "text/plain", ""


class ContainerAgent(KeyServer):
    """The agent of EKS Pod Identity. It wants `token` as it is now."""

    token = "canary-pod-token"

    def answer(self, method, path, headers, _body):
        if (method, path) != ("GET", "/v1/credentials"):
            return 404, "text/plain", "no such path"
        if headers.get("authorization") != self.token:
            return 401, "text/plain", "unauthorized"
        return 200, "application/json", json.dumps(self.keys("POD"))


class TokenIssuer:
    """Makes the tokens of a service account: `HEADER.CLAIMS.MARK`, as JWTs are cut."""

    def __init__(self):
        self.key = b"issuer"

    def token(self, lifetime=3600):
        def part(document):
            return base64.urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()

        text = part({"alg": "HS256"}) + "." + part({"aud": "sts.amazonaws.com",
                                                    "exp": time.time() + lifetime})
        return f"{text}.{self.mark(text)}"

    def mark(self, text):
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()

    def problem(self, token):
        text, _, mark = token.rpartition(".")
        if self.mark(text) != mark:
            return "InvalidIdentityToken"
        claims = text.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        return "ExpiredTokenException" if claims["exp"] < time.time() else None


class Sts(KeyServer):
    """AssumeRole for the users in `users` (key id: secret), AssumeRoleWithWebIdentity for tokens of
    `issuer`. `roles` are those that may be assumed."""

    def __init__(self, issuer, **options):
        super().__init__(**options)
        self.issuer = issuer
        self.users = {}
        self.roles = {"arn:aws:iam::123456789012:role/backup"}

    def answer(self, method, path, headers, body):
        form = dict(urllib.parse.parse_qsl(body))
        action = form.get("Action")
        if method != "POST" or form.get("Version") != "2011-06-15":
            return self.error(400, "InvalidAction", path)
        if not 2 <= len(form.get("RoleSessionName", "")) <= 64:
            return self.error(400, "ValidationError", "RoleSessionName")
        if form.get("RoleArn") not in self.roles:
            return self.error(403, "AccessDenied", f"not authorized to perform sts:{action}")
        if action == "AssumeRoleWithWebIdentity":
            problem = self.issuer.problem(form.get("WebIdentityToken", ""))
            if problem:
                return self.error(400, problem, form["WebIdentityToken"])
            return self.give(action, "WEB")
        if action == "AssumeRole":
            problem = self.signature_problem(method, path, headers, body)
            return self.error(403, problem, "") if problem else self.give(action, "ROLE")
        return self.error(400, "InvalidAction", "")

    def signature_problem(self, method, path, headers, body):
        match = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/sts/aws4_request, ?"
            r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})", headers.get("authorization", ""))
        if not match:
            return "IncompleteSignature"
        user, day, region, names, signature = match.groups()
        if user not in self.users:
            return "InvalidClientTokenId"
        signed = "".join(f"{name}:{' '.join(headers[name].split())}\n"
                         for name in names.split(";"))
        canonical = "\n".join([method, path, "", signed, names,
                               hashlib.sha256(body.encode()).hexdigest()])
        to_sign = "\n".join(["AWS4-HMAC-SHA256", headers["x-amz-date"],
                             f"{day}/{region}/sts/aws4_request",
                             hashlib.sha256(canonical.encode()).hexdigest()])
        key = b"AWS4" + self.users[user].encode()
        for part in (day, region, "sts", "aws4_request", to_sign):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return None if key.hex() == signature else "SignatureDoesNotMatch"

    def give(self, action, prefix):
        keys = self.keys(prefix)
        fields = {"AccessKeyId": keys["AccessKeyId"], "SecretAccessKey": keys["SecretAccessKey"],
                  "SessionToken": keys["Token"], "Expiration": keys["Expiration"]}
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
        return 200, "text/xml", (
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<{action}Result><Credentials>{inner}</Credentials></{action}Result>"
            f"</{action}Response>")

    @staticmethod
    def error(status, code, message):
        return status, "text/xml", (
            '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
            f"<Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
            "</ErrorResponse>")


class Proxy(KeyServer):
    """Takes down who came by, and lets nobody through."""

    def answer(self, *_):
        return 502, "text/plain", "not through here"
