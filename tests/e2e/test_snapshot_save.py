#!/usr/bin/env python3
"""Proves `snapshot save`: what it saves from a live cluster is what the cluster holds, every
member's receipt agrees, and whatever keeps it from saving is said in one line, with the right exit
code and nothing left behind."""
import hashlib
import json
import subprocess
import sys

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase

PASSWORD = "canary-root-password"


class SaveCase(harness.TestCase):
    def save(self, *flags, code=0, **options):
        """Saves to self.target; the outcome. A failure must leave nothing but what was there."""
        self.target = self.dir / "snapshot.db"
        outcome = self.etcdrill("snapshot", "save", self.target, *flags, code=code, **options)
        if code == 0:
            self.assertEqual([path.name for path in self.dir.iterdir()], ["snapshot.db"])
        return outcome

    def refuse(self, *flags, says, **options):
        outcome = self.save(*flags, code=1, **options)
        self.assertOneLine(outcome.err, says)
        self.assertEqual(outcome.out, "")
        self.assertNotIn("canary", outcome.err)
        self.assertEmpty(self.dir)


class Tls(SaveCase):
    """Three members, client certificates."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5", size=3, tls=True)
        harness.fill(cls.cluster)

    def with_flag(self, name, value):
        """The right flags but for one."""
        flags = self.cluster.flags()
        flags[flags.index(name) + 1] = value
        return flags

    def without(self, *names):
        flags = self.cluster.flags()
        for name in names:
            at = flags.index(name)
            del flags[at:at + 2]
        return flags

    def test_the_file_is_what_the_cluster_holds(self):
        manifest = json.loads(self.save(*self.cluster.flags(), "-w", "json").out)
        content = self.target.read_bytes()
        self.assertEqual(content[-32:], hashlib.sha256(content[:-32]).digest())
        self.assertEqual((manifest["sha256"], manifest["size"]),
                         (hashlib.sha256(content).hexdigest(), len(content)))
        official = json.loads(
            harness.must(
                [harness.tool("3.5", "etcdutl"), "snapshot", "status", self.target, "-w", "json"]))
        self.assertEqual((manifest["hash"], manifest["revision"], manifest["total_keys"]),
                         (official["hash"], official["revision"], official["totalKey"]))
        self.assertEqual((manifest["revision"], manifest["live_keys"]),
                         (self.cluster.revision(), len(self.cluster.content())))
        self.assertEqual(manifest["verdict"], "proven")
        self.assertEqual(oct(self.target.stat().st_mode & 0o777), oct(0o600))
        self.etcdrill("verify", self.target)

    def test_the_receipts_of_all_members_are_equal(self):
        manifest = json.loads(self.save(*self.cluster.flags(), "-w", "json").out)
        self.assertEqual([receipt["endpoint"] for receipt in manifest["receipt"]],
                         self.cluster.endpoints)
        self.assertEqual([receipt["result"] for receipt in manifest["receipt"]], ["equal"] * 3)
        self.assertEqual(len({receipt["member_id"] for receipt in manifest["receipt"]}), 3)
        for member, receipt in zip(self.cluster.members, manifest["receipt"]):
            self.assertEqual(self.cluster.hashkv(member),
                             (receipt["hash"], receipt["compact_revision"]))
        text = self.etcdrill("snapshot", "save", self.dir / "two.db", *self.cluster.flags()).out
        self.assertIn("equal to 3 of 3 members", text)

    def test_the_environment_of_etcdctl_does_as_well(self):
        names = {"--endpoints": "ENDPOINTS", "--cacert": "CACERT", "--cert": "CERT", "--key": "KEY"}
        flags = list(map(str, self.cluster.flags()))
        self.save(env={f"ETCDCTL_{names[flag]}": value
                       for flag, value in zip(flags[::2], flags[1::2])})

    def test_etcdutl_restores_it(self):
        self.save(*self.cluster.flags())
        harness.must([harness.tool("3.5", "etcdutl"), "snapshot", "restore", self.target,
                      "--data-dir", self.dir / "data"])

    def test_compacted_at_head(self):
        self.cluster.etcdctl("put", "newest", "one")
        self.cluster.etcdctl("compact", str(self.cluster.revision()), "--physical")
        manifest = json.loads(self.save(*self.cluster.flags(), "-w", "json").out)
        self.assertEqual([receipt["result"] for receipt in manifest["receipt"]], ["equal"] * 3)

    def test_a_dead_endpoint_first(self):
        dead = f"https://127.0.0.1:{harness.free_port()}"
        endpoints = ",".join([dead, *self.cluster.endpoints])
        manifest = json.loads(
            self.save(*self.with_flag("--endpoints", endpoints), "-w", "json").out)
        self.assertIn(manifest["source"]["endpoint"], self.cluster.endpoints)
        self.assertRegex(manifest["source"]["chosen"], r"^follower, \d+ entries behind$")
        self.assertEqual(["error" in receipt for receipt in manifest["receipt"]],
                         [True, False, False, False])

    def test_only_dead_endpoints(self):
        dead = ",".join(f"https://127.0.0.1:{harness.free_port()}" for _ in range(2))
        self.refuse(*self.with_flag("--endpoints", dead), says="refused.*Check that", timeout=15)

    def test_wrong_authority(self):
        self.refuse(*self.with_flag("--cacert", self.scene.certs / "other-ca.crt"),
                    says="not signed by the configured CA")

    def test_no_client_certificate(self):
        self.refuse(*self.without("--cert", "--key"), says="client certificate")

    def test_certificate_and_key_of_different_pairs(self):
        self.refuse(*self.with_flag("--key", self.scene.certs / "server.key"),
                    says="do not match")

    def test_certificate_file_missing(self):
        self.refuse(*self.with_flag("--cert", self.dir / "missing.crt"), says="missing.crt")

    def test_plaintext_to_a_tls_port(self):
        plain = self.cluster.endpoints[0].replace("https", "http")
        self.refuse("--endpoints", plain, says="https")

    def test_an_existing_target_stays_as_it_is(self):
        target = self.dir / "snapshot.db"
        target.write_text("precious")
        outcome = self.save(*self.cluster.flags(), code=1)
        self.assertOneLine(outcome.err, "snapshot.db.*exists")
        self.assertEqual(target.read_text(), "precious")
        self.assertEqual([path.name for path in self.dir.iterdir()], ["snapshot.db"])

    def test_a_target_in_a_directory_that_is_missing(self):
        outcome = self.etcdrill("snapshot", "save", self.dir / "missing" / "snapshot.db",
                                *self.cluster.flags(), code=1)
        self.assertOneLine(outcome.err, "missing")
        self.assertEmpty(self.dir)


class Plaintext(SaveCase):
    """One member without TLS, for the faults of the other direction; then with auth."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.4")
        harness.fill(cls.cluster)
        cls.cluster.etcdctl("user", "add", "reader:canary-reader-password")
        cls.cluster.etcdctl("role", "add", "reader")
        cls.cluster.etcdctl("role", "grant-permission", "reader", "--prefix=true", "readwrite", "/")
        cls.cluster.etcdctl("user", "grant-role", "reader", "reader")
        cls.cluster.enable_auth(PASSWORD)

    def connect_as(self, user):
        return ["--endpoints", self.cluster.endpoints[0], "--user", user]

    def test_as_root(self):
        manifest = json.loads(self.save(*self.cluster.flags(), "-w", "json").out)
        self.assertEqual([receipt["result"] for receipt in manifest["receipt"]], ["equal"])

    def test_without_user(self):
        self.refuse("--endpoints", self.cluster.endpoints[0], says="user")

    def test_wrong_password(self):
        self.refuse(*self.connect_as("root:canary-wrong"), says="password")

    def test_unknown_user(self):
        self.refuse(*self.connect_as("nobody:canary-wrong"), says="password")

    def test_a_user_who_is_not_root(self):
        self.refuse(*self.connect_as("reader:canary-reader-password"),
                    says="permission denied.*root")

    def test_user_without_password(self):
        self.assertOneLine(self.save(*self.connect_as("root"), code=2).err, "password")
        self.assertEmpty(self.dir)

    def test_tls_to_a_plaintext_port(self):
        url = self.cluster.endpoints[0].replace("http", "https")
        self.refuse("--endpoints", url, "--cacert", self.scene.certs / "ca.crt", says="http://")


class IntoOneStore(SidecarCase):
    def test_saves_of_one_second_get_seconds_of_their_own(self):
        cluster = harness.Cluster(self.scene, "3.5")
        harness.fill(cluster)
        config, _ = self.configure(cluster)
        command = [harness.build_dir() / "etcdrill", "snapshot", "save", "--config", config]
        saves = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  text=True, env=harness.environment()) for _ in range(4)]
        said = [save.communicate(timeout=60)[1] for save in saves]
        self.assertEqual([save.returncode for save in saves], [0] * 4, said)
        self.assertEqual(len(list((self.dir / "store").glob("e2e-*.db"))), 4)


class EveryVersion(SaveCase):
    def check(self, version):
        cluster = harness.Cluster(self.scene, version)
        self.addCleanup(cluster.kill)
        harness.fill(cluster)
        manifest = json.loads(self.save(*cluster.flags(), "-w", "json").out)
        self.assertEqual([receipt["result"] for receipt in manifest["receipt"]], ["equal"])
        self.assertEqual((manifest["revision"], manifest["live_keys"]),
                         (cluster.revision(), len(cluster.content())))
        self.assertTrue(manifest["source"]["etcd_version"].startswith(version + "."))
        # Any official tool reads it: `snapshot status` is in 3.4's etcdctl and in 3.5's etcdutl.
        by_34 = json.loads(
            harness.must(
                [harness.tool("3.4", "etcdctl"), "snapshot", "status", self.target, "-w", "json"]))
        self.assertEqual((manifest["hash"], manifest["total_keys"]),
                         (by_34["hash"], by_34["totalKey"]))

    def test_34(self):
        self.check("3.4")

    def test_35(self):
        self.check("3.5")

    def test_36(self):
        self.check("3.6")

    def test_37(self):
        self.check("3.7")


if __name__ == "__main__":
    harness.main()
