// L3: does what the buckets hold make sense as the store of an etcd? A visitor that is fed by the
// walk over the structure, so that both levels cost one pass. It hands each pair to the check of
// its bucket.
#pragma once

#include <set>
#include <span>
#include <string>

#include "format/bbolt/database.h"
#include "proof/finding.h"
#include "verify/check_key_bucket.h"
#include "verify/check_membership.h"
#include "verify/check_records.h"
#include "verify/facts.h"
#include "verify/report.h"

namespace etcdrill::verify {

// Not thread-safe.
class KeyspaceCheck final : public bbolt::Visitor {
 public:
  KeyspaceCheck(const Facts& facts, KeyBucketCheck key_bucket, Findings& findings);

  void OnBucket(std::string_view name) override;
  void OnPairs(std::span<const bbolt::Pair> pairs) override;
  // Judges what only the end shows, and returns what was learnt.
  Result<Keyspace> Finish();
  // After the walk: there are buckets, and etcd makes none of them.
  bool IsOfOtherProgram() const { return !buckets_.empty() && !any_of_etcd_; }

 private:
  void CheckCompaction();

  const Facts& facts_;
  Findings& findings_;
  KeyBucketCheck key_bucket_;
  MembershipCheck membership_;
  RecordsCheck records_;
  Keyspace keyspace_;
  std::set<std::string> buckets_;
  bool in_key_bucket_ = false;
  bool any_of_etcd_ = false;
  void (*on_pair_)(KeyspaceCheck&, const bbolt::Pair&) = nullptr;  // of the bucket the walk is in
};

}  // namespace etcdrill::verify
