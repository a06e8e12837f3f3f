#!/usr/bin/env python3
"""Proves that members are counted by their ids and clusters told apart by theirs: one member under
two names outvotes nobody, an endpoint of another cluster is neither copied nor compared, what one
endpoint refuses another gives, and keys that a member counts but does not have are missed. In each
case the exit codes, the page, the metrics and the alerts say the same."""
import json
import shutil
import sys

sys.dont_write_bytecode = True
import harness
import observers
from sidecar_case import PASSWORD, SidecarCase, cluster_section

INCONSISTENT, UNHEALTHY = "EtcdBackupSourceInconsistent", "EtcdBackupSourceUnhealthy"
ROTS, LIES = b"the-value-that-rots", b"the-value-that-lies"


def second_name(url):
    return url.replace("127.0.0.1", "localhost")


class IdentityCase(SidecarCase):
    def save(self, *endpoints, code=0, more=()):
        """`snapshot save` of a list of endpoints; a failure leaves no file."""
        path = self.dir / "saved.db"
        outcome = self.etcdrill("snapshot", "save", path, "--endpoints", ",".join(endpoints), *more,
                                code=code)
        self.assertEqual(path.exists(), code == 0)
        path.unlink(missing_ok=True)
        return outcome

    def health(self, *endpoints, code):
        rows = json.loads(
            self.etcdrill("health", "--endpoints", ",".join(endpoints), "-w", "json",
                          code=code).out)
        return {row["endpoint"]: row for row in rows}

    def probed(self, sidecar):
        sidecar.wait_for_value(1, "etcdrill_source_up")
        return json.loads(sidecar.first_answer("/api/v1/status"))

    def rows(self, status):
        return {row["endpoint"]: row for row in status["members"]}

    def assertFires(self, sidecar, *names):
        """Of the alerts about the source exactly these would fire, were it to stay so."""
        self.assertEqual(
            observers.firing(sidecar.metrics(), self.scene.new_dir(), (INCONSISTENT, UNHEALTHY)),
            set(names))


class OneMemberTwoNames(IdentityCase):
    """Three members of 3.5.30; one value was changed on a follower's disk, which is listed under
    two names."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5", size=3)
        cls.cluster.etcdctl("put", "victim", ROTS.decode())
        cls.bad = [member for member in cls.cluster.members
                   if member is not cls.cluster.leader()][0]
        harness.wait_until(lambda: cls.cluster.content(cls.bad), "the value on the follower")
        cls.bad.process.terminate()
        cls.bad.process.wait()
        database = cls.bad.data_dir / "member" / "snap" / "db"
        content = database.read_bytes()
        assert ROTS in content
        database.write_bytes(content.replace(ROTS, LIES))
        cls.cluster.start_member(cls.bad)
        cls.cluster.wait_healthy()
        assert cls.cluster.content(cls.bad)[b"victim"] == LIES
        cls.sound = [member for member in cls.cluster.members if member is not cls.bad]
        leader = cls.cluster.leader()
        cls.sound.sort(key=lambda member: member is leader)
        cls.twice = [cls.bad.client_url, second_name(cls.bad.client_url)]

    def test_it_does_not_outvote_a_sound_one(self):
        outcome = self.save(*self.twice, self.sound[0].client_url, code=3)
        self.assertOneLine(outcome.err, "differ: one of the members is corrupt")
        self.assertNotIn("proven", outcome.out)

    def test_a_sidecar_says_so_everywhere(self):
        sidecar = self.start(
            cluster_section(self.cluster, endpoints=[*self.twice, self.sound[0].client_url]))
        self.assertIn("reason=members_disagree", sidecar.wait_for_line("snapshot failed"))
        self.assertEqual(sidecar.lines("snapshot taken"), [])
        self.assertIn(f"endpoint={self.twice[1]} ",
                      sidecar.wait_for_line("duplicate endpoint found"))
        status = self.probed(sidecar)
        self.assertIn("The members of the cluster hold different data.",
                      [trouble["what"] for trouble in status["problems"]])
        self.assertNotEqual(status["fresh"]["answer"], "yes")
        self.assertEqual(self.rows(status)[self.twice[1]]["same_member_as"], self.twice[0])
        self.assertEqual(sidecar.value("etcdrill_source_hashkv_consistent"), 0)
        self.assertIsNone(sidecar.value("etcdrill_snapshot_last_success_timestamp_seconds"))
        self.assertFires(sidecar, INCONSISTENT)
        manifest = self.manifests()[0]
        self.assertEqual(manifest["verdict"], "damaged")
        self.assertEqual(len(manifest["receipt"]), 2)
        self.assertEqual(len({record["member_id"] for record in manifest["receipt"]}), 2)
        self.assertStops(sidecar)

    def test_the_majority_of_members_stands(self):
        # The bad one is copied first.
        outcome = self.save(*self.twice, *(member.client_url for member in self.sound), code=3)
        self.assertOneLine(outcome.err, "differ")
        outcome = self.save(self.sound[0].client_url, *self.twice, self.sound[1].client_url)
        self.assertIn("HashKV equal to 2 of 3 members", outcome.out)
        self.assertRegex(
            outcome.err,
            f"^warning: {self.twice[0]} and {self.twice[1]} are the same member, [0-9a-f]+, "
            "which counts once\n$")

    def test_a_store_of_0_1_0_is_read_by_members(self):
        """Its manifests have a record for each name: one that was outvoted by them is not
        distrusted."""
        config, _ = self.configure(
            cluster_section(self.cluster, endpoints=[member.client_url for member in self.sound]))
        self.etcdrill("snapshot", "save", "--config", config)
        path, = harness.manifest_paths(self.dir / "store")
        manifest = json.loads(path.read_text())
        good = manifest["receipt"][0] | {"result": "differs"}
        bad = manifest["receipt"][1] | {"result": "equal", "member_id": "abad1dea"}
        for record in (good, bad):
            record.pop("live_keys")
        manifest["receipt"] = [good, bad, bad | {"endpoint": "http://localhost:1"}]
        path.write_text(json.dumps(manifest))
        report = json.loads(
            self.etcdrill("verify", "latest", "--config", config, "-w", "json", code=3).out)
        self.assertIn(("members_disagreed", "error"),
                      [(f["code"], f["severity"]) for f in report["findings"]])


class ClusterOfOne(IdentityCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.6")
        cls.cluster.etcdctl("put", "a", "b")
        cls.names = [cls.cluster.endpoints[0], second_name(cls.cluster.endpoints[0])]

    def test_it_does_not_agree_with_itself(self):
        sidecar = self.start(cluster_section(self.cluster, endpoints=self.names),
                             health={"hashkv": "@every 1s"})
        sidecar.wait_for_line("snapshot taken", after=1)
        harness.wait_until(
            lambda: sidecar.value("etcdrill_task_last_run_timestamp_seconds", task="hashkv"),
            "a comparison")
        status = self.probed(sidecar)
        self.assertIsNone(sidecar.value("etcdrill_source_hashkv_consistent"))
        self.assertEqual(
            sidecar.lines("members agree") + sidecar.lines("members not comparable"), [])
        self.assertEqual([row["healthy"] for row in status["members"]], [True, True])
        self.assertEqual(status["problems"], [])
        self.assertFires(sidecar)
        self.assertEqual(len(sidecar.lines("duplicate endpoint found")), 1)
        self.assertEqual([len(manifest["receipt"]) for manifest in self.manifests()],
                         [1] * len(self.manifests()))
        self.assertStops(sidecar)

    def test_commands_say_it(self):
        self.assertIn("HashKV equal to 1 of 1 members", self.save(*self.names).out)
        self.assertEqual(
            self.health(*self.names, code=0)[self.names[1]]["same_member_as"], self.names[0])
        config, _ = self.configure(cluster_section(self.cluster, endpoints=self.names))
        outcome = self.etcdrill("check", "config", config)
        self.assertRegex(outcome.err, "^warning: cluster.endpoints: .* are the same member")


class BeganAnew(IdentityCase):
    """A member was wiped and came up as a cluster of its own, at the same addresses."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5", size=3)
        harness.fill(cls.cluster)

    def test_it_is_left_alone_and_named_everywhere(self):
        lost = [member for member in self.cluster.members
                if member is not self.cluster.leader()][0]
        rest = [member for member in self.cluster.members if member is not lost]
        sidecar = self.start(self.cluster, health={"hashkv": "@every 1s"})
        sidecar.wait_for_line("snapshot taken")
        self.cluster.kill(lost)
        shutil.rmtree(lost.data_dir)
        alone = harness.Cluster(self.scene, "3.5", start=False)
        alone.members = [lost]
        alone.start_member(lost)
        alone.wait_healthy()
        for number in range(5):
            alone.etcdctl("put", "a-life-of-its-own", str(number))

        sidecar.wait_for_value(0, "etcdrill_endpoint_healthy", etcd_endpoint=lost.client_url)
        line = sidecar.wait_for_line("endpoint ignored: not a member of the cluster")
        self.assertIn(f"{lost.client_url} belongs to cluster ", line)
        line = self.next_line(sidecar, "snapshot taken")
        self.assertNotIn(f"endpoint={lost.client_url} ", line)
        self.assertIn("2 of 2 members", self.next_line(sidecar, "members agree"))
        status = self.probed(sidecar)
        row = self.rows(status)[lost.client_url]
        self.assertFalse(row["healthy"])
        self.assertNotEqual(row["cluster_id"], self.rows(status)[rest[0].client_url]["cluster_id"])
        self.assertTrue(any(lost.client_url in trouble["what"] for trouble in status["problems"]))
        self.assertEqual(sidecar.value("etcdrill_source_members"), 3)
        self.assertEqual(sidecar.value("etcdrill_source_hashkv_consistent"), 1)
        self.assertIsNone(sidecar.value("etcdrill_endpoint_revision",
                                        etcd_endpoint=lost.client_url))
        self.assertFires(sidecar, UNHEALTHY)
        self.assertEqual(len(sidecar.lines("endpoint ignored: not a member of the cluster")), 1)

        # The commands say the same, in any order.
        for endpoints in ([lost, *rest], [*rest, lost]):
            urls = [member.client_url for member in endpoints]
            health = self.health(*urls, code=1)
            self.assertEqual([url for url in urls if not health[url]["healthy"]], [lost.client_url])
            outcome = self.save(*urls)
            self.assertIn("HashKV equal to 2 of 2 members", outcome.out)
            self.assertIn(f"warning: {lost.client_url} belongs to cluster", outcome.err)
        config, _ = self.configure(self.cluster, name="check.yaml")
        refused = self.etcdrill("check", "config", config, code=2)
        self.assertOneLine(refused.err, f"cluster.endpoints: {lost.client_url} belongs to cluster")

        # It is not believed when it is the only one that answers.
        self.cluster.kill(*rest)
        self.wait_for_text(sidecar, "snapshot failed", f"only {lost.client_url} of ", timeout=60)
        sidecar.wait_for_value(0, "etcdrill_source_up")
        self.next_line(sidecar, "snapshot failed")
        sources = {manifest["source"]["cluster_id"] for manifest in self.manifests()}
        self.assertEqual(len(sources), 1)
        self.assertStops(sidecar)


class TwoClusters(IdentityCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.prod = harness.Cluster(cls.scene, "3.5")
        cls.dev = harness.Cluster(cls.scene, "3.6")
        cls.prod.etcdctl("put", "of", "prod")
        cls.dev.etcdctl("put", "of", "dev")
        cls.both = [*cls.prod.endpoints, *cls.dev.endpoints]

    def test_a_list_of_both_is_refused_in_any_order(self):
        for urls in (self.both, self.both[::-1]):
            with self.subTest(urls):
                self.assertOneLine(
                    self.save(*urls, code=1).err,
                    "belong to different clusters: .* Remove the endpoints of the wrong")
                rows = self.health(*urls, code=1).values()
                self.assertEqual({row["healthy"] for row in rows}, {False})
                config, _ = self.configure(cluster_section(self.prod, endpoints=urls))
                self.assertOneLine(
                    self.etcdrill("check", "config", config, code=2).err,
                    "belong to different clusters")
                self.etcdrill("check", "config", config, "--syntax-only")

    def test_a_sidecar_takes_nothing_and_says_why_once(self):
        sidecar = self.start(cluster_section(self.prod, endpoints=self.both))
        self.assertIn("reason=other_cluster", sidecar.wait_for_line("snapshot failed", after=1))
        self.assertEqual(self.manifests(), [])
        harness.wait_until(lambda: sidecar.value("etcdrill_source_up") == 0, "the first round")
        self.assertEqual(
            [sidecar.value("etcdrill_endpoint_healthy", etcd_endpoint=url) for url in self.both],
            [0, 0])
        self.assertEqual(len(sidecar.lines("endpoints belong to different clusters")), 1)
        status = json.loads(sidecar.first_answer("/api/v1/status"))
        self.assertEqual({row["healthy"] for row in status["members"]}, {False})
        self.assertFires(sidecar, UNHEALTHY)
        self.assertStops(sidecar)

    def test_what_the_store_is_of_decides(self):
        config, _ = self.configure(self.prod)
        self.etcdrill("snapshot", "save", "--config", config)
        sidecar = self.start(cluster_section(self.prod, endpoints=self.both[::-1]))
        sidecar.wait_for_line("snapshot taken", after=1)
        self.assertEqual({manifest["source"]["endpoint"] for manifest in self.manifests()},
                         set(self.prod.endpoints))
        self.assertEqual({manifest["verdict"] for manifest in self.manifests()}, {"proven"})
        self.assertEqual(sidecar.lines("snapshot failed"), [])
        self.probed(sidecar)
        self.assertEqual(
            [sidecar.value("etcdrill_endpoint_healthy", etcd_endpoint=url) for url in self.both],
            [1, 0])
        self.assertEqual(sidecar.value("etcdrill_source_members"), 1)
        self.assertFires(sidecar, UNHEALTHY)
        self.assertStops(sidecar)

    def test_ours_is_waited_for_however_many_of_another_one_answer(self):
        dev = harness.Cluster(self.scene, "3.5", size=2)
        self.addCleanup(dev.kill)
        config, _ = self.configure(self.prod)
        self.etcdrill("snapshot", "save", "--config", config)
        sidecar = self.start(
            cluster_section(self.prod, endpoints=self.prod.endpoints + dev.endpoints))
        sidecar.wait_for_line("snapshot taken", after=1)
        member, = self.prod.members
        self.prod.kill()
        try:
            self.wait_for_text(sidecar, "snapshot failed", "the stored snapshots are of cluster",
                               timeout=60)
            self.next_line(sidecar, "snapshot failed")
            sidecar.wait_for_value(0, "etcdrill_source_up")
        finally:
            self.prod.start_member(member)
            self.prod.wait_healthy()
        self.next_line(sidecar, "snapshot taken")
        self.assertEqual({manifest["source"]["endpoint"] for manifest in self.manifests()},
                         set(self.prod.endpoints))
        self.assertStops(sidecar)

    def test_the_live_lineage_is_that_of_one_cluster(self):
        snapshot = self.prod.save(self.dir / "prod.db")
        outcome = self.etcdrill("lineage", snapshot, "--endpoints", ",".join(self.both), code=1)
        self.assertOneLine(outcome.err, "belong to different clusters")


class MadeAlike(IdentityCase):
    """Two clusters that were made with the defaults have the same cluster id and the same member
    id."""

    def test_the_same_ids_are_not_enough(self):
        clusters = []
        for _ in range(2):
            cluster = harness.Cluster(self.scene, "3.5", flags=[
                "--name=default", "--initial-advertise-peer-urls=http://localhost:2380",
                "--initial-cluster=default=http://localhost:2380"
            ])
            clusters.append(cluster)
        clusters[1].etcdctl("put", "only", "here")
        urls = [url for cluster in clusters for url in cluster.endpoints]
        for order in (urls, urls[::-1]):
            self.assertOneLine(
                self.save(*order, code=1).err, "both report member 8e9e05c52164694d")
        self.assertEqual({row["healthy"] for row in self.health(*urls, code=1).values()}, {False})


class Refusing(IdentityCase):
    """Two members with authentication, and an endpoint that refuses their user."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5", size=2)
        cls.cluster.etcdctl("put", "a", "b")
        cls.cluster.enable_auth(PASSWORD)
        cls.refusing = harness.Cluster(cls.scene, "3.5")
        cls.refusing.enable_auth("another-canary")

    def test_another_is_asked(self):
        user = ["--user", f"root:{PASSWORD}"]
        for urls in ([*self.refusing.endpoints, *self.cluster.endpoints],
                     [*self.cluster.endpoints, *self.refusing.endpoints]):
            outcome = self.save(*urls, more=user)
            self.assertIn("HashKV equal to 2 of 3 members", outcome.out)
        dead = f"http://127.0.0.1:{harness.free_port()}"
        refused = self.save(dead, *self.refusing.endpoints, dead, code=1, more=user)
        self.assertOneLine(refused.err, "none of 3 endpoints.*invalid user ID or password")

    def test_a_sidecar_goes_on(self):
        (self.dir / "password").write_text(PASSWORD)
        section = cluster_section(self.cluster,
                                  endpoints=[*self.refusing.endpoints, *self.cluster.endpoints],
                                  auth={"username": "root", "password_file": "password"})
        sidecar = self.start(section, health={"hashkv": "@every 1s"})
        sidecar.wait_for_line("snapshot taken", after=2)
        self.assertIn("2 of 3 members", sidecar.wait_for_line("members agree"))
        self.assertEqual(
            sidecar.lines("snapshot failed") + sidecar.lines("snapshot attempt failed"), [])
        self.probed(sidecar)
        urls = [*self.refusing.endpoints, *self.cluster.endpoints]
        self.assertEqual(
            [sidecar.value("etcdrill_endpoint_healthy", etcd_endpoint=url) for url in urls],
            [0, 1, 1])
        self.assertStops(sidecar)


class LostKeys(IdentityCase):
    """etcd#22376: a compaction exactly at the revision of a transaction that deletes keys and puts
    them anew removes their values; the member goes on counting the keys, and ends when one of them
    is read."""
    version = "3.5.30"

    def lose_keys(self, cluster):
        for key in ("other", "a", "b"):
            cluster.etcdctl("put", key, "1")
        cluster.etcdctl("txn", text="\ndel --from-key a\nput a 2\nput b 2\n\n\n")
        cluster.etcdctl("put", "lives", "on")
        cluster.etcdctl("compact", str(cluster.revision() - 1), "--physical")

    def test_the_number_of_keys_tells(self):
        cluster = harness.Cluster(self.scene, self.version)
        self.addCleanup(cluster.kill)
        member, = cluster.members
        self.lose_keys(cluster)
        outcome = self.save(*cluster.endpoints, code=3)
        self.assertOneLine(outcome.err, r"\(3 keys, the snapshot has 1\)")
        cluster.save(self.dir / "theirs.db")
        compared = self.etcdrill("lineage", self.dir / "theirs.db", *cluster.flags(), code=3)
        self.assertIn(f"the file has 1 keys, {cluster.endpoints[0]} has 3", compared.out)
        sidecar = self.start(cluster)
        self.assertIn("reason=members_disagree", sidecar.wait_for_line("snapshot failed"))
        status = self.probed(sidecar)
        self.assertIn("The members of the cluster hold different data.",
                      [trouble["what"] for trouble in status["problems"]])
        self.assertNotEqual(status["fresh"]["answer"], "yes")
        self.assertEqual(sidecar.value("etcdrill_source_hashkv_consistent"), 0)
        self.assertEqual(sidecar.value("etcdrill_snapshots", state="restorable"), 0)
        self.assertFires(sidecar, INCONSISTENT)
        manifest = self.manifests()[0]
        self.assertEqual(
            (manifest["verdict"], manifest["live_keys"], manifest["receipt"][0]["live_keys"]),
            ("damaged", 1, 3))
        self.assertIsNone(member.process.poll())  # to count is not to read
        self.assertStops(sidecar)
        # They are gone for good, and the member knows it, once it was started again.
        member.process.terminate()
        member.process.wait()
        cluster.start_member(member)
        cluster.wait_healthy()
        self.assertIn("1 keys", self.save(*cluster.endpoints).out)


class LostKeys37(LostKeys):
    version = "3.7.1"


class TwoRules(IdentityCase):
    """In the middle of an upgrade from an etcd that hashes by the older rule; one transaction made
    all keys that are alive."""

    def test_hashes_of_two_rules_are_no_disagreement(self):
        cluster = harness.Cluster(self.scene, "3.4.23", size=3)
        self.addCleanup(cluster.kill)
        for key in ("a", "b", "a", "b"):
            cluster.etcdctl("put", key, "1")
        cluster.etcdctl("compact", "4")
        cluster.upgrade(cluster.members[0], "3.5.30")
        cluster.etcdctl("put", "a", "2")
        cluster.etcdctl("txn", text='\ndel "" --from-key\nput a anew\nput b anew\n\n\n')
        hashes = {cluster.hashkv(member, cluster.revision()) for member in cluster.members}
        self.assertEqual(len(hashes), 2, "the two rules give two hashes")
        sidecar = self.start(cluster, health={"hashkv": "@every 1s"})
        self.assertIn("HashKV can differ for the same data here",
                      sidecar.wait_for_line("members not comparable"))
        sidecar.wait_for_line("snapshot taken", after=1)
        self.assertEqual(sidecar.lines("members disagree"), [])
        self.assertNotEqual(sidecar.value("etcdrill_source_hashkv_consistent"), 0)
        self.assertFires(sidecar)
        self.assertFalse((self.dir / "store" / "suspects.json").exists())
        self.assertStops(sidecar)


class Counted(IdentityCase):
    def test_members_count_what_the_file_has(self):
        """With and without a mark of --bump-revision, which no member counts."""
        cluster = harness.Cluster(self.scene, "3.4")
        self.addCleanup(cluster.kill)
        harness.fill(cluster)
        cluster.enable_auth(PASSWORD)
        manifest = json.loads(
            self.etcdrill("snapshot", "save", self.dir / "s.db", *cluster.flags(), "-w",
                          "json").out)
        self.assertEqual([record["live_keys"] for record in manifest["receipt"]],
                         [manifest["live_keys"]])

        restored = harness.Cluster(self.scene, "3.5", start=False)
        self.addCleanup(restored.kill)
        member, = restored.members
        self.etcdrill("snapshot", "restore", self.dir / "s.db", "--data-dir", member.data_dir,
                      "--name", member.name, "--initial-cluster", restored.initial_cluster,
                      "--initial-advertise-peer-urls", member.peer_url, "--bump-revision", "1000",
                      "--mark-compacted", "--drop-auth")
        restored.start()
        again = self.dir / "again.db"
        command = ["snapshot", "save", again, *restored.flags(), "-w", "json"]
        manifest = json.loads(self.etcdrill(*command).out)
        keys = len(restored.content())
        record, = manifest["receipt"]
        self.assertEqual(record["result"], "equal")
        self.assertEqual((record["live_keys"], manifest["live_keys"]), (keys, keys))
        metrics = self.dir / "verify.prom"
        self.etcdrill("verify", again, "--textfile-out", metrics)
        families = harness.parse_metrics(metrics.read_text())
        (_, _, told), = families["etcdrill_snapshot_last_keys"].samples
        self.assertEqual(told, keys)


if __name__ == "__main__":
    harness.main()
