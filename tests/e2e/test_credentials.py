#!/usr/bin/env python3
"""Keys of a bucket, from each place that users have them: etcdrill and botocore, which all tools of
AWS in Python stand on, look for them in the same environment and against the same servers, and must
come to the same ones. botocore comes from PyPI into a virtual environment below build/tools; where
it can't be had, what needs it is skipped by name."""
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

import harness

sys.path.insert(0, str(harness.ROOT / "tests" / "support"))
import key_servers  # noqa: E402

ROLE = "arn:aws:iam::123456789012:role/backup"
BOTOCORE = r"""
import json, os, sys
import botocore.session
session = botocore.session.Session()
try:
    keys = session.get_credentials()
    frozen = keys.get_frozen_credentials() if keys else None
    print(json.dumps({"method": keys.method if keys else None,
                      "id": frozen.access_key if frozen else None}))
except Exception as error:
    print(json.dumps({"error": f"{type(error).__name__}: {error}", "id": None}))
"""
# What botocore calls the places that print_credentials names.
METHODS = {"environment": "env", "shared file": "shared-credentials-file",
           "web identity": "assume-role-with-web-identity", "role": "assume-role",
           "container": "container-role", "instance": "iam-role"}


@functools.cache
def python_with_botocore():
    python = harness.ROOT / "build" / "tools" / "botocore" / "bin" / "python"
    if not python.exists():
        raise unittest.SkipTest("botocore is not there (scripts/fetch-tools)")
    return python


class CredentialsTest(unittest.TestCase):

    def setUp(self):
        self.dir = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.issuer = key_servers.TokenIssuer()
        self.imds = self.serve(key_servers.Imds())
        self.agent = self.serve(key_servers.ContainerAgent())
        self.sts = self.serve(key_servers.Sts(self.issuer))
        self.proxy = self.serve(key_servers.Proxy())
        # What is nowhere set up; the instance is, as it is the last one.
        self.env = {
            "HOME": str(self.dir), "PATH": os.environ["PATH"],
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.imds.url,
            "AWS_ENDPOINT_URL_STS": self.sts.url,
            "AWS_DEFAULT_REGION": key_servers.REGION, "AWS_REGION": key_servers.REGION,
        }

    def serve(self, server):
        self.addCleanup(server.close)
        return server

    def write(self, name, text):
        path = self.dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return str(path)

    def ours(self, *settings, code=0):
        """(source, key id, end) or the error."""
        outcome = subprocess.run([harness.build_dir() / "tests" / "print_credentials", *settings],
                                 env=self.env, capture_output=True, text=True, timeout=60)
        self.assertNotIn("canary", outcome.stdout + outcome.stderr)
        self.assertEqual(outcome.returncode, code, outcome.stderr)
        if code:
            self.assertRegex(outcome.stderr, r"\Aprint_credentials: [^\n]+\n\Z")
            return outcome.stderr
        return outcome.stdout.strip().split(" | ")

    def botocores(self):
        outcome = subprocess.run([python_with_botocore(), "-c", BOTOCORE], env=self.env, text=True,
                                 capture_output=True, timeout=60, check=True)
        return json.loads(outcome.stdout)

    def check_same(self, source, key_id):
        """Both come to a key of this place. Servers count the keys that they give."""
        for server in (self.imds, self.agent, self.sts):
            server.given = 0
        ours = self.ours()
        self.assertRegex(ours[0], f"^{source}")
        self.assertEqual(ours[1], key_id)
        for server in (self.imds, self.agent, self.sts):
            server.given = 0
        theirs = self.botocores()
        self.assertEqual(theirs["id"], key_id, theirs)
        self.assertEqual(theirs["method"], METHODS[source])
        return ours

    def set_up_container(self):
        self.env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = self.agent.url + "/v1/credentials"
        self.env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = self.write("pod", self.agent.token)

    def set_up_shared_file(self):
        self.write(".aws/credentials",
                   "[default]\naws_access_key_id = SHARED\naws_secret_access_key=canary\n"
                   "[other]\naws_access_key_id:OTHER\nAWS_SECRET_ACCESS_KEY : canary\n"
                   "aws_session_token = canary\n")

    def set_up_web_identity(self):
        self.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = self.write("token", self.issuer.token())
        self.env["AWS_ROLE_ARN"] = ROLE

    def set_up_profile_role(self):
        self.sts.users["BASE"] = "canary-base"
        self.write(".aws/config",
                   f"[default]\nrole_arn = {ROLE}\nsource_profile = base\n"
                   "[profile base]\naws_access_key_id = BASE\n"
                   "aws_secret_access_key = canary-base\n")

    def set_up_environment(self):
        self.env |= {"AWS_ACCESS_KEY_ID": "ENV", "AWS_SECRET_ACCESS_KEY": "canary"}

    def test_order(self):
        """Each place wins over all that were set up before it."""
        self.check_same("instance", "IMDS1")
        self.set_up_container()
        self.check_same("container", "POD1")
        self.set_up_shared_file()
        self.check_same("shared file", "SHARED")
        self.set_up_web_identity()
        self.check_same("web identity", "WEB1")
        self.set_up_profile_role()
        self.check_same("role", "ROLE1")
        self.set_up_environment()
        self.check_same("environment", "ENV")

    def test_profiles(self):
        self.set_up_shared_file()
        self.write(".aws/config", "[profile 'in config']\naws_access_key_id = CONFIG\n"
                   "aws_secret_access_key = canary\n[profile other]\naws_access_key_id = NOT\n")
        self.env["AWS_PROFILE"] = "other"
        self.check_same("shared file", "OTHER")
        self.set_up_environment()  # wins over AWS_PROFILE
        self.check_same("environment", "ENV")
        del self.env["AWS_ACCESS_KEY_ID"]
        self.env["AWS_PROFILE"] = "in config"
        self.assertEqual(self.ours()[1], "CONFIG")
        self.assertEqual(self.botocores()["id"], "CONFIG")
        self.env["AWS_PROFILE"] = "missing"
        self.assertIn("there is no profile missing", self.ours(code=1))
        self.assertIn("ProfileNotFound", self.botocores()["error"])
        del self.env["AWS_PROFILE"]
        self.env["AWS_SHARED_CREDENTIALS_FILE"] = self.write(
            "elsewhere", "[default]\naws_access_key_id=ELSE\naws_secret_access_key=canary\n")
        self.check_same("shared file", "ELSE")

    def test_half_set_up(self):
        """Where half of a place is set up, both say so, and ask no other one."""
        self.env["AWS_ACCESS_KEY_ID"] = "ENV"
        self.assertIn("AWS_SECRET_ACCESS_KEY is not", self.ours(code=1))
        self.assertIn("PartialCredentials", self.botocores()["error"])
        del self.env["AWS_ACCESS_KEY_ID"]
        self.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = self.write("token", self.issuer.token())
        self.assertIn("set AWS_ROLE_ARN", self.ours(code=1))
        self.assertIn("InvalidConfigError", self.botocores()["error"])
        self.assertEqual(self.imds.asked, [])

    def test_roles_of_profiles(self):
        self.sts.users |= {"BASE": "canary-base", "ENV": "canary", "ROLE1": "canary-secret"}
        config = (f"[profile by-environment]\nrole_arn = {ROLE}\ncredential_source = Environment\n"
                  f"[profile itself]\nrole_arn = {ROLE}\nsource_profile = itself\n"
                  "aws_access_key_id = BASE\naws_secret_access_key = canary-base\n"
                  f"[profile twice]\nrole_arn = {ROLE}\nsource_profile = itself\n"
                  f"[profile by-instance]\nrole_arn = {ROLE}\n"
                  "credential_source = Ec2InstanceMetadata\n"
                  f"[profile circle]\nrole_arn = {ROLE}\nsource_profile = circle2\n"
                  f"[profile circle2]\nrole_arn = {ROLE}\nsource_profile = circle\n")
        self.write(".aws/config", config)
        self.env["AWS_PROFILE"] = "itself"
        self.check_same("role", "ROLE1")
        self.sts.users["IMDS1"] = "canary-secret"
        self.env["AWS_PROFILE"] = "by-instance"
        self.check_same("role", "ROLE1")
        self.env["AWS_PROFILE"] = "circle"
        self.assertIn("leads in a circle", self.ours(code=1))
        self.assertIn("InfiniteLoop", self.botocores()["error"])

    def test_a_role_that_is_refused(self):
        self.set_up_profile_role()
        self.sts.users["BASE"] = "another secret"
        self.assertIn("the secret does not belong to the key id", self.ours(code=1))
        self.assertIn("SignatureDoesNotMatch", self.botocores()["error"])
        self.sts.roles.clear()
        self.assertIn("trust policy", self.ours(code=1))

    def test_tokens_of_service_accounts(self):
        self.env["AWS_ROLE_ARN"] = ROLE
        self.env["AWS_WEB_IDENTITY_TOKEN_FILE"] = self.write("token", self.issuer.token(-5))
        self.assertRegex(self.ours(code=1), r"ExpiredTokenException: \(secret\); .* rotated")
        self.assertIn("ExpiredToken", self.botocores()["error"])
        self.write("token", self.issuer.token() + "0")
        self.assertIn("make the issuer of the token known", self.ours(code=1))
        self.write("token", self.issuer.token())
        self.check_same("web identity", "WEB1")

    def test_no_proxy_sees_what_stays_here(self):
        """Through a proxy would go the tokens that the agents give keys for. STS is far away, and
        goes through it."""
        self.env |= {"http_proxy": self.proxy.url, "https_proxy": self.proxy.url}
        self.assertEqual(self.ours()[1], "IMDS1")
        self.set_up_container()
        self.assertEqual(self.ours()[1], "POD1")
        self.assertEqual(self.proxy.asked, [])
        self.set_up_web_identity()
        self.assertIn("502", self.ours(code=1))
        self.assertNotEqual(self.proxy.asked, [])

    def test_a_hop_too_many(self):
        """IMDS that never answers costs a second, and the hint is the cause that it mostly has."""
        self.imds.hangs = True
        start = time.monotonic()
        said = self.ours(code=1)
        self.assertLess(time.monotonic() - start, 3 * harness.slower())
        self.assertIn("raise the hop limit of its metadata options to 2", said)
        for place in ("environment: AWS_ACCESS_KEY_ID is not set", "web identity:",
                      "shared file: there is no profile default", "container:"):
            self.assertIn(place, said)

    def test_what_only_our_configuration_names(self):
        self.set_up_environment()
        mounted = self.dir / "mounted"
        self.write("mounted/accessKeyID", "GARDENER\n")
        self.write("mounted/secretAccessKey", "canary")
        self.assertEqual(self.ours(f"credentials_dir={mounted}")[1], "GARDENER")
        self.assertEqual(
            self.ours(f"access_key_id_file={mounted}/accessKeyID",
                      f"secret_access_key_file={mounted}/secretAccessKey")[1], "GARDENER")
        self.set_up_shared_file()
        self.assertEqual(self.ours("profile=other")[1], "OTHER")
        self.assertIn("no profile default",
                      self.ours(f"credentials_file={self.dir / 'nowhere'}", code=1))
        token = self.write("token", self.issuer.token())
        self.assertEqual(self.ours(f"web_identity_token_file={token}", f"role_arn={ROLE}")[1],
                         "WEB1")
        self.sts.users["GARDENER"] = "canary"
        self.assertEqual(self.ours(f"credentials_dir={mounted}", f"role_arn={ROLE}")[1], "ROLE2")
        self.write("mounted/roleARN", ROLE)  # gardener's other kind of secret
        self.write("mounted/token", self.issuer.token())
        self.assertTrue(re.match("web identity", self.ours(f"credentials_dir={mounted}")[0]))
        self.write(".aws/config", "[profile p]\ncredential_process = /bin/canary\n")
        self.assertIn("credential_process is not supported", self.ours("profile=p", code=1))


if __name__ == "__main__":
    harness.main()
