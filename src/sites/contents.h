// What a site holds, read from the site alone: its copies, what writers found of them, and the
// drills of them. It reads as a catalogue, so that what is planned for a store (drills, retention,
// choice of a snapshot) is planned for a site by the same rules.
//
// The hard fact: a drill of the file in somebody's store proves that file, not the copy. So only
// drills that fetched the copy from this site make it restorable; but a snapshot whose content a
// drill found damaged is damaged wherever the same bytes lie.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/names.h"
#include "catalog/catalog.h"
#include "crypto/signature.h"
#include "io/context.h"
#include "objects/object_store.h"
#include "sites/copy_record.h"

namespace etcdrill::sites {

// What the site itself says of a copy, by its listings alone.
enum class Listed {
  kThere,        // size and etag as they were when it was sealed
  kVanished,     // the bytes are gone, the manifest is there
  kOverwritten,  // other bytes lie under its name
};

struct Writer {
  std::string name;
  WallTime last_seen{};
};

// Something that should not be there, or should not be so.
enum class Oddity {
  kVanished,     // bytes of a copy are gone
  kOverwritten,  // by the site's word, other bytes lie under the name of a copy
  kHidden,       // a delete marker that we did not write hides a copy
  kNewVersion,   // somebody wrote another version over a copy or its manifest
  kUntrusted,    // no known key signed a manifest
  kUnreadable,   // what should be a manifest is none
  kLockMissing,  // the site does not hold a lock that was promised
};

struct SiteFinding {
  Oddity oddity = Oddity::kVanished;
  std::string key;   // of the object
  std::string copy;  // empty if it is of none
  std::string text;
  bool operator==(const SiteFinding&) const = default;
};

struct Contents {
  // By the rules of catalog/; the name in each manifest is COPY, and `problem` says why a copy is
  // not usable though nobody found it damaged.
  catalog::Catalog catalog;
  std::map<std::string, CopyRecord> records;  // by COPY; the manifests there have the real NAME
  std::vector<SiteFinding> findings;
  std::vector<Writer> writers;
  uint64_t bytes = 0;     // of all copies, as they lie there
  size_t unsealed = 0;    // bytes without a manifest: uploads that go on, or that were killed
  WallTime read_at{};

  // The newest record of that snapshot which is usable, or null.
  const CopyRecord* CopyOf(std::string_view snapshot) const [[clang::lifetimebound]];
};

// Reads a site by what is new. Safe for use from any thread; one Refresh at a time goes on.
class SiteFollower {
 public:
  // Of the copies of this cluster; of all if the name is empty. `site` must outlive it.
  SiteFollower(objects::ObjectStore& site, std::string cluster);
  ~SiteFollower();

  // Lists the site, and gets what it has not got yet, several at a time. A manifest, a report that
  // was read is not read again; checks are if their etag is another. An error leaves Now() as it
  // was. `known`: whose signatures count; none: any.
  Result<std::shared_ptr<const Contents>> Refresh(const Context& context,
                                                  const std::vector<VerifyingKey>& known);
  // Asks the site for all versions, where it has some, and for the locks that were promised: what
  // others hid or wrote over. Slower than a listing; its findings are in the Contents from then on.
  Status LookAtVersions(const Context& context);
  // As of the last Refresh that succeeded; null before.
  std::shared_ptr<const Contents> Now() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace etcdrill::sites

template <>
inline constexpr auto etcdrill::kNames<etcdrill::sites::Oddity> =
    etcdrill::Names("vanished", "overwritten", "hidden", "new_version", "untrusted", "unreadable",
                    "lock_missing");
