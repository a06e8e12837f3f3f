#!/usr/bin/env python3
"""Proves sites end to end, on real etcd and a real versitygw: sealed snapshots reach a bucket
(compressed, encrypted, signed, locked) and a directory; they restore from there alone, also by the
programs age and zstd; a site that was away catches up; and whatever is done to a copy behind our
back is told, and never green."""
import hashlib
import json
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import harness
import s3_server
from sidecar_case import SidecarCase, every

NEVER = {"snapshot": {"schedule": "none"}}


class SitesCase(SidecarCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5")
        harness.fill(cls.cluster)
        cls.buckets = 0

    def setUp(self):
        super().setUp()
        self.keys = self.dir / "keys"
        self.keys.mkdir()
        self.recipient = self.keygen("identity", self.keys / "identity.txt")
        self.recipients = self.keys / "recipients.txt"
        self.recipients.write_text(self.recipient + "\n")
        self.keygen("signing", self.keys / "signing.pem")

    def keygen(self, kind, path):
        outcome = self.etcdrill("keygen", kind, "--out", path, "-w", "json")
        return json.loads(outcome.out).get("recipient")

    # --- Sites ------------------------------------------------------------------------------------

    def server(self):
        if not hasattr(type(self), "s3"):
            type(self).s3 = s3_server.S3Server(self.scene)
        return self.s3

    def bucket_site(self, name="first", lock=None, identity=True, encrypt=True, **more):
        """A site in a bucket of its own; `bucket_dir` are its objects as files."""
        server = self.server()
        type(self).buckets += 1
        bucket = server.make_bucket(f"sites-{type(self).buckets}", lock=lock is not None)
        self.bucket_dir = server.data / bucket
        credentials = self.dir / "credentials"
        credentials.mkdir(exist_ok=True)
        (credentials / "accessKeyID").write_text(s3_server.KEY)
        (credentials / "secretAccessKey").write_text(s3_server.SECRET)
        site = {"name": name, "drill": "none", "scrub": {"period": "30d"},
                "s3": {"endpoint": server.url, "bucket": bucket,
                       "prefix": "prod/a", "credentials_dir": str(credentials)}}
        if encrypt:
            site["encrypt"] = {"recipients_file": str(self.recipients)}
            if identity:
                site["encrypt"]["identity_file"] = str(self.keys / "identity.txt")
        if lock:
            site["lock"] = {"mode": "governance", "for": lock}
        return site | more

    def directory_site(self, name="second", **more):
        self.elsewhere = self.dir / "elsewhere"
        self.elsewhere.mkdir(exist_ok=True)
        return {"name": name, "directory": str(self.elsewhere), "compress": "none",
                "drill": "none"} | more

    def store(self, *sites, **more):
        return {"store": {"signing": {"key_file": str(self.keys / "signing.pem")},
                          "sites": list(sites)} | more}

    def save(self, config, count=1):
        """Takes so many snapshots into the store; their names, the oldest first."""
        names = []
        for _ in range(count):
            self.cluster.etcdctl("put", "/sites/tick", str(len(names)))
            out = self.etcdrill("snapshot", "save", "--config", config, "-w", "json").out
            names.append(json.loads(out)["name"])
        return names

    def copies(self, config, site, **options):
        out = self.etcdrill("snapshot", "list", "--config", config, "--site", site, "-w", "json",
                            **options).out
        return json.loads(out)

    def manifests_at(self, root):
        return sorted(root.glob("**/manifests/*.json"))


class CopyTest(SitesCase):
    def test_copies_restore_from_the_bucket_alone(self):
        first = self.bucket_site(lock="1h", drill="@every 1h")
        second = self.directory_site(drill="@every 1h")
        sidecar = self.start(self.cluster, snapshot=every("1h"), **self.store(first, second))
        for site in ("first", "second"):
            self.wait_for_text(sidecar, "snapshot copied", f"site={site}")
            self.wait_for_text(sidecar, "copy drill passed", f"site={site}", timeout=60)
            sidecar.wait_for_value(0, "etcdrill_site_waiting_snapshots", site=site)
            sidecar.wait_for_value(1, "etcdrill_site_copies", site=site, state="restorable")
            taken = sidecar.value("etcdrill_snapshot_last_success_timestamp_seconds")
            self.assertEqual(sidecar.value("etcdrill_site_newest_restorable_copy_timestamp_seconds",
                                           site=site), taken)
        self.assertGreater(
            sidecar.value("etcdrill_site_locked_until_timestamp_seconds", site="first"), taken)
        self.assertStops(sidecar)
        [manifest] = self.manifests()

        # The host burns down; what is left are the configuration and its keys.
        shutil.rmtree(self.dir / "store")
        config = self.dir / "etcdrill.yaml"
        [copy] = self.copies(config, "first")
        self.assertEqual((copy["snapshot"], copy["state"]), (manifest["name"], "restorable"))
        report = json.loads(self.etcdrill("verify", "latest", "--site", "first", "--config",
                                          config, "-w", "json").out)
        self.assertEqual((report["verdict"], report["sha256"]), ("proven", manifest["sha256"]))
        drill = json.loads(self.etcdrill("drill", "latest-restorable", "--site", "first",
                                         "--config", config, "-w", "json", timeout=120).out)
        self.assertEqual((drill["verdict"], drill["level_reached"], drill["site"]),
                         ("proven", 5, "first"))
        self.etcdrill("snapshot", "restore", "latest", "--site", "first", "--config", config,
                      "--data-dir", self.dir / "restored")
        self.assertTrue((self.dir / "restored/member/snap/db").is_file())
        self.assertEmpty(self.dir / "scratch")
        # By hand, as the runbook says.
        self.by_hand(manifest)

    def by_hand(self, manifest):
        [packed] = (self.bucket_dir / "prod/a/snapshots").glob("*.db.zst.age")
        age = subprocess.run(["age", "-d", "-i", self.keys / "identity.txt", packed],
                             stdout=subprocess.PIPE, check=True)
        plain = subprocess.run(["zstd", "-d"], input=age.stdout, stdout=subprocess.PIPE, check=True)
        self.assertEqual(hashlib.sha256(plain.stdout).hexdigest(), manifest["sha256"])
        # And the directory holds the snapshot as it is.
        [same] = (self.elsewhere / "snapshots").glob("*.db")
        self.assertEqual(hashlib.sha256(same.read_bytes()).hexdigest(), manifest["sha256"])

    def test_a_site_that_was_away_catches_up_in_order(self):
        site = self.directory_site()
        sidecar = self.start(self.cluster, snapshot={"schedule": "@every 2s"}, **self.store(site))
        self.next_line(sidecar, "snapshot copied")
        self.elsewhere.rename(self.dir / "away")
        sidecar.wait_for_line("site failed")
        sidecar.wait_for_value(1, "etcdrill_site_failing", site="second")
        for _ in range(2):
            self.next_line(sidecar, "snapshot taken")
        (self.dir / "away").rename(self.elsewhere)
        sidecar.wait_for_line("site works again", timeout=60)
        sidecar.wait_for_value(0, "etcdrill_site_failing", site="second")
        self.assertEqual(sidecar.stop(), 0)
        there = [json.loads(path.read_text()) for path in self.manifests_at(self.elsewhere)]
        copied = [line.split("snapshot=")[1].split()[0]
                  for line in sidecar.lines("snapshot copied")]
        self.assertEqual(copied, sorted(copied), "the oldest first")
        self.assertEqual(sorted(copied), sorted(manifest["name"] for manifest in there))
        self.assertLessEqual(len(self.manifests()) - len(there), 2, "nothing is lost")

    def test_the_store_keeps_no_more_than_it_is_told(self):
        config, _ = self.configure(self.cluster, snapshot={"schedule": "none"},
                                   drill={"schedule": "none"},
                                   **self.store(self.directory_site(), keep_local=1))
        names = self.save(config, count=4)
        sidecar = self.start(self.cluster, snapshot={"schedule": "none"},
                             **self.store(self.directory_site(), keep_local=1))
        harness.wait_until(lambda: len(sidecar.lines("snapshot deleted")) == 3, "three are gone")
        self.assertEqual([manifest["name"] for manifest in self.manifests()], [names[-1]])
        self.assertEqual({line.split("reason=")[1].split()[0]
                          for line in sidecar.lines("snapshot deleted")}, {"copied"})
        self.assertEqual(len(self.manifests_at(self.elsewhere)), 4)
        self.assertEqual(sidecar.stop(), 0)

    def test_by_command_from_site_to_site(self):
        config, _ = self.configure(self.cluster,
                                   **self.store(self.bucket_site(), self.directory_site()))
        [name] = self.save(config)
        self.etcdrill("snapshot", "copy", name, "--to", "first", "--config", config)
        shutil.rmtree(self.dir / "store")
        self.etcdrill("snapshot", "copy", "latest", "--from", "first", "--to", "second",
                      "--config", config)
        self.assertEqual([copy["snapshot"] for copy in self.copies(config, "second")], [name])
        # Into a file, in a directory of its own.
        wrong = self.etcdrill("snapshot", "copy", name, "--to", "third", "--config", config, code=2)
        self.assertOneLine(wrong.err, "no site third.*first, second")


class LieTest(SitesCase):
    """What somebody does to a copy behind our back."""

    def copied(self, **more):
        config, _ = self.configure(self.cluster, **self.store(self.bucket_site(**more)))
        [name] = self.save(config)
        self.etcdrill("snapshot", "copy", name, "--to", "first", "--config", config)
        return config

    def bytes_of(self):
        [path] = (self.bucket_dir / "prod/a/snapshots").iterdir()
        return path

    def watch(self, config, **sections):
        sections = json.loads(config.read_text()) | {"snapshot": {"schedule": "none"}} | sections
        del sections["web"]
        cluster = sections.pop("cluster")
        return self.start(cluster, **sections)

    def test_a_flipped_bit(self):
        config = self.copied()
        path = self.bytes_of()
        path.write_bytes(harness.flipped(path.read_bytes()))
        # The store's own word has not changed; only reading finds it.
        for command in (["verify", "latest"], ["snapshot", "restore", "latest", "--data-dir",
                                               self.dir / "restored"]):
            wrong = self.etcdrill(*command, "--site", "first", "--config", config, code=3)
            self.assertRegex(wrong.err, "damaged|SHA-256")
        self.assertFalse((self.dir / "restored").exists())
        self.assertEmpty(self.dir / "scratch")
        document = json.loads(config.read_text())
        document["store"]["sites"][0]["scrub"] = {"period": "100ms"}  # due in the first round
        sidecar = self.watch(config, store=document["store"])
        sidecar.wait_for_line("copy changed")
        sidecar.wait_for_value(1, "etcdrill_site_copies", site="first", state="damaged")
        # The store still has it: so it is copied once more.
        sidecar.wait_for_line("snapshot copied")
        self.assertEqual(sidecar.stop(), 0)

    def test_a_strangers_record_deletes_nothing_here(self):
        """Whoever may put objects can claim that a copy was read and right."""
        store = self.store(self.bucket_site(), keep_local=1)
        config, _ = self.configure(self.cluster, **store)
        names = self.save(config, count=3)
        for name in names:
            self.etcdrill("snapshot", "copy", name, "--to", "first", "--config", config)
        for path in (self.bucket_dir / "prod/a/snapshots").iterdir():
            path.write_bytes(b"x" * path.stat().st_size)
            checks = self.bucket_dir / "prod/a/checks" / path.name.split(".")[0] / "evil.json"
            checks.parent.mkdir(parents=True)
            checks.write_text(json.dumps({
                "apiVersion": "etcdrill/v1", "kind": "SnapshotChecks",
                "hashed": "2026-01-01T00:00:00Z"}))
        sidecar = self.watch(config, store=json.loads(config.read_text())["store"])
        harness.wait_until(lambda: len(sidecar.lines("copy changed")) == 3, "all are read")
        self.assertEqual(sidecar.lines("snapshot deleted"), [])
        self.assertEqual([manifest["name"] for manifest in self.manifests()], sorted(names))
        self.assertEqual(sidecar.stop(), 0)

    def test_bytes_that_are_gone(self):
        config = self.copied()
        self.bytes_of().unlink()
        shutil.rmtree(self.dir / "store")
        wrong = self.etcdrill("verify", "latest", "--site", "first", "--config", config, code=None)
        self.assertNotEqual(wrong.code, 0)
        sidecar = self.watch(config)
        sidecar.wait_for_value(1, "etcdrill_site_findings", site="first", kind="vanished")
        self.assertEqual(sidecar.value("etcdrill_site_copies", site="first", state="unreadable"), 1)
        self.assertIsNone(
            sidecar.value("etcdrill_site_newest_copy_timestamp_seconds", site="first"))
        self.assertEqual(sidecar.stop(), 0)

    def test_a_manifest_that_nobody_we_know_signed(self):
        config = self.copied()
        [path] = self.manifests_at(self.bucket_dir)
        manifest = json.loads(path.read_text())
        manifest["revision"] += 1
        path.write_text(json.dumps(manifest))
        for word in ("latest", "latest-restorable"):
            wrong = self.etcdrill("verify", word, "--site", "first", "--config", config, code=None)
            self.assertNotEqual(wrong.code, 0)
        [copy] = self.copies(config, "first")
        self.assertEqual(copy["state"], "unreadable")
        self.assertRegex(copy["problem"], "sign")

    def test_recipients_without_an_identity(self):
        config = self.copied(identity=False)
        [copy] = self.copies(config, "first")
        self.assertEqual(copy["state"], "untested")
        for command in (["verify", "latest"], ["drill", "latest"],
                        ["snapshot", "restore", "latest", "--data-dir", self.dir / "restored"]):
            refused = self.etcdrill(*command, "--site", "first", "--config", config, code=1)
            self.assertOneLine(refused.err, "first.*identity")
        sidecar = self.watch(config)
        sidecar.wait_for_value(0, "etcdrill_site_identity", site="first")
        self.assertIsNone(sidecar.value("etcdrill_site_newest_restorable_copy_timestamp_seconds",
                                        site="first"))
        self.assertEqual(sidecar.stop(), 0)

    def test_somebody_elses_identity(self):
        config = self.copied()
        (self.keys / "identity.txt").unlink()
        self.keygen("identity", self.keys / "identity.txt")
        refused = self.etcdrill("verify", "latest", "--site", "first", "--config", config, code=1)
        self.assertOneLine(refused.err, "first.*identit")


class WrongTest(SitesCase):
    """One line that names the site, what was asked, what came, and the fix."""

    def told(self, code=1, **s3):
        site = self.bucket_site(encrypt=False)
        site["s3"] |= s3
        config, _ = self.configure(self.cluster, **self.store(site))
        refused = self.etcdrill("snapshot", "list", "--site", "first", "--config", config,
                                code=code, timeout=120)
        self.assertOneLine(refused.err, "site first")
        return refused.err

    def test_bucket(self):
        self.assertRegex(self.told(bucket="nowhere"), "bucket")

    def test_key(self):
        other = self.dir / "other"
        other.mkdir()
        (other / "accessKeyID").write_text(s3_server.KEY)
        (other / "secretAccessKey").write_text("wrong-secret")
        said = self.told(credentials_dir=str(other))
        self.assertNotIn("wrong-secret", said)

    def test_no_credentials(self):
        self.assertRegex(self.told(code=None, credentials_dir=str(self.dir / "nothing")),
                         "credential|No such file|nothing")

    def test_endpoint(self):
        self.told(endpoint=f"http://127.0.0.1:{harness.free_port()}")


if __name__ == "__main__":
    harness.main()
