#!/usr/bin/env python3
"""Proves `snapshot.when: member-is-leader`: of three sidecars, each beside a member, that share a
store, only the leader's takes the snapshots; whoever leads, no interval is lost, all know what is
in the store, and nothing is written to the source.
"""
import datetime
import json
import sys

sys.dont_write_bytecode = True
import harness

INTERVAL = 5
CONFIG = """\
cluster: {{name: prod, endpoints: ["{endpoint}"]}}
store: {{path: "{store}"}}
snapshot:
  schedule: "@every {interval}s"
  when: {when}
  skip_unchanged: false
  retention: {{last: 100}}
drill: {{schedule: none, scratch_dir: scratch}}
health: {{interval: 1h, timeout: 1s, hashkv: none}}
web: {{listen: "127.0.0.1:{port}"}}
"""
SUCCESS = "etcdrill_snapshot_last_success_timestamp_seconds"
ATTEMPTS = "etcdrill_snapshot_attempts_total"
SKIPPED = "etcdrill_snapshot_skipped_total"


class Leader(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.cluster = harness.Cluster(self.scene, "3.5", size=3)
        harness.fill(self.cluster)
        self.store = self.dir / "store"

    def start(self, member, when="member-is-leader"):
        path = self.scene.new_dir()
        port = harness.free_port()
        config = path / "etcdrill.yaml"
        config.write_text(
            CONFIG.format(endpoint=member.client_url, store=self.store, interval=INTERVAL,
                          when=when, port=port))
        sidecar = harness.Sidecar(self.scene, config, port, path)
        self.addCleanup(sidecar.process.kill)
        return sidecar

    def leader(self):
        """The member that leads, once all that answer agree."""

        def agreed():
            answers = json.loads(self.cluster.etcdctl("endpoint", "status", "-w", "json"))
            leaders = {answer["Status"]["leader"] for answer in answers}
            if len(leaders) != 1 or 0 in leaders:
                return None
            urls = {answer["Status"]["header"]["member_id"]: answer["Endpoint"]
                    for answer in answers}
            leads = urls.get(min(leaders))
            return next((member for member in self.cluster.members if member.client_url == leads),
                        None)

        return harness.wait_until(agreed, "a leader")

    def manifests(self):
        found = [json.loads(path.read_text()) for path in self.store.glob("prod-*.json")]
        return sorted(found, key=lambda manifest: manifest["taken"])

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
        first = self.leader()
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
        status = json.loads(self.cluster.etcdctl("endpoint", "status", "-w", "json"))
        ids = {answer["Endpoint"]: answer["Status"]["header"]["member_id"] for answer in status}
        self.cluster.etcdctl("move-leader", f"{ids[second.client_url]:x}", member=first)
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
                         rf"another etcdrill, process {first.process.pid} on .* owns it")
        self.assertEqual(self.start(self.cluster.members[2]).first_answer("/-/ready"), "ready\n")


if __name__ == "__main__":
    harness.main()
