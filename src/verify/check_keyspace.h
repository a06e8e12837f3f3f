// L3: does what the buckets hold make sense as the store of an etcd? A visitor that is fed by the walk over the
// structure, so that both levels cost one pass. Rules: formats.md 2.3; sums: formats.md 4 and 5.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "format/bbolt/tree.h"
#include "format/finding.h"
#include "format/mvcc/hash_kv.h"
#include "format/mvcc/key_value.h"
#include "format/mvcc/revision.h"
#include "format/mvcc/store_state.h"
#include "verify/report.h"

namespace etcdrill::verify {

// The rows of `key`, in order: revisions rise without a gap, each value fits its revision.
class KeyBucketCheck {
 public:
  // `newest` as for HashKvSum; empty if the store was never compacted.
  KeyBucketCheck(const mvcc::StoreState& state, int64_t revision, const mvcc::NewestRows& newest, Findings& findings);

  void OnRow(const bbolt::Pair& pair);
  void Finish(Keyspace& keyspace) const;

 private:
  void CheckOrder(const mvcc::Revision& row, const bbolt::Pair& pair);
  void CheckFields(const mvcc::Revision& row, const mvcc::KeyValueView& kv, const bbolt::Pair& pair);
  void CountLive(const mvcc::Revision& row, const mvcc::KeyValueView& kv);
  void Report(std::string_view code, const bbolt::Pair& pair, std::string text);

  const int64_t compact_revision_;
  const mvcc::NewestRows& newest_;
  Findings& findings_;
  mvcc::HashKvSum hashkv_;
  mvcc::Revision last_;
  int64_t live_keys_ = 0;
  bool bumped_ = false;
};

class KeyspaceCheck final : public bbolt::Visitor {
 public:
  KeyspaceCheck(const mvcc::StoreState& state, int64_t revision, const mvcc::NewestRows& newest, Findings& findings);

  void OnBucket(std::string_view name) override;
  void OnPair(const bbolt::Pair& pair) override;
  // Judges what only the end shows, and returns the facts.
  Keyspace Finish();

 private:
  void OnMeta(const bbolt::Pair& pair);
  void OnVersion(const bbolt::Pair& pair, std::string& version);
  void OnMember(const bbolt::Pair& pair);
  void OnAlarm(const bbolt::Pair& pair);
  void OnLease(const bbolt::Pair& pair);
  void Report(std::string_view code, const bbolt::Pair& pair, std::string text);
  void CheckCompaction();

  const mvcc::StoreState state_;
  Findings& findings_;
  KeyBucketCheck key_bucket_;
  Keyspace keyspace_;
  std::string bucket_;
  std::set<std::string> buckets_;
};

}  // namespace etcdrill::verify
