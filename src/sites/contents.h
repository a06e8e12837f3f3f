// What a site holds, read from the site alone: its copies, what writers found of them, and the
// drills of them. It reads as a catalogue, so that what is planned for a store (drills, retention,
// choice of a snapshot) is planned for a site by the same rules.
//
// The hard fact: a drill of the file in somebody's store proves that file, not the copy. So only
// drills that fetched the copy from this site make it restorable; but a snapshot whose content a
// drill found damaged is damaged wherever the same bytes lie.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "crypto/signature.h"
#include "io/context.h"
#include "objects/object_store.h"
#include "proof/words.h"
#include "sites/copy_record.h"

namespace etcdrill::sites {

struct Writer {
  std::string name;
  WallTime last_seen{};
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
  // Whether the bytes were listed, too: if not, nobody knows what is vanished or overwritten.
  bool looked_at_bytes = false;
  // Copies that the last listing shows otherwise than they were sealed, and for which nobody has
  // asked by name yet: they stand as they were known before.
  size_t in_doubt = 0;
  uint64_t bytes = 0;   // of all copies, as they lie there; as their manifests say if not looked at
  size_t unsealed = 0;  // bytes without a manifest: uploads that go on, or that were killed
  WallTime read_at{};

  // Of each snapshot that has one, by NAME: its newest usable copy, which `records` has, too.
  std::map<std::string_view, const catalog::CatalogEntry*> UsableCopies() const
      [[clang::lifetimebound]];
};

// Reads a site by what is new. Safe for use from any thread; one Refresh at a time goes on.
class SiteFollower {
 public:
  // Of the copies of this cluster; of all if the name is empty. `site` must outlive it.
  SiteFollower(objects::ObjectStore& site, std::string cluster);
  ~SiteFollower();

  // Lists the site, and gets what it has not got yet, several at a time. A manifest, a report that
  // was read is not read again; checks are if their etag is another. An error leaves Now() as it
  // was. `known`: whose signatures count; none: any; after a change of it all manifests are read
  // again.
  //
  // The first one does not list the bytes, which would be ten requests more for 10,000 snapshots;
  // the next ones do (Contents::looked_at_bytes). Where a manifest that was known is gone, and not
  // by Forget, it looks at versions, too.
  Result<std::shared_ptr<const Contents>> Refresh(const Context& context,
                                                  const std::vector<VerifyingKey>& known);
  // Asks the site for all versions, where it has some, and for the locks that were promised: what
  // others hid or wrote over. Slower than a listing; its findings are in the Contents from then on,
  // and manifests that are hidden or written over count as they were first: the next Refresh has
  // them. It looks at what the last Refresh found, and at locks as the next one.
  Status LookAtVersions(const Context& context);
  // Only for the locks: no more than 200 requests a call, and each lock once a day. So it costs
  // nothing to call it in each round, and then all of 10,000 copies have their turn.
  Status LookAtLocks(const Context& context);
  // Call it when this process has deleted a copy: that it goes is no finding then.
  void Forget(const std::string& copy);
  // As of the last Refresh that succeeded; null before.
  std::shared_ptr<const Contents> Now() const;

 private:
  struct State;
  const std::unique_ptr<State> state_;
};

}  // namespace etcdrill::sites
