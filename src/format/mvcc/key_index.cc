// For each key one number: what the row before the oldest one met so far has to be.
#include "format/mvcc/key_index.h"

#include <algorithm>

#include "format/mvcc/buckets.h"

namespace etcdrill::mvcc {
namespace {

// Set if that row may have been compacted away.
constexpr uint32_t kOptional = uint32_t{1} << 31;
// Set for good if the transaction at the revision itself deleted the key and put it anew.
constexpr uint32_t kRewritten = uint32_t{1} << 30;

enum Expected : uint32_t {
  kNothingMore,     // no older row may come
  kAnyPut,          // before a delete
  kDead,            // before the first version of a key: nothing, or a delete
  kDeadBeforeHead,  // the same, where that version is the newest, and put at the revision itself
  kAnything,        // before the mark of a restore, which is no real key
  kFirstLink,       // from here on: the put with a certain create_revision and version
};

// How many keys below the compaction are remembered to find a second row of theirs: 16 MiB of
// table. In larger stores the rest goes unchecked; the sums and the chains above the compaction do
// not depend on it.
constexpr size_t kCompactedKeysMax = size_t{1} << 20;

uint32_t LinkTo(int64_t create_revision, int64_t version) {
  uint64_t mixed =
      (static_cast<uint64_t>(create_revision) + (static_cast<uint64_t>(version) << 40)) *
      0x9e3779b97f4a7c15;
  mixed ^= mixed >> 29;
  mixed *= 0xbf58476d1ce4e5b9;
  return std::max<uint32_t>(static_cast<uint32_t>(mixed >> 34), kFirstLink);
}

uint32_t WhatOf(uint32_t expected) { return expected & ~(kOptional | kRewritten); }

uint32_t ExpectedBefore(const Revision& row, const KeyValueView& kv) {
  if (row.tombstone) return kAnyPut;
  if (kv.key.empty()) return kAnything;
  return kv.version <= 1 ? uint32_t{kDead} : LinkTo(kv.create_revision, kv.version - 1);
}

std::string_view WhyNot(uint32_t expected, const Revision& row, const KeyValueView& kv) {
  switch (WhatOf(expected)) {
    case kNothingMore:
      return "the key has another revision record at or below the compaction, which keeps at most "
             "one";
    case kAnyPut:
      return row.tombstone ? "the key is deleted twice without a write in between"
                           : std::string_view{};
    case kDead:
    case kDeadBeforeHead:
      return row.tombstone ? std::string_view{}
                           : "the next revision record of the key starts at version 1 without a "
                             "delete in between";
    case kAnything:
      return {};
    default:
      return !row.tombstone && LinkTo(kv.create_revision, kv.version) == WhatOf(expected)
                 ? std::string_view{}
                 : "the next revision record of the key does not follow: its create_revision or "
                   "version is wrong";
  }
}

bool IsOrphan(uint32_t expected) {
  const uint32_t what = WhatOf(expected);
  return (expected & kOptional) == 0 && (what == kAnyPut || what >= kFirstLink);
}

}  // namespace

void KeyIndex::CountNewest(const Revision& row, const KeyValueView& kv) {
  if (row.tombstone) return;
  if (kv.key.empty()) {  // etcd refuses empty keys, so this is the mark
    bumped_ = true;
  } else {
    ++live_keys_;
  }
}

KeyIndex::Place KeyIndex::Follow(const Revision& row, const KeyValueView& kv,
                                 uint32_t expected) const {
  Place place{.problem = WhyNot(expected, row, kv)};
  // The put that etcd removed was the first version, at the revision of the delete that it kept.
  const uint32_t what = WhatOf(expected);
  place.lost_by_etcd = !place.problem.empty() && row.tombstone &&
                       (row.main == finished_ || row.main == compacted_) &&
                       (what == kAnyPut || what == LinkTo(row.main, 1));
  return place;
}

bool KeyIndex::IsRewritten(uint64_t key) {
  const uint32_t* const expected = table_.Find(key);
  return expected != nullptr && (*expected & kRewritten) != 0;
}

KeyIndex::Place KeyIndex::OnNewer(const Revision& row, const KeyValueView& kv, uint64_t key) {
  uint32_t before = ExpectedBefore(row, kv);
  uint32_t* const expected = table_.Find(key);
  const bool newest = expected == nullptr;
  if (newest && before == kDead && row.main == revision_) before = kDeadBeforeHead;
  if (row.main <= compacted_) {
    newest_.push_back(newest);
    before |= kOptional;
  }
  if (newest) {
    table_.Add(key, before);
    ++keys_above_;
    CountNewest(row, kv);
    return {.standing = {.newest = true}};
  }
  const Place place = Follow(row, kv, *expected);
  before |= *expected & kRewritten;
  if (row.tombstone && row.main == revision_ && WhatOf(*expected) == kDeadBeforeHead) {
    before |= kRewritten;
    ++rewritten_;
  }
  *expected = before;
  return place;
}

KeyIndex::Place KeyIndex::OnCompacted(const Revision& row, const KeyValueView& kv, uint64_t key) {
  if (row.main > finished_) {
    // There is one for each row of the first look, unless the file changed in between; that is
    // found elsewhere.
    const bool newest = !newest_.empty() && newest_.back();
    if (!newest_.empty()) newest_.pop_back();
    const bool rewritten = newest && rewritten_ > 0 && row.main == revision_ && IsRewritten(key);
    return {.standing = {newest, rewritten}};
  }
  uint32_t* const expected = table_.Find(key);
  if (expected == nullptr) {
    if (table_.size() - keys_above_ < kCompactedKeysMax) table_.Add(key, kNothingMore);
    CountNewest(row, kv);
    return {.standing = {.newest = true}};
  }
  const Place place = Follow(row, kv, *expected);
  *expected = kNothingMore | (*expected & kRewritten);
  return place;
}

uint64_t KeyIndex::CountOrphans() const {
  uint64_t orphans = 0;
  table_.ForEachNumber([&](uint32_t expected) { orphans += IsOrphan(expected) ? 1 : 0; });
  return orphans;
}

bool KeyIndex::TakeOrphan(const KeyValueView& kv) {
  uint32_t* const expected = table_.Find(Prepare(kv.key));
  if (expected == nullptr || !IsOrphan(*expected)) return false;
  *expected = kNothingMore;
  return true;
}

namespace {

class FirstLook final : public bbolt::Visitor {
 public:
  FirstLook(KeyIndex& index, int64_t revision, const OnNewerRow& on_row)
      : index_(index), revision_(revision), on_row_(on_row) {}

  void OnBucket(std::string_view) override {}
  void OnPairs(std::span<const bbolt::Pair> pairs) override {
    rows_.clear();
    for (const bbolt::Pair& pair : pairs) {
      const auto revision = DecodeRevision(pair.key);
      const auto kv = DecodeKeyValue(pair.value);
      if (!revision.has_value() || !kv.has_value() || revision->main > revision_) continue;
      rows_.push_back({&pair, *revision, *kv, index_.Prepare(kv->key)});
    }
    for (const Row& row : rows_) {
      const KeyIndex::Place place = index_.OnNewer(row.revision, row.kv, row.key);
      if (on_row_) on_row_(*row.pair, row.revision, row.kv, place);
    }
  }

 private:
  struct Row {
    const bbolt::Pair* pair;
    Revision revision;
    KeyValueView kv;
    uint64_t key;
  };
  std::vector<Row> rows_;  // of one page
  KeyIndex& index_;
  const int64_t revision_;
  const OnNewerRow& on_row_;
};

}  // namespace

Result<KeyIndex> BuildKeyIndex(const bbolt::Database& database, const StoreState& state,
                               int64_t revision, int64_t compacted, uint64_t seed,
                               const OnNewerRow& on_row) {
  const int64_t finished = state.finished_compact.value_or(0);
  KeyIndex index(finished, compacted, revision, seed);
  if (finished >= revision) return index;
  FirstLook look(index, revision, on_row);
  RETURN_IF_ERROR(database.WalkBucket(kKeyBucket, EncodeRevision({.main = finished + 1}),
                                      bbolt::Direction::kBackwards, look));
  return index;
}

}  // namespace etcdrill::mvcc
