#!/usr/bin/env python3
"""Proves that what opens the door to etcd may be replaced under a running sidecar: certificates,
keys, authorities, passwords, and whether etcd asks for a user at all. The next call uses what is
there now; while it does not fit, one line says so."""
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import harness
from sidecar_case import PASSWORD, SidecarCase, cluster_section

NOT_AFTER = "etcdrill_certificate_not_after_timestamp_seconds"


class Pki:
    """Certificate authorities and what they sign, by openssl."""

    def __init__(self, path):
        self.path = path
        path.mkdir()

    def _openssl(self, *arguments):
        harness.must(["openssl", *arguments], cwd=self.path)

    def authority(self, name, days=30):
        """With days=-1 one that has expired."""
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (self.path / "authority").write_text("basicConstraints=critical,CA:TRUE\n")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-signkey", f"{name}.key", "-days",
                      str(days), "-out", f"{name}.crt", "-extfile", "authority")
        return self.path / f"{name}.crt"

    def issue(self, name, authority, days=30):
        """NAME.crt and NAME.key, for servers on loopback and for clients; with days=-1 one that has
        expired."""
        (self.path / "extensions").write_text("extendedKeyUsage=serverAuth,clientAuth\n"
                                              "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                      "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", f"{authority}.crt",
                      "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", str(days),
                      "-out", f"{name}.crt", "-extfile", "extensions")
        return self.path / f"{name}.crt", self.path / f"{name}.key"

    def not_after(self, certificate):
        told = harness.must(
            ["openssl", "x509", "-in", certificate, "-noout", "-enddate", "-dateopt", "iso_8601"])
        end = told.strip().removeprefix("notAfter=")
        return float(subprocess.check_output(["date", "-d", end, "+%s"]))


class Certificates(SidecarCase):
    """The files that etcd uses are those of scene.certs; the sidecar has copies."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pki = Pki(cls.scene.path / "authorities")
        cls.old, cls.new = cls.pki.authority("old"), cls.pki.authority("new")
        cls.etcd_files = cls.scene.certs
        # etcd reads this one at its start only: both are in it.
        cls.put(cls.etcd_files / "ca.crt", cls.old, cls.new)
        cls.serve("old")
        client, key = cls.pki.issue("etcdctl", "old")
        shutil.copy(client, cls.etcd_files / "client.crt")
        shutil.copy(key, cls.etcd_files / "client.key")
        cls.cluster = harness.Cluster(cls.scene, "3.5", tls=True)

    @staticmethod
    def put(target, *sources):
        """At once, as whoever renews certificates should."""
        fresh = target.with_name(f".{target.name}.new")
        fresh.write_text("".join(source.read_text() for source in sources))
        os.replace(fresh, target)
        return target

    @classmethod
    def serve(cls, authority):
        """etcd reads its own certificate and key at each handshake."""
        certificate, key = cls.pki.issue(f"server-{authority}", authority)
        cls.put(cls.etcd_files / "server.key", key)
        cls.put(cls.etcd_files / "server.crt", certificate)

    def setUp(self):
        super().setUp()
        self.serve("old")
        self.ca, self.cert, self.key = (self.dir / name
                                        for name in ("ca.crt", "client.crt", "client.key"))
        self.put(self.ca, self.old)
        self.install(*self.pki.issue("first", "old"))

    def install(self, certificate, key):
        self.put(self.key, key)
        self.put(self.cert, certificate)

    def run_sidecar(self, **sections):
        tls = {"ca_file": "ca.crt", "cert_file": "client.crt", "key_file": "client.key"}
        sidecar = self.start(cluster_section(self.cluster, tls=tls), **sections)
        sidecar.wait_for_line("snapshot taken")
        return sidecar

    def assertGoesOn(self, sidecar):
        self.next_line(sidecar, "snapshot taken")
        self.next_line(sidecar, "snapshot taken")
        self.assertEqual(sidecar.value("etcdrill_snapshot_consecutive_failures"), 0)

    def test_a_new_pair_and_its_end_in_the_metrics(self):
        sidecar = self.run_sidecar()
        self.assertEqual(sidecar.value(NOT_AFTER, certificate="etcd_client"),
                         self.pki.not_after(self.cert))
        second = self.pki.issue("second", "old", days=5)
        self.install(*second)
        sidecar.wait_for_line("certificate files reloaded")
        self.assertGoesOn(sidecar)
        self.assertEqual(sidecar.value(NOT_AFTER, certificate="etcd_client"),
                         self.pki.not_after(second[0]))
        self.assertEqual(sidecar.value(NOT_AFTER, certificate="etcd_ca"),
                         self.pki.not_after(self.old))
        self.assertEqual(sidecar.lines("snapshot failed"), [])
        self.assertStops(sidecar)

    def test_half_a_pair_is_told_once_and_the_last_whole_one_serves_on(self):
        sidecar = self.run_sidecar()
        certificate, key = self.pki.issue("third", "old")
        message = "certificate files rejected, previous ones kept"
        for what, break_it in (
            ("do not match", lambda: self.put(self.cert, certificate)),
            ("no complete PEM block", lambda: self.cert.write_text(certificate.read_text()[:200])),
            ("open ", self.cert.unlink),
        ):
            with self.subTest(what):
                told = len(sidecar.lines(message))
                break_it()
                self.assertGoesOn(sidecar)
                lines = sidecar.lines(message)[told:]
                self.assertEqual(len(lines), 1, lines)
                self.assertIn(what, lines[0])
                self.assertIn(str(self.cert), lines[0])
        self.install(certificate, key)
        sidecar.wait_for_line("certificate files reloaded")
        self.assertGoesOn(sidecar)
        self.assertEqual(sidecar.lines("snapshot failed"), [])
        self.assertNotIn("PRIVATE", sidecar.log.read_text())
        self.assertStops(sidecar)

    def test_an_expired_pair_is_refused_and_a_good_one_heals(self):
        sidecar = self.run_sidecar()
        expired, key = self.pki.issue("expired", "old", days=-1)
        self.install(expired, key)
        line = self.wait_for_text(sidecar, "snapshot failed", "reason=tls")
        self.assertIn("client certificate", line)
        self.assertEqual(sidecar.value(NOT_AFTER, certificate="etcd_client"),
                         self.pki.not_after(expired))
        sidecar.wait_for_value(0, "etcdrill_source_up")
        self.install(*self.pki.issue("fourth", "old"))
        self.next_line(sidecar, "snapshot taken")
        sidecar.wait_for_value(1, "etcdrill_source_up")
        self.assertStops(sidecar)

    def test_another_authority_with_overlap_costs_no_snapshot(self):
        sidecar = self.run_sidecar()
        self.put(self.ca, self.old, self.new)  # first both are trusted,
        self.assertGoesOn(sidecar)
        self.install(*self.pki.issue("fifth", "new"))  # then each side shows its new certificate,
        self.assertGoesOn(sidecar)
        self.serve("new")
        self.assertGoesOn(sidecar)
        self.put(self.ca, self.new)  # then the old one goes
        self.assertGoesOn(sidecar)
        self.assertEqual(
            sidecar.lines("snapshot failed") + sidecar.lines("snapshot attempt failed"), [])
        self.assertEqual(sidecar.value(NOT_AFTER, certificate="etcd_ca"),
                         self.pki.not_after(self.new))
        self.assertStops(sidecar)

    def test_a_bundle_that_keeps_an_expired_authority_ends_with_the_one_that_holds(self):
        sidecar = self.run_sidecar()
        ended = self.pki.authority("ended", days=-1)
        os.utime(self.put(self.ca, ended, self.old), (1, 1))
        self.assertGoesOn(sidecar)
        self.assertEqual(sidecar.value(NOT_AFTER, certificate="etcd_ca"),
                         self.pki.not_after(self.old))
        later = self.pki.authority("later", days=29)
        self.assertNotEqual(self.pki.not_after(later), self.pki.not_after(self.old))
        if len(later.read_bytes()) < len(self.old.read_bytes()):
            later.write_bytes(later.read_bytes().ljust(len(self.old.read_bytes()), b"\n"))
        # As good as the same to whoever looks at time and size.
        os.utime(self.put(self.ca, ended, later), (1, 1))
        self.assertEqual(sidecar.value(NOT_AFTER, certificate="etcd_ca"), self.pki.not_after(later))

    def test_another_authority_without_overlap_is_told_and_heals(self):
        # Seldom asked: a connection that is in use survives what etcd shows to new ones.
        sidecar = self.run_sidecar(snapshot={"schedule": "@every 3s"}, health={"interval": "1h"})
        self.serve("new")
        line = self.wait_for_text(sidecar, "snapshot failed", "reason=tls")
        self.assertIn("not signed by the configured CA", line)
        self.put(self.ca, self.new)
        self.next_line(sidecar, "snapshot taken")
        self.assertStops(sidecar)


class Users(SidecarCase):
    """Authentication comes and goes; each test leaves it switched off."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster = harness.Cluster(cls.scene, "3.5")
        cls.cluster.etcdctl("user", "add", f"root:{PASSWORD}")
        cls.cluster.etcdctl("user", "grant-role", "root", "root")

    def setUp(self):
        super().setUp()
        self.write_password(PASSWORD)
        self.addCleanup(self.switch_off)

    def write_password(self, password):
        fresh = self.dir / "password.new"
        fresh.write_text(password + "\n")
        os.replace(fresh, self.dir / "password")

    def switch_on(self):
        self.cluster.etcdctl("auth", "enable")
        self.cluster.user = f"root:{PASSWORD}"

    def switch_off(self):
        if self.cluster.user:
            self.cluster.etcdctl("auth", "disable")
        self.cluster.user = ""

    def with_user(self, name="root"):
        return cluster_section(self.cluster, auth={"username": name, "password_file": "password"})

    def test_a_user_that_is_configured_before_loses_no_snapshot(self):
        sidecar = self.start(self.with_user())
        for change in (lambda: None, self.switch_on, self.switch_off, self.switch_on):
            change()
            self.next_line(sidecar, "snapshot taken")
            self.next_line(sidecar, "snapshot taken")
        self.assertEqual(sidecar.lines("snapshot failed"), [])
        self.assertEqual(sidecar.value("etcdrill_source_up"), 1)
        self.assertNotIn("canary", sidecar.log.read_text())
        self.assertStops(sidecar)

    def test_without_a_user_the_error_names_what_is_needed_and_it_heals(self):
        sidecar = self.start(self.cluster)
        sidecar.wait_for_line("snapshot taken")
        self.switch_on()
        line = self.wait_for_text(sidecar, "snapshot failed", "reason=auth")
        self.assertIn("Configure a user and its password", line)
        self.assertGreaterEqual(sidecar.value("etcdrill_snapshot_failures_total", reason="auth"), 1)
        self.switch_off()
        self.next_line(sidecar, "snapshot taken")
        self.assertStops(sidecar)

    def test_a_password_that_changes_on_both_sides(self):
        self.switch_on()
        sidecar = self.start(self.with_user())
        sidecar.wait_for_line("snapshot taken")
        self.cluster.etcdctl("user", "passwd", "root", "--interactive=false",
                             text="canary-second\n")
        self.cluster.user = "root:canary-second"
        try:
            self.wait_for_text(sidecar, "snapshot failed", "Check the user name and the password")
            self.write_password("canary-second")
            self.next_line(sidecar, "snapshot taken")
        finally:
            self.cluster.etcdctl("user", "passwd", "root", "--interactive=false",
                                 text=f"{PASSWORD}\n")
            self.cluster.user = f"root:{PASSWORD}"
        self.assertNotIn("canary", sidecar.log.read_text())
        self.assertStops(sidecar)

    def test_a_password_file_that_is_gone_is_named(self):
        self.switch_on()
        sidecar = self.start(self.with_user())
        sidecar.wait_for_line("snapshot taken")
        (self.dir / "password").unlink()
        self.switch_off()  # with it go the tokens,
        self.switch_on()   # and the sidecar must log in anew
        line = self.wait_for_text(sidecar, "snapshot failed", "reason=auth")
        self.assertIn("password file", line)
        self.assertIn(str(self.dir / "password"), line)
        self.write_password(PASSWORD)
        self.next_line(sidecar, "snapshot taken")
        self.assertStops(sidecar)


if __name__ == "__main__":
    harness.main()
