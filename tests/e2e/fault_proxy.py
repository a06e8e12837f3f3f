#!/usr/bin/env python3
"""Stands between a client and a real HTTP server and breaks chosen requests, as networks and object
stores do.

A rule is NAME:KEY=VALUE:..., and is used up after `times` requests (default 1):
  method=PUT      only requests with this method
  match=TEXT      only those whose target holds this text
  at=BYTES        where a body is cut, or changed
  region=NAME     of redirect and wrong-region

  lost            the request is carried out, the answer is not sent
  cut-request     the connection is reset after `at` bytes of the request's body
  cut-response    ... after `at` bytes of the answer's body
  short           the connection ends in good order after `at` bytes of the answer's body
  late-error      the request is carried out; the answer is 200 with an <Error> in it
  slow-down       503 SlowDown with Retry-After, and nothing is carried out; as with the next ones
  throttle        429
  internal        500 InternalError
  html            502 with a page of HTML
  skew            403 RequestTimeTooSkewed with the true time
  expired         400 ExpiredToken
  conflict        409 ConditionalRequestConflict
  denied          403 AccessDenied
  full            507 InsufficientStorage
  quota           403 QuotaExceeded
  redirect        301 PermanentRedirect with x-amz-bucket-region
  wrong-region    400 AuthorizationHeaderMalformed with <Region>
  range-lost      a range is answered with 200 and the whole body (which was fetched before)
  flip            one bit of the answer's body, at byte `at`, is turned
  hang            nothing is answered
  drip            the answer comes at ten bytes a second

Used by tests as a class; alone: fault_proxy.py HOST:PORT RULE...
"""
import collections
import datetime
import socket
import struct
import sys
import threading
import time

from loopback_server import LoopbackServer

Request = collections.namedtuple("Request", "method target head size")

ERROR = '<?xml version="1.0"?><Error><Code>{}</Code><Message>by the fault proxy</Message>{}</Error>'


class Rule:
    def __init__(self, text):
        self.text = text
        self.name, *pairs = text.split(":")
        values = dict(pair.split("=", 1) for pair in pairs)
        self.method = values.get("method")
        self.match = values.get("match", "")
        self.at = int(values.get("at", 1000))
        self.region = values.get("region", "eu-central-1")
        self.times = int(values.get("times", 1))
        self.hits = 0

    def takes(self, request):
        if self.name == "range-lost" and b"\r\nrange:" not in request.head.lower():
            return False
        return (self.hits < self.times and self.method in (None, request.method)
                and self.match in request.target)

    def answer(self):
        """Of rules that answer by themselves: status line, headers, body."""
        region = {"x-amz-bucket-region": self.region}
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return {
            "late-error": ("200 OK", {}, ERROR.format("InternalError", "")),
            "slow-down": ("503 Slow Down", {"Retry-After": "1"}, ERROR.format("SlowDown", "")),
            "throttle": ("429 Too Many Requests", {}, ERROR.format("TooManyRequests", "")),
            "internal": ("500 Internal Server Error", {}, ERROR.format("InternalError", "")),
            "html": ("502 Bad Gateway", {}, "<html><body><h1>502</h1><br></body></html>"),
            "skew": ("403 Forbidden", {}, ERROR.format("RequestTimeTooSkewed",
                                                       f"<ServerTime>{now}</ServerTime>")),
            "expired": ("400 Bad Request", {}, ERROR.format("ExpiredToken", "")),
            "conflict": ("409 Conflict", {}, ERROR.format("ConditionalRequestConflict", "")),
            "denied": ("403 Forbidden", {}, ERROR.format("AccessDenied", "")),
            "full": ("507 Insufficient Storage", {}, ERROR.format("InsufficientStorage", "")),
            "quota": ("403 Forbidden", {}, ERROR.format("QuotaExceeded", "")),
            "redirect": ("301 Moved Permanently", region, ERROR.format("PermanentRedirect", "")),
            "wrong-region": ("400 Bad Request", {},
                             ERROR.format("AuthorizationHeaderMalformed",
                                          f"<Region>{self.region}</Region>")),
        }[self.name]


def reset(client):
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class Stream:
    """A socket that is read by heads and by numbers of bytes."""

    def __init__(self, peer):
        self.peer = peer
        self._rest = b""

    def _more(self):
        some = self.peer.recv(1 << 18)
        self._rest += some
        return bool(some)

    def head(self):
        """Up to the empty line; empty if there is no whole one."""
        while b"\r\n\r\n" not in self._rest:
            if not self._more():
                return b""
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        return head + b"\r\n\r\n"

    def take(self, size):
        while len(self._rest) < size and self._more():
            pass
        taken, self._rest = self._rest[:size], self._rest[size:]
        return taken

    def chunked(self):
        body = b""
        while True:
            while b"\r\n" not in self._rest and self._more():
                pass
            line, _, self._rest = self._rest.partition(b"\r\n")
            size = int(line.split(b";")[0] or b"0", 16)
            body += self.take(size)
            self.take(2)
            if size == 0:
                return body


def header(head, name):
    for line in head.decode("latin-1").split("\r\n")[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return None


class FaultProxy(LoopbackServer):
    def __init__(self, upstream, *rules):
        self._upstream = upstream
        self._lock = threading.Lock()
        self._whole = {}  # target -> (head, body) of the last whole GET
        self.rules = [Rule(rule) for rule in rules]
        self.seen = []  # "METHOD TARGET"
        super().__init__()

    def unused(self):
        """The rules that no request has met as often as they wanted."""
        return [rule.text for rule in self.rules if rule.hits < rule.times]

    def serve(self, client):
        stream = Stream(client)
        while self._serve_one(client, stream):
            pass

    def _rule_for(self, request):
        with self._lock:
            self.seen.append(f"{request.method} {request.target}")
            for rule in self.rules:
                if rule.takes(request):
                    rule.hits += 1
                    return rule
        return None

    def _serve_one(self, client, stream):
        """False: the connection is over."""
        head = stream.head()
        if not head:
            return False
        method, target, _ = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
        request = Request(method, target, head, int(header(head, "content-length") or 0))
        rule = self._rule_for(request)
        name = rule.name if rule else ""
        if name == "cut-request":
            stream.take(min(rule.at, request.size))
            reset(client)
            return False
        body = stream.take(request.size)
        if len(body) < request.size:
            return False
        if name == "hang":
            client.recv(1)  # until the client gives up
            return False
        carried_out = name in ("", "lost", "cut-response", "short", "late-error", "range-lost",
                               "flip", "drip")
        answer = self._ask(request, body) if carried_out else None
        if name == "lost":
            reset(client)
            return False
        if rule and answer is None or name == "late-error":
            self._send_own(client, request, rule)
            return True
        if name:
            return self._send_broken(client, request, rule, answer)
        client.sendall(b"".join(answer))
        return True

    def _ask(self, request, body):
        """Head and body of the server's answer, the body as one piece."""
        with socket.create_connection(self._upstream) as server:
            server.sendall(request.head + body)
            stream = Stream(server)
            head = stream.head()
            while head.startswith(b"HTTP/1.1 100"):
                head = stream.head()
            if request.method == "HEAD" or b" 204 " in head.split(b"\r\n")[0]:
                return head, b""
            if (header(head, "transfer-encoding") or "").lower() == "chunked":
                answer = stream.chunked()
                lines = [line for line in head.rstrip().split(b"\r\n")
                         if not line.lower().startswith(b"transfer-encoding:")]
                head = b"\r\n".join([*lines, b"Content-Length: %d" % len(answer)]) + b"\r\n\r\n"
            else:
                answer = stream.take(int(header(head, "content-length") or 0))
        if request.method == "GET" and head.split(b" ")[1] == b"200":
            self._whole[request.target] = head, answer
        return head, answer

    @staticmethod
    def _send_own(client, request, rule):
        status, headers, text = rule.answer()
        if request.method == "HEAD":
            text = ""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(text)}",
                 *(f"{key}: {value}" for key, value in headers.items())]
        client.sendall("\r\n".join([*lines, "", text]).encode())

    def _send_broken(self, client, request, rule, answer):
        head, body = answer
        if rule.name == "range-lost":
            client.sendall(b"".join(self._whole[request.target]))
            return True
        if rule.name == "flip":
            at = min(rule.at, len(body) - 1)
            client.sendall(head + body[:at] + bytes([body[at] ^ 1]) + body[at + 1:])
            return True
        if rule.name == "drip":
            client.sendall(head)
            for byte in body:
                client.sendall(bytes([byte]))
                time.sleep(0.1)
            return True
        client.sendall(head + body[:rule.at])
        if rule.name == "cut-response":
            time.sleep(0.1)  # what is reset takes with it what was not read yet
            reset(client)
        return False


def main():
    host, port = sys.argv[1].rsplit(":", 1)
    proxy = FaultProxy((host, int(port)), *sys.argv[2:])
    print(proxy.url, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
