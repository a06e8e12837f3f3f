#!/usr/bin/env python3
"""Proves --textfile-out: what cron users get of a verify and a drill, good or bad; that promtool
and a real node_exporter take the files, both at once; and that nobody ever reads half of one."""
import os
import re
import shutil
import sys
import time

sys.dont_write_bytecode = True
import catalogue
import harness

VERSION = "3.5"


class TextfileCase(harness.TestCase):
    def setUp(self):
        super().setUp()
        self.out = self.dir / "textfile"
        self.out.mkdir()
        self.snapshot = self.dir / "snapshot.db"
        shutil.copy(harness.fixture("e3530-compacted"), self.snapshot)

    def damage(self):
        self.snapshot.write_bytes(harness.flipped(harness.fixture("e3530-compacted").read_bytes()))

    def repair(self):
        shutil.copy(harness.fixture("e3530-compacted"), self.snapshot)

    def run_command(self, command, *more, code=0, cluster=None, **options):
        """The families in the file after it; what holds for each such file."""
        file = self.out / f"{command}.prom"
        outcome = self.etcdrill(command, self.snapshot, "--textfile-out", file, *more, code=code,
                                **options)
        self.error = outcome.err
        self.assertEqual(sorted(path.name for path in self.out.iterdir() if command in path.name),
                         [file.name])
        self.assertEqual(oct(file.stat().st_mode & 0o7777), oct(0o644))
        text = file.read_text()
        promtool = harness.run(["promtool", "check", "metrics"], text=text)
        self.assertEqual((promtool.code, promtool.out + promtool.err), (0, ""))
        families = harness.parse_metrics(text)
        known = catalogue.catalogue()
        for name, family in families.items():
            self.assertEqual((family.type, family.help), (known[name].type, known[name].help), name)
            problems = catalogue.label_problems(name, known[name], family, whole=False,
                                                cluster=cluster)
            self.assertEqual(list(problems), [])
        return families

    def verify(self, *more, **options):
        return self.run_command("verify", *more, **options)

    def drill(self, *more, **options):
        return self.run_command("drill", "--etcd", harness.tool(VERSION, "etcd"), "--scratch-dir",
                                self.dir / "scratch", *more, **options)

    def value(self, families, name):
        return families[name].samples[0][2] if name in families else None


class Verify(TextfileCase):
    def test_good(self):
        taken = time.time() - 5000
        os.utime(self.snapshot, (taken, taken))
        families = self.verify()
        facts = harness.fixture_facts("e3530-compacted")
        self.assertEqual(self.value(families, "etcdrill_verify_passed"), 1)
        self.assertEqual(harness.by_label(families["etcdrill_verify_last_level_success"], "level"),
                         {"present": 1, "transfer": 1, "structure": 1, "keyspace": 1})
        self.assertAlmostEqual(
            self.value(families, "etcdrill_snapshot_last_success_timestamp_seconds"), taken,
            delta=1)
        self.assertEqual(self.value(families, "etcdrill_snapshot_last_size_bytes"),
                         self.snapshot.stat().st_size)
        self.assertEqual(self.value(families, "etcdrill_snapshot_last_revision"), facts["revision"])
        self.assertAlmostEqual(self.value(families, "etcdrill_verify_last_run_timestamp_seconds"),
                               time.time(), delta=30)
        textfile = {name for name, metric in catalogue.catalogue().items()
                    if metric.since == "textfile"}
        self.assertLessEqual(textfile, families.keys())

    def test_what_was_good_before_stays_known(self):
        before = self.verify()
        self.damage()
        after = self.verify(code=3)
        self.assertEqual(self.value(after, "etcdrill_verify_passed"), 0)
        self.assertIn(
            0,
            harness.by_label(after["etcdrill_verify_last_level_success"], "level").values())
        for name in ("etcdrill_verify_last_success_timestamp_seconds",
                     "etcdrill_snapshot_last_success_timestamp_seconds",
                     "etcdrill_snapshot_last_revision", "etcdrill_snapshot_last_keys"):
            self.assertEqual(self.value(after, name), self.value(before, name), name)
        self.assertGreater(self.value(after, "etcdrill_verify_last_run_timestamp_seconds"),
                           self.value(before, "etcdrill_verify_last_run_timestamp_seconds"))
        self.repair()
        self.assertEqual(self.value(self.verify(), "etcdrill_verify_passed"), 1)

    def test_a_configuration_names_the_cluster(self):
        config = self.dir / "etcdrill.yaml"
        config.write_text("cluster: {name: prod}\n")
        self.verify()
        for code in (0, 3):
            families = self.verify("--config", config, code=code, cluster="prod")
            self.assertIsNotNone(
                self.value(families, "etcdrill_verify_last_success_timestamp_seconds"))
            self.damage()

    def test_bad_at_once(self):
        self.damage()
        families = self.verify(code=3)
        self.assertEqual(self.value(families, "etcdrill_verify_passed"), 0)
        self.assertNotIn("etcdrill_snapshot_last_success_timestamp_seconds", families)
        self.assertNotIn("etcdrill_verify_last_success_timestamp_seconds", families)

    def test_no_snapshot_at_all(self):
        self.snapshot.unlink()
        families = self.verify(code=1)
        self.assertEqual(self.value(families, "etcdrill_verify_passed"), 0)
        self.assertEqual(harness.by_label(families["etcdrill_verify_last_level_success"], "level"),
                         {"present": 0})

    def test_levels_that_nobody_asked_for_are_absent(self):
        families = self.verify("--level", "1")
        self.assertEqual(self.value(families, "etcdrill_verify_passed"), 1)  # as the exit code is 0
        self.assertNotIn("etcdrill_snapshot_last_success_timestamp_seconds", families)
        self.assertEqual(harness.by_label(families["etcdrill_verify_last_level_success"], "level"),
                         {"present": 1, "transfer": 1})

    def test_an_old_one_is_old_but_not_bad(self):
        os.utime(self.snapshot, (1e9, 1e9))
        families = self.verify("--max-age", "1h", code=4)
        self.assertEqual(self.value(families, "etcdrill_verify_passed"), 1)
        self.assertEqual(self.value(families, "etcdrill_snapshot_last_success_timestamp_seconds"),
                         1e9)

    def test_whoever_reads_meanwhile_sees_a_whole_file(self):
        """A name of its own, then a rename; a stranger's umask takes no bit away; what a killed run
        left is no obstacle."""
        file = self.out / "verify.prom"
        (self.out / ".verify.prom.part").write_text("left by a run that was killed")
        trace = self.dir / "trace"
        command = [
            "strace", "-f", "-o", trace, "-e",
            "trace=openat,rename,renameat,renameat2,fsync,fdatasync",
            harness.build_dir() / "etcdrill", "verify", self.snapshot, "--textfile-out", file
        ]
        harness.must(["sh", "-c", 'umask 077; exec "$@"', "sh", *command])
        calls = [line for line in trace.read_text().splitlines() if ".prom" in line]
        self.assertFalse(
            [line for line in calls if re.search(r'/verify\.prom", O_(WRONLY|RDWR)', line)], calls)
        self.assertRegex(calls[-1], r'rename\w*\(.*\.verify\.prom\.part".*/verify\.prom".* = 0')
        self.assertEqual(oct(file.stat().st_mode & 0o7777), oct(0o644))
        self.assertEqual([path.name for path in self.out.iterdir()], ["verify.prom"])

    def test_a_file_that_can_not_be_written(self):
        missing = self.dir / "missing" / "x.prom"
        outcome = self.etcdrill("verify", self.snapshot, "--textfile-out", missing, code=1)
        self.assertOneLine(outcome.err, str(missing.parent))
        self.damage()  # the bad news about the snapshot goes first
        outcome = self.etcdrill("verify", self.snapshot, "--textfile-out", missing, code=3)
        self.assertIn("metrics file not written", outcome.err)


class Drill(TextfileCase):
    def test_good_bad_bad_good(self):
        first = self.drill()
        self.assertEqual(self.value(first, "etcdrill_drill_last_level"), 5)
        self.assertEqual(self.value(first, "etcdrill_drill_consecutive_failures"), 0)
        self.assertEqual(self.value(first, "etcdrill_restorable_snapshot_revision"),
                         harness.fixture_facts("e3530-compacted")["revision"])
        self.assertEqual(
            set(harness.by_label(first["etcdrill_drill_last_check_success"], "check").values()),
            {1})
        self.assertNotIn("etcdrill_drill_last_failure_timestamp_seconds", first)
        kept = ("etcdrill_drill_last_success_timestamp_seconds",
                "etcdrill_drill_last_duration_seconds",
                "etcdrill_restorable_snapshot_taken_timestamp_seconds",
                "etcdrill_restorable_snapshot_revision")
        self.damage()
        for failures in (1, 2):
            bad = self.drill(code=3)
            self.assertEqual(self.value(bad, "etcdrill_drill_consecutive_failures"), failures)
            self.assertEqual([self.value(bad, name) for name in kept],
                             [self.value(first, name) for name in kept])
            checks = harness.by_label(bad["etcdrill_drill_last_check_success"], "check")
            # HashKV is of the last drill that ran it.
            self.assertEqual((checks["sha256"], checks["hashkv"]), (0, 1))
        self.snapshot.unlink()
        self.assertEqual(self.value(self.drill(code=1), "etcdrill_drill_consecutive_failures"), 3)
        self.repair()
        harness.wait_until(lambda: time.time() >= self.value(first, kept[0]) + 1,
                           "the next second, as reports tell no less")
        last = self.drill()
        self.assertEqual(self.value(last, "etcdrill_drill_consecutive_failures"), 0)
        self.assertGreater(self.value(last, kept[0]), self.value(first, kept[0]))
        self.assertEqual(
            set(harness.by_label(last["etcdrill_drill_last_check_success"], "check").values()), {1})
        self.assertIsNotNone(self.value(last, "etcdrill_drill_last_failure_timestamp_seconds"))

    def test_what_nothing_vouches_for(self):
        self.snapshot.write_bytes(self.snapshot.read_bytes()[:-32])
        families = self.drill(code=1)
        self.assertEqual(self.value(families, "etcdrill_drill_consecutive_failures"), 1)
        self.assertNotIn("etcdrill_drill_last_success_timestamp_seconds", families)
        self.assertNotIn("etcdrill_restorable_snapshot_taken_timestamp_seconds", families)
        self.assertIn("no SHA-256 trailer", self.error)

    def test_a_file_of_somebody_else_is_replaced(self):
        for content in (b"", b"\xff\x00 nonsense\n# HELP\n",
                        b"etcdrill_drill_consecutive_failures x\n" * 9):
            (self.out / "drill.prom").write_bytes(content)
            self.damage()
            self.assertEqual(self.value(self.drill(code=3), "etcdrill_drill_consecutive_failures"),
                             1)


class NodeExporter(TextfileCase):
    def test_it_serves_both_files(self):
        self.drill()
        self.verify()
        port = harness.free_port()
        self.scene.start([
            "prometheus-node-exporter", "--collector.disable-defaults", "--collector.textfile",
            f"--collector.textfile.directory={self.out}", f"--web.listen-address=127.0.0.1:{port}"
        ], self.dir / "node_exporter.log")
        text = harness.wait_until(
            lambda: harness.run(["curl", "-s", f"http://127.0.0.1:{port}/metrics"]).out,
            "an answer")
        served = harness.parse_metrics("\n".join(
            line for line in text.splitlines()
            if "etcdrill_" in line or "textfile_scrape" in line and "{" not in line))
        self.assertEqual(self.value(served, "node_textfile_scrape_error"), 0)
        for name in ("verify", "drill"):
            written = harness.parse_metrics((self.out / f"{name}.prom").read_text())
            for metric, family in written.items():
                self.assertEqual(served[metric].type, family.type, metric)
                self.assertEqual(sorted(str(sample) for sample in served[metric].samples),
                                 sorted(str(sample) for sample in family.samples))


if __name__ == "__main__":
    harness.main()
