#!/usr/bin/env python3
"""Proves that a configuration is read again while the sidecar runs: by SIGHUP and by POST, whole or
not at all; what had begun ends, counters go on, and what needs a restart is named.
"""
import os
import re
import signal
import sys

sys.dont_write_bytecode = True
import harness
from sidecar_case import SidecarCase, cluster_section, configuration, every, merged

SUCCESSFUL = "etcdrill_config_last_reload_successful"
WHEN = "etcdrill_config_last_reload_success_timestamp_seconds"


class Reload(SidecarCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5")
        harness.fill(cls.cluster)

    def start(self, **changes):
        self.config = self.dir / "etcdrill.yaml"
        self.sections = merged({
            "cluster": cluster_section(self.cluster, name="prod"), "snapshot": every("1h"),
            "drill": every("1h") | {"timeout": "60s"},
            "health": {"interval": "1h", "timeout": "1s"}, "objectives": {"rpo": "2h"}
        }, changes)
        sidecar = super().start(**self.sections)
        self.port = sidecar.port
        return sidecar

    def write(self, **changes):
        """Changes the file."""
        self.sections = merged(self.sections, changes)
        configuration(self.dir, port=self.port, **self.sections)

    def reload(self, sidecar):
        return sidecar.request("/-/reload", "POST")

    def test_by_signal_and_by_post(self):
        sidecar = self.start()
        sidecar.wait_for_line("drill passed")
        began = sidecar.value(WHEN)
        self.assertEqual(sidecar.value(SUCCESSFUL), 1)
        self.assertEqual(sidecar.value("etcdrill_snapshot_interval_seconds"), 3600)
        requests = sidecar.value("etcdrill_etcd_requests_total", method="Status")

        self.write(snapshot=every("1s"), objectives={"rpo": "3h"})
        sidecar.process.send_signal(signal.SIGHUP)
        sidecar.wait_for_line("configuration reloaded")
        sidecar.wait_for_line("snapshot taken", after=3)
        self.assertEqual(sidecar.value("etcdrill_snapshot_interval_seconds"), 1)
        self.assertEqual(sidecar.value("etcdrill_objective_rpo_seconds"), 3 * 3600)
        self.assertGreater(sidecar.value(WHEN), began)
        self.assertGreaterEqual(sidecar.value("etcdrill_etcd_requests_total", method="Status"),
                                requests)
        self.assertGreaterEqual(sidecar.value("etcdrill_snapshot_attempts_total"), 4)

        self.write(snapshot=every("1h"))
        self.assertEqual(self.reload(sidecar), (200, "reloaded\n"))
        taken = len(sidecar.lines("snapshot taken"))
        self.write(health={"interval": "100ms"})
        self.assertEqual(self.reload(sidecar)[0], 200)
        probes = "etcdrill_endpoint_probe_duration_seconds_count"
        first = self.probes(sidecar)
        harness.wait_until(lambda: self.probes(sidecar) > first + 12,
                           f"{probes} to rise: more than a second of probes")
        # One may have begun before.
        self.assertLessEqual(len(sidecar.lines("snapshot taken")), taken + 1)
        self.assertEqual(sidecar.stop(), 0)

    def probes(self, sidecar):
        family = sidecar.metrics()["etcdrill_endpoint_probe_duration_seconds"]
        return sum(value for name, _, value in family.samples if name.endswith("_count"))

    def test_a_bad_file_changes_nothing(self):
        sidecar = self.start()
        sidecar.wait_for_line("drill passed")
        began = sidecar.value(WHEN)
        good = self.config.read_text()
        self.write(snapshot=every("never"), objectives={"rpa": "2h"})
        status, body = self.reload(sidecar)
        self.assertEqual(status, 500)
        self.assertRegex(body, r"etcdrill\.yaml:1:\d+: snapshot\.schedule: ")
        self.assertRegex(body,
                         r"etcdrill\.yaml:1:\d+: objectives\.rpa is not a key; did you mean rpo\?")
        self.assertIn("level=error", sidecar.lines("configuration not reloaded")[-1])
        self.assertEqual((sidecar.value(SUCCESSFUL), sidecar.value(WHEN)), (0, began))
        self.assertEqual(sidecar.value("etcdrill_objective_rpo_seconds"), 7200)
        self.assertEqual(sidecar.request("/-/snapshot", "POST")[0], 202)  # all goes on as before
        sidecar.wait_for_line("snapshot taken", after=1)
        self.config.unlink()
        self.assertEqual(self.reload(sidecar)[0], 500)
        self.config.write_text(good)
        self.assertEqual(self.reload(sidecar)[0], 200)
        self.assertEqual(sidecar.value(SUCCESSFUL), 1)

    def test_what_needs_a_restart_is_named(self):
        sidecar = self.start()
        sidecar.wait_for_line("drill passed")
        self.write(objectives={"rpo": "5h"}, cluster={"name": "other"},
                   store={"path": "elsewhere"}, web={"enable_lifecycle": False})
        status, body = self.reload(sidecar)
        self.assertEqual(status, 500)
        self.assertIn("cluster.name, store.path, web.enable_lifecycle "
                      "cannot change at run time. Restart etcdrill", body)
        # Not a part of it either.
        self.assertEqual(sidecar.value("etcdrill_objective_rpo_seconds"), 7200)
        self.assertFalse((self.dir / "elsewhere").exists())

    def test_what_had_begun_ends_and_nothing_runs_twice(self):
        """A drill whose etcd takes long to start goes on over reloads; the next one is by the new
        configuration."""
        slow = self.dir / "etcd"
        go = self.dir / "go"
        slow.write_text(
            '#!/bin/sh\n'
            f'if [ "$1" != --version ]; then while [ ! -e {go} ]; do sleep 0.1; done; fi\n'
            f'exec {harness.tool("3.5", "etcd")} "$@"\n')
        slow.chmod(0o755)
        sidecar = self.start(drill={"etcd": {"binary": str(slow)}})
        sidecar.wait_for_value(1, "etcdrill_drill_in_progress")
        for number in range(20):
            self.write(drill={"etcd": {"binary": str(harness.tool("3.5", "etcd"))}},
                       objectives={"rpo": f"{number + 1}h"})
            self.assertEqual(self.reload(sidecar), (200, "reloaded\n"))
        self.assertEqual(sidecar.request("/-/drill", "POST"), (409, "already running\n"))
        self.assertEqual(sidecar.value("etcdrill_drill_in_progress"), 1)
        go.touch()
        sidecar.wait_for_line("drill passed")
        harness.wait_until(lambda: self.reload(sidecar)[0] == 200 and self.threads(sidecar) < 40,
                           "the old threads to end")
        harness.wait_until(lambda: sidecar.request("/-/drill", "POST")[0] == 202, "a start")
        sidecar.wait_for_line("drill passed", after=1)
        self.assertEqual(len(sidecar.lines("snapshot taken")), 1)
        self.assertEqual(sidecar.lines("drill failed"), [])
        self.assertEqual(sidecar.stop(), 0)

    def threads(self, sidecar):
        return len(os.listdir(f"/proc/{sidecar.process.pid}/task"))

    def test_a_drill_that_waits_for_a_snapshot_starts_by_the_new_configuration(self):
        """The source is not there at first, and asked again and again; a reload names the right
        one."""
        sidecar = self.start(cluster={"endpoints": ["127.0.0.1:1"]})
        sidecar.wait_for_line("snapshot attempt failed")
        self.assertIsNone(sidecar.value("etcdrill_source_members"))
        self.write(cluster={"endpoints": self.cluster.endpoints})
        self.assertEqual(self.reload(sidecar)[0], 200)
        sidecar.wait_for_line("drill passed")
        family = sidecar.metrics()["etcdrill_endpoint_healthy"]
        endpoints = {labels["etcd_endpoint"] for _, labels, _ in family.samples}
        self.assertEqual(endpoints, {self.cluster.endpoints[0]})
        self.assertEqual(sidecar.stop(), 0)

    def test_what_is_switched_off_is_not_due(self):
        sidecar = self.start(snapshot=every("1s"))
        sidecar.wait_for_line("snapshot taken", after=2)
        due = "etcdrill_task_next_run_timestamp_seconds"
        self.assertIsNotNone(sidecar.value(due, task="snapshot"))
        self.write(snapshot={"schedule": "none"}, drill={"schedule": "none"})
        self.assertEqual(self.reload(sidecar)[0], 200)
        taken = len(sidecar.lines("snapshot taken"))
        harness.wait_until(lambda: sidecar.value(due, task="health") is not None,
                           "what goes on to be due")
        for task in ("snapshot", "drill"):
            self.assertIsNone(sidecar.value(due, task=task))
        self.assertLessEqual(len(sidecar.lines("snapshot taken")), taken + 1)
        self.assertEqual(sidecar.stop(), 0)

    def test_without_a_file_there_is_nothing_to_read(self):
        process = self.scene.start([
            harness.build_dir() / "etcdrill", "run", "--endpoints", self.cluster.endpoints[0],
            "--store", self.dir / "store"
        ], self.dir / "log")
        self.addCleanup(process.kill)
        log = self.dir / "log"
        harness.wait_until(lambda: "etcdrill started" in log.read_text(), "its start")
        process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: "configuration not reloaded" in log.read_text(),
                           "the answer to SIGHUP")
        self.assertIn("without --config", log.read_text())
        self.assertIsNone(process.poll())
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(5), 0)

    def test_the_lines_of_a_run_have_its_id(self):
        sidecar = self.start()
        sidecar.wait_for_line("drill passed")
        ids = [re.search(r" run_id=([0-9a-f]{8}) ", sidecar.lines(message)[0])[1]
               for message in ("snapshot taken", "drill passed")]
        self.assertNotEqual(ids[0], ids[1])
        self.assertNotIn("run_id", sidecar.lines("etcdrill started")[0])


if __name__ == "__main__":
    harness.main()
