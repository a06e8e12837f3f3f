#!/usr/bin/env python3
"""Proves docs/recover-keys.md: its blocks are run as they stand, in one shell as the page says,
against real etcd. What was deleted is in the cluster again, byte for byte; what was not is as it
was; and of the second etcd neither process nor data is left.

Of the page only the settings are replaced, and the names of those must be the page's. There is no
API server here: of Kubernetes it proves what reaches etcd.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

sys.dont_write_bytecode = True
import harness

PAGE = (harness.ROOT / "docs" / "recover-keys.md").read_text()
BLOCKS = dict(re.findall(r"^```sh ([\w-]+)\n(.*?)^```$", PAGE, re.S | re.M))
# With authentication on, as the page says below its block.
ALSO_EXPORTED = {"ETCDCTL_USER", "ETCDCTL_PASSWORD"}
WIDGET = {
    "apiVersion": "example.com/v1", "kind": "Widget",
    "metadata": {
        "name": "web", "namespace": "shop", "uid": "0b0c", "resourceVersion": "7", "generation": 2,
        "creationTimestamp": "2026-11-01T00:00:00Z", "labels": {"app": "web"},
        "ownerReferences": [{"uid": "0a0b"}], "managedFields": [{}], "finalizers": ["example.com/f"]
    },
    "spec": {"size": 3}, "status": {"ready": True}
}  # yapf: disable


def settings_of_the_page():
    lines = [line for line in BLOCKS["settings"].splitlines() if not line.startswith("#")]
    return {re.match(r"(?:export )?([A-Z][A-Z_0-9]*)=", line).group(1) for line in lines}


class RecoverKeys(harness.TestCase):
    def make(self, version, content, tls=False, auth=False):
        """A cluster with that content, and a store with one snapshot of it that passed a drill."""
        self.cluster = harness.Cluster(self.scene, version, tls=tls)
        self.addCleanup(self.cluster.kill)
        harness.fill(self.cluster)
        for key, value in content.items():
            self.put(key, value)
        if auth:
            self.cluster.enable_auth("secret")
        pki = self.scene.certs if tls else None
        files = f"ca_file: {pki}/ca.crt, cert_file: {pki}/client.crt, key_file: {pki}/client.key"
        password = self.dir / "password"
        password.write_text("secret\n")
        config = self.dir / "etcdrill.yaml"
        config.write_text(
            f"cluster:\n  endpoints: [{', '.join(self.cluster.endpoints)}]\n"
            + (f"  tls: {{{files}}}\n" if tls else "")
            + (f"  auth: {{username: root, password_file: {password}}}\n" if auth else "")
            + f"store: {{path: {self.dir}/store}}\n"
            f"drill: {{scratch_dir: {self.dir}/scratch,"
            f" etcd: {{binary: {harness.tool(version, 'etcd')}}}}}\n")
        self.etcdrill("snapshot", "save", "--config", config)
        self.etcdrill("drill", "latest", "--config", config)
        snapshot, = (self.dir / "store").glob("*.db")
        self.before = self.cluster.content()
        self.settings = {
            "CONFIG": config, "SNAPSHOT": snapshot, "ETCD": harness.tool(version, "etcd"),
            "WORK": self.dir / "recover", "SPARE": harness.free_port(), "KEY": "", "PREFIX": "",
            "ETCDCTL_API": "3", "ETCDCTL_ENDPOINTS": ",".join(self.cluster.endpoints),
            "ETCDCTL_CACERT": f"{pki}/ca.crt" if tls else "",
            "ETCDCTL_CERT": f"{pki}/client.crt" if tls else "",
            "ETCDCTL_KEY": f"{pki}/client.key" if tls else "", "LC_ALL": "C"
        }  # yapf: disable
        if auth:
            self.settings |= {"ETCDCTL_USER": "root", "ETCDCTL_PASSWORD": "secret"}
        bin_dir = self.dir / "bin"
        bin_dir.mkdir()
        (bin_dir / "etcdrill").symlink_to(harness.build_dir() / "etcdrill")
        (bin_dir / "etcdctl").symlink_to(harness.tool(version, "etcdctl"))

    def put(self, key, value):
        """The official tool as well, but with bytes; it reads no empty value."""
        arguments = ["put", "--", key] + ([] if value else [""])
        subprocess.run(
            harness.guarded(self.cluster._etcdctl(arguments, self.cluster.endpoints)),
            input=value, env=harness.environment(), stdout=subprocess.DEVNULL, check=True)

    def session(self, *parts):
        """One shell, from the choice to the end; its output. A part is a block, or a command of
        ours."""
        exports = "\n".join(f"export {key}='{value}'" for key, value in self.settings.items())
        texts = [BLOCKS.get(part, part) for part in
                 ("choose", "start", "functions", *parts, "clean")]
        # Whatever fails, the second etcd ends.
        head = "set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT"
        out = harness.must(
            ["bash", "-c", "\n".join([head, exports, *texts])], cwd=self.dir, timeout=90,
            env={"PATH": f"{self.dir / 'bin'}:{os.environ['PATH']}", "TMPDIR": str(self.dir)})
        self.assertIn(" restorable ", out)
        self.assertFalse(self.settings["WORK"].exists())
        self.assertEqual(harness.processes_naming(self.settings["WORK"]), [])
        return out

    def check_key(self, version, **how):
        value = b"eu-1\nwith a line\n\n"
        self.make(version, {"/config/region": value}, **how)
        self.cluster.etcdctl("del", "/config/region")
        revision = self.cluster.revision()
        self.settings["KEY"] = "/config/region"
        out = self.session("look", "key")
        self.assertRegex(out, r'(?s)"Value" : "eu-1\\nwith a line\\n\\n".*"Count" : 1'
                              r'.*"Count" : 0.*back: /config/region')
        self.assertEqual(self.cluster.content(), self.before)
        self.assertEqual(self.cluster.revision(), revision + 1)

    def test_the_settings_are_those_of_the_page(self):
        self.make("3.5", {})
        self.assertEqual(settings_of_the_page(), set(self.settings))
        used = {name for block in BLOCKS.values()
                for name in re.findall(r"\$\{?([A-Z][A-Z_]*)", block)}
        made = {name for block in BLOCKS.values()
                for name in re.findall(r"^([A-Z][A-Z_]*)=", block, re.M)}
        self.assertLessEqual(used, settings_of_the_page() | made)
        for name in ALSO_EXPORTED:
            self.assertIn(f"`{name}`", PAGE)

    def test_every_marked_block_is_run(self):
        text = pathlib.Path(__file__).read_text()
        for name in BLOCKS:
            self.assertTrue(name == "settings" or f'"{name}"' in text, name)
        # All but the settings, once in the introduction, and `key` once more for Kubernetes.
        self.assertEqual(PAGE.count("*(tested"), len(BLOCKS) + 1)

    def test_one_key(self):
        self.check_key("3.5")

    def test_one_key_of_3_4(self):
        self.check_key("3.4")

    def test_one_key_with_certificates_and_authentication(self):
        self.check_key("3.6", tls=True, auth=True)

    def test_one_key_of_3_4_with_authentication(self):
        self.check_key("3.4", auth=True)

    def test_a_key_that_the_snapshot_has_not(self):
        """It must not come back as an empty value."""
        self.make("3.5", {})
        self.cluster.etcdctl("put", "/config/new", "x")
        after = self.cluster.content()
        self.settings["KEY"] = "/config/new"
        out = self.session('put_back "$KEY" && exit 1')
        self.assertIn("not in the snapshot: /config/new", out)
        self.assertEqual(self.cluster.content(), after)

    def check_prefix(self, version):
        """Values of any bytes, names with what a shell would take for its own."""
        odd = {
            "/config/all-bytes": bytes(range(256)) * 300, "/config/ends-in-lines": b"\n\n\n",
            "/config/empty": b"", "/config/zeros": b"\0" * 70, "/config/a key": b"-x",
            "/config/$(touch x) `y` 'z' \"q\" *": b"shell", "/config/\\n\\x00\\": b"backslash",
            "/config/ leading and trailing ": b"blanks", "/config/ünïcode/☃": b"\xff\xfe",
            "/config/k8s": b"k8s\0\n\x0c\n\x02v1\x12\x06Secret\x12\0\x1a\0", "/config/stays": b"1",
            "/configure": b"of another prefix",
        }  # yapf: disable
        self.make(version, odd | {"-/dash": b"-"})
        for key in odd:
            if key != "/config/stays":
                self.cluster.etcdctl("del", "--", key)
        self.cluster.etcdctl("put", "/config/stays", "changed since")
        self.cluster.etcdctl("put", "/config/new", "since")
        revision = self.cluster.revision()
        self.settings["PREFIX"] = "/config/"
        out = self.session("missing", "prefix")
        self.assertEqual(out.count("back: /config/"), len(odd) - 2)
        expected = dict(self.before)
        del expected[b"/configure"]
        expected |= {b"/config/stays": b"changed since", b"/config/new": b"since"}
        self.assertEqual(self.cluster.content(), expected)
        self.assertEqual(self.cluster.revision(), revision + len(odd) - 2)
        self.assertEqual(list(self.dir.glob("x")), [])

    def test_a_prefix_byte_for_byte(self):
        self.check_prefix("3.5")

    def test_a_prefix_byte_for_byte_of_3_4(self):
        self.check_prefix("3.4")

    def test_a_prefix_byte_for_byte_of_3_7(self):
        self.check_prefix("3.7")

    def test_a_prefix_that_begins_with_a_dash(self):
        self.make("3.5", {"-/dash": b"-"})
        self.cluster.etcdctl("del", "--", "-/dash")
        self.settings["PREFIX"] = "-/"
        self.assertIn("back: -/dash", self.session("missing", "prefix"))
        self.assertEqual(self.cluster.content(), self.before)

    def test_kubernetes_objects(self):
        """How each kind is told, and that a stored value comes back as it was."""
        if shutil.which("jq") is None:
            raise unittest.SkipTest("no jq")
        kinds = {
            "/registry/example.com/widgets/shop/web": json.dumps(WIDGET).encode(),
            "/registry/configmaps/shop/web": b"k8s\0\n\x0f\n\x02v1\x12\tConfigMap\x12\x02\xff\n",
            "/registry/secrets/shop/web": b"k8s:enc:aescbc:v1:key1:" + bytes(range(128, 256)),
        }
        self.make("3.6", kinds)
        for key in kinds:
            self.cluster.etcdctl("del", key)
        widget, config_map, secret = kinds
        out = self.session(
            "find",
            f"KEY={widget}", "stored", "clean-object", f"cp $WORK/object.json {self.dir}",
            f"KEY={config_map}", "stored", "key",
            f"KEY={secret}", "stored")  # yapf: disable
        for key in kinds:
            self.assertIn(f"\n{key}\n", out)
        self.assertRegex(out, r"\n\{\"apiVersion.*(.|\n)*\nk8s\.\..*v1\.\.ConfigMap(.|\n)*"
                              r"\nk8s:enc:aescbc:v1:key1:\.+\n")
        cleaned = json.loads((self.dir / "object.json").read_text())
        self.assertEqual(cleaned, {
            "apiVersion": "example.com/v1", "kind": "Widget", "spec": {"size": 3},
            "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"},
                         "finalizers": ["example.com/f"]}
        })  # yapf: disable
        self.assertEqual(self.cluster.content()[config_map.encode()], kinds[config_map])

    def test_the_second_etcd_is_its_own(self):
        """What is written to it reaches neither the cluster nor the snapshot."""
        self.make("3.5", {"/config/region": b"eu-1"})
        snapshot = self.settings["SNAPSHOT"].read_bytes()
        self.session("spare put /config/region changed")
        self.assertEqual(self.cluster.content(), self.before)
        self.assertEqual(self.settings["SNAPSHOT"].read_bytes(), snapshot)


if __name__ == "__main__":
    harness.main()
