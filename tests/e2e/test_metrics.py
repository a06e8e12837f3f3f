#!/usr/bin/env python3
"""Holds docs/reference/metrics.md equal to the live page in three states: fresh, as nothing has
answered yet; running, after all has happened that a metric can tell; restarted, as nothing has
answered again. promtool is content with each of the three pages.

The source is three real members that are stopped (SIGSTOP) where nothing may answer: then the
states last as long as we look."""
import signal
import ssl
import sys

sys.dont_write_bytecode = True
import catalogue
import harness
from sidecar_case import cluster_section, every, start_sidecar

# The newest that is here: 3.6 and later tell their quota.
VERSION = next(version for version in ("3.7", "3.6", "3.5")
               if (harness.etcd_dir() / version / "etcd").exists())
WEB = "tls_server_config: {{cert_file: {pki}/server.crt, key_file: {pki}/server.key}}\n"

FRESH = {"start", "start, if configured", "first run"}  # the scrub has been run: it asks nobody
STORED = {"first snapshot", "first comparison", "first drill", "first passed drill",
          "first failed drill"}
SINCE_START = {"first probe", "answer of a member", "first failed snapshot"}


class ThreeStates(harness.TestCase):
    """One life of one sidecar: each test looks at the page that was kept of one state."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.home = cls.scene.new_dir()
        cls.port = harness.free_port()
        cls.cluster = harness.Cluster(cls.scene, VERSION, size=3, tls=True)
        harness.fill(cls.cluster)
        (cls.home / "web.yml").write_text(WEB.format(pki=cls.scene.certs))
        (cls.home / "bin").mkdir()
        cls.pages = {}

        cls.use_etcd("/bin/false")
        cls.stop_members(signal.SIGSTOP)
        cls.pages["fresh"] = cls.fresh_page(cls.start("2s"))
        cls.sidecar.wait_for_line("snapshot failed")
        cls.stop_members(signal.SIGCONT)
        cls.sidecar.wait_for_line("drill failed")
        cls.use_etcd(harness.tool(VERSION, "etcd"))
        cls.sidecar.wait_for_line("drill passed")
        # From now on its drills fail: one that passes takes back the checks that it is not asked
        # for.
        cls.use_etcd("/bin/false")
        cls.sidecar.wait_for_line("drill failed", after=len(cls.sidecar.lines("drill failed")))
        cls.drill_a_cluster()
        cls.pages["running"] = harness.wait_until(cls.whole_page,
                                                  "a drill's new checks on the page")

        assert cls.sidecar.stop() == 0
        cls.stop_members(signal.SIGSTOP)
        cls.pages["restarted"] = cls.fresh_page(cls.start("1h"))

    @classmethod
    def start(cls, period):
        cls.sidecar = start_sidecar(
            cls.scene, cls.home, cluster_section(cls.cluster, name="three"), port=cls.port,
            tls=ssl.create_default_context(cafile=cls.scene.certs / "ca.crt"),
            snapshot=every(period) | {"timeout": "10s"},
            drill=every(period) | {
                "etcd": {"binary": "bin/etcd"},
                "assertions": [{"prefix": "/registry/pods/", "min_keys": 1}]
            },
            health={"timeout": "60s", "hashkv": "@every 24h"},
            web={"config_file": "web.yml", "enable_lifecycle": False})
        return cls.sidecar

    @classmethod
    def use_etcd(cls, binary):
        link = cls.home / "bin" / "etcd.new"
        link.symlink_to(binary)
        link.replace(cls.home / "bin" / "etcd")

    @classmethod
    def stop_members(cls, number):
        for member in cls.cluster.members:
            member.process.send_signal(number)

    @classmethod
    def fresh_page(cls, sidecar):
        """The first page on which each task has its time, and the scrub has ended: schedules start
        just after the port."""
        tasks = catalogue.catalogue()["etcdrill_task_next_run_timestamp_seconds"].labels["task"]
        wanted = ['last_run_timestamp_seconds{etcd_cluster="three",task="scrub"}',
                  *(f'next_run_timestamp_seconds{{etcd_cluster="three",task="{task}"}}'
                    for task in tasks)]
        def whole():
            page = cls.read(sidecar)
            return all(series in page for series in wanted) and page

        return harness.wait_until(whole, "a time for each task")

    @classmethod
    def drill_a_cluster(cls):
        """Two of the checks are for those who ask for them."""
        harness.must([
            harness.build_dir() / "etcdrill", "drill", "latest", "--full-cluster",
            "--config", cls.home / "etcdrill.yaml", "--etcd", harness.tool(VERSION, "etcd")
        ], timeout=120)

    @classmethod
    def whole_page(cls):
        page = cls.read(cls.sidecar)
        tasks = harness.by_label(
            harness.parse_metrics(page)["etcdrill_task_last_run_timestamp_seconds"], "task")
        return 'check="new_member"' in page and len(tasks) == 5 and page

    @classmethod
    def read(cls, sidecar):
        return sidecar.first_answer("/metrics")

    def assertIsCatalogue(self, state, since, whole=False):
        page = self.pages[state]
        families = harness.parse_metrics(page)
        self.assertEqual(list(catalogue.differences(families, since, "three", whole)), [])
        outcome = harness.run(["promtool", "check", "metrics"], text=page)
        self.assertEqual((outcome.code, outcome.out + outcome.err), (0, ""))

    def test_fresh(self):
        self.assertIsCatalogue("fresh", FRESH)

    def test_running(self):
        if VERSION == "3.5":
            self.skipTest("etcd 3.6 and later tell their quota, and none is here")
        self.assertIsCatalogue("running", FRESH | STORED | SINCE_START, whole=True)

    def test_restarted(self):
        self.assertIsCatalogue("restarted", FRESH | STORED)

    def test_endpoints_are_those_that_were_configured(self):
        family = harness.parse_metrics(self.pages["running"])["etcdrill_endpoint_healthy"]
        self.assertEqual(
            harness.by_label(family, "etcd_endpoint").keys(), set(self.cluster.endpoints))

    def test_no_state_has_other_series_of_what_is_always_there(self):
        """What is counted has its series from the start: a number that appears late can't be seen
        to rise."""
        always = {name for name, metric in catalogue.catalogue().items()
                  if metric.since == "start"}
        series = [{(sample, tuple(sorted(labels.items())))
                   for name, family in harness.parse_metrics(page).items() if name in always
                   for sample, labels, _ in family.samples} for page in self.pages.values()]
        self.assertEqual(series[0], series[1])
        self.assertEqual(series[0], series[2])


if __name__ == "__main__":
    harness.main()
