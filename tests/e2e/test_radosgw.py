#!/usr/bin/env python3
"""S3Objects on a second real server, Ceph's radosgw: what any store promises, on code of other
origin; what this one leaves out; keys of a role, with a real session token; and what keys without a
right, and a quota, are told. One gateway for all, as it takes some seconds to come up."""
import re
import sys

sys.dont_write_bytecode = True
import harness
import radosgw
from s3_case import S3Case
from s3_requests import Keys, S3Requests

ASSUMER = Keys("assumer", "secret-of-assumer")
LIMITED = Keys("limited", "secret-of-limited")
FULL = Keys("full", "secret-of-full")


class RadosgwTest(S3Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        radosgw.require()
        cls.gateway = radosgw.RadosGateway(cls.scene)

    def test_it_keeps_what_a_store_promises(self):
        bucket = self.gateway.owner.make_bucket("promises", lock=True)
        self.run_tests("[conformance]", self.gateway.environment(bucket))
        bucket = self.gateway.owner.make_bucket("transfer")
        self.run_tests("[transfer]", self.gateway.environment(bucket, prefix="prod/a"))

    def test_an_upload_in_parts_is_locked_afterwards(self):
        bucket = self.gateway.owner.make_bucket("locked", lock=True)
        answers = self.answers("[lock]", self.gateway.environment(bucket))
        # If a newer release does better, let it.
        if re.search(r"ceph version 16\.", harness.must(["ceph", "--version"])):
            self.assertEqual(answers["lock"], "not applied")

    def test_a_killed_upload(self):
        bucket = self.gateway.owner.make_bucket("killed")
        self.check_killed_upload(self.gateway, bucket, "PUT:match=partNumber=2")

    def test_wrong_keys(self):
        bucket = self.gateway.owner.make_bucket("wrong-keys")
        told = self.told(self.gateway.environment(bucket, secret="not-the-secret"))
        self.assertRegex(told, "access_denied: s3://wrong-keys/x: PUT: 403 AccessDenied; .*or the "
                               "secret key is wrong")
        self.assertNotIn("not-the-secret", told)
        told = self.told(self.gateway.environment("nothing-here"))
        self.assertRegex(told, "bucket_missing: .*etcdrill makes no buckets")

    def test_keys_of_a_role(self):
        self.gateway.add_user(ASSUMER)
        self.gateway.add_role(ASSUMER)
        bucket = self.gateway.owner.make_bucket("for-role")
        # The user may do nothing there; the session of the role may do all.
        self.assertRegex(self.told(self.gateway.environment(bucket, ASSUMER)), "access_denied: ")
        self.run_tests("[transfer]",
                       self.gateway.environment(bucket, ASSUMER, role=radosgw.ROLE))
        told = self.told(self.gateway.environment(bucket, ASSUMER, role=radosgw.ROLE + "-none"))
        self.assertRegex(told, r"credentials: .*role arn:.*AssumeRole")
        told = self.told(self.gateway.environment(bucket, role=radosgw.ROLE))
        self.assertRegex(told, r"credentials: .*AssumeRole at .*403 AccessDenied.*trust policy")
        self.assertNotIn(radosgw.OWNER.secret, told)
        outcome = harness.run(
            [harness.build_dir() / "tests" / "print_credentials", f"role_arn={radosgw.ROLE}"],
            env={"AWS_ACCESS_KEY_ID": ASSUMER.id, "AWS_SECRET_ACCESS_KEY": ASSUMER.secret,
                 "AWS_ENDPOINT_URL_STS": self.gateway.url})
        self.assertRegex(outcome.out, rf"^role {radosgw.ROLE} \(by environment\) \| \S+ \| 20")

    def test_keys_that_may_neither_list_nor_delete(self):
        """Uploads go on; what can't be known is not taken for absent."""
        self.gateway.add_user(LIMITED)
        bucket = self.gateway.owner.make_bucket("limits")
        self.gateway.owner.must("PUT", f"/{bucket}", query={"policy": ""}, body=radosgw.policy(
            Action=["s3:PutObject", "s3:GetObject"], Resource=[f"arn:aws:s3:::{bucket}/*"],
            Principal={"AWS": [f"arn:aws:iam:::user/{LIMITED.id}"]}))
        answers = self.answers("[rights]", self.gateway.environment(bucket, LIMITED))
        self.assertEqual([answers[what] for what in ("list", "missing", "delete")],
                         ["access_denied"] * 3)
        self.assertIn("<Key>a</Key>", self.gateway.owner.must("GET", f"/{bucket}"))

    def test_a_quota_that_is_full(self):
        self.gateway.add_user(FULL)
        bucket = S3Requests(self.gateway.url, FULL).make_bucket("full")
        self.gateway.admin("quota", "set", "--uid", FULL.id, "--quota-scope", "user",
                           "--max-objects", "0")
        self.gateway.admin("quota", "enable", "--uid", FULL.id, "--quota-scope", "user")
        self.assertRegex(self.told(self.gateway.environment(bucket, FULL)),
                         "no_space: .*403 QuotaExceeded; the bucket or its quota is full")


if __name__ == "__main__":
    harness.main()
