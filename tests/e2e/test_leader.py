#!/usr/bin/env python3
"""Proves `snapshot.when: member-is-leader`: of three sidecars, each beside a member, that share a
store, only the leader's takes the snapshots; whoever leads, no interval is lost, all know what is
in the store, and nothing is written to the source.
"""
import datetime
import sys

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase, cluster_section, every

INTERVAL = 5
SUCCESS = "etcdrill_snapshot_last_success_timestamp_seconds"
ATTEMPTS = "etcdrill_snapshot_attempts_total"
SKIPPED = "etcdrill_snapshot_skipped_total"


class Leader(SidecarCase):
    def setUp(self):
        super().setUp()
        self.cluster = harness.Cluster(self.scene, "3.5", size=3)
        harness.fill(self.cluster)

    def start(self, member, when="member-is-leader"):
        return super().start(
            cluster_section(self.cluster, name="prod", endpoints=[member.client_url]),
            home=self.scene.new_dir(), store={"path": str(self.dir / "store")},
            snapshot=every(f"{INTERVAL}s") | {"when": when, "retention": {"last": 100}},
            health={"interval": "1h", "timeout": "1s"})

    def wait_for(self, count, endpoint):
        """Waits until the store has so many snapshots of this endpoint."""
        of = lambda: [manifest for manifest in self.manifests()
                      if manifest["source"]["endpoint"] == endpoint]
        return harness.wait_until(lambda: len(of()) >= count, f"{count} snapshots of {endpoint}",
                                  60)

    def assertNoGap(self):
        taken = [datetime.datetime.fromisoformat(manifest["taken"])
                 for manifest in self.manifests()]
        gaps = [(after - before).total_seconds() for before, after in zip(taken, taken[1:])]
        self.assertLess(max(gaps), 2 * INTERVAL, gaps)

    def test_the_leaders_takes_them_whoever_leads(self):
        sidecars = {member.client_url: self.start(member) for member in self.cluster.members}
        revision = self.cluster.revision()
        first = self.cluster.leader()
        self.wait_for(3, first.client_url)
        self.assertEqual({manifest["source"]["endpoint"] for manifest in self.manifests()},
                         {first.client_url})
        for url, sidecar in sidecars.items():
            if url == first.client_url:
                continue
            self.assertEqual(sidecar.value(ATTEMPTS), 0)
            harness.wait_until(lambda: sidecar.value(SKIPPED, reason="not_leader") > 0,
                               "a turn that is another's")
            # It knows what the others put there.
            newest = sidecars[first.client_url].value(SUCCESS)
            harness.wait_until(lambda: (sidecar.value(SUCCESS) or 0) >= newest,
                               "the newest snapshot in its metrics")

        second = next(member for member in self.cluster.members if member is not first)
        self.cluster.etcdctl("move-leader", f"{self.cluster.member_id(second):x}", member=first)
        self.wait_for(2, second.client_url)
        self.assertNoGap()
        self.assertEqual(self.cluster.revision(), revision)

        # Its leader dies, and its sidecar has nobody to ask.
        second.process.kill()
        second.process.wait()
        alive = [member for member in self.cluster.members if member is not second]
        before = len(self.manifests())
        harness.wait_until(lambda: len(self.manifests()) >= before + 2,
                           "snapshots of the third leader", 60)
        self.assertIn(self.manifests()[-1]["source"]["endpoint"],
                      {member.client_url for member in alive})
        self.assertNoGap()
        for sidecar in sidecars.values():
            self.assertEqual(sidecar.lines("snapshot failed"), [])
            self.assertEqual(sidecar.stop(), 0)

    def test_only_those_that_take_turns_share_a_store(self):
        first = self.start(self.cluster.members[0])
        first.first_answer("/-/ready")
        other = self.start(self.cluster.members[1], when="always")
        self.assertEqual(other.process.wait(10), 1)
        self.assertRegex(other.log.read_text(),
                         rf"another etcdrill, process {first.process.pid} on .* owns the store")
        self.assertEqual(self.start(self.cluster.members[2]).first_answer("/-/ready"), "ready\n")


if __name__ == "__main__":
    harness.main()
