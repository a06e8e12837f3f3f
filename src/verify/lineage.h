// Does one snapshot continue another? HashKV answers it exactly: a file can be hashed as any member
// would that has compacted further, so the older file at (its own revision R, the newer one's
// compact revision C) must equal the newer file at (R, C). Only where C lies beyond R nothing is
// left to compare. Source: docs/dev/formats.md §5.5.
//
// The consistent index and the term begin anew with a restore, and so say nothing alone; users and
// roles are not in HashKV, their revision is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/status.h"
#include "format/mvcc/hash_kv.h"
#include "format/snapshot/image.h"
#include "proof/finding.h"
#include "proof/words.h"

namespace etcdrill::verify {

// Where a file stands in the history of its cluster.
struct Place {
  std::string file;
  mvcc::HashKv head;  // at its newest revision, as compacted as the file is
  // See Facts::MayGoBack: its revisions may be made anew.
  bool may_go_back = false;
  std::optional<uint64_t> consistent_index;  // raft index of the last entry in it
  std::optional<uint64_t> term;              // of that entry; 3.5 and later
  uint64_t auth_revision = 0;
  bool has_storage_version = false;  // 3.6 and later
  std::vector<std::string> members;  // ids, hex
};

// Reads the small buckets of a sound file; `head` comes from its VerifyReport or its manifest. Of
// what that knows, hash, revisions and keys are enough: a comparison that they do not decide reads
// the file.
Result<Place> ReadPlace(const snapshot::Image& image, const mvcc::HashKv& head);

// Both sides at one revision and compact revision.
struct ComparedHashes {
  int64_t revision = 0;
  int64_t compact_revision = 0;
  uint32_t older = 0;
  uint32_t newer = 0;
  uint64_t older_keys = 0;  // alive at that revision
  uint64_t newer_keys = 0;
  bool equal = false;  // hash and keys
};

// A live member that stands in for the newer file.
struct LiveMember {
  std::string endpoint;
  std::string member_id;  // hex
  int64_t revision = 0;   // its newest
  bool is_leader = false;
  mvcc::HashKv hashkv;               // its answer
  std::optional<int64_t> live_keys;  // that it counts at the file's revision; none: not known
  uint32_t older = 0;  // the file at the same revision and compact revision, unless not comparable
  Comparison result = Comparison::kNotComparable;
  std::string problem;  // why it is not comparable
};

struct LineageReport {
  Continuity verdict = Continuity::kNotComparable;
  Place older;
  std::optional<Place> newer;              // a file, or
  std::vector<LiveMember> members;         // the live cluster
  std::optional<ComparedHashes> compared;  // of two files that could be compared
  bool restored_between = false;
  Findings findings;
  double duration_seconds = 0;
};

// Whether a store has seen no write yet: its hash is that of any other such store.
bool HoldsNothing(const Place& place);

// A file, and where it stands.
struct Placed {
  const snapshot::Image& image;
  Place place;
};

// Whether a member has keys that the file has not, by the numbers: it counts what it holds in
// memory, where a key is that etcd#22376 took out of its database. One that counts fewer may see a
// part, as through a proxy with a namespace.
bool CountsMore(std::optional<int64_t> of_member, uint64_t of_file);

// Compares two sound files. kDamaged if one of them turns out not to be.
Result<LineageReport> CompareLineage(const Context& context, const Placed& older,
                                     const Placed& newer);

// Judges a live cluster by what its members answered: report.members is filled, and nothing else
// but `older`.
void JudgeMembers(LineageReport& report);

// The LineageReport as one JSON document.
Json ToJson(const LineageReport& report);

}  // namespace etcdrill::verify
