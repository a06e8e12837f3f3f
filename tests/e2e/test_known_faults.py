#!/usr/bin/env python3
"""Proves that what 0.1.0 got wrong about files is right now: the snapshots of
tests/data/faults.tar.xz, and the same moments made anew on real etcds. Sound but odd is no damage;
what is not understood is called by its name."""
import gzip
import json
import shutil
import sys
import urllib.request

sys.dont_write_bytecode = True
import bolt
import harness
import sidecar_case
import test_drill

NEW_RULE = ("3.5.16", "3.5.30", "3.6", "3.7")


def with_warnings(report):
    return {finding["code"] for finding in report["findings"] if finding["severity"] == "warning"}


class Drills(test_drill.DrillCase):
    def check_drill(self, name, version, *flags, code=0):
        report = self.drill(harness.known_fault(name), harness.tool(version, "etcd"), *flags,
                            code=code)
        self.assertEqual(report["verdict"], {0: "proven", 1: "not_provable"}[code])
        return {check["name"]: check["result"] for check in report["checks"]}

    def test_each_is_served_by_its_etcd(self):
        for name, version in (
            ("bumped", "3.6"), ("last-rows-compacted-3.4", "3.4"), ("only-v2-keys-3.4", "3.4"),
            ("recreated-compacted-3.5.30", "3.5"), ("rewritten-at-head-3.5.30", "3.5.16"),
            ("rewritten-at-head-3.5.30", "3.5"), ("storage-version-left-3.5.30", "3.5"),
            ("storage-version-left-3.5.30", "3.6"),
        ):
            with self.subTest(name, version=version):
                checks = self.check_drill(name, version)
                self.assertEqual(set(checks.values()), {"pass"})

    def test_a_storage_version_that_is_left_over_makes_no_other_etcd_fit(self):
        self.check_drill("storage-version-left-3.5.30", "3.7", code=1)
        self.assertIn("a drill needs the same minor version", self.error)

    def test_a_snapshot_of_the_first_member_that_is_upgraded(self):
        """It is of etcd 3.6 in a cluster of 3.5: those who serve it may be either."""
        cluster = harness.Cluster(self.scene, "3.5", size=3)
        self.addCleanup(cluster.kill)
        harness.fill(cluster)
        first = cluster.members[0]
        cluster.upgrade(first, "3.6")
        config = self.dir / "etcdrill.yaml"
        config.write_text(
            f"cluster: {{name: up, endpoints: ['{first.client_url}']}}\nstore: {{path: store}}\n")
        self.etcdrill("snapshot", "save", "--config", config)
        manifest, = harness.manifest_paths(self.dir / "store")
        self.assertRegex(json.loads(manifest.read_text())["source"]["etcd_version"], "^3.6")
        for version in ("3.5", "3.6"):
            with self.subTest(version):
                done = self.etcdrill("drill", "latest", "--config", config, "--etcd",
                                     harness.tool(version, "etcd"), "--scratch-dir", self.scratch)
                self.assertIn("proven, level 5 of 5", done.out)

    def test_a_member_that_joins_in_the_middle_of_a_downgrade(self):
        checks = self.check_drill("downgrade-enabled", "3.5", "--full-cluster")
        self.assertEqual(checks["new_member"], "pass")

    def test_an_etcd_that_goes_back_is_no_proof_of_damage(self):
        for name in ("gone-back-older-3.4", "gone-back-newer-3.4"):
            with self.subTest(name):
                checks = self.check_drill(name, "3.4", code=1)
                self.assertEqual(checks["revision"], "not_comparable")
                self.assertIn("not comparable: revision", self.error)
                self.check_drill(name, "3.4", "--full-cluster", code=1)

    def test_an_alarm_of_a_later_etcd(self):
        database = harness.fixture("e36-alarm").read_bytes()[:-32]
        places = [at for at in range(len(database)) if database.startswith(b"\x10\x01", at)]
        copies = (database[:at + 1] + b"\x09" + database[at + 2:] for at in places)
        changed, = (copy for copy in copies
                    if bolt.BoltFile(copy).buckets["alarm"] == {b"\x10\x09": b""})
        path = self.dir / "alarm.db"
        path.write_bytes(harness.with_trailer(changed))
        report = self.drill(path, harness.tool("3.6", "etcd"))
        self.assertEqual(report["verdict"], "proven")


class Commands(harness.TestCase):
    def verify(self, name, code=0):
        return json.loads(
            self.etcdrill("verify", harness.known_fault(name), "-w", "json", code=code).out)

    def restore(self, file, *flags, code=0):
        data = self.scene.new_dir() / "data"
        return self.etcdrill("snapshot", "restore", file, "--data-dir", data, *flags, code=code)

    def test_a_snapshot_without_a_key_is_told_where_it_is_used(self):
        path = harness.known_fault("only-v2-keys-3.4")
        self.assertEqual(with_warnings(self.verify("only-v2-keys-3.4")), {"no_keys"})
        self.assertIn("v2 API", self.restore(path).out)

    def test_the_mark_of_a_bump_is_no_key_but_for_status(self):
        path = harness.known_fault("bumped")
        self.assertEqual(self.verify("bumped")["live_keys"], 3)
        said = json.loads(self.etcdrill("snapshot", "status", path, "-w", "json").out)
        self.assertEqual(said["totalKey"], 4)
        report = json.loads(self.etcdrill("verify", path, "--inventory", "-w", "json").out)
        self.assertEqual(report["inventory"]["total"]["live_keys"], 3)

    def test_the_revision_is_the_one_of_the_store(self):
        path = harness.known_fault("last-rows-compacted-3.4")
        self.assertEqual(self.verify("last-rows-compacted-3.4")["revision"], 14)
        self.assertIn("revision 14,", self.etcdrill("verify", path).out)
        self.assertEqual(
            json.loads(self.etcdrill("snapshot", "status", path, "-w", "json").out)["revision"], 6)
        drill = ["drill", path, "--etcd", harness.tool("3.4", "etcd"),
                 "--scratch-dir", self.dir / "scratch"]
        for command, metric in ((["verify", path], "etcdrill_snapshot_last_revision"),
                                (drill, "etcdrill_restorable_snapshot_revision")):
            out = self.dir / f"{command[0]}.prom"
            self.etcdrill(*command, "--textfile-out", out)
            samples = harness.parse_metrics(out.read_text())[metric].samples
            self.assertEqual([number for _, _, number in samples], [14])

    def test_a_cluster_that_went_back_does_not_compare(self):
        older, newer = (harness.known_fault(f"gone-back-{which}-3.4")
                        for which in ("older", "newer"))
        self.assertIn("goes back after a restart",
                      self.etcdrill("lineage", older, newer, code=1).out)

    def test_a_storage_version_that_is_left_over_is_no_downgrade(self):
        path = harness.known_fault("storage-version-left-3.5.30")
        self.restore(path, "--etcd-version", "3.5")
        self.assertIn("--allow-downgrade", self.restore(path, "--etcd-version", "3.4", code=1).err)

    def test_what_a_skipped_hash_check_passes_over_is_told(self):
        whole = harness.fixture("e3530-nocompact").read_bytes()
        path = self.dir / "file.db"
        path.write_bytes(harness.flipped(whole, at=-1))
        self.assertIn("the trailer has", self.restore(path, code=3).err)
        said = self.restore(path, "--skip-hash-check")
        self.assertRegex(said.err, "warning: .* is not what etcd sent: .*the trailer has")
        path.write_bytes(whole[:-32])
        self.assertIn("write-ahead log", self.restore(path, code=1).err)
        self.assertRegex(
            self.restore(path, "--skip-hash-check").err,
            "warning: the bytes of .* cannot be confirmed: .*write-ahead log.*last survivor")
        self.assertEqual(
            self.restore(harness.fixture("e3530-nocompact"), "--skip-hash-check").err, "")

    def test_a_level_that_nobody_asked_for_proves_nothing_and_fails_nothing(self):
        path = harness.fixture("e36-compacted")
        for level, verdict in (("1", "not_provable"), ("2", "not_provable"), ("3", "proven")):
            report = json.loads(self.etcdrill("verify", path, "--level", level, "-w", "json").out)
            self.assertEqual(report["verdict"], verdict)

    def test_a_packed_file_is_called_by_its_name_by_every_command(self):
        snapshot = harness.fixture("e3530-compacted")
        copy = self.dir / "snapshot.db"
        shutil.copy(snapshot, copy)
        keys = self.scene.new_dir()
        passphrase = ("--batch", "--passphrase", "x", "--pinentry-mode", "loopback", "--homedir",
                      keys)
        self.addCleanup(harness.run, ["gpgconf", "--homedir", keys, "--kill", "gpg-agent"])
        packed = {
            "gzip": ["gzip", "-k", copy],
            "xz": ["xz", "-k", copy],
            "zstd": ["zstd", "-q", copy],
            "bzip2": ["bzip2", "-k", copy],
            "lz4": ["lz4", "-q", copy, self.dir / "snapshot.db.lz4"],
            "a zip archive": ["zip", "-q", self.dir / "snapshot.db.zip", copy],
            "a tar archive": [
                "tar", "-C", self.dir, "-cf", self.dir / "snapshot.db.tar", "snapshot.db"
            ],
            "encrypted with OpenPGP": [
                "gpg", *passphrase, "-o", self.dir / "snapshot.db.gpg", "-c", copy
            ],
            "encrypted by `openssl enc`": [
                "openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-k", "x", "-in", copy, "-out",
                self.dir / "snapshot.db.enc"
            ],
            "an SQLite database": [
                "sqlite3", self.dir / "snapshot.db.sqlite", "create table kine (id integer)"
            ],
        }
        for name, command in packed.items():
            before = set(self.dir.iterdir())
            harness.must(command)
            made, = (path for path in set(self.dir.iterdir()) - before
                     if path.name.startswith("snapshot.db."))
            with self.subTest(name):
                self.check_named(made, f"the file is {name}")
        text = self.dir / "note.txt"
        text.write_text("<html>no such bucket</html>\n" * 17)
        self.check_named(text, "the file is text")
        # A trailer by chance of its size makes no damage.
        chance = self.dir / "chance.gz"
        chance.write_bytes(gzip.compress(b"x").ljust(512 + 32, b"\1"))
        self.check_named(chance, "the file is gzip")

    def check_named(self, path, name):
        for level in ("1", "2", "3"):
            report = json.loads(
                self.etcdrill("verify", path, "--level", level, "-w", "json", code=1).out)
            self.assertEqual((report["verdict"], report["findings"][0]["code"]),
                             ("not_provable", "not_a_snapshot"))
            self.assertTrue(report["findings"][0]["text"].startswith(name), report["findings"])
            self.assertNotEqual(report["sha256"], "")
        sound = harness.fixture("e3530-compacted")
        etcd = ("--etcd", harness.tool("3.5", "etcd"), "--scratch-dir", self.dir / "scratch")
        restore = ["snapshot", "restore", path, "--data-dir", self.dir / "data"]
        for command in (
            ["snapshot", "status", path], ["hashkv", path], ["lineage", path, sound],
            ["lineage", sound, path], ["drill", path, *etcd], restore,
            [*restore, "--skip-hash-check"],
        ):
            self.assertIn(name, self.etcdrill(*command, code=1).err)

    def test_what_says_nothing_of_itself_is_damaged_and_says_first_what_it_is_not(self):
        for content in (bytes(8192), bytes(8193), b"\xff" * 5000):
            path = self.dir / "noise.db"
            path.write_bytes(content)
            report = json.loads(self.etcdrill("verify", path, "-w", "json", code=3).out)
            self.assertEqual(report["findings"][0]["code"], "meta_invalid")


class Live(test_drill.DrillCase):
    """The moments anew, on the etcds of today."""

    def start(self, version):
        cluster = harness.Cluster(self.scene, version)
        self.addCleanup(cluster.kill)
        return cluster

    def save(self, cluster, name):
        path = self.scene.new_dir() / f"{name}.db"
        return path, self.etcdrill("snapshot", "save", path, *cluster.flags()).out

    def rewrite(self, cluster, *keys):
        """Deletes every key and puts some, in one transaction; etcd's check for doubles misses
        that."""
        puts = "\n".join(f"put {key} anew" for key in keys)
        cluster.etcdctl("txn", text=f'\ndel "" --from-key\n{puts}\n\n\n')

    def said_version(self, cluster):
        with urllib.request.urlopen(f"{cluster.endpoints[0]}/version", timeout=10) as answer:
            return answer.read()

    def test_keys_that_the_last_transaction_deleted_and_put(self):
        for version in ("3.4", *NEW_RULE):
            with self.subTest(version):
                cluster = self.start(version)
                for key in ("a", "b", "a", "b"):
                    cluster.etcdctl("put", key, "1")
                cluster.etcdctl("compact", "4")
                cluster.etcdctl("put", "a", "2")
                before, _ = self.save(cluster, "before")
                self.rewrite(cluster, "a", "b")
                path, said = self.save(cluster, "rewritten")
                self.assertIn("HashKV equal to 1 of 1 members", said)
                report = json.loads(self.etcdrill("verify", path, "-w", "json").out)
                self.assertEqual((report["live_keys"], with_warnings(report)), (2, set()))
                self.etcdrill("lineage", before, path)
                self.etcdrill("lineage", path, *cluster.flags())
                self.assertEqual(
                    self.drill(path, harness.tool(version, "etcd"))["verdict"], "proven")
                if version != "3.4":  # whose tool has no hashkv
                    copy = shutil.copy(path, self.scene.new_dir() / "copy.db")
                    tool = harness.tool("3.6", "etcdutl")
                    theirs = json.loads(harness.must([tool, "hashkv", copy, "-w", "json"]))
                    self.assertEqual(json.loads(self.etcdrill("hashkv", path, "-w", "json").out),
                                     theirs)
                cluster.etcdctl("put", "c", "1")
                after, _ = self.save(cluster, "after")
                self.etcdrill("lineage", path, after)

    def test_a_row_that_etcd_lost_stops_no_backup(self):
        for version in NEW_RULE:
            with self.subTest(version):
                cluster = self.start(version)
                for key in ("k", "other"):
                    cluster.etcdctl("put", key, "1")
                self.rewrite(cluster, "k", "other")
                at = cluster.revision()
                for value in ("2", "3"):
                    cluster.etcdctl("put", "k", value)
                    cluster.etcdctl("put", "other", value)
                cluster.etcdctl("compact", str(at))
                path, said = self.save(cluster, "lost")
                self.assertIn("warning: row_lost_by_etcd: ", said)
                self.assertIn("HashKV equal to 1 of 1 members", said)
                report = self.drill(path, harness.tool(version, "etcd"))
                self.assertEqual((report["verdict"], report["verify"]["live_keys"]), ("proven", 2))

    def test_a_member_that_was_found_corrupt(self):
        for version in ("3.4", "3.5", "3.6", "3.7"):
            with self.subTest(version):
                cluster = self.start(version)
                cluster.etcdctl("put", "k", "1")
                said = json.loads(cluster.etcdctl("endpoint", "status", "-w", "json"))
                member = said[0]["Status"]["header"]["member_id"]
                request = json.dumps(
                    {"action": "ACTIVATE", "memberID": str(member), "alarm": "CORRUPT"})
                with urllib.request.urlopen(f"{cluster.endpoints[0]}/v3/maintenance/alarm",
                                            request.encode(), timeout=10):
                    pass
                path = cluster.save(self.scene.new_dir() / "corrupt.db")
                report = json.loads(self.etcdrill("verify", path, "-w", "json").out)
                self.assertEqual(with_warnings(report), {"alarm_corrupt"})
                texts = {finding["code"]: finding["text"] for finding in report["findings"]}
                self.assertIn("refuses writes until you disarm it", texts["restores_with_alarm"])
                self.assertRegex(texts["alarm_corrupt"],
                                 "Compare it with a snapshot of another member .* before you")
                self.assertEqual(
                    self.drill(path, harness.tool(version, "etcd"))["verdict"], "proven")

    def test_one_snapshot_restored_twice(self):
        """Two clusters of one name: they diverge, and nobody is told to replace a member of etcd
        3.5.0."""
        for version, conflict in (("3.5", True), ("3.6", False)):
            with self.subTest(version):
                first = self.start(version)
                first.etcdctl("put", "k", "1")
                snapshot = first.save(self.scene.new_dir() / "snapshot.db")
                again = harness.Cluster(self.scene, version, start=False)
                self.addCleanup(again.kill)
                member = again.members[0]
                saved = []
                for value in ("this", "that"):
                    shutil.rmtree(member.data_dir, ignore_errors=True)
                    self.etcdrill("snapshot", "restore", snapshot, "--data-dir", member.data_dir,
                                  "--name", member.name, "--initial-cluster", again.initial_cluster,
                                  "--initial-advertise-peer-urls", member.peer_url)
                    again.start()
                    # The last entry that it makes by itself: from here on both are equally far.
                    harness.wait_until(lambda: b"not_decided" not in self.said_version(again),
                                       "the cluster's version")
                    again.etcdctl("put", "k", value)
                    # Its files say which etcd they are of once the cluster has found its version.
                    if version == "3.6":
                        harness.wait_until(
                            lambda: '"storageVersion":"3.6' in again.etcdctl(
                                "endpoint", "status", "-w", "json"),
                            "a storage version", timeout=60)
                    saved.append(again.save(self.scene.new_dir() / f"{value}.db"))
                    again.kill()
                report = json.loads(self.etcdrill("lineage", *saved, "-w", "json", code=3).out)
                codes = {finding["code"]: finding["text"] for finding in report["findings"]}
                self.assertIn("history_differs", codes)
                older, newer = ((report[which]["consistent_index"], report[which]["term"])
                                for which in ("older", "newer"))
                self.assertNotIn(None, older)
                self.assertEqual(older, newer, "they end at different entries: this proves nothing")
                self.assertEqual("index_conflict" in codes, conflict)
                if conflict:
                    self.assertIn("restored twice", codes["index_conflict"])


class Empty(sidecar_case.SidecarCase):
    def test_a_source_without_a_key_is_told_by_the_sidecar_and_the_command(self):
        cluster = harness.Cluster(self.scene, "3.5")
        self.addCleanup(cluster.kill)
        outcome = self.etcdrill("snapshot", "save", self.dir / "s.db", *cluster.flags(), "-w",
                                "json")
        self.assertEqual(json.loads(outcome.out)["live_keys"], 0)
        self.assertIn("warning: no_keys: ", outcome.err)
        self.assertIn("warning: no_keys: ",
                      self.etcdrill("snapshot", "save", self.dir / "text.db", *cluster.flags()).out)
        sidecar = self.start(cluster)
        line = sidecar.wait_for_line("snapshot warning")
        self.assertIn("finding=no_keys", line)
        told = lambda: [trouble["what"] for trouble
                        in json.loads(sidecar.first_answer("/api/v1/status"))["problems"]]
        self.assertEqual(told(), ["The newest snapshot holds no key."])
        self.assertEqual(sidecar.value("etcdrill_snapshot_last_keys"), 0)
        sidecar.wait_for_line("snapshot taken", after=2)
        self.assertEqual(len(sidecar.lines("snapshot warning")), 1)
        cluster.etcdctl("put", "k", "1")
        harness.wait_until(lambda: told() == [], "a snapshot with a key")
        cluster.etcdctl("del", "k")
        sidecar.wait_for_line("snapshot warning", after=1)
        self.assertEqual(sidecar.stop(), 0)


class Adopted(sidecar_case.SidecarCase):
    def test_what_is_no_snapshot_is_told_once_and_not_stored(self):
        theirs = self.dir / "theirs"
        theirs.mkdir()
        cluster = harness.Cluster(self.scene, "3.5")
        self.addCleanup(cluster.kill)
        cluster.etcdctl("put", "k", "1")
        sidecar = self.start(cluster, snapshot={"schedule": "none"},
                             store={"path": "store", "adopt": ["theirs/*.db"], "adopt_quiet": "1s"})
        harness.must(["zstd", "-q", harness.fixture("e3530-compacted"), "-o", theirs / "packed.db"])
        line = sidecar.wait_for_line("import skipped: not a snapshot")
        self.assertIn("level=warn", line)
        self.assertIn("the file is zstd. Unpack it first", line)
        self.assertEqual(sidecar.value("etcdrill_snapshot_attempts_total"), 0)
        self.assertEqual(sidecar.value("etcdrill_snapshot_consecutive_failures"), 0)
        self.assertEqual(sidecar.value("etcdrill_snapshots", state="damaged"), 0)
        cluster.save(theirs / "sound.db")
        sidecar.wait_for_line("snapshot adopted")
        self.assertEqual(len(sidecar.lines("import skipped: not a snapshot")), 1)
        self.assertEqual(sidecar.lines("snapshot failed"), [])
        self.assertEqual(len(list((self.dir / "store").glob("*.db"))), 1)
        self.assertEqual(sidecar.stop(), 0)


if __name__ == "__main__":
    harness.main()
