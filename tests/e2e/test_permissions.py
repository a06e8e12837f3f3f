#!/usr/bin/env python3
"""Proves what users with fewer rights than root get, release by release: every refusal names the
role that is needed, and a member that refuses is still alive. What Status, Alarm and MemberList ask
for changed inside the series of patch releases; these tests pin what the releases here do, so that
one that differs is noticed."""
import json
import sys

sys.dont_write_bytecode = True
import harness
from sidecar_case import PASSWORD, SidecarCase, cluster_section

NEEDED = (r"permission denied\. Snapshots and hashes need the role root: "
          r"`etcdctl user grant-role USER root`")


class PermissionsCase(SidecarCase):
    version = ""
    status_needs_root = False  # any user that has logged in may ask, or anybody

    @classmethod
    def setUpClass(cls):
        if not cls.version:
            raise harness.unittest.SkipTest("the base of the others")
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, cls.version, size=2)
        etcdctl = cls.cluster.etcdctl
        etcdctl("put", "/app/key", "value")
        for role, scope in (("all", ["--prefix", "read", ""]),
                            ("some", ["--prefix", "read", "/app/"])):
            etcdctl("role", "add", role)
            etcdctl("role", "grant-permission", role, *scope)
        for user, roles in (("reader", ["all"]), ("app", ["some"]), ("nobody", []),
                            ("operator", ["root"])):
            etcdctl("user", "add", f"{user}:{PASSWORD}")
            for role in roles:
                etcdctl("user", "grant-role", user, role)
        cls.cluster.enable_auth(PASSWORD)

    def flags(self, user):
        flags = ["--endpoints", ",".join(self.cluster.endpoints)]
        return flags + (["--user", f"{user}:{PASSWORD}"] if user else [])

    def section(self, user):
        (self.dir / "password").write_text(PASSWORD)
        return cluster_section(self.cluster, auth={"username": user, "password_file": "password"})

    def requests(self, sidecar, method):
        """(asked, failed) so far."""
        return (sidecar.value("etcdrill_etcd_requests_total", method=method),
                sidecar.value("etcdrill_etcd_request_failures_total", method=method))

    def test_a_member_that_refuses_is_alive(self):
        for user in ("reader", "app", "nobody", "operator"):
            with self.subTest(user):
                members = json.loads(self.etcdrill("health", "-w", "json", *self.flags(user)).out)
                self.assertEqual([(member["healthy"], member["problem"]) for member in members],
                                 [(True, "")] * 2)
                tells = user == "operator" or not self.status_needs_root
                self.assertEqual(["version" in member for member in members], [tells] * 2)

    def test_nobody_in_particular_is_told_to_log_in(self):
        members = json.loads(self.etcdrill("health", "-w", "json", *self.flags(""), code=1).out)
        self.assertEqual([member["healthy"] for member in members], [False] * 2)
        for member in members:
            self.assertIn("Configure a user and its password", member["problem"])
        self.assertOneLine(
            self.etcdrill("snapshot", "save", self.dir / "x.db", *self.flags(""), code=1).err,
            "Configure a user and its password")

    def test_a_snapshot_needs_root_and_says_so(self):
        for user in ("reader", "app", "nobody"):
            with self.subTest(user):
                refused = self.etcdrill("snapshot", "save", self.dir / "x.db", *self.flags(user),
                                        code=1)
                self.assertOneLine(refused.err, NEEDED)
        self.assertEqual(list(self.dir.iterdir()), [])
        # Any user with that role, not only `root`.
        self.etcdrill("snapshot", "save", self.dir / "x.db", *self.flags("operator"))

    def test_the_sidecar_of_a_reader_says_what_is_missing_and_takes_it_when_granted(self):
        sidecar = self.start(self.section("reader"), health={"hashkv": "@every 2s"})
        failed = sidecar.wait_for_line("snapshot failed")
        self.assertIn("reason=permission_denied", failed)
        self.assertRegex(failed, NEEDED)
        self.assertRegex(sidecar.wait_for_line("members not comparable"), NEEDED)
        self.assertGreaterEqual(sidecar.value("etcdrill_snapshot_failures_total", reason="auth"), 1)
        sidecar.wait_for_value(1, "etcdrill_source_up")
        for url in self.cluster.endpoints:
            self.assertEqual(sidecar.value("etcdrill_endpoint_healthy", etcd_endpoint=url), 1)
        asked, refused = self.requests(sidecar, "Status")
        self.assertEqual(refused > 0, self.status_needs_root, (asked, refused))
        # Of any user, in these releases. Without a Status nobody knows whose members to ask for.
        for method in ("Alarm", "Range") + (() if self.status_needs_root else ("MemberList",)):
            harness.wait_until(lambda: self.requests(sidecar, method)[0] > 0, method)
            self.assertEqual(self.requests(sidecar, method)[1], 0, method)
        self.cluster.etcdctl("user", "grant-role", "reader", "root")
        self.addCleanup(self.cluster.etcdctl, "user", "revoke-role", "reader", "root")
        sidecar.wait_for_line("snapshot taken")
        sidecar.wait_for_line("members agree")
        sidecar.wait_for_value(0, "etcdrill_snapshot_consecutive_failures")
        self.assertStops(sidecar)


class Permissions34(PermissionsCase):
    version = "3.4"


class Permissions35(PermissionsCase):
    version = "3.5"
    status_needs_root = True  # 3.5.28 to 3.5.31


class Permissions36(PermissionsCase):
    version = "3.6"


class Permissions37(PermissionsCase):
    version = "3.7"


class OneOfSeveral(SidecarCase):
    """One of two refuses the Snapshot. Etcd has one list of users for all members, so a proxy
    before one of them logs in as another user."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.6", size=2)
        for user in ("backup", "reader"):
            cls.cluster.etcdctl("user", "add", f"{user}:{PASSWORD}")
        cls.cluster.etcdctl("user", "grant-role", "backup", "root")
        cls.cluster.enable_auth(PASSWORD)

    def test_another_is_copied(self):
        leader = self.cluster.leader()
        follower, = [member for member in self.cluster.members if member is not leader]
        # A follower is copied first.
        (proxy,), _ = self.proxies(self.cluster, urls=[follower.client_url])
        proxy.edit = lambda data: data.replace(b"backup", b"reader")
        endpoints = [proxy.url, leader.client_url]

        def save(name, urls, code=0):
            return self.etcdrill("snapshot", "save", self.dir / name, "--endpoints", ",".join(urls),
                                 "--user", f"backup:{PASSWORD}", "-w", "json", code=code)

        self.assertOneLine(save("x.db", [proxy.url], code=1).err, "Snapshot: .*" + NEEDED)
        for name, urls in (("s.db", endpoints), ("t.db", endpoints[::-1])):
            manifest = json.loads(save(name, urls).out)
            self.assertEqual(manifest["source"]["endpoint"], leader.client_url)

        (self.dir / "password").write_text(PASSWORD)
        auth = {"username": "backup", "password_file": "password"}
        sidecar = self.start(cluster_section(self.cluster, endpoints=endpoints, auth=auth))
        sidecar.wait_for_line("snapshot taken", after=1)
        self.assertEqual(sidecar.lines("snapshot failed"), [])
        self.assertIn("permission denied",
                      sidecar.wait_for_line("snapshot endpoint skipped"))
        refused = sidecar.value("etcdrill_etcd_request_failures_total", method="Snapshot")
        self.assertGreaterEqual(refused, 2)  # it was asked each time
        copied = {manifest["source"]["endpoint"] for manifest in self.manifests()}
        self.assertEqual(copied, {leader.client_url})
        self.assertStops(sidecar)


del PermissionsCase  # it has no release, so nothing to run


if __name__ == "__main__":
    harness.main()
