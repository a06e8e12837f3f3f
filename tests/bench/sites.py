"""What a copy to a bucket costs, beside the programs that do the same one after the other; and what
it costs to list a bucket of 10,000 copies.

One hard fact: the store is a versitygw on this machine, so its own work is on the same cores. What
is compared is therefore the CPU time of the programs, not the wall time."""
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import harness
import measure
import s3_server

COPIES = 10_000
CPU_TARGET = 0.9  # of zstd -3, age and sha256sum together
MEMORY_TARGET = 48 << 20


def write_store(directory, snapshot):
    """A store that holds the snapshot; its name. The manifest says what a verification would."""
    name = "bench-00000000000000000001-20261122T080000Z"
    store = directory / "store"
    store.mkdir(parents=True)
    (store / f"{name}.db").symlink_to(snapshot.path)
    facts = snapshot.facts
    manifest = {
        "apiVersion": "etcdrill/v1", "kind": "SnapshotManifest", "name": name, "cluster": "bench",
        "place": 1, "taken": "2026-11-22T08:00:00Z", "size": snapshot.path.stat().st_size,
        "sha256": hashlib.file_digest(snapshot.path.open("rb"), "sha256").hexdigest(),
        "revision": facts["revision"], "compact_revision": facts["compact_revision"],
        "hash": facts["hash"] if "hash" in facts else 1, "hashkv": 1, "total_keys": facts["keys"],
        "live_keys": facts["keys"], "storage_version": "", "verdict": "proven",
        "source": {"endpoint": "", "member_id": "", "cluster_id": "", "etcd_version": ""},
        "duration_seconds": 0}
    (store / f"{name}.json").write_text(json.dumps(manifest))
    return name


def write_configuration(directory, server, bucket, etcdrill):
    keys = directory / "keys"
    keys.mkdir()
    (keys / "accessKeyID").write_text(s3_server.KEY)
    (keys / "secretAccessKey").write_text(s3_server.SECRET)
    identity = json.loads(harness.must(
        [etcdrill, "keygen", "identity", "--out", keys / "identity.txt", "-w", "json"]))
    (keys / "recipients.txt").write_text(identity["recipient"] + "\n")
    site = {"name": "bucket", "drill": "none",
            "encrypt": {"recipients_file": "keys/recipients.txt",
                        "identity_file": "keys/identity.txt"},
            "s3": {"endpoint": server.url, "bucket": bucket, "credentials_dir": "keys"}}
    path = directory / "etcdrill.yaml"
    path.write_text(json.dumps({
        "cluster": {"name": "bench"}, "store": {"path": "store", "sites": [site]},
        "drill": {"scratch_dir": "scratch"}}))
    return path, identity["recipient"]


def copy(etcdrill, snapshot, rounds, directory):
    scene = harness.Scene()
    try:
        server = s3_server.S3Server(scene)
        bucket = server.make_bucket("bench")
        name = write_store(directory, snapshot)
        config, recipient = write_configuration(directory, server, bucket, etcdrill)
        packed, sealed = directory / "packed.zst", directory / "sealed.age"

        def fresh(*command):
            for path in (packed, sealed):
                path.unlink(missing_ok=True)
            return command

        ours = [etcdrill, "snapshot", "copy", name, "--to", "bucket", "--config", config]
        subprocess.run(["zstd", "-q", "-3", snapshot.path, "-o", packed], check=True)
        kept = directory / "kept.zst"
        packed.rename(kept)
        commands = {
            "etcdrill snapshot copy": lambda: ours,
            "zstd -3": lambda: fresh("zstd", "-q", "-3", snapshot.path, "-o", packed),
            "age": lambda: fresh("age", "-r", recipient, "-o", sealed, kept),
            "sha256sum": lambda: ["sha256sum", snapshot.path],
        }
        memory = measure.memory(ours)
        runs = measure.interleaved(commands, rounds)
        print(f"\n== {snapshot.name}: {snapshot.path.stat().st_size:,} bytes, "
              f"{kept.stat().st_size:,} packed; {rounds} runs; load average "
              f"{measure.load_average()}")
        cpu = {tool: measure.median(run.cpu for run in own) for tool, own in runs.items()}
        for tool, seconds in cpu.items():
            wall = measure.median(run.wall for run in runs[tool])
            print(f"{tool:<24}{seconds:>8.2f} s CPU{wall:>9.2f} s wall")
        mine = cpu.pop("etcdrill snapshot copy")
        print_target("CPU / zstd, age and sha256sum", mine / sum(cpu.values()), CPU_TARGET,
                     "{:.2f}")
        print_target("anonymous memory, MiB", memory.peak_anon / 2**20, MEMORY_TARGET / 2**20,
                     "{:.1f}")
        return server, bucket, config, scene
    except BaseException:
        scene.close()
        raise


def listing(etcdrill, server, bucket, config):
    """10,000 manifests, made by the file system of one real copy. What versitygw keeps beside the
    bytes, the etag above all, are extended attributes."""
    root = server.data / bucket
    [real] = sorted((root / "manifests").glob("*.json"))[:1]
    manifest = json.loads(real.read_text())
    packed = root / manifest["object"]["key"]
    attributes = {name: os.getxattr(packed, name) for name in os.listxattr(packed)}
    for number in range(COPIES):
        name = f"bench-{number + 2:020}-20261122T080000Z"
        one = f"{name}-{number:08x}"
        document = manifest | {"name": name, "copy": one, "revision": number + 2,
                               "place": number + 2}
        document["object"] = manifest["object"] | {"key": f"snapshots/{one}.db.zst.age"}
        document.pop("signature", None)
        (root / "manifests" / f"{one}.json").write_text(json.dumps(document))
        copied = root / "snapshots" / f"{one}.db.zst.age"
        copied.touch()
        os.truncate(copied, packed.stat().st_size)
        for attribute, value in attributes.items():
            os.setxattr(copied, attribute, value)
    begin = time.monotonic()
    out = harness.must([etcdrill, "snapshot", "list", "--site", "bucket", "--config", config,
                        "-w", "json"], timeout=300)
    print(f"list {len(json.loads(out)):,} copies, with a look at their bytes: "
          f"{time.monotonic() - begin:.1f} s")


def print_target(what, value, limit, form):
    said = "met" if value <= limit else f"MISSED by {(value / limit - 1) * 100:.0f} %"
    print(f"{what}: {form.format(value)}, target <= {form.format(limit)}: {said}")


def run(etcdrill, snapshots, rounds, scratch):
    for number, snapshot in enumerate(snapshots):
        directory = pathlib.Path(scratch) / str(number)
        directory.mkdir()
        server, bucket, config, scene = copy(etcdrill, snapshot, rounds, directory)
        try:
            if number == 0:
                listing(etcdrill, server, bucket, config)
        finally:
            scene.close()
            shutil.rmtree(directory)
        sys.stdout.flush()
    return 0
