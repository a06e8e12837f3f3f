// A disk in memory that knows what a power loss takes: the bytes of a file since its last fsync,
// and the names of a directory since it was synced last. After a failed fsync the bytes are lost
// for good, whatever a later one says.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"

namespace etcdrill::testing {

// What a power loss leaves of that which was not synced. A file system may do any of these.
enum class Survives {
  kNothing,
  kNames,       // but of the files only what was synced
  kNewestName,  // of each directory only the last change; those before were still on their way
  kAll,         // the process was killed, and the machine goes on
};

inline constexpr Survives kAllWays[] = {Survives::kNothing, Survives::kNames, Survives::kNewestName,
                                        Survives::kAll};

struct Inode {
  struct Content {
    std::string bytes;
    uint64_t size = 0;  // zeros follow the bytes up to here
  };
  using Entries = std::map<std::string, std::shared_ptr<Inode>>;
  // In one step; null: removed.
  using Change = std::vector<std::pair<std::string, std::shared_ptr<Inode>>>;

  bool is_dir = false;
  uint64_t number = 0;
  WallTime modified;
  WallTime changed;   // a rename moves it, too
  int exclusive = 0;  // locks that are held
  int shared = 0;

  Content content;
  Content synced_content;
  bool sync_failed = false;

  Entries entries;
  Entries synced_entries;
  std::vector<Change> changes;  // since the last sync
};

// Not thread-safe. Has no links.
class SimulatedDisk {
 public:
  SimulatedDisk();

  // What one finds after the machine or the process came back. Nothing is shared with this one.
  SimulatedDisk After(Survives survives) const;

  std::shared_ptr<Inode> NewInode(bool is_dir);
  // Null if there is no such thing.
  std::shared_ptr<Inode> Find(const std::string& path) const;
  // The path of each file, and of each directory with a slash behind it.
  std::vector<std::string> Paths() const;

  // In the directory of the name, in one step.
  void Change(Inode& dir, const Inode::Change& change);

 private:
  uint64_t next_number_ = 1;
  std::shared_ptr<Inode> root_;
};

}  // namespace etcdrill::testing
