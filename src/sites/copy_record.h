// manifests/COPY.json: the manifest of a snapshot, with what is known of the copy that lies at a
// site. It can be read as a plain SnapshotManifest, too. An Ed25519 signature tells who wrote it:
// age keeps others from reading a copy, not from replacing it (https://c2sp.org/age).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "crypto/signature.h"
#include "objects/object_store.h"
#include "proof/manifest.h"
#include "sites/layout.h"
#include "store/drill_order.h"

namespace etcdrill::sites {

struct CopyRecord {
  Manifest manifest;  // as the store has it
  std::string copy;
  Encoding encoding;
  // Of the object that holds the bytes.
  uint64_t size_bytes = 0;
  std::string sha256;                   // hex, of the object as it lies there: packed
  std::string etag;                     // as the site told it after the upload
  std::string version_id;               // the same; empty where there are none
  std::string nonce;                    // of the upload, also in the object's metadata
  std::vector<std::string> recipients;  // "age1..."
  std::optional<objects::Lock> lock;    // that the site confirmed
  std::string writer;
  // The newest drill report of this writer at that time. Nothing compares it: it is there for
  // whoever audits whether the end of the chain was cut off.
  std::optional<store::DrillLink> last_drill;

  std::string key() const { return BytesKey(copy, encoding); }
};

// The document; signed if there is a key. What is signed is the document without `signature`, its
// keys sorted, without white space.
std::string CopyRecordJson(const CopyRecord& record, const std::optional<SigningKey>& key);

struct ReadCopy {
  CopyRecord record;
  // OK if one of the known keys signed it, or no keys are known; else kNotProvable, which is no
  // verdict on the bytes.
  Status trust;
};
// kDamaged if it is no such document, or one of another copy than `copy`.
Result<ReadCopy> ParseCopyRecord(std::string_view text, std::string_view copy,
                                 std::span<const VerifyingKey> known);

}  // namespace etcdrill::sites
