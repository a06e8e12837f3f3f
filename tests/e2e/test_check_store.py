#!/usr/bin/env python3
"""check store against real servers: versitygw, which keeps what it promises; rclone serve s3, which
ignores conditions and keeps locks as decoration; and directories. What a probe leaves is looked for
in the servers' own files."""
import json
import os
import pathlib
import socket
import stat
import sys
import unittest

sys.dont_write_bytecode = True
import harness
import s3_server
from sidecar_case import configuration

RCLONE = harness.ROOT / "build" / "tools" / "rclone"
KEY, SECRET = s3_server.KEY, s3_server.SECRET


class RcloneServer:
    """rclone serve s3; a bucket is a directory."""

    def __init__(self, scene):
        if not RCLONE.exists():
            raise unittest.SkipTest("rclone is not there (scripts/fetch-tools)")
        self.port = harness.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        path = scene.new_dir()
        self.data = path / "data"
        (self.data / "bucket").mkdir(parents=True)
        scene.start([RCLONE, "serve", "s3", "--addr", f"127.0.0.1:{self.port}",
                     "--auth-key", f"{KEY},{SECRET}", self.data], path / "log")
        harness.wait_until(self._answers, "rclone serve s3 answers")

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False


class CheckStore(harness.TestCase):
    def keys(self, secret=SECRET):
        """A directory with the keys of a site."""
        path = self.scene.new_dir()
        for name, value in (("accessKeyID", KEY), ("secretAccessKey", secret)):
            (path / name).write_text(value)
        return str(path)

    def s3_site(self, server, bucket, secret=SECRET, **more):
        s3 = {"bucket": bucket, "endpoint": server.url, "region": "us-east-1",
              "credentials_dir": self.keys(secret)}
        place = {key: more.pop(key) for key in ("prefix", "ca_file", "region") if key in more}
        return {"name": "first", "s3": s3 | place} | more

    def check(self, *sites, code=0, flags=()):
        """The reports of the sites, by name."""
        config = self.write(*sites)
        outcome = self.etcdrill("check", "store", "--config", config, "-w", "json", *flags,
                                code=code)
        self.assertNotIn(SECRET, outcome.out + outcome.err)
        document = json.loads(outcome.out)
        self.assertEqual(document["kind"], "StoreCheck")
        return {report["site"]: report for report in document["sites"]}

    def write(self, *sites):
        config, _ = configuration(
            self.dir, {"name": "e2e", "endpoints": ["http://127.0.0.1:1"]}, bare=True,
            store={"sites": list(sites)})
        return config

    def results(self, report):
        return {answer["question"]: answer["result"] for answer in report["answers"]}

    def answer(self, report, question):
        [answer] = [a for a in report["answers"] if a["question"] == question]
        return answer

    def left(self, server, bucket):
        """Probes that are still files of the bucket."""
        return [path for path in (server.data / bucket).rglob("*")
                if path.is_file() and "probe" in path.parts]

    # --- versitygw --------------------------------------------------------------------------------

    def test_a_sound_bucket(self):
        server = s3_server.S3Server(self.scene)
        bucket = server.make_bucket("plain")
        report = self.check(self.s3_site(server, bucket, prefix="prod/a"))["first"]
        self.assertTrue(report["usable"], report)
        results = self.results(report)
        self.assertEqual({question for question, result in results.items() if result != "yes"},
                         {"signing", "versions", "checksum"})
        self.assertEqual(report["address"], "s3://plain/prod/a")
        self.assertRegex(report["credentials"], f"key id {KEY} of .*, without an end")
        self.assertIsNone(report["locked_until"])
        self.assertEqual(self.left(server, bucket), [])

    def test_a_compliance_lock_binds_and_is_told(self):
        server = s3_server.S3Server(self.scene)
        bucket = server.make_bucket("locking", lock=True)
        report = self.check(self.s3_site(
            server, bucket, lock={"mode": "compliance", "for": "30d"}))["first"]
        self.assertTrue(report["usable"], report)
        results = self.results(report)
        for question in ("lock", "lock_multipart", "versions", "delete", "gone"):
            self.assertEqual(results[question], "yes", question)
        self.assertIsNotNone(report["locked_until"])
        self.assertIn(report["locked_until"], self.answer(report, "delete")["text"])
        self.assertIn("nobody can delete", self.answer(report, "lock")["advice"])
        self.assertEqual(len(self.left(server, bucket)), 2)

    def test_a_lock_without_a_bucket_for_it(self):
        server = s3_server.S3Server(self.scene)
        bucket = server.make_bucket("plain")
        report = self.check(self.s3_site(server, bucket, lock={"mode": "governance", "for": "1d"}),
                            code=None)["first"]
        self.assertFalse(report["usable"])
        self.assertIn("made without object lock", report["problem"])
        self.assertEqual(self.left(server, bucket), [])

    def test_what_is_configured_wrongly_is_one_line(self):
        server = s3_server.S3Server(self.scene)
        bucket = server.make_bucket("plain")
        for site, told in [
                (self.s3_site(server, "nothing-here"), "etcdrill makes no buckets"),
                (self.s3_site(server, bucket, secret="another-secret"),
                 f"secret key is not that of the key id.*{KEY}")]:
            with self.subTest(told):
                report = self.check(site, code=1)["first"]
                self.assertFalse(report["usable"])
                self.assertRegex(report["problem"], f"^site first: .*{told}")
                self.assertNotIn("\n", report["problem"])
                self.assertEqual(self.results(report)["list"], "failed")
                self.assertEqual(self.results(report)["put"], "unknown")

    def test_an_unknown_authority(self):
        server = s3_server.S3Server(self.scene, tls=True)
        bucket = server.make_bucket("plain")
        self.assertTrue(self.check(self.s3_site(server, bucket,
                                                ca_file=str(server.ca_file)))["first"]["usable"])
        report = self.check(self.s3_site(server, bucket), code=1)["first"]
        self.assertIn("not signed by a known CA", report["problem"])

    # --- rclone serve s3 --------------------------------------------------------------------------

    def test_a_server_that_ignores_what_it_is_told(self):
        server = RcloneServer(self.scene)
        report = self.check(self.s3_site(server, "bucket"))["first"]
        self.assertTrue(report["usable"], report)
        self.assertEqual(self.results(report)["put_if_absent"], "no")
        self.assertEqual(self.results(report)["put_multipart"], "yes")
        self.assertEqual(self.left(server, "bucket"), [])

    def test_a_lock_that_is_decoration(self):
        server = RcloneServer(self.scene)
        lock = {"mode": "governance", "for": "1d"}
        report = self.check(self.s3_site(server, "bucket", lock=lock), code=1)["first"]
        self.assertFalse(report["usable"])
        self.assertIn("deletes all the same", report["problem"])
        self.assertIsNone(report["locked_until"])
        self.assertEqual(self.left(server, "bucket"), [])

    # --- Directories, and several sites -----------------------------------------------------------

    def test_a_bad_site_does_not_hide_a_good_one(self):
        good = self.scene.new_dir()
        sites = [{"name": "good", "directory": str(good)},
                 {"name": "gone", "directory": str(self.dir / "none")}]
        reports = self.check(*sites, code=1)
        self.assertEqual({name: report["usable"] for name, report in reports.items()},
                         {"good": True, "gone": False})
        self.assertIn("site gone: the site's directory", reports["gone"]["problem"])
        self.assertEqual([path for path in good.rglob("*") if path.is_file()], [])
        self.assertEqual(list(self.check(*sites, flags=("--site", "good"))), ["good"])
        unknown = self.etcdrill("check", "store", "--config", self.write(*sites), "--site", "best",
                                code=2)
        self.assertIn("has no site best; it has good, gone", unknown.err)

    def test_a_table_and_a_conclusion(self):
        site = {"name": "nas", "directory": str(self.scene.new_dir())}
        lines = self.etcdrill("check", "store", "--config", self.write(site)).out.splitlines()
        self.assertRegex(lines[0], r"^QUESTION +ANSWER +MEANING")
        self.assertRegex(lines[-1], "^site nas: usable, copies can be made at /")
        self.assertTrue(any(line.startswith("read_back") for line in lines))

    def test_a_key_that_can_decrypt_nothing(self):
        directory = self.scene.new_dir()
        site = {"name": "nas", "directory": str(directory),
                "encrypt": {"recipients_file": str(self.dir / "recipients.txt")}}
        identity = self.dir / "identity.txt"
        made = self.etcdrill("keygen", "identity", "--out", identity)
        self.assertEqual(stat.S_IMODE(os.stat(identity).st_mode), 0o600)
        recipient = next(word for word in (made.out + made.err + identity.read_text()).split()
                         if word.startswith("age1"))
        pathlib.Path(self.dir / "recipients.txt").write_text(recipient + "\n")
        report = self.check(site)["nas"]
        self.assertTrue(report["usable"])
        self.assertEqual(self.results(report)["identities"], "no")
        self.assertIn("second one", self.answer(report, "recipients")["advice"])
        site["encrypt"]["identity_file"] = str(identity)
        self.assertEqual(self.results(self.check(site)["nas"])["identities"], "yes")


if __name__ == "__main__":
    harness.main()
