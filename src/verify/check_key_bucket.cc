// Which rule a row breaks, in words.
#include "verify/check_key_bucket.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "format/mvcc/buckets.h"
#include "proof/finding_codes.h"

namespace etcdrill::verify {
namespace {

// The first write of a store makes revision 2; revision 1 is the empty store.
constexpr int64_t kFirstMain = 2;

std::string Text(const mvcc::Revision& row) {
  return fmt::format("revision {}/{}", row.main, row.sub);
}

void AddFinding(Findings& findings, std::string_view code, Severity severity,
                const bbolt::Pair& pair, std::string text) {
  findings.Add({code, severity, pair.page, pair.offset, "bucket key: " + std::move(text)});
}

void AddBrokenStep(Findings& findings, const bbolt::Pair& pair, const mvcc::Revision& row,
                   const mvcc::KeyValueView& kv, const mvcc::KeyIndex::Place& place) {
  if (place.problem.empty()) return;
  if (!place.lost_by_etcd) {
    AddFinding(findings, codes::kVersionChain, Severity::kError, pair,
               fmt::format("{} of key {}: {}", Text(row), Printable(kv.key), place.problem));
    return;
  }
  AddFinding(
      findings, codes::kRowLostByEtcd, Severity::kWarning, pair,
      fmt::format(
          "one transaction deleted and put key {}, and the compaction at {}, exactly that "
          "revision, removed the put: a fault of etcd (etcd#22376). The current data is complete, "
          "but a read of revision {} makes a running member exit. Compact beyond that revision",
          Printable(kv.key), row.main, row.main));
}

// The ids of all leases, in rising order. A store has some thousands; the limit keeps a hostile one
// from the memory.
class LeaseIds {
 public:
  void Add(const bbolt::Pair& pair) {
    complete_ &= ids_.size() < kLeasesMax;
    if (pair.key.size() == sizeof(uint64_t) && complete_) ids_.push_back(LoadBE64(pair.key.data()));
  }
  bool Misses(int64_t id) const {
    return complete_ && !std::ranges::binary_search(ids_, static_cast<uint64_t>(id));
  }

 private:
  static constexpr size_t kLeasesMax = size_t{2} << 20;  // 16 MiB
  std::vector<uint64_t> ids_;
  bool complete_ = true;
};

}  // namespace

Result<KeyBucketCheck> KeyBucketCheck::Start(const Facts& facts, uint64_t seed,
                                             Findings& findings) {
  LeaseIds leases;
  RETURN_IF_ERROR(facts.database->ForEachPair(mvcc::kLeaseBucket, {},
                                              [&](const bbolt::Pair& pair) { leases.Add(pair); }));
  const auto on_row = [&](const bbolt::Pair& pair, const mvcc::Revision& row,
                          const mvcc::KeyValueView& kv, const mvcc::KeyIndex::Place& place) {
    AddBrokenStep(findings, pair, row, kv, place);
    // An expired lease takes its keys along in the same transaction; only the newest row speaks of
    // now.
    if (place.standing.newest && kv.lease != 0 && leases.Misses(kv.lease)) {
      AddFinding(
          findings, codes::kLeaseMissing, Severity::kWarning, pair,
          fmt::format("key {} refers to lease {:x}, which does not exist: the key never expires",
                      Printable(kv.key), kv.lease));
    }
  };
  ASSIGN_OR_RETURN(mvcc::KeyIndex index,
                   mvcc::BuildKeyIndex(*facts.database, facts.state, facts.revision,
                                       facts.state.CompactRevision(), seed, on_row));
  return KeyBucketCheck(facts, std::move(index), findings);
}

KeyBucketCheck::KeyBucketCheck(const Facts& facts, mvcc::KeyIndex index, Findings& findings)
    : facts_(facts),
      compact_revision_(facts.state.CompactRevision()),
      index_(std::move(index)),
      findings_(findings),
      hashkv_(facts.revision, compact_revision_, index_.alive_above()) {}

void KeyBucketCheck::OnRows(std::span<const bbolt::Pair> pairs) {
  rows_.clear();
  for (const bbolt::Pair& pair : pairs) {
    rows_.push_back({&pair, mvcc::DecodeRevision(pair.key), mvcc::DecodeKeyValue(pair.value)});
    Row& row = rows_.back();
    const bool compacted = row.revision.has_value() && row.revision->main <= compact_revision_;
    if (compacted && row.kv.has_value()) row.key = index_.Prepare(row.kv->key);
  }
  for (const Row& row : rows_) OnRow(row);
}

void KeyBucketCheck::OnRow(const Row& row) {
  const bbolt::Pair& pair = *row.pair;
  if (!row.revision.has_value()) {
    Report(codes::kRevisionKey, pair,
           fmt::format("a key of {} bytes is not a revision", pair.key.size()));
    return;
  }
  const mvcc::Revision& revision = *row.revision;
  CheckOrder(revision, pair);
  last_ = revision;
  if (!row.kv.has_value()) {
    Report(codes::kKeyValueDecode, pair,
           fmt::format("the value at {} cannot be decoded", Text(revision)));
    return;
  }
  CheckFields(revision, *row.kv, pair);
  const bool compacted = revision.main <= compact_revision_;
  const auto standing =
      compacted ? CheckCompacted(revision, *row.kv, row.key, pair) : mvcc::HashKvSum::Standing{};
  hashkv_.OnRow(revision, standing, pair.key, pair.value);
}

// Above the compact revision no write is missing: mains follow each other, and subs count from 0
// within each. Revisions that do not rise break the order of keys, which is a matter of the
// structure.
void KeyBucketCheck::CheckOrder(const mvcc::Revision& row, const bbolt::Pair& pair) {
  if (row.main == last_.main && row.sub == last_.sub) {
    Report(codes::kRevisionGap, pair,
           fmt::format("{} exists both as a put and as a delete", Text(row)));
    return;
  }
  if (row.main <= compact_revision_) return;
  const int64_t first = std::max(compact_revision_ + 1, kFirstMain);
  const bool same_write = row.main == last_.main;
  const int64_t expected_main = same_write ? row.main : std::max(last_.main, first - 1) + 1;
  const bool sub_follows = same_write ? row.sub - 1 == last_.sub : row.sub == 0;
  if (row.main != expected_main || !sub_follows) {
    Report(codes::kRevisionGap, pair,
           fmt::format("{} follows {}: changes are missing or duplicated", Text(row), Text(last_)));
  }
}

void KeyBucketCheck::CheckFields(const mvcc::Revision& row, const mvcc::KeyValueView& kv,
                                 const bbolt::Pair& pair) {
  std::string_view problem;
  const bool is_mark =
      pair.value.empty() && !row.tombstone && row.sub == 0 && row.main <= compact_revision_;
  if (is_mark) return;
  if (pair.value.empty()) {
    problem = "an empty revision record that is not the mark of a restore with --bump-revision";
  } else if (kv.key.empty()) {
    problem = "the revision record has no user key";
  } else if (row.tombstone) {
    if (kv.mod_revision != 0 || kv.create_revision != 0 || kv.version != 0 || kv.lease != 0 ||
        !kv.value.empty()) {
      problem = "a delete has more than a key";
    }
  } else if (kv.mod_revision != row.main) {
    problem = "mod_revision is not this revision";
  } else if (kv.version < 1 || kv.create_revision < 1 || kv.create_revision > kv.mod_revision) {
    problem = "version or create_revision is impossible";
  } else if ((kv.version == 1) != (kv.create_revision == kv.mod_revision)) {
    problem = "version and create_revision are inconsistent";
  }
  if (!problem.empty())
    Report(codes::kKeyValueFields, pair, fmt::format("{}: {}", Text(row), problem));
}

// What a compaction leaves behind: of each key the newest row, if that is a put.
mvcc::HashKvSum::Standing KeyBucketCheck::CheckCompacted(const mvcc::Revision& row,
                                                         const mvcc::KeyValueView& kv, uint64_t key,
                                                         const bbolt::Pair& pair) {
  const mvcc::KeyIndex::Place place = index_.OnCompacted(row, kv, key);
  const int64_t finished = facts_.state.finished_compact.value_or(0);
  // Servers since 3.4.34 and 3.5.16 keep a delete that is at the compact revision itself.
  if (row.tombstone && row.main < finished) {
    Report(codes::kCompactedRow, pair,
           fmt::format("{} is a delete of key {}, which the compaction at {} must have removed",
                       Text(row), Printable(kv.key), finished));
  }
  AddBrokenStep(findings_, pair, row, kv, place);
  return place.standing;
}

Status KeyBucketCheck::Finish(Keyspace& keyspace) {
  keyspace.newest_row = last_.main;
  keyspace.live_keys = index_.live_keys();
  keyspace.bumped = index_.bumped();
  keyspace.hashkv = hashkv_.Finish();
  keyspace.hashkv.live_keys = keyspace.live_keys;
  keyspace.may_go_back = facts_.MayGoBack();
  if (keyspace.may_go_back) {
    findings_.Warn(codes::kRevisionBehindCompaction,
                   "the newest revision record is {}, below an unfinished compaction at {}. etcd "
                   "before 3.4.32 and 3.5.14 goes back to that record after a restart. Upgrade "
                   "before you restart a member on this data",
                   Text(last_), compact_revision_);
  }
  if (keyspace.live_keys == 0) {
    findings_.Warn(
        codes::kNoKeys,
        "the file has no live key. Check that it is of the right cluster. No snapshot holds data "
        "of the v2 API (`etcd --enable-v2`): copy that data with its own tools");
  }
  return index_.CountOrphans() > 0 ? NameOrphans() : OkStatus();
}

// Rows above the compaction that build on a row which is not there.
Status KeyBucketCheck::NameOrphans() {
  const std::string from =
      mvcc::EncodeRevision({.main = facts_.state.finished_compact.value_or(0) + 1});
  return facts_.database->ForEachPair(mvcc::kKeyBucket, from, [&](const bbolt::Pair& pair) {
    const auto row = mvcc::DecodeRevision(pair.key);
    const auto kv = mvcc::DecodeKeyValue(pair.value);
    if (!row.has_value() || !kv.has_value() || !index_.TakeOrphan(*kv)) return;
    Report(codes::kVersionChain, pair,
           fmt::format("{} of key {} {}, but no earlier revision record of the key exists",
                       Text(*row), Printable(kv->key),
                       row->tombstone ? std::string("is a delete")
                                      : fmt::format("is version {}", kv->version)));
  });
}

void KeyBucketCheck::Report(std::string_view code, const bbolt::Pair& pair, std::string text) {
  AddFinding(findings_, code, Severity::kError, pair, std::move(text));
}

}  // namespace etcdrill::verify
