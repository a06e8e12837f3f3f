#!/usr/bin/env python3
"""Proves docs/restore.md: its blocks are run as they stand, host by host, against real etcd of
one and of three members, and what was in the cluster before is in it again.

A host is a directory with the commands of such a machine in front of the PATH. What cannot be had
here is played: systemd and the kubelet by a thread that keeps etcd in the state that `systemctl` or
the manifest in the folder wants, crictl by a look at it. Of the page only the settings are
replaced, and the names of those must be the page's.
"""
import os
import pathlib
import re
import sys
import threading

sys.dont_write_bytecode = True
import harness

PAGE = (harness.ROOT / "docs" / "restore.md").read_text()
BLOCKS = dict(re.findall(r"^```sh ([\w-]+)\n(.*?)^```$", PAGE, re.S | re.M))
SYSTEMCTL = """#!/bin/bash
set -eu
case $1 in
start) touch {wanted}; until [ -e {running} ]; do sleep 0.05; done ;;
stop) rm -f {wanted}; while [ -e {running} ]; do sleep 0.05; done ;;
esac
"""
CRICTL = """\
#!/bin/bash
[ "$*" == 'ps --quiet --name ^(etcd|kube-apiserver)$' ] || exit 64
# No answer at first: that nothing is printed must not pass for nothing that runs.
if [ ! -e {asked} ]; then touch {asked}; exit 1; fi
if [ -e {running} ]; then echo 0123; fi
"""
CONTROL_PLANE = ("kube-apiserver.yaml", "kube-controller-manager.yaml", "kube-scheduler.yaml")


def settings_of_the_page():
    """The names that the block sets, without comments."""
    lines = [line.split(" #")[0] for line in BLOCKS["settings"].splitlines()]
    return {name for line in lines for name in re.findall(r"(?:^|export | )([A-Z][A-Z_]*)=", line)}


class Host:
    """One machine with a member of the cluster; its etcd runs exactly as long as it is wanted."""

    def __init__(self, scene, cluster, member, kubeadm):
        self.scene, self.cluster, self.member = scene, cluster, member
        self.dir = scene.new_dir()
        self.running = self.dir / "running"
        self.manifests = self.dir / "manifests"
        self.wanted = self.manifests / "etcd.yaml" if kubeadm else self.dir / "wanted"
        self.store = self.dir / "snapshots"
        self.settings = {}
        self._make_commands()
        self._over = threading.Event()
        if kubeadm:
            self.manifests.mkdir()
            for name in CONTROL_PLANE:
                (self.manifests / name).write_text(f"metadata: {{name: {name}}}\n")
        self.wanted.write_text("etcd\n")
        # What it starts dies with it: PR_SET_PDEATHSIG is a thread's.
        self._thread = threading.Thread(target=self._keep)
        self._thread.start()

    def _make_commands(self):
        bin_dir = self.dir / "bin"
        bin_dir.mkdir()
        for name, text in (("systemctl", SYSTEMCTL), ("crictl", CRICTL)):
            (bin_dir / name).write_text(
                text.format(wanted=self.wanted, running=self.running, asked=self.dir / "asked"))
            (bin_dir / name).chmod(0o755)
        (bin_dir / "etcdrill").symlink_to(harness.build_dir() / "etcdrill")
        for name in ("etcd", "etcdctl"):
            (bin_dir / name).symlink_to(harness.tool(self.cluster.version, name))

    def _keep(self):
        while not self._over.wait(0.05):
            wanted = self.wanted.exists() and not self._over.is_set()
            if wanted and not self.running.exists():
                self.cluster.start_member(self.member)
                self.running.touch()
            elif not wanted and self.running.exists():
                self.member.process.terminate()
                self.member.process.wait()
                self.running.unlink()

    def close(self):
        self._over.set()
        self._thread.join()
        self.cluster.kill(self.member)

    def lose(self):
        """The machine burns: etcd ends at once, its data is gone. A new one of the same name stands
        there, etcd not started."""
        self.wanted.rename(self.dir / "lost")
        self.member.process.kill()
        harness.wait_until(lambda: not self.running.exists(), "the end of etcd")
        harness.must(["rm", "-r", self.member.data_dir])

    def block(self, name):
        """Runs one block of the page; its output."""
        exports = "\n".join(f"export {key}='{value}'" for key, value in self.settings.items())
        script = f"set -euo pipefail\n{exports}\n{BLOCKS[name]}"
        return harness.must(
            ["bash", "-c", script], cwd=self.dir, timeout=90,
            env={"PATH": f"{self.dir / 'bin'}:{os.environ['PATH']}", "TMPDIR": str(self.dir)})


class Operations(harness.TestCase):
    def make(self, size, version="3.5", kubeadm=False, tls=False):
        """A cluster that runs, with its hosts, data, and a store with one snapshot that passed a
        drill."""
        self.kind = "kubeadm" if kubeadm else "systemd"
        self.cluster = harness.Cluster(self.scene, version, size=size, tls=tls, start=False)
        self.hosts = []
        for member in self.cluster.members:
            host = Host(self.scene, self.cluster, member, kubeadm)
            self.hosts.append(host)
            self.addCleanup(host.close)
            self.set_up(host)
        harness.wait_until(lambda: all(host.running.exists() for host in self.hosts), "every etcd")
        self.cluster.wait_healthy()
        harness.fill(self.cluster)
        first = self.hosts[0]
        config = first.settings["CONFIG"]
        self.etcdrill("snapshot", "save", "--config", config)
        self.etcdrill("drill", "latest", "--config", config)
        snapshot, = first.store.glob("*.db")
        for host in self.hosts:
            host.settings["SNAPSHOT"] = snapshot
        self.content, self.revision = self.cluster.content(), self.cluster.revision()
        self.cluster.etcdctl("put", "/registry/pods/after-the-snapshot", "lost")

    def set_up(self, host):
        pki = self.scene.certs if self.cluster.tls else None
        files = f"ca_file: {pki}/ca.crt, cert_file: {pki}/client.crt, key_file: {pki}/client.key"
        tls = f"tls: {{{files}}}" if pki else ""
        config = host.dir / "etcdrill.yaml"
        config.write_text(
            f"cluster:\n  endpoints: [{', '.join(self.cluster.endpoints)}]\n  {tls}\n"
            f"store: {{path: {host.store}}}\n"
            f"drill: {{scratch_dir: {host.dir}/scratch, etcd: {{binary: {host.dir}/bin/etcd}}}}\n")
        host.settings = {
            "CONFIG": config, "SNAPSHOT": "", "ETCD": host.dir / "bin" / "etcd",
            "DATA": host.member.data_dir, "OWNER": f"{os.getuid()}:{os.getgid()}",
            "NAME": host.member.name, "PEER": host.member.peer_url,
            "CLUSTER": self.cluster.initial_cluster, "TOKEN": "restored-1",
            "BUMP": "--bump-revision 1000000 --mark-compacted", "MANIFESTS": host.manifests,
            "SPARE": harness.free_port(), "ETCDCTL_API": "3",
            "ETCDCTL_ENDPOINTS": ",".join(self.cluster.endpoints),
            "ETCDCTL_CACERT": f"{pki}/ca.crt" if pki else "",
            "ETCDCTL_CERT": f"{pki}/client.crt" if pki else "",
            "ETCDCTL_KEY": f"{pki}/client.key" if pki else ""
        }

    def everywhere(self, block):
        """On every host, at once: members of a cluster wait for each other."""
        failed = []

        def run(host):
            try:
                host.block(block)
            except Exception as error:  # noqa: BLE001  told below, by the thread that may
                failed.append(error)

        threads = [threading.Thread(target=run, args=(host,)) for host in self.hosts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if failed:
            raise failed[0]

    def restore_and_check(self):
        """Steps 3 to 5, and that the cluster is what it was."""
        self.everywhere("restore")
        self.everywhere(f"start-{self.kind}")
        first = self.hosts[0]
        said = first.block("check")
        keys = len(self.content)
        self.assertIn(f'"Count" : {keys}', said)
        self.assertRegex(said, rf"\| +{keys} +\|")
        self.assertEqual([self.cluster.content(member) for member in self.cluster.members],
                         [self.content] * len(self.cluster.members))
        size = len(self.hosts)
        saved = first.block("first-snapshot")
        self.assertIn(f"proven: revision {self.cluster.revision()}", saved)
        self.assertIn(f"HashKV equal to {size} of {size} members", saved)
        self.cluster.etcdctl("put", "it", "writes")
        self.cluster.etcdctl("del", "it")

    def worst_day(self, bump=True):
        first = self.hosts[0]
        self.assertRegex(first.block("choose"), r"restorable(.|\n)*: proven")
        self.assertIn("proven, level 5 of 5", first.block("prove"))
        self.everywhere(f"stop-{self.kind}")
        self.assertTrue(all(member.process.poll() is not None for member in self.cluster.members))
        if not bump:
            for host in self.hosts:
                host.settings["BUMP"] = ""
        self.restore_and_check()
        # etcdrill needs nothing: the store of before takes the snapshots of after, and they pass
        # their drill.
        config = first.settings["CONFIG"]
        self.assertIn("proven: revision", self.etcdrill("snapshot", "save", "--config", config).out)
        self.assertIn("proven, level 5 of 5",
                      self.etcdrill("drill", "latest", "--config", config).out)
        if bump:
            self.assertGreater(self.cluster.revision(), self.revision + 1_000_000)
        else:
            self.assertRegex(first.block("lineage"), r"\Acontinues\n")

    def test_the_settings_are_those_of_the_page(self):
        self.make(1)
        self.assertEqual(settings_of_the_page(), set(self.hosts[0].settings))
        used = {name for block in BLOCKS.values()
                for name in re.findall(r"\$\{?([A-Z][A-Z_]*)", block)}
        self.assertLessEqual(used, settings_of_the_page())

    def test_every_marked_block_is_run(self):
        """A block that no test names would be marked for nothing; so would one that the page does
        not call tested."""
        text = pathlib.Path(__file__).read_text()
        for name in BLOCKS:
            kind = re.fullmatch(r"(stop|start)-(systemd|kubeadm)", name)
            self.assertTrue(
                kind or name == "settings" or f'block("{name}")' in text
                or f'everywhere("{name}")' in text, name)
        # All but the settings, and once in the introduction.
        self.assertEqual(PAGE.count("*(tested"), len(BLOCKS))

    def test_one_member_under_systemd(self):
        self.make(1)
        self.worst_day()

    def test_one_member_without_a_bump(self):
        self.make(1, version="3.6")
        self.worst_day(bump=False)

    def test_three_members_under_systemd(self):
        self.make(3)
        self.worst_day()

    def test_three_members_without_a_bump(self):
        self.make(3, version="3.4")
        self.worst_day(bump=False)

    def test_one_member_of_kubeadm(self):
        self.make(1, version="3.6", kubeadm=True, tls=True)
        self.worst_day()
        self.everywhere("start-control-plane")

    def test_three_members_of_kubeadm(self):
        self.make(3, kubeadm=True, tls=True)
        self.worst_day()
        for host in self.hosts:
            self.assertEqual([path.name for path in host.manifests.iterdir()], ["etcd.yaml"])
        self.everywhere("start-control-plane")
        for host in self.hosts:
            self.assertEqual(sorted(path.name for path in host.manifests.iterdir()),
                             sorted(("etcd.yaml", *CONTROL_PLANE)))

    def test_a_wrong_start_can_be_taken_back(self):
        """What the page promises of the old data: moved back, the old cluster runs."""
        self.make(1)
        host = self.hosts[0]
        host.block("stop-systemd")
        host.block("restore")
        host.block("start-systemd")
        self.cluster.wait_healthy()
        harness.must([host.dir / "bin" / "systemctl", "stop", "etcd"])
        harness.must(["rm", "-r", host.member.data_dir])
        harness.must(["mv", f"{host.member.data_dir}.before", host.member.data_dir])
        host.block("start-systemd")
        self.cluster.wait_healthy()
        self.assertEqual(self.cluster.content()[b"/registry/pods/after-the-snapshot"], b"lost")

    def check_survivor(self, version, tls):
        """Two of three machines burn; the third has all that was committed, also what came after
        the newest snapshot."""
        self.make(3, version=version, tls=tls)
        self.content = self.cluster.content()
        survivor, *lost = self.hosts
        for host in lost:
            host.lose()
        harness.must([survivor.dir / "bin" / "systemctl", "stop", "etcd"])
        self.assertIn("Snapshot saved", survivor.block("survivor"))
        data = survivor.member.data_dir
        self.assertEqual(harness.processes_naming(f"{data}.survivor"), [])
        harness.must(["mv", data, f"{data}.before"])
        for host in self.hosts:
            host.settings["SNAPSHOT"] = f"{data}.survivor.db"
        self.restore_and_check()
        self.assertEqual(self.cluster.content()[b"/registry/pods/after-the-snapshot"], b"lost")

    def test_the_last_survivor(self):
        self.check_survivor("3.5", tls=False)

    def test_the_last_survivor_with_certificates(self):
        self.check_survivor("3.6", tls=True)


if __name__ == "__main__":
    harness.main()
