"""A member that says what no real one does: any bytes as its version, any text as its error. A gRPC
server of few words, as HTTP/2 frames (RFC 9113): it answers every call alike, and reads no
header."""
import struct

from loopback_server import LoopbackServer

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS, PING = 0, 1, 4, 6
END_STREAM, END_HEADERS, ACK = 1, 4, 1


def _frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _literal(name, value):
    """A header that is not indexed, without Huffman's code (RFC 7541, 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def field(number, data):
    """A length-delimited field of a protobuf message."""
    return bytes([number << 3 | 2, len(data)]) + data


class HostileEtcd(LoopbackServer):
    """`message`: the answer to each call; or `error`, the text of the gRPC status (bytes as they go
    over the wire)."""

    def __init__(self, message=b"", error=None):
        self._message, self._error = message, error
        super().__init__()

    def serve(self, client):
        with client.makefile("rb") as stream:
            stream.read(len(PREFACE))
            client.sendall(_frame(SETTINGS, 0, 0, b""))
            while head := stream.read(9):
                size, kind, flags = int.from_bytes(head[:3], "big"), head[3], head[4]
                number = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
                payload = stream.read(size)
                if kind == SETTINGS and not flags & ACK:
                    client.sendall(_frame(SETTINGS, ACK, 0, b""))
                elif kind == PING and not flags & ACK:
                    client.sendall(_frame(PING, ACK, 0, payload))
                elif kind in (DATA, HEADERS) and flags & END_STREAM:
                    client.sendall(self._answer(number))

    def _answer(self, stream):
        head = b"\x88" + _literal(b"content-type", b"application/grpc")  # 0x88: ":status: 200"
        if self._error is not None:
            trailer = head + _literal(b"grpc-status", b"13") + _literal(
                b"grpc-message", self._error)
            return _frame(HEADERS, END_HEADERS | END_STREAM, stream, trailer)
        body = b"\0" + struct.pack(">I", len(self._message)) + self._message
        return (_frame(HEADERS, END_HEADERS, stream, head) + _frame(DATA, 0, stream, body) +
                _frame(HEADERS, END_HEADERS | END_STREAM, stream, _literal(b"grpc-status", b"0")))
