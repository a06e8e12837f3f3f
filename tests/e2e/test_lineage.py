#!/usr/bin/env python3
"""Proves `lineage`: snapshots of one cluster continue each other, across compactions and restores;
those of two clusters do not; and the same against the live cluster and in the store."""
import json
import sys
import time

sys.dont_write_bytecode = True
import harness

REPORT_FIELDS = [
    "apiVersion", "kind", "verdict", "restored_between", "older", "newer", "hashkv", "members",
    "findings", "findings_total", "findings_dropped", "duration_seconds"
]


class LineageCase(harness.TestCase):
    def lineage(self, *arguments, code=0):
        report = json.loads(self.etcdrill("lineage", *arguments, "-w", "json", code=code).out)
        self.assertEqual({"continues": 0, "not_comparable": 1, "diverged": 3}[report["verdict"]],
                         code)
        return report

    def codes(self, report):
        return {finding["code"] for finding in report["findings"]}


class Files(LineageCase):
    def test_json_has_its_fields_in_order(self):
        report = self.lineage(harness.fixture("e36-compacted-at-head"),
                              harness.fixture("e36-alarm"))
        self.assertEqual(list(report), REPORT_FIELDS)
        self.assertEqual((report["apiVersion"], report["kind"]), ("etcdrill/v1", "LineageReport"))
        self.assertEqual(list(report["hashkv"]), ["revision", "compact_revision", "older", "newer"])
        self.assertEqual(report["hashkv"]["older"], report["hashkv"]["newer"])
        self.assertEqual((report["older"]["consistent_index"], report["older"]["term"]), (177, 2))

    def test_texts_name_the_verdict(self):
        for form in ("simple", "table"):
            with self.subTest(form):
                said = self.etcdrill("lineage", harness.fixture("e36-nocompact"),
                                     harness.fixture("e36-compacted"), "-w", form)
                self.assertRegex(said.out, r"\Acontinues\n")
                self.assertIn("hashkv at revision 84 compacted at 54", said.out)

    def test_wrong_order(self):
        report = self.lineage(harness.fixture("e36-alarm"), harness.fixture("e36-compacted"),
                              code=3)
        self.assertEqual(self.codes(report), {"revision_went_back"})

    def test_a_gap_is_no_pass_and_says_what_would_join_it(self):
        report = self.lineage(harness.fixture("e36-nocompact"), harness.fixture("e36-alarm"),
                              code=1)
        self.assertRegex(report["findings"][0]["text"],
                         "revision 129 or more, compacted at 84 or less")

    def test_a_damaged_file(self):
        path = self.dir / "damaged.db"
        path.write_bytes(harness.flipped(harness.fixture("e36-compacted").read_bytes()))
        sound = harness.fixture("e36-alarm"), harness.fixture("e36-nocompact")
        for pair in ((path, sound[0]), (sound[1], path)):
            self.assertOneLine(
                self.etcdrill("lineage", *pair, code=3).err, "damaged.db is damaged: .*SHA-256")


class Live(LineageCase):
    def test_every_version(self):
        for version in ("3.4", "3.5", "3.6", "3.7"):
            with self.subTest(version):
                self.check(harness.Cluster(self.scene, version, size=3 if version == "3.5" else 1))

    def check(self, cluster):
        self.addCleanup(cluster.kill)
        harness.fill(cluster)
        older = cluster.save(self.scene.new_dir() / "older.db")
        at = cluster.revision()
        report = self.lineage(older, *cluster.flags())
        self.assertEqual([member["result"] for member in report["members"]],
                         ["equal"] * len(cluster.members))
        # Compacted right at the snapshot's revision: an answer out of the member's cache must do no
        # harm.
        cluster.etcdctl("put", "later", "1")
        cluster.etcdctl("compact", str(at))
        # Before 3.4.27, HashKV refuses the compact revision itself.
        old_rule = cluster.version == "3.4"
        self.lineage(older, *cluster.flags(), code=1 if old_rule else 0)
        newer = cluster.save(self.scene.new_dir() / "newer.db")
        self.assertEqual(self.lineage(older, newer)["hashkv"]["compact_revision"], at)
        # Another cluster, that never reached the revision; then one that did, with other data.
        other = harness.Cluster(self.scene, cluster.version)
        self.addCleanup(other.kill)
        other.etcdctl("put", "a", "1")
        self.assertEqual(self.codes(self.lineage(older, *other.flags(), code=3)),
                         {"revision_went_back"})
        for number in range(at):
            other.etcdctl("put", "a", str(number))
        report = self.lineage(older, *other.flags(), code=1)
        self.assertRegex(report["members"][0]["problem"], "compacted at -1, the file is compacted")
        other.etcdctl("compact", str(at - 5))
        self.assertEqual(self.codes(self.lineage(older, *other.flags(), code=3)),
                         {"history_differs"})
        # Compacted beyond it.
        cluster.etcdctl("put", "later", "2")
        cluster.etcdctl("compact", str(cluster.revision()))
        report = self.lineage(newer, *cluster.flags(), code=1)
        self.assertRegex(report["findings"][0]["text"], "compacted.*Take a newer snapshot")

    def test_nobody_answers(self):
        dead = f"http://127.0.0.1:{harness.free_port()}"
        report = self.lineage(harness.fixture("e36-alarm"), "--endpoints", dead, code=1)
        self.assertEqual(report["verdict"], "not_comparable")
        self.assertRegex(report["members"][0]["problem"], "refused")


class Restored(LineageCase):
    def test_a_restore_goes_on_with_the_data(self):
        cluster = harness.Cluster(self.scene, "3.5")
        self.addCleanup(cluster.kill)
        harness.fill(cluster)
        older = cluster.save(self.dir / "older.db")
        restored = harness.Cluster(self.scene, "3.5", start=False)
        self.addCleanup(restored.kill)
        member = restored.members[0]
        self.etcdrill("snapshot", "restore", older, "--data-dir", member.data_dir, "--name",
                      member.name, "--initial-cluster", restored.initial_cluster,
                      "--initial-advertise-peer-urls", member.peer_url)
        restored.start()
        restored.etcdctl("put", "after", "the restore")
        report = self.lineage(older, restored.save(self.dir / "newer.db"))
        self.assertTrue(report["restored_between"])
        self.assertEqual(self.codes(report), {"restored_between"})
        # The first cluster goes its own way: from here on there are two histories.
        cluster.etcdctl("put", "after", "the backup")
        cluster.etcdctl("put", "after", "once more")
        self.lineage(older, cluster.save(self.dir / "other.db"))
        self.lineage(self.dir / "newer.db", self.dir / "other.db", code=3)


class Store(LineageCase):
    """The check that every snapshot into a store goes through."""

    def setUp(self):
        super().setUp()
        self.cluster = harness.Cluster(self.scene, "3.5")
        self.addCleanup(self.cluster.kill)
        harness.fill(self.cluster)

    def save(self, cluster):
        time.sleep(1.1)  # the store knows the order of its snapshots by the second
        config = self.dir / "etcdrill.yaml"
        config.write_text(
            f"cluster: {{name: c, endpoints: [{cluster.endpoints[0]}]}}\nstore: {{path: store}}\n"
            f"drill: {{etcd: {{binary: {harness.tool('3.5', 'etcd')}}}}}\n")
        self.flags = ["--config", config]
        return json.loads(self.etcdrill("snapshot", "save", *self.flags, "-w", "json").out)

    def test_continues_then_another_cluster(self):
        first = self.save(self.cluster)
        self.assertIsNone(first["lineage"])
        self.cluster.etcdctl("put", "more", "1")
        second = self.save(self.cluster)
        self.assertEqual(
            (second["lineage"]["older"], second["lineage"]["result"], second["lineage"]["text"]),
            (first["name"], "continues", ""))
        self.assertEqual(
            self.lineage(first["name"], second["name"], *self.flags)["verdict"], "continues")
        self.assertEqual(self.lineage("latest", *self.flags)["verdict"], "continues")

        other = harness.Cluster(self.scene, "3.5")
        self.addCleanup(other.kill)
        other.etcdctl("put", "a", "1")
        third = self.save(other)
        # The file is a faithful copy of what it was taken from: proven, but told.
        self.assertEqual((third["verdict"], third["lineage"]["result"]), ("proven", "diverged"))
        self.assertIn("the order is wrong", third["lineage"]["text"])
        report = json.loads(self.etcdrill("verify", third["name"], *self.flags, "-w", "json").out)
        self.assertEqual([(f["code"], f["severity"]) for f in report["findings"]],
                         [("diverged_when_taken", "warning")])
        other.etcdctl("put", "a", "2")
        self.assertEqual(self.save(other)["lineage"]["result"], "continues")


if __name__ == "__main__":
    harness.main()
