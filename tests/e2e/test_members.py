#!/usr/bin/env python3
"""Proves that the sidecar outlives what happens to the members of a cluster: they die in
mid-stream, lead, stop leading, hang, learn, and are replaced by new ones. No due snapshot is lost,
none comes from a learner or from a member that does not answer."""
import shutil
import signal
import sys

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase, cluster_section, fill_for_streams

STREAM_RATE = 400_000  # bytes a second: two seconds or more for what a cluster holds here


class MembersCase(SidecarCase):
    version = "3.5"

    def new_cluster(self):
        cluster = harness.Cluster(self.scene, self.version, size=3)
        self.addCleanup(cluster.kill)
        fill_for_streams(cluster)
        return cluster

    def assertNoFailure(self, sidecar):
        self.assertEqual(sidecar.lines("snapshot failed"), [])
        self.assertEqual(sidecar.value("etcdrill_snapshot_consecutive_failures"), 0)

    def assertAllProven(self):
        manifests = self.manifests()
        self.assertEqual({manifest["verdict"] for manifest in manifests}, {"proven"})
        return manifests


class Dying(MembersCase):
    """Each test gets a cluster of its own: none is left as it was."""

    def test_the_member_that_is_copied_dies_in_mid_stream(self):
        cluster = self.new_cluster()
        leader = cluster.leader()
        proxies, section = self.proxies(cluster, STREAM_RATE)
        sidecar = self.start(section, snapshot={"schedule": "@every 1h"})
        self.streaming()
        # In the order of the configuration.
        copied, other = [member for member in cluster.members if member is not leader]
        cluster.kill(copied)
        line = sidecar.wait_for_line("snapshot taken")
        self.assertIn(f"endpoint={proxies[cluster.members.index(other)].url} ", line)
        self.assertNoFailure(sidecar)
        self.assertEqual(sidecar.value("etcdrill_snapshot_attempts_total"), 1)
        manifest, = self.assertAllProven()
        results = [record.get("result") or "error" for record in manifest["receipt"]]
        self.assertEqual(sorted(results), ["equal", "equal", "error"])
        self.assertStops(sidecar)

    def test_a_due_snapshot_waits_for_an_election(self):
        cluster = self.new_cluster()
        survivor, *others = cluster.members
        cluster.kill(*others)
        # It notices only when its election time is over.
        harness.wait_until(
            lambda: cluster.statuses([survivor]).get(survivor.name, {}).get("leader", 0) == 0,
            "no leader", 30)
        sidecar = self.start(cluster, snapshot={"schedule": "@every 1h"})
        line = sidecar.wait_for_line("snapshot attempt failed")
        self.assertIn("has no leader", line)
        for member in others:
            cluster.start_member(member)
        sidecar.wait_for_line("snapshot taken", timeout=60)
        self.assertNoFailure(sidecar)
        self.assertEqual(sidecar.value("etcdrill_snapshot_attempts_total"), 1)
        self.assertAllProven()
        self.assertStops(sidecar)


class LeaderDies(MembersCase):
    def test_the_next_snapshot_comes_from_a_follower(self):
        cluster = self.new_cluster()
        sidecar = self.start(cluster)
        sidecar.wait_for_line("snapshot taken")
        old = cluster.leader()
        self.assertFalse(
            any(manifest["source"]["endpoint"] == old.client_url for manifest in self.manifests()))
        cluster.kill(old)
        rest = [member for member in cluster.members if member is not old]
        new = cluster.leader(rest)
        follower, = [member for member in rest if member is not new]
        taken = self.wait_for_text(sidecar, "snapshot taken", f"endpoint={follower.client_url} ")
        self.assertIn("chosen=\"follower, ", taken)
        self.next_line(sidecar, "snapshot taken")
        sources = [manifest["source"] for manifest in self.assertAllProven()]
        self.assertTrue(all(source["chosen"].startswith("follower, ") for source in sources),
                        sources)
        self.assertTrue(all(source["endpoint"] != old.client_url for source in sources), sources)
        cluster.start_member(old)
        cluster.wait_healthy()
        sidecar.wait_for_value(1, "etcdrill_endpoint_healthy", etcd_endpoint=old.client_url)
        sidecar.wait_for_value(0, "etcdrill_snapshot_consecutive_failures")
        self.assertStops(sidecar)


class LeaderDies34(LeaderDies):
    version = "3.4"


class LeaderDies36(LeaderDies):
    version = "3.6"


class LeaderDies37(LeaderDies):
    version = "3.7"


class Moving(MembersCase):
    def test_the_leader_moves_again_and_again_while_streams_flow(self):
        cluster = self.new_cluster()
        _, section = self.proxies(cluster, STREAM_RATE)
        sidecar = self.start(section)
        taken = 0
        for number in range(6):
            self.streaming()
            leader = cluster.leader()
            target = cluster.members[(cluster.members.index(leader) + 1) % 3]
            cluster.etcdctl("put", "/moved", str(number))
            cluster.etcdctl("move-leader", f"{cluster.member_id(target):x}", member=leader)
            taken = len(sidecar.lines("snapshot taken"))
            sidecar.wait_for_line("snapshot taken", after=taken)
        self.assertNoFailure(sidecar)
        manifests = self.assertAllProven()
        self.assertGreaterEqual(len(manifests), 6)
        self.assertEqual({manifest["lineage"]["result"] for manifest in manifests[1:]},
                         {"continues"})
        self.assertStops(sidecar)


class Hanging(MembersCase):
    def test_a_member_that_hangs_is_not_copied_and_does_not_hold_up_the_others(self):
        cluster = self.new_cluster()
        sidecar = self.start(cluster, health={"timeout": "1s"})
        leader = cluster.leader()
        hanging = [member for member in cluster.members if member is not leader][0]
        self.assertIn(f"endpoint={hanging.client_url} ", sidecar.wait_for_line("snapshot taken"))
        hanging.process.send_signal(signal.SIGSTOP)
        try:
            sidecar.wait_for_value(0, "etcdrill_endpoint_healthy", etcd_endpoint=hanging.client_url)
            line = self.next_line(sidecar, "snapshot taken")
            self.assertNotIn(f"endpoint={hanging.client_url} ", line)
            for number in range(3):
                cluster.etcdctl("put", "/missed", str(number), member=leader)
            self.assertNotIn(f"endpoint={hanging.client_url} ",
                             self.next_line(sidecar, "snapshot taken"))
        finally:
            hanging.process.send_signal(signal.SIGCONT)
        sidecar.wait_for_value(1, "etcdrill_endpoint_healthy", etcd_endpoint=hanging.client_url)
        self.next_line(sidecar, "snapshot taken")
        self.assertAllProven()
        sidecar.wait_for_value(0, "etcdrill_snapshot_consecutive_failures")
        self.assertStops(sidecar)


class Replaced(MembersCase):
    def test_a_member_is_replaced_as_the_operations_guide_says(self):
        """Same name and addresses, an empty data directory, a new id."""
        cluster = self.new_cluster()
        sidecar = self.start(cluster)
        sidecar.wait_for_line("snapshot taken")
        old = cluster.members[-1]
        old_id = f"{cluster.member_id(old):x}"
        cluster.kill(old)
        rest = cluster.members[:-1]
        cluster.leader(rest)
        cluster.etcdctl_in_time("member", "remove", old_id, member=rest[0])
        shutil.rmtree(old.data_dir)
        cluster.etcdctl("put", "/while", "it was away", member=rest[0])
        cluster.etcdctl_in_time("member", "add", old.name, f"--peer-urls={old.peer_url}",
                                member=rest[0])
        cluster.start_member(old, state="existing")
        cluster.wait_healthy()
        sidecar.wait_for_value(1, "etcdrill_endpoint_healthy", etcd_endpoint=old.client_url)

        def agrees():
            newest = self.manifests()[-1]
            return [
                record for record in newest["receipt"] if record["endpoint"] == old.client_url
                and record.get("result") == "equal" and record["member_id"] != old_id
            ]

        harness.wait_until(agrees, "a snapshot that the new member agrees with", timeout=30)
        self.assertEqual(sidecar.value("etcdrill_source_members"), 3)
        manifests = self.assertAllProven()
        self.assertEqual({manifest["lineage"]["result"] for manifest in manifests[1:]},
                         {"continues"})
        self.assertEqual(sidecar.lines("members disagree"), [])
        sidecar.wait_for_value(0, "etcdrill_snapshot_consecutive_failures")
        self.assertStops(sidecar)


class Learner(MembersCase):
    def test_it_is_copied_only_once_it_votes(self):
        cluster = self.new_cluster()
        learner = cluster.add_member(learner=True)
        harness.wait_until(lambda: cluster.statuses([learner]), "an answer of the learner", 30)
        others = [member.client_url for member in cluster.members if member is not learner]
        alone = self.etcdrill("snapshot", "save", self.dir / "alone.db", "--endpoints",
                              learner.client_url, code=1)
        self.assertOneLine(alone.err, "no member is fit for a snapshot: .* is a learner")
        sidecar = self.start(cluster_section(cluster, endpoints=[learner.client_url, *others]))
        sidecar.wait_for_line("snapshot taken", after=2)
        self.assertNotIn(learner.client_url,
                         {manifest["source"]["endpoint"] for manifest in self.manifests()})
        cluster.etcdctl_in_time("member", "promote", f"{cluster.member_id(learner):x}",
                                member=cluster.members[0])
        # A follower, and the first one.
        self.wait_for_text(sidecar, "snapshot taken", f"endpoint={learner.client_url} ")
        self.assertAllProven()
        self.assertStops(sidecar)


class Learner34(Learner):
    version = "3.4"


class Learner37(Learner):
    version = "3.7"


if __name__ == "__main__":
    harness.main()
