"""Reads the WAL and .snap files of a restored member, knowing nothing of etcdrill: what they say,
not how.

One hard fact: etcd up to 3.6 writes fields that are zero, 3.7 leaves them out; so zeros are dropped
here. A schema is {field: (name, schema of the message in it, or None)}.
"""
import json
import struct

CONF_STATE = {1: ("voters", None), 5: ("auto_leave", None)}
WAL_SNAPSHOT = {1: ("index", None), 2: ("term", None), 3: ("conf_state", CONF_STATE)}
CONF_CHANGE = {1: ("id", None), 2: ("type", None), 3: ("node_id", None), 4: ("context", None)}
RECORDS = {
    1: ("metadata", {1: ("node_id", None), 2: ("cluster_id", None)}),
    2: ("entry",
        {1: ("type", None), 2: ("term", None), 3: ("index", None), 4: ("data", CONF_CHANGE)}),
    3: ("state", {1: ("term", None), 2: ("vote", None), 3: ("commit", None)}),
    4: ("crc", {}),
    5: ("snapshot", WAL_SNAPSHOT),
}
RECORD = {1: ("type", None), 2: ("crc", None), 3: ("data", None)}
SNAP_FILE = {1: ("crc", None), 2: ("data", None)}
RAFT_SNAPSHOT = {
    1: ("data", None),
    2: ("metadata", {1: ("conf_state", CONF_STATE), 2: ("index", None), 3: ("term", None)})
}


def crc32c(data, crc=0):
    crc ^= 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def varint(data, at):
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def decode(data, schema):
    """name -> the values of a field in their order; what is zero is not there."""
    message, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        name, inner = schema[tag >> 3]
        value, at = varint(data, at)
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
            value = decode(value, inner) if inner is not None else value
        if value:
            message.setdefault(name, []).append(value)
    return message


def wal_records(path):
    """[(kind, message)]; the chain of checksums must hold."""
    data, at, crc, records = path.read_bytes(), 0, 0, []
    while (length := struct.unpack_from("<Q", data, at)[0]) != 0:
        size = length & 0x00FFFFFFFFFFFFFF
        record = decode(data[at + 8:at + 8 + size], RECORD)
        body = record.get("data", [b""])[0]
        crc = crc32c(body, crc)
        assert record.get("crc", [0]) == [crc], f"record at {at}"
        kind, schema = RECORDS[record["type"][0]]
        records.append((kind, decode(body, schema)))
        at += 8 + (size + 7) // 8 * 8
    assert not any(data[at:]), "bytes behind the last record"
    return records


def snap(path):
    """The raft snapshot's metadata, and from the v2 store {member: its peer URLs}."""
    file = decode(path.read_bytes(), SNAP_FILE)
    assert file["crc"] == [crc32c(file["data"][0])]
    snapshot = decode(file["data"][0], RAFT_SNAPSHOT)
    root = json.loads(snapshot["data"][0])["Root"]
    members = root["Children"]["0"]["Children"]["members"]["Children"]
    return snapshot["metadata"][0], {
        name: json.loads(node["Children"]["raftAttributes"]["Value"])["peerURLs"]
        for name, node in members.items()
    }
