#!/usr/bin/env python3
"""Proves `store.adopt`: snapshots that etcdctl takes in a loop, as a cron job would, are found once
they are complete, verified, drilled and counted like our own, whatever they are packed in; the
files themselves stay as they are."""
import gzip
import hashlib
import json
import sys
import threading
import zipfile

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase, cluster_section, every

PASSED_OVER = "older files skipped"


class Adopt(SidecarCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5")
        harness.fill(cls.cluster)

    def setUp(self):
        super().setUp()
        self.theirs = self.dir / "theirs"
        self.theirs.mkdir()

    def start(self, *patterns):
        adopt = [f"theirs/{pattern}" for pattern in patterns]
        return super().start(
            cluster_section(self.cluster, name="adopted"),
            store={"adopt": adopt, "adopt_quiet": "1s"}, snapshot={"schedule": "none"},
            drill=every("2s"))

    def save(self, name, change=True):
        """What the line in a crontab does."""
        if change:
            self.cluster.etcdctl("put", "/adopt/last", name)
        path = self.theirs / name
        self.cluster.etcdctl("snapshot", "save", str(path))
        return path

    def manifests(self):
        files = harness.manifest_paths(self.dir / "store")
        return sorted((json.loads(path.read_text()) for path in files),
                      key=lambda manifest: manifest["revision"])

    def content(self):
        return {
            path.name: (path.stat().st_mtime_ns, path.stat().st_ino,
                        hashlib.sha256(path.read_bytes()).hexdigest())
            for path in self.theirs.iterdir()
        }

    def test_a_loop_of_etcdctl(self):
        self.save("etcd-snapshot-2020-01-01_00-00-00.db")
        sidecar = self.start("*.db")
        stop = threading.Event()
        saved = []

        def cron():
            while not stop.wait(2.5):
                saved.append(self.save(f"etcd-snapshot-{len(saved)}.db"))

        job = threading.Thread(target=cron)
        job.start()
        sidecar.wait_for_line("snapshot adopted", after=3, timeout=60)
        sidecar.wait_for_line("drill passed", after=1, timeout=60)
        stop.set()
        job.join()
        before = self.content()
        harness.wait_until(lambda: f"file={saved[-1]}" in sidecar.lines("snapshot adopted")[-1],
                           "the last one")
        manifests = self.manifests()
        self.assertEqual({manifest["verdict"] for manifest in manifests}, {"proven"})
        self.assertEqual(manifests[-1]["adopted"]["path"], str(saved[-1]))
        self.assertEqual(manifests[-1]["sha256"], before[saved[-1].name][2])
        self.assertEqual([entry["result"] for entry in manifests[-1]["receipt"]], ["equal"])
        self.assertEqual(manifests[-1]["lineage"]["result"], "continues")
        taken = saved[-1].stat().st_mtime  # the store is read anew just after the line is written
        harness.wait_until(
            lambda: abs(sidecar.value("etcdrill_snapshot_last_success_timestamp_seconds") - taken)
            <= 1.1, "the freshness of the last one")
        self.assertIsNone(sidecar.value("etcdrill_snapshot_interval_seconds"))
        self.assertIsNotNone(sidecar.value("etcdrill_restorable_snapshot_taken_timestamp_seconds"))
        self.assertEqual(sidecar.value("etcdrill_snapshot_received_bytes_total"), 0)
        self.assertEqual(sidecar.stop(), 0)
        self.assertEqual(self.content(), before, "the files of others were touched")

        count = len(manifests)
        passed = len(sidecar.lines("drill passed"))
        after = self.start("*.db")
        after.wait_for_line("drill passed", after=passed, timeout=60)
        self.assertEqual(len(self.manifests()), count, "adopted once more after a restart")
        self.assertEqual(after.stop(), 0)

    def test_what_is_passed_over_is_told_once(self):
        for number in range(3):
            self.save(f"{number}.db")
        sidecar = self.start("*.db")
        self.assertIn("/2.db", sidecar.wait_for_line("snapshot adopted"))
        told = sidecar.wait_for_line(PASSED_OVER)
        self.assertIn("files=2 ", told)
        self.assertIn("/1.db", told)
        self.save("3.db")
        self.assertIn("/3.db", sidecar.wait_for_line("snapshot adopted", after=1))
        threading.Event().wait(2.5)  # some more looks
        self.assertEqual(sidecar.lines(PASSED_OVER), [told])
        self.assertEqual(len(self.manifests()), 2)
        self.assertEqual(sidecar.stop(), 0)

    def test_packed_as_k3s_and_others_do(self):
        sidecar = self.start("etcd-snapshot-*", "*.gz")
        plain = self.save("plain.db")
        with zipfile.ZipFile(self.theirs / "etcd-snapshot-node1-1795334400.zip", "w",
                             zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, "etcd-snapshot-node1-1795334400")
        self.assertIn(".zip", sidecar.wait_for_line("snapshot adopted"))
        self.assertEqual(self.manifests()[0]["sha256"],
                         hashlib.sha256(plain.read_bytes()).hexdigest())
        again = self.save("again.db")
        (self.theirs / "snapshot.db.gz").write_bytes(gzip.compress(again.read_bytes()))
        self.assertIn(".gz", sidecar.wait_for_line("snapshot adopted", after=1))
        self.assertEqual({manifest["verdict"] for manifest in self.manifests()}, {"proven"})
        self.assertEqual(sidecar.stop(), 0)

    def test_one_file_overwritten_each_time(self):
        sidecar = self.start("snapshot.db")
        for number in range(3):
            self.save("snapshot.db")
            sidecar.wait_for_line("snapshot adopted", after=number)
        self.assertEqual(len({manifest["revision"] for manifest in self.manifests()}), 3)
        self.assertEqual(sidecar.stop(), 0)

    def test_not_before_it_is_complete(self):
        whole = self.save("whole").read_bytes()
        sidecar = self.start("*.db")
        sidecar.wait_for_value(1, "etcdrill_source_up")
        step = len(whole) // 12
        with open(self.theirs / "slow.db", "wb", buffering=0) as file:
            for at in range(0, len(whole), step):
                self.assertEqual(
                    sidecar.lines("snapshot adopted") + sidecar.lines("snapshot failed"), [])
                file.write(whole[at:at + step])
                threading.Event().wait(0.3)
        sidecar.wait_for_line("snapshot adopted")
        self.assertEqual(sidecar.lines("snapshot failed"), [])
        self.assertEqual(sidecar.stop(), 0)

    def test_what_stood_still_for_too_long_is_no_damage_once_it_is_whole(self):
        whole = self.save("whole").read_bytes()
        sidecar = self.start("*.db")
        sidecar.wait_for_value(1, "etcdrill_source_up")
        with open(self.theirs / "slow.db", "wb", buffering=0) as file:
            file.write(whole[:len(whole) // 2 - 100])
            sidecar.wait_for_line("snapshot failed")
            sidecar.wait_for_value(1, "etcdrill_snapshots", state="damaged")
            file.write(whole[len(whole) // 2 - 100:])
        sidecar.wait_for_line("snapshot adopted")
        sidecar.wait_for_value(0, "etcdrill_snapshots", state="damaged")
        self.assertIn("reason=expired", sidecar.wait_for_line("snapshot deleted"))
        self.assertEqual(sidecar.stop(), 0)

    def test_damaged_and_foreign_files_are_told_once(self):
        good = self.save("good").read_bytes()
        sidecar = self.start("*.db")
        (self.theirs / "cut.db").write_bytes(good[:len(good) // 2])
        self.assertIn("reason=damaged", sidecar.wait_for_line("snapshot failed"))
        sidecar.wait_for_value(1, "etcdrill_snapshots", state="damaged")
        (self.theirs / "broken.db").write_bytes(gzip.compress(good)[:1000])
        self.assertIn("gzip", sidecar.wait_for_line("snapshot failed", after=1))
        (self.theirs / "good.db").write_bytes(good)
        sidecar.wait_for_line("snapshot adopted")
        threading.Event().wait(3)
        self.assertEqual(len(sidecar.lines("snapshot failed")), 2)
        self.assertEqual(sidecar.value("etcdrill_snapshot_consecutive_failures"), 0)
        self.assertEqual(sidecar.stop(), 0)

    def test_what_nothing_vouches_for_is_not_proven_by_being_copied(self):
        whole = self.save("whole").read_bytes()
        sidecar = self.start("*.db")
        (self.theirs / "bare.db").write_bytes(whole[:-32])
        self.assertIn("reason=not_provable", sidecar.wait_for_line("snapshot failed"))
        self.assertIn("reason=not_provable", sidecar.wait_for_line("drill failed"))
        self.assertIn("stage=checksum", sidecar.lines("drill failed")[0])
        self.assertEqual([manifest["verdict"] for manifest in self.manifests()], ["not_provable"])
        sidecar.wait_for_value(1, "etcdrill_snapshots", state="untested")
        harness.wait_until(lambda: sidecar.value("etcdrill_drill_consecutive_failures") >= 1,
                           "the failed drill")
        self.assertIsNone(sidecar.value("etcdrill_restorable_snapshot_taken_timestamp_seconds"))
        answers = json.loads(sidecar.request("/api/v1/status")[1])
        self.assertNotEqual(answers["drilled"]["answer"], "yes")
        self.assertNotEqual(answers["restorable"]["answer"], "yes")
        self.etcdrill("verify", "latest", "--config", self.dir / "etcdrill.yaml", code=1)
        self.assertEqual(sidecar.stop(), 0)

    def test_a_job_that_copies_one_old_file_does_not_look_fresh(self):
        old = self.save("old")
        sidecar = self.start("*.db")
        (self.theirs / "monday.db").write_bytes(old.read_bytes())
        sidecar.wait_for_line("snapshot adopted")
        fresh = "etcdrill_snapshot_last_success_timestamp_seconds"
        before = harness.wait_until(lambda: sidecar.value(fresh), "the freshness of monday.db")
        self.cluster.etcdctl("put", "/adopt/last", "something new")
        threading.Event().wait(1.1)
        (self.theirs / "tuesday.db").write_bytes(old.read_bytes())
        sidecar.wait_for_line("import skipped: content already in the store")
        self.assertEqual(sidecar.value(fresh), before)
        self.assertEqual(len(self.manifests()), 1)
        self.assertEqual(sidecar.stop(), 0)


if __name__ == "__main__":
    harness.main()
