"""Reads bbolt files, knowing nothing of etcdrill: what a database holds, and which of its pages
matter. Writes an empty one."""
import struct

PAGE = struct.Struct("<QHHI")  # id, flags, count, overflow
# Magic, version, page size, flags, root, sequence, freelist, high water, txid, checksum.
META = struct.Struct("<IIIIQQQQQQ")
BRANCH = struct.Struct("<IIQ")  # position, key size, child
LEAF = struct.Struct("<IIII")  # flags, position, key size, value size
ELEMENT_BYTES = 16
BRANCH_FLAG, LEAF_FLAG, META_FLAG, FREELIST_FLAG = 0x01, 0x02, 0x04, 0x10
MAGIC = 0xED0CDAED
PAGE_SIZES = (4096, 16384)


def checksum(body):
    """FNV-1a, 64 bits."""
    value = 0xCBF29CE484222325
    for byte in body:
        value = (value ^ byte) * 0x100000001B3 % 2**64
    return value


def empty_file(page_size):
    """A database without a bucket, as bbolt itself begins one: two metas, a freelist without a
    page, a leaf without a pair."""
    def page(number, flags, body=b""):
        return (PAGE.pack(number, flags, 0, 0) + body).ljust(page_size, b"\0")

    def meta(txid):
        body = META.pack(MAGIC, 2, page_size, 0, 3, 0, 2, 4, txid, 0)[:-8]
        return page(txid, META_FLAG, body + struct.pack("<Q", checksum(body)))

    return meta(0) + meta(1) + page(2, FREELIST_FLAG) + page(3, LEAF_FLAG)


class BoltFile:
    """`buckets`: name -> {key: value}; `pages`: number -> pages that it spans, for every page that
    a reader comes to."""

    def __init__(self, data):
        self._data = data
        self.page_size, root = self._newest_meta()
        self.pages = {}
        self.buckets = {}
        for name, at, _ in self._pairs(self._open(root)):
            child, = struct.unpack_from("<Q", data, at)
            # 0: the bucket lies right here.
            start = self._open(child) if child else at + ELEMENT_BYTES
            self.buckets[name.decode()] = {key: data[begin:begin + size]
                                           for key, begin, size in self._pairs(start)}

    def _newest_meta(self):
        found = []
        room = len(self._data) - PAGE.size - META.size
        for offset in (PAGE.size, *(size + PAGE.size for size in PAGE_SIZES if size <= room)):
            meta = META.unpack_from(self._data, offset)
            if meta[0] == MAGIC and meta[9] == checksum(self._data[offset:offset + META.size - 8]):
                found.append((meta[8], meta[2], meta[4]))
        _, page_size, root = max(found)
        return page_size, root

    def _open(self, number):
        start = number * self.page_size
        _, _, _, overflow = PAGE.unpack_from(self._data, start)
        self.pages[number] = 1 + overflow
        return start

    def _pairs(self, page):
        """Key, offset of the value, size of the value; in order."""
        _, flags, count, _ = PAGE.unpack_from(self._data, page)
        for at in range(page + PAGE.size, page + PAGE.size + count * ELEMENT_BYTES, ELEMENT_BYTES):
            if flags == BRANCH_FLAG:
                yield from self._pairs(self._open(BRANCH.unpack_from(self._data, at)[2]))
            else:
                _, position, key_size, value_size = LEAF.unpack_from(self._data, at)
                begin = at + position + key_size
                yield self._data[at + position:begin], begin, value_size
