#!/usr/bin/env python3
"""A restore drill as a careful person would script it with the official tools: restore, boot, wait,
ask for HashKV, stop.

  by_hand.py ETCD_DIR SNAPSHOT SCRATCH_DIR REVISION

Asks whether etcd is up every 20 ms, as etcdrill does: so the difference is not in the waiting.
Prints what HashKV says as JSON.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import time

ETCD_DIR, SNAPSHOT, SCRATCH, REVISION = sys.argv[1:]


def main():
    target = pathlib.Path(SCRATCH) / "by-hand"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    url, peer = "unix://client:0", "unix://peer:0"
    cluster = ["--name", "m", "--initial-cluster", f"m={peer}",
               "--initial-advertise-peer-urls", peer]
    subprocess.run(
        [f"{ETCD_DIR}/etcdutl", "snapshot", "restore", SNAPSHOT, "--data-dir", "data", *cluster],
        check=True, cwd=target, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    etcd = subprocess.Popen([
        f"{ETCD_DIR}/etcd", "--data-dir", "data", "--listen-client-urls", url,
        "--advertise-client-urls", url, "--listen-peer-urls", peer, "--quota-backend-bytes=-1",
        *cluster
    ], cwd=target, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ctl = [f"{ETCD_DIR}/etcdctl", "--endpoints", url, "--command-timeout", "60s"]
    try:
        while not (target / "client:0").exists() or subprocess.run(
            [*ctl, "endpoint", "health"], cwd=target, capture_output=True).returncode != 0:
            time.sleep(0.02)
        answer = subprocess.run([*ctl, "endpoint", "hashkv", "--rev", REVISION, "-w", "json"],
                                check=True, cwd=target, stdout=subprocess.PIPE)
    finally:
        etcd.terminate()
        etcd.wait()
    shutil.rmtree(target)
    print(json.dumps(json.loads(answer.stdout)[0]["HashKV"]))


main()
