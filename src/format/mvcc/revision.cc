// Revision keys.
#include "format/mvcc/revision.h"

#include "base/bytes.h"

namespace etcdrill::mvcc {
namespace {
constexpr char kSeparator = '_';
constexpr char kTombstoneMark = 't';
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

}  // namespace etcdrill::mvcc
