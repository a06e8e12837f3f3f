#!/usr/bin/env python3
"""Proves `drill`: snapshots fresh from real clusters, in every state that they may be in, reach
level 5; what fails is named by its stage; and neither a process, nor a port, nor a file of a drill
outlives it."""
import contextlib
import json
import pathlib
import signal
import sys

sys.dont_write_bytecode = True
import harness

REPORT_FIELDS = [
    "apiVersion", "kind", "snapshot", "newest", "verdict", "level_reached", "started", "finished",
    "stages", "checks", "rto_seconds", "etcd_version", "verify", "advice"
]
STAGES = ["select", "checksum", "restore", "boot", "health", "verify", "cleanup"]
CHECKS = {
    "sha256", "db_hash", "revision", "key_count", "hashkv", "health", "alarms", "assertions",
    "write"
}
PASSWORD = "canary-root-password"


class DrillCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.scratch = self.dir / "scratch"

    def drill_command(self, snapshot, etcd):
        return ["drill", snapshot, "--etcd", etcd, "--scratch-dir", self.scratch, "-w", "json"]

    def drill(self, snapshot, etcd, *flags, code=0):
        """Drills; whatever comes of it, nothing may be left. The report."""
        outcome = self.etcdrill(*self.drill_command(snapshot, etcd), *flags, code=code)
        self.assertNothingLeft()
        self.error = outcome.err
        return json.loads(outcome.out)

    def assertNothingLeft(self):
        if self.scratch.exists():
            self.assertEmpty(self.scratch)
        self.assertEqual(harness.processes_naming(self.scratch), [])

    def assertFailedIn(self, report, stage, verdict):
        """This stage failed, those before it passed, those behind it did not run, and it was
        cleaned up."""
        results = {entry["name"]: entry["result"] for entry in report["stages"]}
        before = STAGES[:STAGES.index(stage)]
        behind = STAGES[STAGES.index(stage) + 1:-1]
        self.assertEqual(results, {
            **dict.fromkeys(before, "pass"), stage: "fail",
            **dict.fromkeys(behind, "skipped"), "cleanup": "pass"
        })
        self.assertTrue([entry["error"] for entry in report["stages"] if entry["name"] == stage][0])
        self.assertEqual(report["verdict"], verdict)
        self.assertLess(report["level_reached"], 5)
        self.assertRegex(self.error, r"\Aetcdrill: \S")


class Fresh:
    """Snapshots of one live cluster in one state after the other, as the official tool takes
    them."""

    version = ""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.etcd = harness.tool(cls.version, "etcd")
        cls.cluster = harness.Cluster(cls.scene, cls.version,
                                      flags=["--quota-backend-bytes", str(4 << 20)])
        harness.fill(cls.cluster)

    def check_reaches_level_5(self, state):
        snapshot = self.cluster.save(self.dir / f"{state}.db")
        report = self.drill(snapshot, self.etcd)
        self.assertEqual((report["verdict"], report["level_reached"]), ("proven", 5))
        self.assertEqual([(stage["name"], stage["result"]) for stage in report["stages"]],
                         [(name, "pass") for name in STAGES])
        wrong = [check for check in report["checks"] if check["result"] != "pass"]
        self.assertEqual(wrong, [])
        self.assertLessEqual(
            {"sha256", "revision", "key_count", "hashkv", "health", "alarms", "write"},
            {check["name"] for check in report["checks"]})
        return report

    # One story: each chapter changes the cluster for good.
    def test_every_state_reaches_level_5(self):
        for chapter in (self.plain, self.assertions, self.expired_lease, self.compacted_at_head,
                        self.with_auth, self.with_alarm):
            with self.subTest(chapter.__name__):
                chapter()

    def plain(self):
        report = self.check_reaches_level_5("plain")
        self.assertEqual(list(report), REPORT_FIELDS)
        self.assertEqual((report["apiVersion"], report["kind"]), ("etcdrill/v1", "DrillReport"))
        self.assertEqual(list(report["stages"][0]), ["name", "result", "duration_seconds", "error"])
        self.assertEqual(list(report["checks"][0]), ["name", "result", "expected", "actual"])
        self.assertLessEqual({check["name"] for check in report["checks"]}, CHECKS)
        self.assertEqual(report["verify"]["kind"], "VerifyReport")
        self.assertTrue(report["etcd_version"].startswith(self.version + "."))
        self.assertRegex(report["started"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")
        self.assertLessEqual(report["started"], report["finished"])
        self.assertGreater(report["rto_seconds"], 0)
        self.assertEqual(report["verify"]["live_keys"], len(self.cluster.content()))

    def assertions(self):
        snapshot = self.cluster.save(self.dir / "assertions.db")
        keys = sorted(self.cluster.content())
        prefix = keys[0].decode().rsplit("/", 1)[0] + "/"
        count = sum(key.startswith(prefix.encode()) for key in keys)
        config = self.dir / "assertions.yaml"

        def drill(*entries, code):
            config.write_text("drill:\n  assertions:\n"
                              + "".join(f"    - {entry}\n" for entry in entries))
            report = self.drill(snapshot, self.etcd, "--config", config, code=code)
            return [check for check in report["checks"] if check["name"] == "assertions"][0], report

        hold = [
            f"{{prefix: {prefix}, min_keys: {count}, max_keys: {count}}}",
            f'{{key: "{keys[0].decode()}", exists: true}}', '{key: /no/such/key, exists: false}',
            f'{{key: "{keys[0].decode()}", matches: ".*"}}'
        ]
        check, report = drill(*hold, code=0)
        self.assertEqual((check["result"], check["actual"], report["level_reached"]),
                         ("pass", "4 hold", 5))
        for entry, why in (
            (f"{{prefix: {prefix}, min_keys: {count + 1}}}", "at least"),
            ("{key: /no/such/key, exists: true}", "does not exist"),
            (f'{{key: "{keys[0].decode()}", equals: canary-value}}', "a different value"),
            (f'{{key: "{keys[0].decode()}", matches: "^canary$"}}', "does not match"),
        ):
            check, report = drill(hold[0], entry, code=3)
            # The file is sound, whatever it lacks.
            self.assertEqual((check["result"], report["verdict"]), ("fail", "not_provable"))
            self.assertRegex(check["actual"], r"\A1 hold; .*" + why)

    def expired_lease(self):
        lease = self.cluster.etcdctl("lease", "grant", "2").split()[1]
        puts = [f"put /registry/expires/{number} soon --lease={lease}" for number in range(20)]
        self.cluster.etcdctl("txn", text="\n".join(["", *puts, "", ""]) + "\n")
        snapshot = self.cluster.save(self.dir / "before.db")
        harness.wait_until(
            lambda: not [key for key in self.cluster.content() if b"/expires/" in key],
            "the end of the lease")
        report = self.drill(snapshot, self.etcd)
        self.assertEqual((report["verdict"], report["level_reached"]), ("proven", 5))
        self.assertEqual(report["verify"]["live_keys"], len(self.cluster.content()) + len(puts))

    def compacted_at_head(self):
        revision = self.cluster.revision()
        self.cluster.etcdctl("compact", str(revision), "--physical")
        report = self.check_reaches_level_5("compacted-at-head")
        # HashKV's, as 3.4 removes a tombstone at the head, and with it the last row.
        self.assertEqual(report["verify"]["hashkv"]["revision"], revision)
        self.assertEqual(report["verify"]["compact_revision"], revision)

    def with_auth(self):
        self.cluster.enable_auth(PASSWORD)
        report = self.check_reaches_level_5("auth")
        self.assertIn("restores_with_auth",
                      [finding["code"] for finding in report["verify"]["findings"]])
        self.assertNotIn(PASSWORD, json.dumps(report))

    def with_alarm(self):
        while "NOSPACE" not in self.cluster.etcdctl("alarm", "list"):
            with contextlib.suppress(RuntimeError):
                self.cluster.etcdctl("put", "/filler", text="x" * 1_000_000)
        report = self.check_reaches_level_5("alarm")
        self.assertIn("restores_with_alarm",
                      [finding["code"] for finding in report["verify"]["findings"]])
        alarms = [check for check in report["checks"] if check["name"] == "alarms"][0]
        self.assertEqual((alarms["expected"], alarms["actual"]), ("NOSPACE", "NOSPACE"))


class Fresh34(Fresh, DrillCase):
    version = "3.4"


class Fresh35(Fresh, DrillCase):
    version = "3.5"


class Fresh36(Fresh, DrillCase):
    version = "3.6"


class Fresh37(Fresh, DrillCase):
    version = "3.7"


class Running(DrillCase):
    """What goes on during a drill, and when it is ended."""

    def start_drill(self):
        """A drill in a process of its own, and the process id of its etcd as soon as that is
        etcd."""
        etcd = harness.tool("3.5", "etcd")
        command = self.drill_command(harness.fixture("e3530-compacted"), etcd)
        process = self.scene.start([harness.build_dir() / "etcdrill", *command],
                                   self.dir / "drill.log")

        def booted():
            self.assertIsNone(process.poll(), "the drill was over before its etcd was seen")
            return [
                pid for pid, (parent, said) in harness.process_table().items()
                if parent == process.pid and said.startswith(str(etcd.resolve()))
                and str(self.scratch) in said
            ]

        return process, harness.wait_until(booted, "the drill's etcd")[0]

    def sockets(self, pid):
        """Inodes of the sockets that a process holds."""
        return {link[len("socket:["):-1] for link in harness.open_files(pid)
                if link.startswith("socket:[")}

    def inodes(self, table, column):
        lines = pathlib.Path(f"/proc/net/{table}").read_text().splitlines()
        return {line.split()[column] for line in lines[1:]}

    def test_its_etcd_opens_no_port(self):
        process, etcd = self.start_drill()
        listening = 0
        while process.poll() is None:
            try:
                held = self.sockets(etcd) | self.sockets(process.pid)
            except (FileNotFoundError, PermissionError):
                continue
            listening += bool(held & self.inodes("unix", 6))
            for table in ("tcp", "tcp6", "udp", "udp6"):
                self.assertEqual(held & self.inodes(table, 9), set(), f"a {table} socket")
        self.assertEqual(process.returncode, 0)
        self.assertGreater(listening, 5)  # it was looked at while it served

    def test_killed_it_leaves_no_etcd_and_the_next_one_sweeps(self):
        process, etcd = self.start_drill()
        process.kill()
        process.wait()
        harness.wait_until(lambda: etcd not in harness.process_table(),
                           "the end of the drill's etcd", timeout=2)
        self.assertEqual(harness.processes_naming(self.scratch), [])
        left = list(self.scratch.iterdir())
        self.assertEqual(len(left), 1)
        report = self.drill(harness.fixture("e3530-compacted"), harness.tool("3.5", "etcd"))
        self.assertEqual(report["level_reached"], 5)
        self.assertFalse(left[0].exists())

    def test_terminated_it_cleans_up(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(number.name):
                process, _ = self.start_drill()
                process.send_signal(number)
                self.assertEqual(process.wait(5), 130)
                self.assertNothingLeft()

    def test_two_at_once_do_not_disturb_each_other(self):
        first, _ = self.start_drill()
        second, _ = self.start_drill()
        self.assertEqual((first.wait(30), second.wait(30)), (0, 0))
        self.assertNothingLeft()


class Damaged(DrillCase):
    """It never comes to a boot."""

    def check(self, content, stage, verdict, code):
        snapshot = self.dir / "snapshot.db"
        snapshot.write_bytes(content)
        report = self.drill(snapshot, harness.tool("3.5", "etcd"), code=code)
        self.assertFailedIn(report, stage, verdict)
        return report

    def test_flipped_bit(self):
        content = harness.flipped(harness.fixture("e3530-compacted").read_bytes())
        report = self.check(content, "checksum", "damaged", 3)
        self.assertEqual([(check["name"], check["result"]) for check in report["checks"]][0],
                         ("sha256", "fail"))

    def test_cut(self):
        content = harness.fixture("e3530-compacted").read_bytes()
        self.check(content[:len(content) // 2], "checksum", "damaged", 3)

    def test_without_trailer_it_is_served_but_not_proven(self):
        snapshot = self.dir / "bare.db"
        snapshot.write_bytes(harness.fixture("e3530-compacted").read_bytes()[:-32])
        report = self.drill(snapshot, harness.tool("3.5", "etcd"), code=1)
        self.assertEqual(report["verdict"], "not_provable")
        self.assertEqual([stage["result"] for stage in report["stages"]], ["pass"] * len(STAGES))


class WrongEtcd(DrillCase):
    """What is called etcd, but is missing, is no etcd, or does not work."""

    SNAPSHOT = harness.fixture("e3530-compacted")

    def stub(self, script):
        """An `etcd` that is this shell script. "$0" lies in our directory: what it starts can be
        told by its command line."""
        path = self.scratch.with_name("stub") / "etcd"
        path.parent.mkdir()
        path.write_text("#!/bin/sh\n" + script)
        path.chmod(0o755)
        return path

    def check(self, script, stage, *flags):
        stub = self.stub(script)
        report = self.drill(self.SNAPSHOT, stub, *flags, code=1)
        self.assertFailedIn(report, stage, "not_provable")
        harness.wait_until(lambda: not harness.processes_naming(stub.parent),
                           "nothing of the stub left", timeout=2)
        return [entry["error"] for entry in report["stages"] if entry["name"] == stage][0]

    AS_ETCD = 'if [ "$1" = --version ]; then echo "etcd Version: 3.5.30"; exit 0; fi\n'

    def test_missing(self):
        report = self.drill(self.SNAPSHOT, self.dir / "no-such-etcd", code=1)
        self.assertFailedIn(report, "boot", "not_provable")
        self.assertEqual(report["level_reached"], 4)
        self.assertOneLine(self.error, "no-such-etcd.*--etcd")

    def test_none_on_path(self):
        command = ["drill", self.SNAPSHOT, "--scratch-dir", self.scratch, "-w", "json"]
        outcome = self.etcdrill(*command, env={"PATH": "/nowhere"}, code=1)
        self.error = outcome.err
        self.assertOneLine(outcome.err, "PATH.*--etcd")
        self.assertFailedIn(json.loads(outcome.out), "boot", "not_provable")

    def test_another_minor_version(self):
        for version in ("3.4", "3.6"):
            with self.subTest(version=version):
                report = self.drill(self.SNAPSHOT, harness.tool(version, "etcd"), code=1)
                self.assertFailedIn(report, "boot", "not_provable")
                self.assertEqual(report["level_reached"], 4)
                self.assertEqual(report["etcd_version"], "")
                self.assertOneLine(self.error, r"of etcd 3\.5, but .*the same minor version")

    def test_a_directory(self):
        self.assertFailedIn(self.drill(self.SNAPSHOT, self.dir, code=1), "boot", "not_provable")

    def test_not_a_program(self):
        path = self.dir / "text"
        path.write_text("no program")
        path.chmod(0o755)
        self.assertFailedIn(self.drill(self.SNAPSHOT, path, code=1), "boot", "not_provable")

    def test_is_not_etcd(self):
        self.assertIn("not an etcd server", self.check('echo "hello"\n', "boot"))

    def test_fails_to_say_its_version(self):
        self.assertIn("exit code 7", self.check("exit 7\n", "boot"))

    def test_hangs_when_asked_for_its_version(self):
        self.check('tail -f "$0"\n', "boot")

    def test_ends_at_once(self):
        error = self.check(self.AS_ETCD + 'echo "no luck today"\nexit 5\n', "boot")
        self.assertIn("exit code 5", error)
        self.assertIn("no luck today", error)

    def test_its_last_words_stay_inside_the_table(self):
        stub = self.stub(self.AS_ETCD + 'echo "no luck"\necho "at all"\nexit 5\n')
        outcome = self.etcdrill("drill", self.SNAPSHOT, "--etcd", stub, "--scratch-dir",
                                self.scratch, code=1)
        self.assertIn("at all", outcome.err)
        self.assertFalse(outcome.err.endswith("\n\n"), outcome.err)
        table = outcome.out[:outcome.out.index("not_provable")].splitlines()[1:]
        self.assertEqual([line for line in table if line[0] not in "|+" or line[-1] not in "|+"],
                         [])

    def test_dies_by_a_signal(self):
        self.assertIn("signal 9", self.check(self.AS_ETCD + "kill -KILL $$\n", "boot"))

    def test_hangs(self):
        error = self.check(self.AS_ETCD + 'echo "nobody comes"\ntail -f "$0"\n', "boot",
                           "--timeout", "2s")
        self.assertIn("the drill exceeded its timeout of 2.0s before boot was done", error)
        self.assertIn("nobody comes", error)

    def test_hangs_and_ignores_sigterm_and_has_children(self):
        self.check(self.AS_ETCD + 'trap "" TERM\ntail -f "$0" &\ntail -f "$0"\n', "boot",
                   "--timeout", "2s")

    def test_of_another_version(self):
        if not (harness.etcd_dir() / "3.7").exists():
            self.skipTest("etcd 3.7 is not there")
        report = self.drill(harness.fixture("e37-compacted"), harness.tool("3.6", "etcd"), code=1)
        failed = [stage["name"] for stage in report["stages"] if stage["result"] == "fail"]
        self.assertFailedIn(report, *failed, "not_provable")


class NoRoom(DrillCase):
    def test_a_scratch_path_too_long_for_a_socket(self):
        self.scratch = self.dir / ("x" * 100)
        report = self.drill(harness.fixture("e3530-compacted"), harness.tool("3.5", "etcd"), code=2)
        self.assertFailedIn(report, "boot", "not_provable")
        self.assertOneLine(self.error, "scratch_dir")


if __name__ == "__main__":
    harness.main()
