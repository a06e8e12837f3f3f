// What a look at a snapshot file brought to light: the ladder (README.md) up to L3, the facts and
// the findings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "format/mvcc/hash_kv.h"
#include "format/snapshot/foreign.h"
#include "proof/finding.h"
#include "proof/judge.h"
#include "proof/words.h"
#include "verify/inventory.h"

namespace etcdrill::verify {

struct MemberRecord {
  uint64_t id = 0;
  std::string name;
  std::vector<std::string> peer_urls;
  std::vector<std::string> client_urls;
  bool is_learner = false;
};

// What the buckets hold. Only meaningful if the structure is sound.
struct Keyspace {
  uint32_t hash = 0;         // as `etcdutl snapshot status` prints it
  int64_t newest_row = 0;    // its revision, which `snapshot status` prints; 0 if there is none
  uint64_t total_keys = 0;   // pairs in all buckets: what etcd up to 3.5 calls total keys
  uint64_t live_keys = 0;    // user keys alive, as a server counts them
  bool bumped = false;       // beside them is the mark of a restore with --bump-revision; `snapshot
                             // status` counts it
  uint64_t total_bytes = 0;  // pages up to the high-water mark
  mvcc::HashKv hashkv;       // at the store's revision, which is the one that a server on it is at
  bool may_go_back = false;  // an old etcd may boot at newest_row; see Facts::MayGoBack
  std::string storage_version;
  std::string cluster_version;
  std::vector<MemberRecord> members;
  std::vector<std::string> alarms;  // "NOSPACE", "CORRUPT": raised in the snapshot
  bool auth_enabled = false;
  std::optional<uint64_t> auth_revision;
  std::optional<uint64_t> consistent_index;  // raft index of the last entry in the file
  std::optional<uint64_t> term;              // raft term of that entry; 3.5 and later
};

struct VerifyReport {
  std::string file;
  Levels levels;
  uint64_t size_bytes = 0;
  std::string sha256;                        // hex, of the whole file
  std::optional<snapshot::Foreign> foreign;  // it is no snapshot at all, but this
  std::optional<Keyspace> keyspace;
  Findings findings;
  std::optional<Inventory> inventory;  // only if somebody asked for it
  double duration_seconds = 0;

  Verdict verdict() const { return Judge(levels, findings, Level::kKeyspace); }
  // Why it is not proven: the text of the first error, else of what prevents the proof.
  std::string Cause() const;
  // Which keys the findings that are kept make unreadable, in words: "bucket key: revisions 100/0
  // to 140/2".
  std::vector<std::string> Affected() const;
};

// The VerifyReport as one JSON document.
Json ToJson(const VerifyReport& report);

}  // namespace etcdrill::verify
