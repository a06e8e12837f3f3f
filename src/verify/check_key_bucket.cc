// The rows of the `key` bucket: one for each change of a user key, in the order in which they happened.
#include <fmt/format.h>

#include "format/finding_codes.h"
#include "verify/check_keyspace.h"

namespace etcdrill::verify {
namespace {

// The first write of a store makes revision 2; revision 1 is the empty store.
constexpr int64_t kFirstMain = 2;

std::string Text(const mvcc::Revision& row) { return fmt::format("revision {}/{}", row.main, row.sub); }

}  // namespace

KeyBucketCheck::KeyBucketCheck(const mvcc::StoreState& state, int64_t revision, const mvcc::NewestRows& newest,
                               Findings& findings)
    : compact_revision_(state.CompactRevision()),
      newest_(newest),
      findings_(findings),
      hashkv_(revision, compact_revision_, newest) {}

void KeyBucketCheck::OnRow(const bbolt::Pair& pair) {
  const auto row = mvcc::DecodeRevision(pair.key);
  if (!row.has_value()) {
    Report(codes::kRevisionKey, pair, fmt::format("a key of {} bytes is not a revision", pair.key.size()));
    return;
  }
  CheckOrder(*row, pair);
  last_ = *row;
  const auto kv = mvcc::DecodeKeyValue(pair.value);
  if (!kv.has_value()) {
    Report(codes::kKeyValueDecode, pair, fmt::format("the value at {} does not decode", Text(*row)));
    return;
  }
  CheckFields(*row, *kv, pair);
  CountLive(*row, *kv);
  hashkv_.OnRow(*row, kv->key, pair.key, pair.value);
}

// Above the compact revision no write is missing: mains follow each other, and subs count from 0 within each.
void KeyBucketCheck::CheckOrder(const mvcc::Revision& row, const bbolt::Pair& pair) {
  if (row.main <= compact_revision_) return;
  const int64_t first = std::max(compact_revision_ + 1, kFirstMain);
  const bool same_write = row.main == last_.main;
  const int64_t expected_main = same_write ? row.main : std::max(last_.main, first - 1) + 1;
  const bool sub_follows = same_write ? row.sub - 1 == last_.sub : row.sub == 0;
  if (row.main != expected_main || !sub_follows) {
    Report(codes::kRevisionGap, pair,
           fmt::format("{} follows {}: changes are missing, or there twice", Text(row), Text(last_)));
  }
}

void KeyBucketCheck::CheckFields(const mvcc::Revision& row, const mvcc::KeyValueView& kv, const bbolt::Pair& pair) {
  std::string_view problem;
  if (row.tombstone) {
    if (kv.mod_revision != 0 || kv.create_revision != 0 || kv.version != 0 || !kv.value.empty()) {
      problem = "a delete carries more than a key";
    }
  } else if (pair.value.empty()) {
    if (row.main > compact_revision_) problem = "an empty row that is not the mark of a restore with --bump-revision";
  } else if (kv.mod_revision != row.main) {
    problem = "mod_revision is another revision";
  } else if (kv.version < 1 || kv.create_revision < 1 || kv.create_revision > kv.mod_revision) {
    problem = "version or create_revision can't be";
  } else if ((kv.version == 1) != (kv.create_revision == kv.mod_revision)) {
    problem = "version and create_revision contradict each other";
  }
  if (!problem.empty()) Report(codes::kKeyValueFields, pair, fmt::format("{}: {}", Text(row), problem));
}

// A key is alive if its newest row is a put. After a compaction the newest rows are known; before the first one, every
// life of a key begins with version 1 and ends with a tombstone.
void KeyBucketCheck::CountLive(const mvcc::Revision& row, const mvcc::KeyValueView& kv) {
  if (compact_revision_ == mvcc::kNeverCompacted) {
    if (row.tombstone) --live_keys_;
    if (kv.version == 1) ++live_keys_;
    return;
  }
  const int64_t newest = newest_.Get(kv.key);
  if (row.tombstone || (newest != 0 && newest != row.main)) return;
  ++live_keys_;
  bumped_ |= kv.key.empty();  // etcd refuses empty keys, so this is the mark
}

void KeyBucketCheck::Finish(Keyspace& keyspace) const {
  keyspace.revision = last_.main;
  keyspace.live_keys = static_cast<uint64_t>(std::max<int64_t>(live_keys_, 0));
  keyspace.bumped = bumped_;
  keyspace.hashkv = hashkv_.Finish();
  if (last_.main < compact_revision_) {
    findings_.Add(
        {codes::kRevisionBehindCompaction, Severity::kWarning, std::nullopt, std::nullopt,
         fmt::format("the newest row is {}, the store is compacted at {}: etcd before 3.4.32 and 3.5.14 goes back "
                     "to the former after a restart",
                     Text(last_), compact_revision_)});
  }
}

void KeyBucketCheck::Report(std::string_view code, const bbolt::Pair& pair, std::string text) {
  findings_.Add({code, Severity::kError, pair.page, pair.offset, "bucket key: " + std::move(text)});
}

}  // namespace etcdrill::verify
