// Puts one sealed snapshot into a site: packed, uploaded, asked back, and only then given a
// manifest there. Nothing rests on a header that was only sent: some servers store an object and
// ignore its lock, its checksum or its condition (docs/dev/adr/0027-sites.md).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "crypto/age/keys.h"
#include "crypto/signature.h"
#include "io/context.h"
#include "objects/object_store.h"
#include "proof/manifest.h"
#include "sites/copy_record.h"

namespace etcdrill::sites {

struct SealCopyRequest {
  std::string path;  // of the snapshot, in the clear
  Manifest manifest;
  Encoding encoding;
  std::vector<AgeRecipient> recipients = {};  // at least one with encoding.age
  std::optional<SigningKey> key = {};
  std::optional<objects::Lock> lock = {};
  std::string writer;
  std::optional<store::DrillLink> last_drill = {};  // of this writer
  std::function<void(uint64_t, uint64_t)> on_progress = [](uint64_t, uint64_t) {};
};

// What is sealed is the manifest's bytes: the file is hashed while it goes up, and one that is
// another than the manifest says is kDamaged. What the site promised is asked for: size, nonce,
// version, lock; a lock that is missing is set once more, and then kLockNotApplied. An upload that
// failed in passing is begun anew, under another name, a few times.
//
// After an error the site has no manifest of it: what may lie there is no copy, is deleted where
// that is allowed, and else swept a week later (delete_copy.h). `context.stop` ends it.
Result<CopyRecord> SealCopy(const Context& context, objects::ObjectStore& site,
                            const SealCopyRequest& request);

}  // namespace etcdrill::sites
