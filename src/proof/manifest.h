// NAME.json, the record beside NAME.db. It gets its name last: its presence says that the snapshot
// is complete, and its SHA-256 proves the bytes from then on, trailer or not.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/status.h"
#include "proof/words.h"

namespace etcdrill {

// One member's HashKV and number of keys, and how they compare with the snapshot's.
struct ReceiptRecord {
  std::string endpoint;
  std::string member_id;  // hex
  uint32_t hash = 0;
  int64_t revision = 0;
  int64_t compact_revision = 0;
  Comparison result = Comparison::kNotComparable;
  std::string error;                 // set: the member could not be asked
  std::optional<int64_t> live_keys;  // at the snapshot's revision; none: not known, or of 0.1.0
  bool outvoted = false;  // most members held other data than this one: its word has no weight

  bool operator==(const ReceiptRecord&) const = default;
};

// How it goes on from the snapshot that was the newest when it was taken.
struct LineageRecord {
  std::string older;  // its name
  Continuity result = Continuity::kNotComparable;
  std::string text;  // why, if there is something to say
  double duration_seconds = 0;

  bool operator==(const LineageRecord&) const = default;
};

// Where a snapshot comes from that somebody else took.
struct AdoptedRecord {
  std::string path;
  uint64_t size_bytes = 0;  // as it lay there, maybe compressed
  WallTime modified;        // whole seconds, as the file system had it: maybe in the future
  WallTime changed;         // the same; the epoch if 0.1.0 adopted it

  bool operator==(const AdoptedRecord&) const = default;
};

struct Manifest {
  std::string name;
  std::string cluster;
  uint64_t place = 0;  // in the order of sealing (store::IsOlder), from 1 on; 0: of 0.1.0
  WallTime taken;  // whole seconds, as the clock of whoever took it had them: maybe in the future
  uint64_t size_bytes = 0;
  std::string sha256;  // hex, of the whole file
  int64_t revision = 0;
  int64_t compact_revision = 0;
  uint32_t hash = 0;
  uint32_t hashkv = 0;
  uint64_t total_keys = 0;
  uint64_t live_keys = 0;
  std::string storage_version;
  Verdict verdict = Verdict::kNotProvable;  // at capture; kNotProvable only of an adopted one
  std::string endpoint;
  std::string chosen;      // why this endpoint: "follower, 0 entries behind"
  std::string member_id;   // hex
  std::string cluster_id;  // hex
  std::string etcd_version;
  double duration_seconds = 0;
  std::vector<ReceiptRecord> receipt;
  std::optional<LineageRecord> lineage;  // none for the first in a store
  std::optional<AdoptedRecord> adopted;
  // Adopted, and shown to be of another history than the source's, or than the store's where no
  // member holds it: `lineage` says what differs. Its bytes are sound, but it counts for nothing.
  bool other_history = false;

  bool operator==(const Manifest&) const = default;
};

// What its record of lineage says; none if there is no record.
inline std::optional<Continuity> LineageOf(const Manifest& manifest) {
  return manifest.lineage.has_value() ? std::optional(manifest.lineage->result) : std::nullopt;
}

Json ToJson(const Manifest& manifest);
// kDamaged, with what is missing, if the text is not a manifest.
Result<Manifest> ParseManifest(std::string_view text);

}  // namespace etcdrill
