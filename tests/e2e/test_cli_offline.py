#!/usr/bin/env python3
"""Proves the commands that need nothing but a file: they say what etcd's own tools say, call every
damage by its exit code, and survive whatever bytes they are given."""
import json
import os
import re
import random
import struct
import sys

sys.dont_write_bytecode = True
import bolt
import harness

VERIFY_FIELDS = [
    "apiVersion", "kind", "file", "verdict", "levels", "size", "sha256", "hash", "revision",
    "total_keys", "live_keys", "compact_revision", "hashkv", "storage_version", "members",
    "cluster_version", "findings", "findings_total", "findings_dropped", "affected",
    "duration_seconds"
]
EXIT_CODES = {"proven": 0, "not_provable": 1, "damaged": 3}
TRAILER_BYTES = 32
FORMS = ("simple", "table", "json", "fields")
PAGE_FLAGS_OFFSET = 8
# etcdutl 3.6 draws its tables with ASCII; 3.7, and Debian's 3.5, with other characters. The cells
# are the same.
ASCII_FRAME = str.maketrans({**dict.fromkeys("┌┬┐├┼┤└┴┘", "+"), "─": "-", "│": "|"})


def body_of(name):
    return harness.fixture(name).read_bytes()[:-TRAILER_BYTES]


def official(version, *arguments):
    return harness.must([harness.tool(version, "etcdutl"), *arguments]).translate(ASCII_FRAME)


class Status(harness.TestCase):
    def check_equal(self, version, form, *flags):
        for name in harness.fixture_names():
            with self.subTest(name, version=version, form=form):
                path = harness.fixture(name)
                expected = official(version, "snapshot", "status", path, "-w", form)
                self.assertEqual(
                    self.etcdrill("snapshot", "status", path, "-w", form, *flags).out, expected)

    def test_as_37(self):
        for form in FORMS:
            self.check_equal("3.7", form)

    def test_as_36(self):
        for form in FORMS:
            self.check_equal("3.6", form)

    def test_as_35(self):
        for form in FORMS:
            self.check_equal("3.5", form, "--compat", "3.5")

    def test_damage_is_refused_where_etcdutl_is_content(self):
        path = self.dir / "flipped.db"
        path.write_bytes(harness.flipped(harness.fixture("e3530-compacted").read_bytes(), bits=8))
        official("3.5", "snapshot", "status", path)
        self.assertOneLine(self.etcdrill("snapshot", "status", path, code=3).err, "damaged")


class HashKv(harness.TestCase):
    def test_equals_what_the_server_answered(self):
        compared = 0
        for name in harness.fixture_names():
            own_compact = json.loads(
                self.etcdrill("hashkv", harness.fixture(name), "-w", "json").out)["compactRevision"]
            for answer in harness.fixture_facts(name)["hashkv"]:
                if answer["compact_revision"] < own_compact:
                    # From the server's cache of earlier compactions, which no file can repeat.
                    continue
                with self.subTest(name, **answer):
                    said = json.loads(
                        self.etcdrill("hashkv", harness.fixture(name), "--rev",
                                      str(answer["asked"]), "-w", "json").out)
                    self.assertEqual(said, {
                        "hash": answer["hash"],
                        "hashRevision": answer["asked"] or answer["head"],
                        "compactRevision": answer["compact_revision"]
                    })
                    compared += 1
        self.assertGreater(compared, 80)

    def check_equal(self, version):
        """Compares every fixture that this etcdutl can read: it panics if a live key has a
        lease."""
        compared = 0
        for name in harness.fixture_names():
            copy = self.dir / f"{name}-{version}.db"  # etcdutl writes to its input
            copy.write_bytes(harness.fixture(name).read_bytes())
            if "no lessor to attach lease" in harness.run(
                [harness.tool(version, "etcdutl"), "hashkv", copy]).err:
                continue
            for form in FORMS:
                with self.subTest(name, version=version, form=form):
                    self.assertEqual(self.etcdrill("hashkv", harness.fixture(name), "-w", form).out,
                                     official(version, "hashkv", copy, "-w", form))
            compared += 1
        self.assertGreaterEqual(compared, 5)

    def test_as_37(self):
        self.check_equal("3.7")

    def test_as_36(self):
        self.check_equal("3.6")

    def test_it_leaves_the_file_alone(self):
        copy = self.dir / "copy.db"
        copy.write_bytes(harness.fixture("e36-compacted").read_bytes())
        self.etcdrill("hashkv", copy)
        self.assertEqual(copy.read_bytes(), harness.fixture("e36-compacted").read_bytes())

    def test_a_revision_out_of_range(self):
        path = harness.fixture("e36-compacted")  # compacted at 54, ends at 129
        for revision in ("53", "130"):
            self.assertOneLine(
                self.etcdrill("hashkv", path, "--rev", revision, code=2).err, "54.*129")


class Verify(harness.TestCase):
    def verify(self, content, code):
        """Writes a file, verifies it, checks that report and exit code agree; the report."""
        path = self.dir / "snapshot.db"
        path.write_bytes(content)
        report = json.loads(self.etcdrill("verify", path, "-w", "json", code=code).out)
        self.assertEqual(EXIT_CODES[report["verdict"]], code)
        return report

    def codes_of_errors(self, report):
        return {finding["code"] for finding in report["findings"] if finding["severity"] == "error"}

    def test_every_fixture_is_proven(self):
        for name in harness.fixture_names():
            with self.subTest(name):
                facts = harness.fixture_facts(name)
                report = json.loads(
                    self.etcdrill("verify", harness.fixture(name), "-w", "json").out)
                self.assertEqual(report["verdict"], "proven")
                self.assertEqual(
                    report["levels"],
                    dict.fromkeys(["present", "transfer", "structure", "keyspace"], "pass"))
                self.assertEqual((report["sha256"], report["hash"]),
                                 (facts["sha256"], facts["status"]["hash"]))
                self.assertEqual(report["live_keys"], facts["live_keys"])

    def test_json_has_the_fields_of_the_design_in_order(self):
        report = json.loads(self.etcdrill("verify", harness.fixture("e36-auth"), "-w", "json").out)
        self.assertEqual(list(report), VERIFY_FIELDS)
        self.assertEqual((report["apiVersion"], report["kind"]), ("etcdrill/v1", "VerifyReport"))
        self.assertEqual(list(report["levels"]), ["present", "transfer", "structure", "keyspace"])
        self.assertEqual(list(report["hashkv"]), ["hash", "revision", "compact_revision"])
        self.assertEqual(list(report["members"][0]), ["id", "name", "peer_urls"])
        self.assertEqual(list(report["findings"][0]),
                         ["code", "severity", "page", "offset", "text"])
        self.assertEqual(report["findings_total"], len(report["findings"]))
        self.assertEqual((report["storage_version"], report["cluster_version"]), ("3.6.0", "3.6.0"))

    def test_json_of_damage_has_the_same_fields(self):
        self.assertEqual(list(self.verify(b"", 3)), VERIFY_FIELDS)

    def test_texts_name_the_verdict(self):
        for form in ("simple", "table"):
            self.assertIn(": proven\n",
                          self.etcdrill("verify", harness.fixture("e36-auth"), "-w", form).out)

    def test_level_1_reads_the_trailer_only(self):
        path = self.dir / "zeros.db"
        path.write_bytes(harness.with_trailer(bytes(8192)))
        report = json.loads(self.etcdrill("verify", path, "--level", "1", "-w", "json").out)
        self.assertEqual(list(report["levels"].values()), ["pass", "pass", "skipped", "skipped"])
        self.etcdrill("verify", path, "--level", "2", code=3)

    def test_what_was_not_asked_for_is_neither_proven_nor_a_failure(self):
        """The verdict is of the file, the exit code of what was asked; README says the same."""
        snapshot = harness.fixture("e36-compacted")
        for level in ("1", "2"):
            report = json.loads(
                self.etcdrill("verify", snapshot, "--level", level, "-w", "json", code=0).out)
            self.assertEqual(report["verdict"], "not_provable")
            self.assertIn(
                f"levels above {level} were not checked (--level), so they are not proven",
                self.etcdrill("verify", snapshot, "--level", level).out)
        self.assertNotIn("not checked", self.etcdrill("verify", snapshot).out)
        bare = self.dir / "bare.db"
        bare.write_bytes(snapshot.read_bytes()[:-32])
        for level in ("1", "2", "3"):
            self.etcdrill("verify", bare, "--level", level, code=1)

    def test_truncated(self):
        whole = harness.fixture("e36-compacted").read_bytes()
        for size in (len(whole) - 1, len(whole) - 4096, len(whole) // 2, 4096, 512, 33, 1):
            with self.subTest(size):
                self.verify(whole[:size], 3)

    def test_flipped_bit(self):
        flipped = harness.flipped(harness.fixture("e36-compacted").read_bytes())
        self.assertIn("trailer_mismatch", self.codes_of_errors(self.verify(flipped, 3)))

    def test_zeroed_page_behind_a_right_trailer(self):
        for name in ("e34-compacted", "e3530-alarm", "e36-alarm"):
            body = body_of(name)
            for number in bolt.BoltFile(body).pages:
                with self.subTest(name, page=number):
                    zeroed = bytearray(body)
                    zeroed[number * 4096:(number + 1) * 4096] = bytes(4096)
                    report = self.verify(harness.with_trailer(zeroed), 3)
                    self.assertEqual(report["levels"]["transfer"], "pass")
                    self.assertIn(number, [finding["page"] for finding in report["findings"]])

    def test_wrong_page_type_behind_a_right_trailer(self):
        body = body_of("e3530-alarm")
        for number in list(bolt.BoltFile(body).pages)[::4]:
            for flags in (0x01, 0x02, 0x04, 0x10, 0x03, 0x8002):
                changed = bytearray(body)
                struct.pack_into("<H", changed, number * 4096 + PAGE_FLAGS_OFFSET, flags)
                if changed != body:
                    with self.subTest(page=number, flags=flags):
                        self.assertEqual(
                            self.verify(harness.with_trailer(changed), 3)["levels"]["structure"],
                            "fail")

    def test_garbage(self):
        garbage = random.Random(7).randbytes(100_000)
        self.assertIn("meta_invalid", self.codes_of_errors(self.verify(garbage, 3)))
        self.verify(harness.with_trailer(garbage[:98304]), 3)
        self.verify(b"hello\n", 1)  # a text is none, rather than a damaged one

    def test_empty_file(self):
        self.assertEqual(self.codes_of_errors(self.verify(b"", 3)), {"empty_file"})

    def test_without_trailer_nothing_is_proven(self):
        for name in ("e34-compacted", "e36-auth"):
            report = self.verify(body_of(name), 1)
            self.assertEqual(report["levels"]["transfer"], "unknown")
            self.assertEqual((report["levels"]["structure"], report["levels"]["keyspace"]),
                             ("pass", "pass"))

    def test_an_unfinished_download(self):
        path = self.dir / "snapshot.db.part"
        path.write_bytes(harness.fixture("e36-compacted").read_bytes())
        self.etcdrill("verify", path, code=3)

    def test_bad_news_is_one_line_on_stderr(self):
        """Cron mails what a job prints there, and tells nobody of exit codes."""
        for content, code, verdict in ((b"", 3, "damaged"),
                                       (body_of("e36-auth"), 1, "not_provable")):
            path = self.dir / "snapshot.db"
            path.write_bytes(content)
            for form in ("simple", "json"):
                told = self.etcdrill("verify", path, "-w", form, code=code).err
                self.assertRegex(told, rf"\Aetcdrill: {path}: {verdict}: [^\n]+\n\Z")
        self.assertEqual(self.etcdrill("verify", harness.fixture("e36-auth")).err, "")


class Inventory(harness.TestCase):
    def test_only_when_asked_and_equal_to_the_server(self):
        for name in harness.fixture_names():
            with self.subTest(name):
                report = json.loads(
                    self.etcdrill("verify", harness.fixture(name), "--inventory", "-w", "json").out)
                self.assertEqual(list(report), [*VERIFY_FIELDS, "inventory"])
                self.assertEqual(list(report["inventory"]),
                                 ["total", "prefixes", "resources", "encryption_keys"])
                facts = harness.fixture_facts(name)
                self.assertEqual(report["inventory"]["total"]["live_keys"], facts["live_keys"])

    def test_texts(self):
        for form in ("simple", "table"):
            said = self.etcdrill("verify", harness.fixture("e36-alarm"), "--inventory", "-w",
                                 form).out
            self.assertRegex(said, r"PREFIX.*KEYS.*REVISIONS.*VALUES.*STORED.*ENCRYPTED.*PLAIN")
            self.assertRegex(said, "total")

    def test_damage_has_none(self):
        path = self.dir / "damaged.db"
        path.write_bytes(bytes(8192))
        report = json.loads(self.etcdrill("verify", path, "--inventory", "-w", "json", code=3).out)
        self.assertEqual(list(report), VERIFY_FIELDS)


class Selftest(harness.TestCase):
    def test_all_is_detected(self):
        report = json.loads(
            self.etcdrill("selftest", "-w", "json", env={"TMPDIR": str(self.dir)}).out)
        self.assertGreater(sum(row["tries"] for row in report["classes"]), 500)
        for row in report["classes"]:
            self.assertEqual(row["tries"], row["detected"], row)
        self.assertEmpty(self.dir)

    def test_text(self):
        self.assertRegex(
            self.etcdrill("selftest").out, r"DAMAGE +TRIES +DETECTED\nno damage +1 +1\nmeta field ")


class Refusals(harness.TestCase):
    def test_bad_usage(self):
        some = harness.fixture("e36-empty")
        for arguments in (
            [], ["nonsense"], ["verify"], ["verify", some, "--level", "4"],
            ["verify", some, "--no-such-flag"], ["verify", some, "-w", "xml"],
            ["verify", some, some], ["snapshot"], ["snapshot", "status"], ["snapshot", "save"],
            ["snapshot", "status", some, "--compat", "2.0"], ["hashkv", some, "--rev", "x"],
            ["hashkv", some, "--rev", "-5"], ["verify", some, "-w", "fields"],
            ["--log-level", "loud", "version"],
        ):
            with self.subTest(arguments[:1] + [str(argument) for argument in arguments[2:]]):
                self.assertOneLine(self.etcdrill(*arguments, code=2).err, ".")

    def test_missing_file(self):
        for command in (["verify"], ["hashkv"], ["snapshot", "status"],
                        ["snapshot", "restore"], ["drill"]):
            with self.subTest(command):
                outcome = self.etcdrill(*command, self.dir / "missing.db", cwd=self.dir, code=1)
                self.assertOneLine(outcome.err, "missing.db")
        self.assertEmpty(self.dir)

    def test_what_is_not_a_regular_file(self):
        os.mkfifo(self.dir / "fifo")
        for path in (self.dir / "fifo", self.dir):
            for command in (["verify"], ["hashkv"], ["snapshot", "status"],
                            ["snapshot", "restore"]):
                with self.subTest(command, path=path.name):
                    outcome = self.etcdrill(*command, path, cwd=self.dir, timeout=10, code=None)
                    self.assertIn(outcome.code, (1, 2))
                    self.assertOneLine(outcome.err, "not a regular file")

    def test_help_and_version_succeed(self):
        self.assertIn("snapshot", self.etcdrill("--help").out)
        self.assertRegex(self.etcdrill("version").out, r"\Aetcdrill \d+\.\d+\.\d+")
        self.assertEqual(self.etcdrill("--version").out, self.etcdrill("version").out)

    def test_a_mistyped_word_names_the_nearest(self):
        some = harness.fixture("e36-empty")
        for arguments, typed, meant in (
            (["verfy", some], "verfy", "verify"),
            (["snapshot", "sav"], "sav", "save"),
            (["verify", some, "--inventry"], "--inventry", "--inventory"),
            (["health", "--endpoint", "a:1"], "--endpoint", "--endpoints"),
            (["health", "--endpoint=a:1"], "--endpoint", "--endpoints"),
            (["--log-levl", "warn", "version"], "--log-levl", "--log-level"),
            (["check", "confg", some], "confg", "config"),
            (["drill"], "", ""),
        ):
            with self.subTest(arguments[0], typed=typed):
                outcome = self.etcdrill(*arguments, code=2)
                self.assertOneLine(outcome.err,
                                   f"{typed} is unknown; did you mean {meant}\\?" if meant
                                   else "snapshot is required")

    def test_numbers_out_of_range(self):
        some, most = harness.fixture("e36-compacted"), 2**63 - 1
        restore = ["snapshot", "restore", some, "--mark-compacted", "--data-dir", self.dir / "d"]
        for arguments, names in ((restore, ["--bump-revision"]),
                                 (["hashkv", some], ["--rev", "--compact-rev"])):
            for name in names:
                for value in ("-5", "1_000", "", " 1", "0x10", "1e3", "1.5", "+1", str(2**63),
                              str(2**64), "9" * 400):
                    with self.subTest(name, value=value):
                        outcome = self.etcdrill(*arguments, f"{name}={value}" if value else name,
                                                *([] if value else [""]), code=2)
                        self.assertOneLine(
                            outcome.err,
                            f'{name}: "{re.escape(value)}" is not a number from 0 to {most};')
        self.assertOneLine(
            self.etcdrill("verify", some, "--level", "4", code=2).err,
            '"4" is not a number from 1 to 3')
        self.assertOneLine(
            self.etcdrill("verify", some, "-w", "tabel", code=2).err,
            r'"tabel" is none of simple\|table\|json;')
        revision = harness.fixture_facts("e36-compacted")["revision"]
        told = json.loads(self.etcdrill("hashkv", some, "--rev", f"00{revision}", "-w", "json").out)
        self.assertEqual(told["hashRevision"], revision)


class Mutations(harness.TestCase):
    """Random damage, always the same: no crash, no hang, and never a proof of what was changed."""

    FIXTURES = ("e34-compacted", "e3516-auth", "e3530-alarm", "e36-compacted-at-head", "e37-empty")
    ROUNDS = 6  # each changes every fixture in each of the ways below

    def mutations(self, chance, content):
        """Kind, changed bytes."""
        flipped = bytearray(content)
        for _ in range(chance.choice((1, 1, 3, 20))):
            flipped[chance.randrange(len(flipped))] ^= 1 << chance.randrange(8)
        yield "flip", bytes(flipped)
        aimed = bytearray(content)  # headers and elements stand at the beginnings of pages
        byte = chance.randrange(256)
        aimed[chance.randrange(len(aimed) // 4096) * 4096 + chance.randrange(80)] = byte
        yield "header", bytes(aimed)
        zeroed = bytearray(content)
        begin, size = chance.randrange(len(zeroed)), chance.choice((16, 512, 4096))
        zeroed[begin:begin + size] = bytes(len(zeroed[begin:begin + size]))
        yield "zero", bytes(zeroed)
        yield "cut", content[:chance.randrange(len(content))]

    def check(self, kind, content, allowed):
        path = self.dir / "mutant.db"
        path.write_bytes(content)
        outcome = self.etcdrill("verify", path, "-w", "json", timeout=20, code=None)
        self.assertIn(outcome.code, allowed, f"{kind}\n{outcome.out}{outcome.err}")
        self.assertEqual(outcome.code, EXIT_CODES[json.loads(outcome.out)["verdict"]])
        for command in (["snapshot", "status"], ["hashkv"]):
            self.assertIn(self.etcdrill(*command, path, timeout=20, code=None).code, (0, 1, 3))

    def test_with_the_old_trailer(self):
        chance = random.Random(20221122)
        for number in range(self.ROUNDS):
            for name in self.FIXTURES:
                whole = harness.fixture(name).read_bytes()
                for kind, content in self.mutations(chance, whole):
                    if content == whole:
                        continue
                    with self.subTest(name, kind=kind, number=number):
                        # What was cut right before its trailer is not damaged: it is unproven.
                        exact = kind == "cut" and len(content) == len(whole) - TRAILER_BYTES
                        self.check(kind, content, {1} if exact else {3})

    def test_with_a_new_trailer(self):
        chance = random.Random(20221123)
        for number in range(self.ROUNDS):
            for name in self.FIXTURES:
                for kind, content in self.mutations(chance, body_of(name)):
                    with self.subTest(name, kind=kind, number=number):
                        # A changed value behind a trailer that was made for it can't be seen; a
                        # missing page can.
                        self.check(kind, harness.with_trailer(content),
                                   {3} if kind == "cut" else {0, 3})


if __name__ == "__main__":
    harness.main()
