#!/usr/bin/env python3
"""Proves `check config`: the example passes, and each mistake is said with file, line and column,
all of them in one pass."""
import re
import sys

sys.dont_write_bytecode = True
import harness

GOOD = """\
cluster:
  name: prod
  endpoints: [https://127.0.0.1:2379]
store: {path: snapshots}
snapshot:
  schedule: "@every 1h"
  timeout: 10m
objectives: {rpo: 2h}
"""


class CheckConfig(harness.TestCase):
    def check(self, text, code):
        self.path = self.dir / "etcdrill.yaml"
        self.path.write_text(text)
        return self.etcdrill("check", "config", "--syntax-only", self.path, code=code)

    def assertRefused(self, text, *problems):
        """These are the problems, each (line, column, what it must say), and no other."""
        outcome = self.check(text, 2)
        self.assertEqual(outcome.out, "")
        said = re.findall(rf"{re.escape(str(self.path))}:(\d+):(\d+): (.+)", outcome.err)
        self.assertEqual(len(said), outcome.err.count("\n"), outcome.err)
        places = [(int(line), int(column)) for line, column, _ in said]
        self.assertEqual(places, [problem[:2] for problem in problems], outcome.err)
        for (_, _, says), (_, _, pattern) in zip(said, problems):
            self.assertRegex(says, pattern)

    def changed(self, old, new):
        self.assertIn(old, GOOD)
        return GOOD.replace(old, new)

    def test_the_example_is_valid(self):
        example = harness.ROOT / "deploy" / "systemd" / "etcdrill.yaml"
        self.assertIn("valid", self.etcdrill("check", "config", "--syntax-only", example).out)

    def test_a_good_file(self):
        self.assertEqual(self.check(GOOD, 0).out, f"{self.path}: valid\n")

    def test_unknown_key_with_the_nearest_name(self):
        self.assertRefused(self.changed("timeout:", "timeuot:"),
                           (7, 3, r"snapshot\.timeuot.*did you mean timeout\?"))

    def test_unknown_key_far_from_any(self):
        self.assertRefused(GOOD + "backups: {}\n", (9, 1, "backups.*cluster.*store"))

    def test_a_key_in_the_wrong_section(self):
        self.assertRefused(self.changed("{path: snapshots}", "{path: snapshots, rpo: 2h}"),
                           (4, 26, r"store\.rpo"))

    def test_duplicate_key(self):
        self.assertRefused(self.changed("  name: prod\n", "  name: prod\n  name: other\n"),
                           (3, 3, r"cluster\.name.*twice"))

    def test_duplicate_section(self):
        self.assertRefused(GOOD + "store: {path: other}\n", (9, 1, "store.*twice"))

    def test_a_list_where_a_text_belongs(self):
        self.assertRefused(self.changed("name: prod", "name: [prod]"),
                           (2, 9, r"cluster\.name must be"))

    def test_a_text_where_a_section_belongs(self):
        self.assertRefused(self.changed("{path: snapshots}", "snapshots"),
                           (4, 8, "store must be a mapping"))

    def test_a_text_where_a_list_belongs(self):
        text = self.changed("[https://127.0.0.1:2379]", "https://127.0.0.1:2379")
        self.assertRefused(text, (3, 14, r"cluster\.endpoints must be a list"))

    def test_an_empty_list(self):
        self.assertRefused(self.changed("[https://127.0.0.1:2379]", "[]"), (3, 14, "at least one"))

    def test_a_duration_without_unit(self):
        self.assertRefused(self.changed("10m", "10"), (7, 12, r"snapshot\.timeout.*unit"))

    def test_a_duration_that_makes_no_sense(self):
        for value in ("-10m", "10 m", "10 minutes", "0s", "1e3s", "m"):
            with self.subTest(value):
                self.assertRefused(self.changed("10m", value), (7, 12, r"snapshot\.timeout"))

    def test_a_schedule_that_is_none(self):
        for value in ("hourly", "1h", "@every", "@every 1", "* * *"):
            with self.subTest(value):
                self.assertRefused(self.changed("@every 1h", value), (6, 13, r"snapshot\.schedule"))

    def test_a_word_that_is_none(self):
        self.assertRefused(GOOD + "log: {level: loud}\n", (9, 14, r"log\.level"))

    def test_a_name_that_is_no_file_name(self):
        self.assertRefused(self.changed("name: prod", "name: ../prod"), (2, 9, r"cluster\.name"))

    def test_addresses_that_are_none(self):
        for value in ("ftp://127.0.0.1:2379", "127.0.0.1", "https://127.0.0.1:99999"):
            with self.subTest(value):
                self.assertRefused(self.changed("https://127.0.0.1:2379", value), (3, 15, value))
        self.assertRefused(GOOD + "web: {listen: somewhere}\n", (9, 15, r"web\.listen"))

    def test_second_document(self):
        self.assertRefused(GOOD + "---\nstore: {path: other}\n", (10, 1, "second YAML document"))

    def test_not_yaml(self):
        self.assertRefused(self.changed("[https://127.0.0.1:2379]", "[https://127.0.0.1:2379"),
                           (4, 6, "."))
        self.assertRegex(self.check("\tcluster: {}\n", 2).err, r"etcdrill\.yaml:1:\d+: ")
        self.assertRegex(self.check('cluster: {name: "open\n', 2).err, r"etcdrill\.yaml:\d+:\d+: ")

    def test_other_contents(self):
        self.assertRefused("- a\n- b\n", (1, 1, "mapping"))
        self.assertRegex(self.check("just words\n", 2).err, r"etcdrill\.yaml:1:1: ")
        self.assertRegex(self.check("\0\1\2", 2).err, r"etcdrill\.yaml:\d+:\d+: ")

    def test_all_problems_in_one_pass(self):
        text = self.changed("name: prod", "nam: prod").replace("10m", "10").replace(
            "rpo: 2h", "rop: 2h") + "storage: {}\n"
        self.assertRefused(text, (2, 3, "name"), (7, 12, "unit"), (8, 14, "rpo"),
                           (9, 1, "storage.*store"))

    def warned(self, text, **env):
        self.path = self.dir / "etcdrill.yaml"
        self.path.write_text(text)
        outcome = self.etcdrill("check", "config", "--syntax-only", self.path, env=env)
        self.assertEqual(outcome.out, f"{self.path}: valid\n")
        return re.findall(rf"^warning: {re.escape(str(self.path))}: (.*)$", outcome.err, re.M)

    def test_what_is_hardly_meant_is_a_warning(self):
        self.assertEqual(self.warned(GOOD), [])
        self.assertEqual(self.warned("{}\n"), [])
        warning, = self.warned(self.changed("rpo: 2h", "rpo: 30m"))
        self.assertRegex(warning,
                         r"objectives.rpo is 30m, but snapshot.schedule leaves up to 1h")
        warning, = self.warned(self.changed('"@every 1h"', '"@every 110m"\n  jitter: 10m'))
        self.assertRegex(warning, "objectives.rpo")
        warning, = self.warned(GOOD + "drill: {schedule: '0 3 * * 0'}\n")
        self.assertRegex(warning,
                         "objectives.restorable_rpo is 1d2h, but drill.schedule leaves up to 7d")
        self.assertEqual(self.warned(self.changed('"@every 1h"', "none")), [])

    def test_an_old_name_is_a_warning(self):
        self.assertEqual(self.warned(self.changed("rpo: 2h", "verified_rpo: 30h")), [])
        outcome = self.etcdrill("check", "config", "--syntax-only", self.path)
        self.assertRegex(
            outcome.err, r"^warning: \S+/etcdrill\.yaml:8:14: objectives\.verified_rpo is "
            r"deprecated, use objectives\.restorable_rpo: ")

    def test_what_goes_in_the_clear_is_a_warning(self):
        plain = self.changed("https://127", "http://127")
        self.assertEqual(self.warned(plain), [])
        with_tls = plain.replace("store:", "  tls: {ca_file: ca.crt}\nstore:")
        with_login = plain.replace("store:", "  auth: {username: root, password_file: p}\nstore:")
        self.assertRegex(
            self.warned(with_tls)[0],
            "^http://127.0.0.1:2379 is not encrypted, "
            "though certificates are configured: all of etcd")
        self.assertRegex(
            self.warned(with_login)[0],
            "^http://127.0.0.1:2379 is not encrypted, "
            "and has a login: the password and all of etcd")
        self.assertEqual(len(self.warned(with_login.replace("http://", ""))), 1)
        self.assertEqual(self.warned(with_tls.replace("http://", "")), [])
        self.assertEqual(
            self.warned(with_tls.replace("http://127.0.0.1:2379", "unix:///run/etcd.sock")), [])
        from_environment = with_login.replace("  endpoints: [http://127.0.0.1:2379]\n", "")
        self.assertEqual(
            len(self.warned(from_environment, ETCDCTL_ENDPOINTS="https://a:1, HTTP://b:2")), 1)

    def test_files_that_can_not_be_read(self):
        self.assertOneLine(
            self.etcdrill("check", "config", self.dir / "missing.yaml", code=1).err, "missing.yaml")
        self.assertOneLine(
            self.etcdrill("check", "config", self.dir, code=2).err, "not a regular file")
        self.assertOneLine(self.etcdrill("check", "config", code=2).err, "file")

    def test_every_command_that_takes_one_refuses_a_bad_one(self):
        self.path = self.dir / "etcdrill.yaml"
        self.path.write_text(self.changed("timeout:", "timeuot:"))
        for command in (["run"], ["snapshot", "save"], ["snapshot", "list"],
                        ["verify", "latest"], ["drill", "latest"], ["health"]):
            with self.subTest(command):
                outcome = self.etcdrill(*command, "--config", self.path, code=2, cwd=self.dir,
                                        timeout=10)
                self.assertOneLine(outcome.err, r"etcdrill\.yaml:7:3: .*did you mean timeout")
        self.assertEqual([path.name for path in self.dir.iterdir()], ["etcdrill.yaml"])

    def test_what_the_file_names_must_be_there_and_fit(self):
        path = self.dir / "etcdrill.yaml"
        etcd = harness.tool("3.5", "etcd")
        path.write_text(GOOD.replace("store:", """\
  tls: {ca_file: ca.crt}
  auth: {username: backup, password_file: password}
web: {config_file: web.yaml}
drill: {etcd: {binary: /nowhere/etcd}}
store:"""))
        self.check_named(path, ("cluster: CA file: .*ca.crt.*No such file",
                                "drill.etcd: .*/nowhere/etcd.*drill.etcd.binary",
                                "web.config_file: .*web.yaml.*No such file"))

        path.write_text(path.read_text().replace("ca_file: ca.crt", "server_name: etcd"))
        (self.dir / "web.yaml").write_text("{}\n")
        self.check_named(path, ("cluster: password file: .*No such file", "drill.etcd: .*"))
        self.assertOneLine(
            self.etcdrill("run", "--config", path, code=None, timeout=10).err, "password file")

        (self.dir / "password").write_text("secret")
        path.write_text(path.read_text().replace("/nowhere/etcd", "etcdrill.yaml"))
        self.check_named(path, ("drill.etcd: .*etcdrill.yaml",))

        path.write_text(path.read_text().replace("binary: etcdrill.yaml", f"binary: {etcd}"))
        self.assertEqual(self.etcdrill("check", "config", path).out, f"{path}: valid\n")

    def check_named(self, path, problems):
        """What is wrong with the files that it names, a line each."""
        lines = self.etcdrill("check", "config", path, code=2, cwd=self.dir).err.splitlines()
        self.assertEqual(len(lines), len(problems), lines)
        for line, problem in zip(lines, problems):
            self.assertRegex(line, f"{re.escape(str(path))}: {problem}")
        self.assertEqual(
            self.etcdrill("check", "config", "--syntax-only", path).out, f"{path}: valid\n")


class EndpointsOfTheEnvironment(harness.TestCase):
    """One file for every node of a DaemonSet: where it names no endpoints, they come from
    ETCDCTL_ENDPOINTS."""

    def health(self, text, code, **env):
        path = self.dir / "etcdrill.yaml"
        path.write_text(text)
        outcome = self.etcdrill("health", "--config", path, code=code, env=env)
        return outcome.out + outcome.err

    def test_they_are_used_where_the_file_names_none(self):
        endpoint, = harness.Cluster(self.scene, "3.5").endpoints
        self.assertIn(endpoint, self.health("cluster: {name: prod}\n", 0,
                                            ETCDCTL_ENDPOINTS=endpoint))
        self.assertIn("127.0.0.1:2379", self.health("cluster: {name: prod}\n", 1))

    def test_the_file_wins(self):
        closed = f"http://127.0.0.1:{harness.free_port()}"
        said = self.health(f"cluster: {{endpoints: [{closed}]}}\n", 1,
                           ETCDCTL_ENDPOINTS="http://127.0.0.1:1")
        self.assertIn(closed, said)


if __name__ == "__main__":
    harness.main()
