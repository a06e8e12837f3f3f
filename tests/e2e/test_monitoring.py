#!/usr/bin/env python3
"""Proves what people see: a real Prometheus and a real Alertmanager beside seven real sidecars,
each beside its own etcd, with one fault each. All of them run at once; the faults come after ten
seconds, are mended after 45 more, and have healed 25 s later.

Alerts that wait for nothing are seen in the live Alertmanager; the others in slow motion
(observers.py says why and how)."""
import concurrent.futures
import json
import math
import os
import re
import signal
import sys
import time

sys.dont_write_bytecode = True
import harness
import observers

QUIET, BROKEN, MENDING = 10, 45, 25  # seconds
VERSION = "3.5"
CONFIG = """\
cluster:
  name: {name}
  endpoints: {endpoints}
{tls}
store: {{path: volume/snapshots{sites}}}
snapshot: {{schedule: "@every {snapshot}", timeout: 3s, skip_unchanged: false}}
drill:
  schedule: "@every {drill}"
  scratch_dir: volume/scratch
  etcd: {{binary: {etcd}}}
  timeout: 20s
health: {{interval: 500ms, timeout: 1s}}
objectives: {{rpo: {rpo}, restorable_rpo: 90s, rto: 30s}}
web: {{listen: "127.0.0.1:{port}"}}
"""
# A directory: what is asked of a site works there, too.
COPIES = ', sites: [{name: elsewhere, directory: elsewhere, drill: "@every 15s"}]'
TLS = "  tls: {{ca_file: {pki}/ca.crt, cert_file: {pki}/client.crt, key_file: {pki}/client.key}}"


class Site:
    """An etcd cluster and its sidecar."""

    def __init__(self, scene, name, size=1, tls=False, snapshot="5s", drill="15s", rpo="20s",
                 copies=False):
        self.name = name
        self.scene = scene
        self.path = scene.new_dir()
        (self.path / "volume").mkdir(mode=0o700)
        (self.path / "elsewhere").mkdir(mode=0o700)
        self.etcd = harness.Cluster(scene, VERSION, size=size, tls=tls, start=False)
        self.port = harness.free_port()
        self.config = self.path / "etcdrill.yaml"
        self.config.write_text(
            CONFIG.format(name=name, endpoints=json.dumps(self.etcd.endpoints),
                          tls=TLS.format(pki=scene.certs) if tls else "", snapshot=snapshot,
                          drill=drill, rpo=rpo, sites=COPIES if copies else "",
                          etcd=harness.tool(VERSION, "etcd"), port=self.port))

    def prepare(self):
        for member in self.etcd.members:
            self.etcd.start_member(member)
        self.etcd.wait_healthy()
        harness.fill(self.etcd)

    def start_sidecar(self):
        self.sidecar = harness.Sidecar(self.scene, self.config, self.port, self.path)

    def send_etcd(self, number):
        for member in self.etcd.members:
            member.process.send_signal(number)

    def labels(self):
        """Of an alert of this site: that of its cluster, or of its sidecar as a target."""
        return {"etcd_cluster": self.name}, {"instance": f"127.0.0.1:{self.port}"}

    def snapshots(self):
        return sorted((self.path / "volume" / "snapshots").glob("*.db"))


# --- The faults: what breaks, and how it is mended ------------------------------------------------


class Fault:
    """None at all. must: the alerts that have to fire; may: those that follow from it if it lasts a
    little longer."""
    must, may = set(), set()
    settings = {"tls": True, "size": 2, "copies": True}  # it takes two to agree

    def prepare(self, site):
        pass

    def break_(self, site):
        pass

    def mend(self, site):
        pass


class Hang(Fault):
    """etcd accepts calls and answers none, so no snapshot is taken any more."""
    must = {
        "EtcdBackupSnapshotFailing", "EtcdBackupSnapshotStale", "EtcdBackupRpoBreached",
        "EtcdBackupSourceUnhealthy"
    }
    settings = {}

    def break_(self, site):
        site.send_etcd(signal.SIGSTOP)

    def mend(self, site):
        site.send_etcd(signal.SIGCONT)


class Rot(Fault):
    """One bit of the newest snapshot flips. The next one is taken before the damaged file is moved
    away."""
    must = {
        "EtcdRestoreDrillIntegrityFailed", "EtcdRestoreDrillFailing", "EtcdBackupSnapshotDamaged"
    }
    settings = {"snapshot": "35s", "drill": "4s", "rpo": "80s"}

    def break_(self, site):
        newest = site.snapshots()[-1]
        content = bytearray(newest.read_bytes())
        content[len(content) // 2] ^= 1
        rotten = site.path / "rotten.db"
        rotten.write_bytes(content)
        rotten.replace(newest)
        self.damaged = newest

    def mend(self, site):
        for file in (self.damaged, self.damaged.with_suffix(".json")):
            file.rename(site.path / file.name)


class MemberDown(Fault):
    must = {"EtcdBackupSourceUnhealthy"}
    settings = {"size": 3}

    def break_(self, site):
        site.etcd.kill(site.etcd.members[0])

    def mend(self, site):
        site.etcd.start_member(site.etcd.members[0])


class DiskFull(Fault):
    """Store and scratch lie on a file system of 512 MiB, which something else fills up."""
    must = {
        "EtcdBackupSnapshotFailing", "EtcdBackupStoreSpaceLow", "EtcdBackupScratchSpaceLow",
        "EtcdBackupSnapshotStale", "EtcdBackupRpoBreached"
    }
    may = {"EtcdRestoreDrillFailing", "EtcdBackupStoreFillingUp"}
    settings = {}

    def prepare(self, site):
        site.scene.mount_tmpfs(site.path / "volume", "512m")

    def break_(self, site):
        self.fill(site)
        scratch = site.path / "volume" / "scratch"
        harness.wait_until(lambda: not any(scratch.iterdir()),
                           "the end of a drill that was under way")
        self.fill(site)  # and what that one has left

    def fill(self, site):
        with open(site.path / "volume" / "filler", "ab", buffering=0) as filler:
            try:
                while filler.write(bytes(1 << 20)):
                    pass
            except OSError:
                pass

    def mend(self, site):
        (site.path / "volume" / "filler").unlink()


class Restart(Fault):
    """The sidecar is stopped, and is back five seconds (in slow motion: minutes) later; and once
    more."""
    settings = {}

    def break_(self, site):
        site.sidecar.stop()
        time.sleep(5)
        site.start_sidecar()

    mend = break_


class Gone(Fault):
    """The sidecar dies and stays away."""
    must = {"EtcdBackupVerifierDown", "EtcdBackupSnapshotStale", "EtcdBackupRpoBreached"}
    settings = {}

    def break_(self, site):
        site.sidecar.process.kill()
        site.sidecar.process.wait()

    def mend(self, site):
        site.start_sidecar()


FAULTS = {
    "healthy": Fault(), "hang": Hang(), "rot": Rot(), "member": MemberDown(), "full": DiskFull(),
    "restart": Restart(), "gone": Gone()
}


# --- What we ship for people ----------------------------------------------------------------------


def board_queries():
    """(where, PromQL) of all panels and annotations."""
    for file in sorted((harness.ROOT / "dashboards").glob("*.json")):
        board = json.loads(file.read_text())
        for panel in board["panels"]:
            for target in panel.get("targets", []):
                yield f"{board['title']}: {panel['title']}", target["expr"]
        for annotation in board["annotations"]["list"]:
            yield f"{board['title']}: annotation {annotation['name']}", annotation["expr"]


def runbook_commands():
    """(runbook, command line), each command once."""
    seen = set()
    for file in sorted((harness.ROOT / "alerts" / "runbooks").glob("*.md")):
        for block in re.findall(r"^ *```sh\n(.*?)^ *```", file.read_text(), re.M | re.S):
            for command in re.sub(r"\\\n *", "", block).splitlines():
                command = command.strip()
                if command not in seen:
                    seen.add(command)
                    yield file.stem, command


# --- The play -------------------------------------------------------------------------------------


class Play(harness.TestCase):
    """Runs once, for all tests below: they look at what was recorded, and at the live servers."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.faults = {name: fault for name, fault in FAULTS.items()
                      if os.geteuid() == 0 or not isinstance(fault, DiskFull)}
        cls.sites = {name: Site(cls.scene, name, **fault.settings)
                     for name, fault in cls.faults.items()}
        # Kept to the end: a process that is started here dies with the thread that started it.
        cls.pool = concurrent.futures.ThreadPoolExecutor(len(cls.sites))
        cls.addClassCleanup(cls.pool.shutdown)
        cls.each(lambda fault, site: (fault.prepare(site), site.prepare()))
        cls.alertmanager = observers.Alertmanager(cls.scene, cls.scene.new_dir())
        cls.each(lambda fault, site: site.start_sidecar())
        for site in cls.sites.values():
            site.sidecar.wait_for_line("drill passed", timeout=60)
        sidecars = {name: [f"127.0.0.1:{site.port}"] for name, site in cls.sites.items()}
        members = {name: [url.partition("//")[2] for url in site.etcd.endpoints]
                   for name, site in cls.sites.items() if not site.etcd.tls}
        cls.prometheus = observers.Prometheus(cls.scene, cls.scene.new_dir(),
                                              {"etcdrill": sidecars, "etcd": members},
                                              cls.alertmanager)
        harness.wait_until(
            lambda: len(cls.prometheus.query('up{job="etcdrill"} == 1')) == len(cls.sites),
            "all sidecars scraped")

        cls.began = time.time()
        time.sleep(QUIET)
        cls.broken_at = cls.minute()
        cls.each(lambda fault, site: fault.break_(site))
        cls.live = cls.watch(cls.began + cls.broken_at + BROKEN)
        cls.mended_at = cls.minute()
        cls.each(lambda fault, site: fault.mend(site))
        time.sleep(max(0, cls.began + cls.mended_at + MENDING - time.time()))
        cls.ended = time.time()
        cls.slow = observers.SlowMotion(cls.prometheus, cls.scene.new_dir(), cls.began, cls.ended)

    @classmethod
    def each(cls, what):
        """At all sites at once."""
        list(cls.pool.map(lambda name: what(cls.faults[name], cls.sites[name]), cls.sites))

    @classmethod
    def minute(cls):
        return int(time.time() - cls.began)

    @classmethod
    def watch(cls, until):
        """{site: {alert: the states in which Alertmanager had it}}, until then."""
        seen = {name: {} for name in cls.sites}
        while time.time() < until:
            for name in cls.sites:
                for labels in cls.sites[name].labels():
                    for alert, state in cls.alertmanager.states(**labels).items():
                        seen[name].setdefault(alert, set()).add(state)
            time.sleep(1)
        return seen

    def assertSlowly(self, *expectations):
        """That these hold in slow motion: (PromQL, minute, [labels])."""
        said = self.slow.problems(expectations)
        errors = [
            f"{name}: {line}" for name, site in self.sites.items()
            for line in site.sidecar.log.read_text().splitlines() if "level=error" in line
        ]
        if said:
            self.fail("\n".join(["errors of the sidecars:", *errors, said]))

    def test_nothing_fires_before_the_faults(self):
        self.assertSlowly((f'max_over_time(ALERTS{{alertstate="firing"}}[{self.broken_at}m])',
                           self.broken_at, []))

    def test_each_fault_raises_its_alerts_and_no_others(self):
        end = self.slow.minutes - 1
        expected = []
        for name, fault in self.faults.items():
            alerts = " or ".join(
                f'max_over_time(ALERTS{{alertstate="firing",{label}="{value}",'
                f'alertname!~"{"|".join(fault.may)}"}}[{end}m])'
                for labels in self.sites[name].labels() for label, value in labels.items())
            expected.append((f"group by (alertname) ({alerts})", end,
                             [{"alertname": alert} for alert in fault.must]))
        self.assertSlowly(*expected)

    def test_all_is_silent_when_mended(self):
        self.assertSlowly(('ALERTS{alertstate="firing"}', self.slow.minutes - 1, []))

    def test_nothing_flaps(self):
        """No alert begins twice, neither over the restart of a sidecar nor otherwise."""
        labels = "alertname, severity, etcd_cluster, instance"
        firing = f'count by ({labels}) (ALERTS{{alertstate="firing"}}'
        begins = f"({firing})) unless ({firing} offset 1m))"
        self.assertSlowly((f"count_over_time(({begins})[{self.slow.minutes}m:1m]) > 1",
                           self.slow.minutes - 1, []))

    def test_alertmanager_heard_at_once_of_what_does_not_wait(self):
        self.assertIn("active", self.live["hang"].get("EtcdBackupSnapshotFailing", ()))
        self.assertIn("active", self.live["rot"].get("EtcdRestoreDrillIntegrityFailed", ()))
        if "full" in self.sites:
            self.assertIn("active", self.live["full"].get("EtcdBackupSnapshotFailing", ()))
        self.assertEqual((self.live["healthy"], self.live["restart"]), ({}, {}))

    def test_alertmanager_tells_one_fault_once(self):
        for alert in ("EtcdRestoreDrillFailing", "EtcdBackupSnapshotDamaged"):
            self.assertIn("suppressed", self.live["rot"].get(alert, ()), alert)

    def test_an_alert_leads_to_its_runbook(self):
        integrity = 'ALERTS{alertstate="firing",alertname="EtcdRestoreDrillIntegrityFailed"}'
        fired = self.prometheus.query_range(integrity, self.began, self.ended)
        self.assertIn("sha256", {labels["check"] for labels, _ in fired})
        groups = observers.ask(self.prometheus.port, "/api/v1/rules")["data"]["groups"]
        sick = {rule["name"]: rule["health"]
                for group in groups
                for rule in group["rules"] if rule["health"] != "ok"}
        self.assertEqual(sick, {})

    def test_etcd_itself_is_a_witness(self):
        """The labels by which EtcdBackupNotSeenByServer finds etcd's own count are real, and the
        count moves."""
        witness = (
            'grpc_server_handled_total{grpc_service="etcdserverpb.Maintenance",'
            'grpc_method="Snapshot",grpc_code="OK",etcd_cluster="restart"}')
        (_, counts), = self.prometheus.query_range(witness, self.began, self.ended)
        self.assertGreater(counts[-1], counts[0])

    def test_every_panel_has_data(self):
        """Of the healthy site; what shows failures alone, of the others."""
        for where, expr in board_queries():
            if re.search("etcdrill_site_(credentials|locked|request_failures|findings)", expr):
                continue  # a directory has none, and does not fail
            with self.subTest(where, expr=expr):
                site = ".*" if "> 0" in expr else "healthy"
                variables = {
                    "etcd_cluster": site, "job": "etcdrill", "instance": ".+",
                    "__rate_interval": "10s", "__interval": "5s",
                    "__range": f"{self.slow.minutes}s"
                }
                for variable, value in variables.items():
                    expr = re.sub(rf"\${variable}\b", value, expr)
                found = self.prometheus.query_range(expr, self.began, self.ended)
                values = [number for _, numbers in found for number in numbers]
                self.assertFalse(all(map(math.isnan, values)), "no data")

    def test_the_commands_of_the_runbooks_work(self):
        """At the healthy site, but for those that ask systemd, which does not run here."""
        site = self.sites["healthy"]
        pki = self.scene.certs
        name = site.snapshots()[-1].stem
        environment = {
            "ETCDCTL_ENDPOINTS": ",".join(site.etcd.endpoints), "ETCDCTL_CACERT": pki / "ca.crt",
            "ETCDCTL_CERT": pki / "client.crt", "ETCDCTL_KEY": pki / "client.key",
            "PATH": f"{harness.build_dir()}:{harness.etcd_dir() / VERSION}:{os.environ['PATH']}"
        }
        places = {
            "runuser -u etcdrill -- ": "", "/etc/etcdrill/etcdrill.yaml": site.config,
            "/var/lib/etcdrill": site.path / "volume", ":9379": f":{site.port}",
            ":2379": ":" + site.etcd.endpoints[0].rsplit(":", 1)[1],
            "/root/etcd.db": self.dir / "etcd.db", " NAME": f" {name}",
            "--site SITE": "--site elsewhere"
        }
        for where, command in runbook_commands():
            if re.match(r"systemctl|systemd-cgls|journalctl|timedatectl", command):
                continue
            if "site_credentials" in command or "age -d" in command:
                continue  # of a bucket, and of what is encrypted
            for old, new in places.items():
                command = command.replace(old, str(new))
            command = command.replace("--data-dir DIR", f"--data-dir {self.scene.new_dir()}/data")
            with self.subTest(where, command=command):
                outcome = harness.run(["bash", "-o", "pipefail", "-c", command], cwd=pki,
                                      env=environment)
                self.assertEqual(outcome.code, 0, outcome.out + outcome.err)


class Inhibition(harness.TestCase):
    """The real Alertmanager on our example: who silences whom, and whom not."""

    def test_the_lesser_alert_is_silent_where_it_is_the_same_fault(self):
        alertmanager = observers.Alertmanager(self.scene, self.dir)
        place = {"job": "etcdrill", "etcd_cluster": "a", "instance": "cp1", "site": "first"}
        of_cluster = {"job": "etcdrill", "etcd_cluster": "a"}
        cases = [  # the greater alert, its labels, the lesser one, and labels that part the two
            ("EtcdBackupVerifierAbsent", {"job": "etcdrill"}, "EtcdBackupVerifierDown",
             {"job": "other"}),
            ("EtcdBackupRpoBreached", of_cluster, "EtcdBackupSnapshotStale",
             {"etcd_cluster": "b"}),
            ("EtcdBackupRpoBreached", of_cluster, "EtcdBackupRestorableRpoBreached",
             {"etcd_cluster": "b"}),
            ("EtcdRestoreDrillIntegrityFailed", place, "EtcdRestoreDrillFailing",
             {"instance": "cp2"}),
            ("EtcdRestoreDrillIntegrityFailed", place | {"check": "hashkv"},
             "EtcdBackupSnapshotDamaged", {"instance": "cp2"}),
            ("EtcdRestoreRtoBreached", place, "EtcdRestoreRtoAtRisk", {"instance": "cp2"}),
            ("EtcdBackupSiteStale", place, "EtcdBackupSiteNotDrilled", {"site": "nas"}),
            ("EtcdBackupSiteCredentialsEnding", place, "EtcdBackupSiteFailing", {"site": "nas"})
        ]
        for greater, labels, lesser, other in cases:
            alertmanager.post([labels | {"alertname": greater, "severity": "critical"},
                               place | {"alertname": lesser, "severity": "warning"},
                               place | other | {"alertname": lesser, "severity": "warning"}])
        for _, _, lesser, other in cases:
            with self.subTest(lesser):
                harness.wait_until(lambda: alertmanager.states(**place).get(lesser) == "suppressed",
                                   f"silence of {lesser}")
                self.assertEqual(alertmanager.states(**place | other)[lesser], "active")

    def test_a_failed_assertion_silences_no_damage(self):
        alertmanager = observers.Alertmanager(self.scene, self.dir)
        place = {"job": "etcdrill", "instance": "cp1"}
        alertmanager.post([
            place | {"alertname": "EtcdRestoreDrillIntegrityFailed", "check": "assertions",
                     "severity": "critical"},
            place | {"alertname": "EtcdRestoreDrillFailing", "severity": "warning"},
            place | {"alertname": "EtcdBackupSnapshotDamaged", "severity": "warning"}
        ])
        harness.wait_until(
            lambda: alertmanager.states(**place).get("EtcdRestoreDrillFailing") == "suppressed",
            "silence")
        self.assertEqual(alertmanager.states(**place)["EtcdBackupSnapshotDamaged"], "active")

    def test_critical_silences_the_warning_of_the_same_name(self):
        alertmanager = observers.Alertmanager(self.scene, self.dir)
        place = {"job": "etcdrill", "instance": "cp1", "alertname": "EtcdRestoreDrillFailing"}
        alertmanager.post([place | {"severity": "critical"}, place | {"severity": "warning"}])
        suppressed = {"EtcdRestoreDrillFailing": "suppressed"}
        harness.wait_until(lambda: alertmanager.states(severity="warning") == suppressed,
                           "silence")
        self.assertEqual(alertmanager.states(severity="critical"),
                         {"EtcdRestoreDrillFailing": "active"})


if __name__ == "__main__":
    harness.main()
