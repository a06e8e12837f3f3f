// L3, the heart of it: the rows of the `key` bucket, one for each change of a user key, in the
// order in which they happened. Rules: docs/dev/formats.md §2.3; sums: docs/dev/formats.md §5.2.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "format/bbolt/database.h"
#include "format/mvcc/hash_kv.h"
#include "format/mvcc/key_index.h"
#include "proof/finding.h"
#include "verify/facts.h"
#include "verify/report.h"

namespace etcdrill::verify {

// Revisions rise without a gap, each value fits its revision, the versions of each key follow each
// other, and the leases that keys name exist. Not thread-safe.
class KeyBucketCheck {
 public:
  // Takes the first look at the rows (format/mvcc/key_index.h).
  static Result<KeyBucketCheck> Start(const Facts& facts, uint64_t seed, Findings& findings);

  // The second look: all rows, oldest first, a page at a time.
  void OnRows(std::span<const bbolt::Pair> pairs);
  // Judges what only the end shows; takes a third look if it has to name rows.
  Status Finish(Keyspace& keyspace);

 private:
  KeyBucketCheck(const Facts& facts, mvcc::KeyIndex index, Findings& findings);

  struct Row {
    const bbolt::Pair* pair;
    std::optional<mvcc::Revision> revision;
    std::optional<mvcc::KeyValueView> kv;
    uint64_t key = 0;  // prepared by the index, if that will be asked
  };
  void OnRow(const Row& row);
  void CheckOrder(const mvcc::Revision& row, const bbolt::Pair& pair);
  void CheckFields(const mvcc::Revision& row, const mvcc::KeyValueView& kv,
                   const bbolt::Pair& pair);
  mvcc::HashKvSum::Standing CheckCompacted(const mvcc::Revision& row, const mvcc::KeyValueView& kv,
                                           uint64_t key, const bbolt::Pair& pair);
  Status NameOrphans();
  void Report(std::string_view code, const bbolt::Pair& pair, std::string text);

  const Facts& facts_;
  const int64_t compact_revision_;
  mvcc::KeyIndex index_;
  Findings& findings_;
  mvcc::HashKvSum hashkv_;
  mvcc::Revision last_;
  std::vector<Row> rows_;  // of one page
};

}  // namespace etcdrill::verify
