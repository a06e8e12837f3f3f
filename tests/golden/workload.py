"""The writes behind the golden snapshots: always the same ones, through etcd's HTTP/JSON gateway.

One hard fact: keys and values may be any bytes, which etcdctl's arguments can't be; the gateway
takes them in base64.
"""
import base64
import http.client
import json
import random
import urllib.parse

import harness

STEPS = 120
ODD_KEYS = [
    b"\0", b"\0\0", b"\xff", b"\xff\xfe\0", b" ", b"a\nb\tc", "/реестр/ключ".encode(), b"/",
    b"k" * 700, b"t", b"key", b"\0\0\0\0\0\0\0\5_\0\0\0\0\0\0\0\0",
    b"\0\0\0\0\0\0\0\5_\0\0\0\0\0\0\0\0t"
]
KUBERNETES_KEYS = [f"/registry/{kind}/ns-{n % 3}/object-{n}".encode()
                   for kind in ("pods", "secrets", "configmaps") for n in range(12)]
EVENT_KEYS = [f"/registry/events/ns-{n % 3}/event-{n}".encode() for n in range(12)]
EVENTS = b"/registry/events/ns-"
LASTING, REVOKED, EXPIRING = 0x7FFFFFFFFFFFFF01, 0x0102030405060708, 9


def text(data):
    return base64.b64encode(data).decode()


class Workload:
    def __init__(self, cluster):
        self._random = random.Random("etcdrill golden")
        self.member = cluster.members[0]
        self._leases = []
        self._revisions = []

    def run(self, steps=STEPS):
        """Some steps more; each is one revision or, if it changes nothing, none."""
        if not self._leases:
            self._grant_leases()
        for _ in range(steps):
            step = self._random.choices(
                [self._put, self._delete, self._delete_events, self._transaction],
                weights=[12, 2, 1, 5])[0]
            self._revisions.append(step())
            if len(self._revisions) == STEPS // 4:
                self._call("lease/revoke", {"ID": REVOKED})
                self._leases = [LASTING]

    def middle(self):
        return self._revisions[len(self._revisions) // 2]

    def _grant_leases(self):
        for lease, seconds in ((LASTING, 3600), (REVOKED, 3600), (EXPIRING, 1)):
            self._call("lease/grant", {"ID": lease, "TTL": seconds})
        self._call("kv/put", {"key": text(b"/expires"), "value": "", "lease": EXPIRING})
        harness.wait_until(lambda: "kvs" not in self._call("kv/range", {"key": text(b"/expires")}),
                           "a lease that expired")
        self._leases = [LASTING, REVOKED]

    def _call(self, path, body):
        connection = http.client.HTTPConnection(
            urllib.parse.urlparse(self.member.client_url).netloc, timeout=30)
        try:
            connection.request("POST", f"/v3/{path}", json.dumps(body))
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status} {answer[:300]}")
        return json.loads(answer)

    def _changed(self, path, body):
        return int(self._call(path, body)["header"]["revision"])

    def _key(self):
        return self._random.choice(
            self._random.choices([KUBERNETES_KEYS, ODD_KEYS, EVENT_KEYS], weights=[6, 3, 2])[0])

    def _value(self, key):
        kind = self._random.randrange(20)
        if kind == 0:  # more than a page, and sometimes many
            return self._random.randbytes(50) * self._random.choice([90, 200, 500])
        if kind == 1:
            return b""
        if b"secrets" in key:
            return b"k8s:enc:aescbc:v1:key1:" + self._random.randbytes(48)
        return b"k8s\0\n" + self._random.randbytes(6).hex().encode() * self._random.randrange(1, 30)

    def _put_request(self, key):
        request = {"key": text(key), "value": text(self._value(key))}
        leased = self._random.random() < 0.2
        return request | ({"lease": self._random.choice(self._leases)} if leased else {})

    def _put(self):
        return self._changed("kv/put", self._put_request(self._key()))

    def _delete(self):
        return self._changed("kv/deleterange", {"key": text(self._key())})

    def _delete_events(self):
        namespace = EVENTS + b"%d" % self._random.randrange(3)
        return self._changed("kv/deleterange",
                             {"key": text(namespace + b"/"), "range_end": text(namespace + b"0")})

    def _transaction(self):
        """Puts and deletes, and a transaction within it that puts, deletes a range and reads. No
        key comes twice: etcd refuses that."""
        first, second, third, fourth, *_ = self._random.sample(KUBERNETES_KEYS + ODD_KEYS, 4)
        inner = {
            "compare": [{"target": "VERSION", "result": "GREATER", "key": text(third),
                         "version": 1}],
            "success": [{"requestPut": self._put_request(third)},
                        {"requestDeleteRange": {"key": text(EVENTS),
                                                "range_end": text(EVENTS + b"1")}}],
            "failure": [{"requestPut": self._put_request(third)},
                        {"requestRange": {"key": text(fourth)}}]
        }
        return self._changed("kv/txn", {
            "compare": [{"target": "CREATE", "result": "EQUAL", "key": text(first),
                         "create_revision": 0}],
            "success": [{"requestPut": self._put_request(first)},
                        {"requestPut": self._put_request(second)}, {"requestTxn": inner}],
            "failure": [{"requestDeleteRange": {"key": text(first)}},
                        {"requestPut": self._put_request(second)}, {"requestTxn": inner},
                        {"requestPut": self._put_request(fourth)}]
        })
