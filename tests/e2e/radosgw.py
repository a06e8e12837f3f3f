"""A second real object store for the tests: Ceph's radosgw, from Debian. It is of other origin than
versitygw and leaves out other things (docs/dev/adr/0027-sites.md), and it gives keys of roles. One
monitor, one OSD that keeps everything in memory, the gateway. Where a program of it is missing, the
tests that need it are skipped by name.

How the three come up: docs.ceph.com/en/pacific/install/manual-deployment, without its paths."""
import base64
import json
import os
import shutil
import struct
import time
import unittest
import uuid

import harness
from s3_requests import Keys, S3Requests, conformance_environment

OWNER = Keys("etcdrilltestkey", "etcdrill-test-secret")
ROLE = "arn:aws:iam:::role/backup"
PROGRAMS = ("ceph", "ceph-mon", "ceph-osd", "monmaptool", "radosgw", "radosgw-admin")
START_MAX = 120  # seconds, of each step; all of them take some 15 on an idle machine

# Keys stay on: without cephx this release's gateway never reaches its monitor.
CONFIG = """[global]
fsid = {fsid}
mon host = {monitors}
keyring = {dir}/keyring
run dir = {dir}
crash dir = {dir}
admin socket = {dir}/$name.sock
log file =
mon cluster log file =
pid file =
public addr = 127.0.0.1
mon data = {dir}/mon
mon allow pool size one = true
osd data = {dir}/osd
osd objectstore = memstore
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pg autoscale mode = off
rgw data = {dir}
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw sts key = sixteen-letters!
rgw s3 auth use sts = true
"""
RIGHTS = {
    "mon.": {"mon": "allow *"},
    "client.admin": {"mon": "allow *", "osd": "allow *"},
    "client.rgw": {"mon": "allow rw", "osd": "allow rwx"},
    "osd.0": {"mon": "allow profile osd", "osd": "allow *"},
}


def policy(**statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **statement}]})


def require():
    missing = [name for name in PROGRAMS if not shutil.which(name)]
    if missing:
        raise unittest.SkipTest(f"{', '.join(missing)} not there (scripts/bootstrap installs it "
                                "where it can be had)")


def new_key():
    """As ceph-authtool makes one: its kind, its time, its length, its bytes."""
    return base64.b64encode(
        struct.pack("<HIIH", 1, int(time.time()), 0, 16) + os.urandom(16)).decode()


class RadosGateway:
    def __init__(self, scene):
        require()
        self._scene = scene
        self._path = scene.new_dir()
        self.port = harness.free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.owner = S3Requests(self.url, OWNER)
        self._start_monitor()
        self._start_osd()
        self._start_gateway()

    def environment(self, bucket, keys=OWNER, **more):
        return conformance_environment(self.url, bucket, keys, **more)

    def add_user(self, keys):
        """Who has no right but what a policy gives."""
        self.admin("user", "create", "--uid", keys.id, "--display-name", keys.id,
                   "--access-key", keys.id, "--secret-key", keys.secret)
        return keys

    def add_role(self, user):
        """ROLE, which may do all, and which this user may assume."""
        self.admin("role", "create", "--role-name", "backup", "--assume-role-policy-doc",
                   policy(Action=["sts:AssumeRole"],
                          Principal={"AWS": [f"arn:aws:iam:::user/{user.id}"]}))
        self.admin("role-policy", "put", "--role-name", "backup", "--policy-name", "all",
                   "--policy-doc", policy(Action=["s3:*"], Resource=["arn:aws:s3:::*"]))

    def admin(self, *arguments):
        return harness.must(["radosgw-admin", *self._config, *arguments], timeout=START_MAX)

    def _start_monitor(self):
        fsid = uuid.uuid4()
        v1, v2 = harness.free_port(), harness.free_port()
        monitors = f"[v2:127.0.0.1:{v2},v1:127.0.0.1:{v1}]"
        (self._path / "ceph.conf").write_text(CONFIG.format(
            fsid=fsid, monitors=monitors, dir=self._path, port=self.port))
        self._config = ["--conf", self._path / "ceph.conf"]
        (self._path / "keyring").write_text("".join(
            f"[{name}]\n\tkey = {new_key()}\n"
            + "".join(f'\tcaps {service} = "{right}"\n' for service, right in rights.items())
            for name, rights in RIGHTS.items()))
        harness.must(["monmaptool", "--create", "--fsid", fsid, "--addv", "a", monitors,
                      self._path / "monmap"])
        (self._path / "mon").mkdir()
        harness.must(["ceph-mon", *self._config, "--id", "a", "--mkfs", "--monmap",
                      self._path / "monmap"])
        self._start("ceph-mon", "--id", "a")

    def _start_osd(self):
        osd = str(uuid.uuid4())
        harness.must(["ceph", *self._config, "--connect-timeout", str(START_MAX), "osd", "new", osd,
                      "0"], timeout=START_MAX)
        (self._path / "osd").mkdir()
        harness.must(["ceph-osd", *self._config, "--id", "0", "--mkfs", "--osd-uuid", osd])
        self._start("ceph-osd", "--id", "0")

    def _start_gateway(self):
        # It waits for the OSD, and makes the pools that the gateway reads.
        self.admin("user", "create", "--uid", "owner", "--display-name", "owner",
                   "--access-key", OWNER.id, "--secret-key", OWNER.secret)
        gateway = self._start("radosgw", "--name", "client.rgw")
        harness.wait_until(lambda: self._answers(gateway), "radosgw answers", timeout=START_MAX)

    def _start(self, program, *arguments):
        return self._scene.start([program, *self._config, "-f", *arguments],
                                 self._path / f"{program}.log")

    def _answers(self, gateway):
        if gateway.poll() is not None:
            raise AssertionError(
                f"radosgw ended:\n{(self._path / 'radosgw.log').read_text()[-3000:]}")
        return self.owner.is_answered()
