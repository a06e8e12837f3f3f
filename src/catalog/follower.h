// Keeps a Catalog up to date by what has changed in its store. The hard fact: ten thousand
// snapshots take a second to read, and a sidecar asks for them several times for each one that it
// takes. So a file is only looked at, and read again if it has another stamp: size, times, inode.
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

#include "catalog/catalog.h"
#include "io/context.h"
#include "store/local_store.h"

namespace etcdrill::catalog {

// Safe for use from any thread. What can't be read is logged once for each change of it.
class Follower {
 public:
  // Of the snapshots of the cluster with this name, and the drills of them; of all if the name is
  // empty. One that names no cluster is everybody's. `store` must outlive it.
  Follower(const store::LocalStore& store, std::string cluster)
      : store_(store), cluster_(std::move(cluster)) {}

  // Lists the store, reads what came or changed since the last time, and forgets what went. The
  // Catalog is the same object as before if nothing differs. An error (the store can't be listed; a
  // stop) leaves Now() as it was.
  Result<std::shared_ptr<const Catalog>> Refresh(const Context& context);
  // The same without the drills, for whoever has to go on while their reports can't be listed;
  // nothing is kept of it.
  Result<std::shared_ptr<const Catalog>> ReadWithoutDrills(const Context& context);
  // Whether a Refresh may find something new, by a look at the directories alone: who adds,
  // replaces or removes a file changes its directory. Who writes in place does not, so all is
  // looked at once a minute, too.
  bool MayHaveChanged(const Context& context);
  // As of the last Refresh that succeeded; null before the first.
  std::shared_ptr<const Catalog> Now() const;

 private:
  template <typename T>
  struct Seen {
    std::optional<FileInfo> stamp;  // none: it is read again
    MonotonicTime read_at;
    Result<T> content;
    uint64_t round = 0;  // in which it was there last
  };
  template <typename T>
  using SeenByName = std::map<std::string, Seen<T>>;
  struct Report {
    std::optional<store::DrillLink> previous;
    std::optional<DrillSummary> drill;  // none: it is of a copy elsewhere, or somebody's notes
  };

  using Directories = std::vector<FileInfo>;

  // None: one of them is away, or changes right now.
  std::optional<Directories> LookAtDirectories(const Context& context) const;
  template <typename T, typename Read>
  const Result<T>& Look(const Context& context, const std::string& path, Seen<T>& seen,
                        const Read& read) const;
  Status ReadSnapshots(const Context& context, Catalog& catalog);
  Result<Checks> LookAtChecks(const Context& context, const store::Listing& listing,
                              const std::string& name);
  Result<std::vector<DrillSummary>> ReadDrills(const Context& context);
  std::optional<DrillSummary> Summarize(const store::DrillFile& file) const;

  const store::LocalStore& store_;
  const std::string cluster_;
  std::mutex refreshing_;
  // Guarded by refreshing_.
  uint64_t round_ = 0;
  SeenByName<Manifest> manifests_;
  SeenByName<Checks> checks_;
  SeenByName<Report> reports_;
  Seen<std::optional<std::vector<store::Suspect>>> suspects_;
  std::optional<Directories> directories_;  // as they were when all was read last
  Moment read_at_;

  mutable std::mutex mutex_;
  std::shared_ptr<const Catalog> catalog_;  // guarded by mutex_
};

// For commands, which read the store once.
Result<Catalog> ReadCatalog(const Context& context, const store::LocalStore& store,
                            std::string_view cluster = {});

}  // namespace etcdrill::catalog
