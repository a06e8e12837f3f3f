#!/usr/bin/env python3
"""Proves that addresses are taken and refused as etcd's own tools do: endpoints as etcdctl, peer
URLs as etcdutl, the address to listen on as the port says; and that flags, environment and
configuration can't differ, as they are one parser."""
import json
import os
import sys

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase


class Endpoints(harness.TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5", start=False)
        cls.port = int(cls.cluster.members[0].client_url.rsplit(":", 1)[1])
        cls.cluster.members[0].client_url = f"http://127.0.0.1:{cls.port},http://[::1]:{cls.port}"
        cls.cluster.start_member(cls.cluster.members[0])
        cls.cluster.members[0].client_url = f"http://127.0.0.1:{cls.port}"
        cls.cluster.wait_healthy()

    BOTH = [
        "127.0.0.1:{}", "http://127.0.0.1:{}", "http://127.0.0.1:{}/", "HTTP://127.0.0.1:{}",
        "Http://127.0.0.1:{}/", " 127.0.0.1:{} ", "127.0.0.1:{0}, 127.0.0.1:{0}",
        "127.0.0.1:{0},,127.0.0.1:{0}", ",127.0.0.1:{}", "127.0.0.1:{},", "127.0.0.1:00{}",
        "localhost:{}", "http://localhost:{}", "[::1]:{}", "http://[::1]:{}",
        "[::ffff:127.0.0.1]:{}", "http://[::1%25lo]:{}"
    ]
    NEITHER = [
        "", "::1:{}", "http://::1:{}", "127.0.0.1", "http://127.0.0.1", "http://127.0.0.1:",
        "localhost:{}/", "127.0.0.1:99999", "http://[127.0.0.1]:{}", "http:///127.0.0.1:{}",
        "tcp://127.0.0.1:{}", "http:127.0.0.1:{}", "127.0.0.1:0"
    ]
    ONLY_ETCDCTL = [
        "http://127.0.0.1:{}/x", "http://127.0.0.1:{}//", "http://127.0.0.1:{}?x",
        "http://u@127.0.0.1:{}", ":{}"
    ]

    def etcdctl(self, endpoints):
        tools = {version: harness.tool(version, "etcdctl") for version in ("3.5", "3.6")}
        flags = ["--endpoints", endpoints, "--dial-timeout=1s", "--command-timeout=1s"]
        return {harness.run([tool, *flags, "get", "x"]).code == 0 for tool in tools.values()}

    def etcdrill_takes(self, endpoints):
        """Whether each of the ways in takes it: flag, environment, configuration with and without
        the files."""
        flag = self.etcdrill("health", "--endpoints", endpoints, code=None).code
        config = self.dir / "etcdrill.yaml"
        config.write_text("cluster: {name: prod}\n")
        environment = self.etcdrill("health", "--config", config, code=None,
                                    env={"ETCDCTL_ENDPOINTS": endpoints}).code
        flags_environment = self.etcdrill("health", code=None,
                                          env={"ETCDCTL_ENDPOINTS": endpoints}).code
        config.write_text(json.dumps({"cluster": {"endpoints": [endpoints]}}))
        file = self.etcdrill("health", "--config", config, code=None).code
        syntax = self.etcdrill("check", "config", "--syntax-only", config, code=None).code
        if endpoints:  # an empty variable is none, as for etcdctl
            self.assertEqual({environment, flags_environment, file, flag}, {flag}, endpoints)
        self.assertEqual(syntax, 0 if file == 0 else 2, endpoints)
        self.assertIn(flag, (0, 2), endpoints)  # what is taken leads to the member
        return flag == 0

    def test_what_etcdctl_takes_is_taken(self):
        for form in self.BOTH:
            endpoints = form.format(self.port)
            with self.subTest(endpoints):
                self.assertEqual((self.etcdctl(endpoints), self.etcdrill_takes(endpoints)),
                                 ({True}, True))

    def test_what_etcdctl_refuses_is_refused(self):
        for form in self.NEITHER:
            endpoints = form.format(self.port)
            with self.subTest(endpoints):
                self.assertEqual((self.etcdctl(endpoints), self.etcdrill_takes(endpoints)),
                                 ({False}, False))

    def test_where_etcdctl_overlooks_something_it_is_said(self):
        for form in self.ONLY_ETCDCTL:
            endpoints = form.format(self.port)
            with self.subTest(endpoints):
                self.assertEqual((self.etcdctl(endpoints), self.etcdrill_takes(endpoints)),
                                 ({True}, False))
                self.assertOneLine(
                    self.etcdrill("health", "--endpoints", endpoints, code=2).err,
                    "is not a valid client URL: .*\. Write https:")

    def test_a_zone_needs_no_url(self):
        """etcdctl takes the % for the begin of an escape."""
        self.etcdrill("health", "--endpoints", f"[::1%lo]:{self.port}")

    def test_the_flag_may_be_repeated_and_leaves_arguments_alone(self):
        url = f"127.0.0.1:{self.port}"
        told = json.loads(
            self.etcdrill("health", "-w", "json", "--endpoints", url, "--endpoints",
                          f"http://{url}").out)
        self.assertEqual([member["endpoint"] for member in told], [url, f"http://{url}"])
        self.etcdrill("snapshot", "save", "--endpoints", url, self.dir / "s.db")

    def test_an_ipv4_address_in_the_clothes_of_ipv6_is_the_one_in_the_certificate(self):
        cluster = harness.Cluster(self.scene, "3.5", tls=True)
        self.addCleanup(cluster.kill)
        flags = cluster.flags()
        flags[1] = flags[1].replace("127.0.0.1", "[::ffff:127.0.0.1]")
        harness.must([harness.tool("3.5", "etcdctl"), *flags, "endpoint", "health"])
        self.etcdrill("health", *flags)


class PeerUrls(harness.TestCase):
    """--initial-cluster and --initial-advertise-peer-urls; the data directories that both make have
    the same ids."""

    SNAPSHOT = harness.fixture("e3530-compacted")
    BOTH = [("a=http://h:2380", "http://h:2380"), ("a=HTTP://h:2380", "http://h:2380"),
            ("a= http://h:2380 ", "http://h:2380"),
            ("a=http://h:2380, b=http://g:2380", "http://h:2380"),
            ("a=http://h:2380,,b=http://g:2380,", "http://h:2380"),
            (",a=http://h:2380", "http://h:2380"), ("a=http://h:2380", " http://h:2380 "),
            ("a=http://h:2380", "HTTP://h:2380"), ("a=http://[::1]:2380", "http://[::1]:2380"),
            ("a=unix://x", "unix://x"), ("a=UNIX:///x", "unix:///x"),
            ("a=http://h:0", "http://h:0"), ("a=http://h_h:2380", "http://h_h:2380"),
            ("a=http://h:2380,a=HTTPS://h:2381", "https://h:2381, http://h:2380")]
    NEITHER = [(" a=http://h:2380", "http://h:2380"), ("a=HTTP://H:2380", "http://h:2380"),
               ("a=http://h:2380/", "http://h:2380/"), ("a=http://::1:2380", "http://::1:2380"),
               ("a=http://h:http", "http://h:http"), ("a=http://h", "http://h"),
               ("a=http://h h:2380", "http://h h:2380"), ("a=http://[x]:2380", "http://[x]:2380"),
               ("a", "http://h:2380"), ("", "http://h:2380"), ("a=h:2380", "h:2380"),
               ("a=ftp://h:2380", "ftp://h:2380")]
    ONLY_ETCDUTL = [("a=http://h:", "http://h:"), ("a=http://h:99999", "http://h:99999"),
                    ("a=http://:2380", "http://:2380"), ("a=http://u@h:2380", "http://u@h:2380"),
                    ("a=http://h:2380?x", "http://h:2380?x"), ("a=http://ä:2380", "http://ä:2380")]

    def flags(self, name, lists):
        cluster, own = lists
        return [
            "snapshot", "restore", self.SNAPSHOT, "--data-dir", self.dir / name, "--name", "a",
            "--initial-cluster", cluster, "--initial-advertise-peer-urls", own
        ]

    def compare(self, number, lists):
        theirs = harness.run(
            [harness.tool("3.5", "etcdutl"), *self.flags(f"theirs-{number}", lists)]).code == 0
        outcome = self.etcdrill(*self.flags(f"ours-{number}", lists), "--no-sync", code=None)
        self.assertIn(outcome.code, (0, 2), outcome.err)
        if outcome.code == 2:
            self.assertOneLine(outcome.err, "--initial-|--name")
        return theirs, outcome.code == 0

    def wal(self, name):
        (path,) = (self.dir / name / "member" / "wal").glob("*.wal")
        return path.read_bytes().rstrip(b"\0")

    def test_what_etcdutl_takes_is_taken_with_the_same_result(self):
        for number, lists in enumerate(self.BOTH):
            with self.subTest(lists):
                self.assertEqual(self.compare(number, lists), (True, True))
                self.assertEqual(self.wal(f"ours-{number}"), self.wal(f"theirs-{number}"))

    def test_what_etcdutl_refuses_is_refused(self):
        for number, lists in enumerate(self.NEITHER):
            with self.subTest(lists):
                self.assertEqual(self.compare(number, lists), (False, False))

    def test_what_no_member_could_be_reached_by_is_refused(self):
        for number, lists in enumerate(self.ONLY_ETCDUTL):
            with self.subTest(lists):
                self.assertEqual(self.compare(number, lists), (True, False))

    def test_a_name_that_is_not_utf_8(self):
        name = os.fsdecode(b"a\xff")
        for flags in (
            ["--name", name],
            ["--name", name, "--initial-cluster", f"{name}=http://localhost:2380"],
            ["--initial-cluster", f"default=http://localhost:2380,{name}=http://h:2380"],
        ):
            outcome = self.etcdrill("snapshot", "restore", self.SNAPSHOT, "--data-dir",
                                    self.dir / "d", *flags, code=2)
            self.assertOneLine(outcome.err, r"a\\xff")
        self.assertEmpty(self.dir)


class Listen(SidecarCase):
    def check(self, address):
        config = self.dir / "etcdrill.yaml"
        config.write_text(json.dumps({"web": {"listen": address}}))
        return self.etcdrill("check", "config", "--syntax-only", config, code=None).code

    def test_forms(self):
        for good in (":9379", "127.0.0.1:9379", "[::1]:9379", "[::]:9379", "localhost:9379",
                     "127.0.0.1:0", "[fe80::1%eth0]:9379"):
            self.assertEqual(self.check(good), 0, good)
        for bad in ("", "9379", "::1:9379", " :9379", "http://127.0.0.1:9379", "127.0.0.1",
                    "127.0.0.1:", "[localhost]:9379", "127.0.0.1:http", "*:9379", "127.0.0.1:65536",
                    "a\0b:1"):
            self.assertEqual(self.check(bad), 2, bad)


if __name__ == "__main__":
    harness.main()
