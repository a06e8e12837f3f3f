#!/usr/bin/env python3
"""Proves `snapshot restore`: its data directories hold what those of etcd's own tools hold, real
etcds start from them and grow from them, and a restore that is refused or fails leaves nothing."""
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import bolt
import harness
import raft_files

ALONE = ["--name", "m0", "--initial-cluster", "m0=http://127.0.0.1:2390",
         "--initial-advertise-peer-urls", "http://127.0.0.1:2390"]
# Out of order, a member with two addresses, another token.
OF_THREE = [
    "--name", "b", "--initial-advertise-peer-urls", "http://127.0.0.2:2391,http://127.0.0.1:2391",
    "--initial-cluster-token", "another-token", "--initial-cluster",
    "b=http://127.0.0.2:2391,c=http://127.0.0.1:2392,"
    "a=http://127.0.0.1:2390,b=http://127.0.0.1:2391"
]
WAL = "member/wal/0000000000000000-0000000000000000.wal"
WAL_BYTES = 64_000_000


def official_restore(version, snapshot, target, flags):
    tool = harness.tool(version, "etcdctl" if version == "3.4" else "etcdutl")
    harness.must([tool, "snapshot", "restore", snapshot, "--data-dir", target, *flags])
    return target


def buckets_of(data_dir):
    return bolt.BoltFile((data_dir / "member/snap/db").read_bytes()).buckets


def answers(cluster, revision):
    """What a booted cluster says of itself and of its data at this revision."""
    status = json.loads(cluster.etcdctl("endpoint", "status", "-w", "json"))[0]["Status"]
    leases = cluster.etcdctl("lease", "list").split()[3:]
    said = {
        "cluster": status["header"]["cluster_id"], "member": status["header"]["member_id"],
        "revision": status["header"]["revision"],
        "hashkv": cluster.hashkv(cluster.members[0], revision),
        "members": cluster.etcdctl("member", "list"), "leases": leases,
        "granted": [cluster.etcdctl("lease", "timetolive", lease).split("remaining")[0]
                    for lease in leases]
    }
    if cluster.version != "3.4":  # its etcdctl can't ask
        said["auth"] = cluster.etcdctl("auth", "status").splitlines()[0]
    return said


class SameAsOfficial(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Flags -> what etcdutl 3.5 makes; of members and WAL, no matter from which snapshot.
        cls.by_35 = {}

    def restored_by_35(self, flags):
        key = " ".join(flags)
        if key not in self.by_35:
            self.by_35[key] = official_restore("3.5", harness.fixture("e3530-empty"),
                                               self.scene.new_dir() / "by-35", flags)
        return self.by_35[key]

    def native_restore(self, snapshot, flags):
        target = self.dir / "native"
        self.etcdrill("snapshot", "restore", snapshot, "--data-dir", target, *flags)
        return target

    def check_database(self, native, official, members_from):
        got, expected = buckets_of(native), buckets_of(official)
        # Documented differences: 3.4's tool leaves the dead cluster's members in, and every tool
        # leaves its confState.
        expected |= {name: buckets_of(members_from)[name]
                     for name in ("members", "members_removed")}
        if b"confState" in expected["meta"]:
            voters = sorted(int(member, 16) for member in got["members"])
            self.assertEqual(json.loads(got["meta"].pop(b"confState")),
                             {"voters": voters, "auto_leave": False})
            expected["meta"].pop(b"confState")
        self.assertEqual(list(got), list(expected))
        for name, pairs in expected.items():
            self.assertEqual(got[name], pairs, f"bucket {name}")

    def check_wal(self, native, official):
        got, expected = (native / WAL).read_bytes(), (official / WAL).read_bytes()
        self.assertEqual(len(got), WAL_BYTES)
        self.assertEqual(got[:600].hex(), expected[:600].hex())
        self.assertTrue(got == expected, "the WAL differs behind its first 600 bytes")

    def check_raft_files(self, native, official, version):
        """What they say; 3.4's tool alone leaves the members out of the last record of the WAL."""
        got, expected = raft_files.wal_records(native / WAL), raft_files.wal_records(official / WAL)
        if version == "3.4":
            self.assertEqual(got[-1][1].pop("conf_state"),
                             raft_files.snap(next(native.rglob("*.snap")))[0]["conf_state"])
        self.assertEqual(got, expected)
        name = next(native.rglob("*.snap")).relative_to(native)
        self.assertEqual(raft_files.snap(native / name), raft_files.snap(official / name))

    def check_files(self, native, official):
        def listing(top):
            return sorted((str(path.relative_to(top)), oct(path.stat().st_mode & 0o700))
                          for path in top.rglob("*"))

        self.assertEqual(listing(native), listing(official))
        checker = harness.etcd_dir() / "tools" / "bbolt"
        if checker.exists() and (native / "member").exists():
            self.assertEqual(harness.must([checker, "check", native / "member/snap/db"]), "OK\n")

    def check(self, fixture, version, flags):
        by_35 = self.restored_by_35(flags)
        for state in ("compacted", "auth", "alarm", "empty"):
            with self.subTest(f"{fixture}-{state}"):
                self.dir = self.scene.new_dir()
                snapshot = harness.fixture(f"{fixture}-{state}")
                native = self.native_restore(snapshot, flags)
                official = official_restore(version, snapshot, self.dir / "official", flags)
                self.check_database(native, official, by_35)
                self.check_wal(native, by_35)
                self.check_files(native, official)
                self.check_raft_files(native, official, version)
                if version in ("3.5", "3.6"):
                    self.check_wal(native, official)

    def test_alone_34(self):
        self.check("e34", "3.4", ALONE)

    def test_alone_35(self):
        self.check("e3530", "3.5", ALONE)

    def test_alone_36(self):
        self.check("e36", "3.6", ALONE)

    def test_alone_37(self):
        self.check("e37", "3.7", ALONE)

    def test_of_three_34(self):
        self.check("e34", "3.4", OF_THREE)

    def test_of_three_35(self):
        self.check("e3530", "3.5", OF_THREE)

    def test_of_three_36(self):
        self.check("e36", "3.6", OF_THREE)

    def test_of_three_37(self):
        self.check("e37", "3.7", OF_THREE)

    def test_bumped(self):
        flags = [*OF_THREE, "--bump-revision", "1000", "--mark-compacted"]
        for version in ("3.5", "3.6", "3.7"):
            for state in ("compacted", "compacted-at-head", "nocompact", "empty"):
                with self.subTest(f"{version} {state}"):
                    snapshot = harness.fixture(
                        f"e{version.replace('.', '').replace('35', '3530')}-{state}")
                    self.dir = self.scene.new_dir()
                    native = self.native_restore(snapshot, flags)
                    official = official_restore(version, snapshot, self.dir / "official", flags)
                    self.check_database(native, official, official)
                    self.check_files(native, official)

    def test_a_wal_directory_of_its_own(self):
        snapshot = harness.fixture("e3530-compacted")
        native = self.native_restore(snapshot,
                                     [*OF_THREE, "--wal-dir", self.dir / "disk/native-wal"])
        official = official_restore("3.5", snapshot, self.dir / "official",
                                    [*OF_THREE, "--wal-dir", self.dir / "official-wal"])
        self.check_files(native, official)
        self.check_files(self.dir / "disk/native-wal", self.dir / "official-wal")
        name = WAL.rsplit("/", 1)[1]
        own, theirs = self.dir / "disk/native-wal" / name, self.dir / "official-wal" / name
        self.assertTrue(own.read_bytes() == theirs.read_bytes())

    def test_one_place_under_two_names(self):
        """As etcdutl takes them: relative and absolute, through a link, with "..", of what does not
        exist yet."""
        snapshot = harness.fixture("e3530-empty")
        for data, wal in (("dd", "{}/dd/member/wal"), ("link/dd", "{}/real/dd/member/wal"),
                          ("./dd", "./dd/../dd/member/wal"), ("{}/real/dd", "link/dd/member/wal"),
                          ("dd", "dd/member/../member/wal"), ("link", "real/member/wal")):
            made = []
            for tool in (harness.build_dir() / "etcdrill", harness.tool("3.5", "etcdutl")):
                with self.subTest(data=data, wal=wal, tool=tool.name):
                    place = self.scene.new_dir()
                    (place / "real").mkdir()
                    (place / "link").symlink_to("real")
                    harness.must([
                        tool, "snapshot", "restore", snapshot, "--data-dir", data.format(place),
                        "--wal-dir", wal.format(place)
                    ], cwd=place)
                    made.append(sorted(str(path.relative_to(place)) for path in place.rglob("*")
                                       if not path.suffix == ".snap"))
            self.assertEqual(*made)

    def test_without_sync_it_is_the_same(self):
        snapshot = harness.fixture("e3530-compacted")
        native = self.native_restore(snapshot, [*OF_THREE, "--no-sync"])
        official = official_restore("3.5", snapshot, self.dir / "official", OF_THREE)
        self.check_database(native, official, official)
        self.check_wal(native, official)

    def test_defaults_are_those_of_etcdutl(self):
        snapshot = harness.fixture("e3530-compacted")
        self.etcdrill("snapshot", "restore", snapshot, cwd=self.dir)
        official = official_restore("3.5", snapshot, self.dir / "official", [])
        self.check_database(self.dir / "default.etcd", official, official)
        self.check_wal(self.dir / "default.etcd", official)


class SameAsOfficialWhenBooted:
    """From a cluster with all that can be in one: etcd itself must not be able to tell the two
    restores apart."""

    version = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        harness.tool(cls.version, "etcd")
        source = harness.Cluster(cls.scene, cls.version)
        harness.fill(source)
        source.etcdctl("member", "add", "gone", "--learner", "--peer-urls=http://127.0.0.1:1")
        gone = next(line for line in source.etcdctl("member", "list").splitlines()
                    if "http://127.0.0.1:1," in line)
        source.etcdctl("member", "remove", gone.split(",")[0])
        source.etcdctl("member", "add", "learner", "--learner", "--peer-urls=http://127.0.0.1:2")
        # A tombstone is the last row.
        source.etcdctl("del", "/registry/configmaps/ns-1/object-0001")
        source.enable_auth("secret")
        cls.snapshot = source.save(cls.scene.new_dir() / "source.db")
        cls.revision = source.revision()
        source.kill()

    def boot_both(self, snapshot, revision):
        """Restored natively and by the official tool under the same names and addresses: both
        answers."""
        cluster = harness.Cluster(self.scene, self.version, start=False)
        self.addCleanup(cluster.kill)
        cluster.user = "root:secret"
        member = cluster.members[0]
        flags = ["--name", member.name, "--initial-cluster", cluster.initial_cluster,
                 "--initial-advertise-peer-urls", member.peer_url]
        said = []
        for restore in (
            lambda: self.etcdrill("snapshot", "restore", snapshot,
                                  "--data-dir", member.data_dir, *flags),
            lambda: official_restore(self.version, snapshot, member.data_dir, flags),
        ):
            restore()
            cluster.start()
            said.append(answers(cluster, revision))
            cluster.kill()
            member.data_dir.rename(self.scene.new_dir() / "done")
        return said

    def test_learner_removed_member_auth_leases_deletes(self):
        native, official = self.boot_both(self.snapshot, self.revision)
        self.assertEqual(native, official)
        self.assertTrue(native["leases"])
        self.assertEqual(len(native["members"].splitlines()), 1)

    def test_a_compaction_under_way(self):
        """A bump leaves one behind that no etcd has begun yet."""
        target = self.dir / "bumped"
        self.etcdrill("snapshot", "restore", self.snapshot, "--data-dir", target, "--bump-revision",
                      "100", "--mark-compacted")
        meta = buckets_of(target)["meta"]
        self.assertGreater(meta[b"scheduledCompactRev"], meta[b"finishedCompactRev"])
        pending = self.dir / "pending.db"
        pending.write_bytes(harness.with_trailer((target / "member/snap/db").read_bytes()))
        native, official = self.boot_both(pending, 0)
        self.assertEqual(native, official)


class SameWhenBooted34(SameAsOfficialWhenBooted, harness.TestCase):
    version = "3.4"


class SameWhenBooted35(SameAsOfficialWhenBooted, harness.TestCase):
    version = "3.5"


class SameWhenBooted36(SameAsOfficialWhenBooted, harness.TestCase):
    version = "3.6"


class SameWhenBooted37(SameAsOfficialWhenBooted, harness.TestCase):
    version = "3.7"


class Boots:
    """What every version of etcd has to do with a restored directory."""

    version = ""
    own = ""
    fixtures = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        harness.tool(cls.version, "etcd")

    def restored(self, fixture, size=1, flags=(), healthy=True):
        """A cluster of etcds, all started from this snapshot."""
        cluster = harness.Cluster(self.scene, self.version, size, start=False)
        self.addCleanup(cluster.kill)
        for member in cluster.members:
            self.etcdrill("snapshot", "restore", harness.fixture(fixture), "--data-dir",
                          member.data_dir, "--name", member.name, "--initial-cluster",
                          cluster.initial_cluster, "--initial-advertise-peer-urls", member.peer_url,
                          *flags)
            cluster.start_member(member)
        if healthy:
            cluster.wait_healthy()
        return cluster

    def check_serves(self, cluster, member, fixture):
        """This member alone has every key, and the HashKV of the file."""
        self.assertEqual(len(cluster.content(member)), harness.fixture_facts(fixture)["live_keys"])
        file = json.loads(self.etcdrill("hashkv", harness.fixture(fixture), "-w", "json").out)
        # At the compact revision 3.4 only answers if no revision is named.
        at_head = file["hashRevision"] == file["compactRevision"]
        self.assertEqual(cluster.hashkv(member, 0 if at_head else file["hashRevision"]),
                         (file["hash"], file["compactRevision"]))

    def test_starts_serves_and_writes(self):
        for fixture in self.fixtures:
            with self.subTest(fixture):
                cluster = self.restored(fixture)
                self.check_serves(cluster, cluster.members[0], fixture)
                cluster.etcdctl("put", "written-after-the-restore", "yes")
                self.assertIn(b"written-after-the-restore", cluster.content())
                self.assertEqual(len(cluster.etcdctl("member", "list").splitlines()), 1)
                cluster.kill()

    def test_a_member_that_is_added_later_has_all_keys(self):
        cluster = self.restored(self.own)
        added = cluster.add_member()
        self.check_serves(cluster, added, self.own)
        cluster.etcdctl("put", "written-to-both", "yes")
        harness.wait_until(lambda: b"written-to-both" in cluster.content(added),
                           "the write on the added member")

    def test_three_restores_form_a_cluster(self):
        cluster = self.restored(self.own, size=3)
        for member in cluster.members:
            self.check_serves(cluster, member, self.own)
        self.assertEqual(len(cluster.etcdctl("member", "list").splitlines()), 3)
        cluster.etcdctl("put", "written-through-the-second", "yes", member=cluster.members[1])
        cluster.kill(cluster.members[0])
        cluster.wait_healthy(cluster.members[1:])  # a quorum
        cluster.etcdctl("put", "written-by-two", "yes", member=cluster.members[2])

    def etcdctl_fails(self, cluster, *arguments):
        with self.assertRaises(RuntimeError) as failed:
            cluster.etcdctl(*arguments)
        return str(failed.exception)

    def test_a_bump_is_above_all_that_was_seen_and_old_watches_are_told(self):
        head = harness.fixture_facts(self.own)["revision"]
        cluster = self.restored(self.own, flags=("--bump-revision", "1000000", "--mark-compacted"))
        self.assertEqual(cluster.revision(), head + 1_000_000)
        self.assertIn("required revision has been compacted",
                      self.etcdctl_fails(cluster, "watch", f"--rev={head}", "/registry"))
        self.assertIn("required revision has been compacted",
                      self.etcdctl_fails(cluster, "get", f"--rev={head}", "/registry"))
        cluster.etcdctl("put", "written-after-the-bump", "yes")
        self.assertEqual(cluster.revision(), head + 1_000_001)
        keys = set(cluster.content()) - {b"", b"written-after-the-bump"}
        self.assertEqual(len(keys), harness.fixture_facts(self.own)["live_keys"])

    def test_an_alarm_blocks_writes_until_it_is_dropped(self):
        fixture = self.own.replace("compacted", "alarm")
        cluster = self.restored(fixture, healthy=False)  # from 3.5 on, an alarm makes it unhealthy
        harness.wait_until(
            lambda: "database space exceeded" in self.etcdctl_fails(cluster, "put", "a", "b"),
            "the refusal")
        cluster.kill()
        cluster = self.restored(fixture, flags=["--clear-alarms"])
        self.assertEqual(cluster.etcdctl("alarm", "list"), "")
        cluster.etcdctl("put", "a", "b")

    def test_lost_passwords_can_be_set_anew(self):
        cluster = self.restored(self.own.replace("compacted", "auth"), flags=["--drop-auth"])
        cluster.etcdctl("user", "passwd", "root", "--interactive=false", text="new\n")
        cluster.etcdctl("auth", "enable")
        self.assertIn("user name is empty", self.etcdctl_fails(cluster, "put", "a", "b"))
        cluster.user = "root:new"
        cluster.etcdctl("put", "a", "b")


class Boots34(Boots, harness.TestCase):
    version, own = "3.4", "e34-compacted"
    fixtures = ("e34-compacted", "e3530-compacted", "e34-compacted-at-head")


class Boots35(Boots, harness.TestCase):
    version, own = "3.5", "e3530-compacted"
    fixtures = ("e34-compacted", "e3530-compacted", "e3530-compacted-at-head")


class Boots36(Boots, harness.TestCase):
    version, own = "3.6", "e36-compacted"
    fixtures = ("e34-compacted", "e3530-compacted", "e36-compacted")


class Boots37(Boots, harness.TestCase):
    version, own = "3.7", "e37-compacted"
    fixtures = ("e36-compacted", "e37-compacted", "e37-compacted-at-head")


class Refusals(harness.TestCase):
    SNAPSHOT = harness.fixture("e3530-compacted")

    def refuse(self, snapshot, *flags, code, says, **options):
        outcome = self.etcdrill("snapshot", "restore", snapshot, *flags, code=code, cwd=self.dir,
                                **options)
        self.assertOneLine(outcome.err, says)
        self.assertEqual(outcome.out, "")

    def test_a_directory_that_is_in_use_stays_as_it_is(self):
        target = self.dir / "data"
        self.etcdrill("snapshot", "restore", harness.fixture("e3530-empty"), "--data-dir", target)
        before = (target / "member/snap/db").read_bytes()
        self.refuse(self.SNAPSHOT, "--data-dir", target, code=1, says="not empty")
        self.assertEqual((target / "member/snap/db").read_bytes(), before)
        self.assertEqual([path.name for path in self.dir.iterdir()], ["data"])

    def test_a_file_in_the_way_stays_as_it_is(self):
        target = self.dir / "data"
        target.write_text("precious")
        self.refuse(self.SNAPSHOT, "--data-dir", target, code=1, says="data")
        self.assertEqual(target.read_text(), "precious")
        self.assertEqual([path.name for path in self.dir.iterdir()], ["data"])

    def test_an_empty_directory_is_filled(self):
        target = self.dir / "data"
        link = self.dir / "link"
        for flags, cwd in (([target], None), (["."], target), ([link], None)):
            with self.subTest(flags):
                target.mkdir()
                if link in flags:
                    link.symlink_to(target)
                self.etcdrill("snapshot", "restore", self.SNAPSHOT, "--data-dir", *flags, cwd=cwd)
                self.assertTrue((target / WAL).exists())
                self.assertEqual([path.name for path in target.iterdir()], ["member"])
                target.rename(self.scene.new_dir() / "done")

    @unittest.skipUnless(os.geteuid() == 0, "only root can mount")
    def test_a_mount_point_is_filled_if_there_is_room(self):
        def restore(size):
            script = (
                'mount -t tmpfs -o "size=$1" none "$2" && '
                '{ "$3" snapshot restore "$4" --data-dir "$2"; status=$?; '
                'ls -A "$2" >&2; exit $status; }')
            return harness.run(["unshare", "--mount", "sh", "-c", script, "sh", size, self.dir,
                                harness.build_dir() / "etcdrill", self.SNAPSHOT])

        filled = restore("100m")
        self.assertEqual((filled.code, filled.err), (0, "member\n"))
        refused = restore("40m")
        self.assertEqual(refused.code, 1)
        self.assertOneLine(refused.err, "needs 6[0-9.]+ MiB, but the file system has 40.0 MiB free")

    def test_a_command_line_with_every_flag_of_etcdutl_works(self):
        """Those of every version, as its own help lists them."""
        values = {
            "--data-dir": self.dir / "data", "--wal-dir": self.dir / "wal", "--name": "m",
            "--initial-cluster": "m=http://10.0.0.1:2380", "--initial-cluster-token": "t",
            "--initial-advertise-peer-urls": "http://10.0.0.1:2380", "--bump-revision": "10",
            "--initial-memory-map-size": "1000000", "--timeout": "5s", "--write-out": "json",
            "--mark-compacted": None, "--skip-hash-check": None
        }
        for version in ("3.5", "3.6", "3.7"):
            said = harness.must([harness.tool(version, "etcdutl"), "snapshot", "restore", "--help"])
            self.assertEqual(
                set(re.findall(r"--[a-z][a-z-]+", said)) - set(values) - {"--help"}, set())
        flags = [word for flag, value in values.items()
                 for word in ([flag] if value is None else [flag, value])]
        self.etcdrill("snapshot", "restore", harness.fixture("e36-compacted"), *flags)
        self.assertTrue((self.dir / "wal").is_dir())

    def test_flags_that_need_each_other(self):
        for flags, says in (
            (["--bump-revision", "5"], "--mark-compacted"),
            (["--mark-compacted"], "--bump-revision"),
            (["--bump-revision", "-1", "--mark-compacted"], "--bump-revision"),
            (["--bump-revision", str(2**63 - 1), "--mark-compacted"], "largest possible revision"),
            (["--etcd-version", "2.3"], "3.4 to 3.7"),
        ):
            with self.subTest(flags):
                self.refuse(self.SNAPSHOT, "--data-dir", self.dir / "data", *flags, code=2,
                            says=says)
                self.assertEmpty(self.dir)

    def test_a_wal_directory_that_exists_is_refused_as_etcdutl_does(self):
        (self.dir / "wal").mkdir()
        self.refuse(self.SNAPSHOT, "--data-dir", self.dir / "data", "--wal-dir", self.dir / "wal",
                    code=1, says="wal exists")
        self.assertEqual([path.name for path in self.dir.iterdir()], ["wal"])

    def test_a_newer_snapshot_is_refused_unless_a_downgrade_is_allowed(self):
        snapshot = harness.fixture("e37-compacted")
        flags = ["--data-dir", self.dir / "data", "--etcd-version", "3.6"]
        self.refuse(snapshot, *flags, code=1, says="--allow-downgrade")
        self.assertEmpty(self.dir)
        outcome = self.etcdrill("snapshot", "restore", snapshot, *flags, "--allow-downgrade")
        self.assertIn("warning: the snapshot is of etcd 3.7", outcome.err)
        cluster = harness.Cluster(self.scene, "3.6", start=False)
        self.addCleanup(cluster.kill)
        member = cluster.members[0]
        self.etcdrill("snapshot", "restore", snapshot, "--data-dir", member.data_dir,
                      "--etcd-version", "3.6", "--allow-downgrade", "--name", member.name,
                      "--initial-cluster", cluster.initial_cluster, "--initial-advertise-peer-urls",
                      member.peer_url)
        cluster.start()
        self.assertEqual(len(cluster.content()),
                         harness.fixture_facts("e37-compacted")["live_keys"])

    def test_memberships_that_make_no_sense(self):
        one = "m0=http://127.0.0.1:2390"
        for flags, says in (
            (["--name", "other", "--initial-cluster", one], "other"),
            # Not guessed: a cluster of one is not what was meant.
            (["--name", "other"], "default=http://localhost:2380"),
            (["--initial-cluster", ""], "default"),
            (["--name", "m0", "--initial-cluster", one,
              "--initial-advertise-peer-urls", "http://127.0.0.1:1"], ":1"),
            (["--name", "m0", "--initial-cluster", one + ",m1=http://127.0.0.1:2390",
              "--initial-advertise-peer-urls", "http://127.0.0.1:2390"], "both"),
            (["--name", "m0", "--initial-cluster", "m0"], "NAME=PEER-URL"),
            (["--initial-advertise-peer-urls", "127.0.0.1:2380"], "scheme"),
            (["--initial-advertise-peer-urls", "http://127.0.0.1"], "port"),
            (["--initial-advertise-peer-urls", "http://127.0.0.1:2380/path"], "path"),
        ):
            with self.subTest(flags):
                self.refuse(self.SNAPSHOT, "--data-dir", self.dir / "data", *flags, code=2,
                            says=says)
                self.assertEmpty(self.dir)

    def test_damage_leaves_nothing(self):
        snapshot = self.scene.new_dir() / "flipped.db"
        content = harness.flipped(self.SNAPSHOT.read_bytes())
        snapshot.write_bytes(content)
        self.refuse(snapshot, "--data-dir", self.dir / "data", code=3, says="damaged")
        snapshot.write_bytes(content[:len(content) // 2])
        self.refuse(snapshot, "--data-dir", self.dir / "data", "--skip-hash-check", code=3,
                    says="damaged")
        self.assertEmpty(self.dir)

    def test_damage_anywhere_leaves_nothing(self):
        """The copy begins before the proof is there, so whatever is planned from a damaged file
        must not trip over it."""
        chance = random.Random(4)
        body = self.SNAPSHOT.read_bytes()[:-32]
        snapshot = self.scene.new_dir() / "flipped.db"
        refused = 0
        for number in range(150):
            content = bytearray(body)
            page = 4096 * chance.choice(list(bolt.BoltFile(body).pages))
            for _ in range(1 + number % 3):  # mostly in what holds a page together
                content[page + int(chance.expovariate(1 / 60)) % 4096] ^= 1 << chance.randrange(8)
            snapshot.write_bytes(harness.with_trailer(content))
            with self.subTest(number):
                outcome = self.etcdrill("snapshot", "restore", snapshot, "--data-dir",
                                        self.dir / "data", "--clear-alarms", "--bump-revision", "7",
                                        "--mark-compacted", "--drop-auth", code=None)
                # In a value, where nothing but a trailer of its time would tell.
                if outcome.code == 0:
                    shutil.rmtree(self.dir / "data")
                    continue
                refused += 1
                self.assertEqual(outcome.code, 3)
                self.assertOneLine(outcome.err, "damaged")
                self.assertEmpty(self.dir)
        self.assertGreater(refused, 75)

    def test_without_trailer_only_on_demand(self):
        # As copied from a data directory; etcdutl asks for the same flag.
        snapshot = self.scene.new_dir() / "bare.db"
        snapshot.write_bytes(self.SNAPSHOT.read_bytes()[:-32])
        self.refuse(snapshot, "--data-dir", self.dir / "data", code=1, says="--skip-hash-check")
        self.assertEmpty(self.dir)
        self.etcdrill("snapshot", "restore", snapshot, "--data-dir", self.dir / "data",
                      "--skip-hash-check")
        self.assertEqual(len(buckets_of(self.dir / "data")["members"]), 1)

    def test_a_full_disk_leaves_nothing(self):
        command = ["prlimit", "--fsize=1000000", harness.build_dir() / "etcdrill",
                   "snapshot", "restore", self.SNAPSHOT]
        # Inherited: a write beyond the limit fails, as on a full disk.
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        try:
            outcome = subprocess.run([*command, "--data-dir", self.dir / "data"],
                                     capture_output=True, text=True, timeout=30,
                                     restore_signals=False)
        finally:
            signal.signal(signal.SIGXFSZ, before)
        self.assertEqual(outcome.returncode, 1)
        self.assertOneLine(outcome.stderr, "File too large")
        self.assertEmpty(self.dir)


if __name__ == "__main__":
    harness.main()
