// Protobuf wire format: a field is varint(number << 3 | type), then a varint (type 0), 8 bytes (1),
// varint length and bytes (2) or 4 bytes (5). Types 3 and 4 (groups) never occur here.
#include "format/mvcc/row.h"

#include "base/bytes.h"

namespace etcdrill::mvcc {
namespace {

constexpr char kSeparator = '_';
constexpr char kTombstoneMark = 't';

class WireReader {
 public:
  explicit WireReader(std::string_view bytes)
      : p_(bytes.data()), end_(bytes.data() + bytes.size()) {}

  bool at_end() const { return p_ == end_; }

  bool ReadVarint(uint64_t& value) {
    value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (p_ == end_) return false;
      const auto byte = static_cast<unsigned char>(*p_++);
      if (shift == 63 && byte > 1) return false;  // more than 64 bits
      value |= uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  // A tag has 32 bits; as protobuf does, at most five bytes are taken for it.
  bool ReadTag(uint32_t& tag) {
    const char* const start = p_;
    uint64_t value = 0;
    if (!ReadVarint(value) || p_ - start > 5 || value > UINT32_MAX) return false;
    tag = static_cast<uint32_t>(value);
    return true;
  }

  bool ReadBytes(std::string_view& out) {
    uint64_t size = 0;
    return ReadVarint(size) && Take(size, out);
  }

  bool Take(uint64_t size, std::string_view& out) {
    if (size > static_cast<uint64_t>(end_ - p_)) return false;
    out = {p_, static_cast<size_t>(size)};
    p_ += size;
    return true;
  }

 private:
  const char* p_;
  const char* end_;
};

enum WireType : uint8_t { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };

bool ReadInt(WireReader& in, uint32_t type, int64_t& field) {
  uint64_t value = 0;
  if (type != kVarint || !in.ReadVarint(value)) return false;
  field = static_cast<int64_t>(value);
  return true;
}

bool Skip(WireReader& in, uint32_t type) {
  uint64_t ignored = 0;
  std::string_view bytes;
  switch (type) {
    case kVarint:
      return in.ReadVarint(ignored);
    case kFixed64:
      return in.Take(8, bytes);
    case kLengthDelimited:
      return in.ReadBytes(bytes);
    case kFixed32:
      return in.Take(4, bytes);
    default:
      return false;
  }
}

bool ReadField(WireReader& in, uint32_t number, uint32_t type, KeyValueView& kv) {
  switch (number) {
    case 0:
      return false;
    case 1:
      return type == kLengthDelimited && in.ReadBytes(kv.key);
    case 2:
      return ReadInt(in, type, kv.create_revision);
    case 3:
      return ReadInt(in, type, kv.mod_revision);
    case 4:
      return ReadInt(in, type, kv.version);
    case 5:
      return type == kLengthDelimited && in.ReadBytes(kv.value);
    case 6:
      return ReadInt(in, type, kv.lease);
    default:
      return Skip(in, type);
  }
}

}  // namespace

std::optional<Revision> DecodeRevision(std::string_view key) {
  const bool tombstone = key.size() == kRevisionBytes + 1;
  if (!tombstone && key.size() != kRevisionBytes) return std::nullopt;
  if (key[8] != kSeparator || (tombstone && key[kRevisionBytes] != kTombstoneMark))
    return std::nullopt;
  const Revision revision{static_cast<int64_t>(LoadBE64(key.data())),
                          static_cast<int64_t>(LoadBE64(key.data() + 9)), tombstone};
  if (revision.main < 1 || revision.sub < 0) return std::nullopt;
  return revision;
}

std::string EncodeRevision(const Revision& revision) {
  std::string key;
  AppendBE64(key, static_cast<uint64_t>(revision.main));
  key.push_back(kSeparator);
  AppendBE64(key, static_cast<uint64_t>(revision.sub));
  if (revision.tombstone) key.push_back(kTombstoneMark);
  return key;
}

std::optional<KeyValueView> DecodeKeyValue(std::string_view bytes) {
  KeyValueView kv;
  WireReader in(bytes);
  while (!in.at_end()) {
    uint32_t tag = 0;
    if (!in.ReadTag(tag) || !ReadField(in, tag >> 3, tag & 7, kv)) return std::nullopt;
  }
  return kv;
}

}  // namespace etcdrill::mvcc
