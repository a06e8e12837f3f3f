// Folders in which others leave snapshots, and which file of them is to be adopted next (adopt.h).
// Which files are taken: docs/dev/adr/0015-adopted.md.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catalog/catalog.h"
#include "io/context.h"

namespace etcdrill::pipeline {

struct ForeignFile {
  std::string path;
  FileInfo info;
};

// What the store has of files of others.
struct AdoptedFiles {
  std::vector<AdoptedRecord> files;
  // The newest of them. What is damaged, of another history or from the future does not count: it
  // hides no other file.
  std::optional<WallTime> taken;
  std::optional<WallTime> changed;  // the latest time of change, likewise

  // It was adopted as it is now, as far as its name, size and time tell.
  bool Has(const ForeignFile& file) const;
};
AdoptedFiles AdoptedOf(const catalog::Catalog& catalog, WallTime now);

// When its data is from, by its name and its times: whichever says that it is older, and none that
// lies in the future. `revision`: of its data, once that is known.
WallTime TakenAt(const ForeignFile& file, WallTime now, std::optional<int64_t> revision = {});

// Watches folders. Nobody tells when a file is complete, so it has to stay the same file for a
// while (FileInfo::IsSameFile). Not thread-safe. `context` must outlive it.
class ForeignFiles {
 public:
  // Each pattern is a path whose last part may have *, ? and [] as in a shell. What lies in
  // `own_dir`, the store, is not of others, by whatever way a pattern leads there.
  ForeignFiles(const Context& context, std::vector<std::string> patterns, Duration quiet,
               std::string own_dir)
      : context_(context),
        patterns_(std::move(patterns)),
        quiet_(quiet),
        own_dir_(std::move(own_dir)) {}

  // Looks at the folders once. Of the files that are new and have been quiet for long enough, the
  // newest. New is what came or changed since the first look, whatever its times say, and what lay
  // there then, if it is younger than all that was adopted; the rest of that is passed over for
  // good, which is logged.
  std::optional<ForeignFile> FindNew(const AdoptedFiles& adopted);
  // It, and those that waited with it and are older, are not found again until they change; logged.
  // It was `taken` then, which may be before its own time: what is younger keeps its turn.
  void Adopted(const ForeignFile& file, WallTime taken);
  // It alone.
  void Done(const ForeignFile& file);
  // It is found again once it was quiet again.
  void TryAgain(const ForeignFile& file);

 private:
  struct Seen {
    ForeignFile file;
    MonotonicTime since;
    bool at_first_look = false;
    bool done = false;
  };
  void Look(const std::string& pattern, std::map<std::string, Seen>& seen);
  bool LeadsToOwn(const std::string& pattern);
  bool IsWaiting(const Seen& candidate) const;
  bool IsOfBefore(const Seen& candidate, const AdoptedFiles& adopted) const;
  void TellPassedOver(const std::vector<std::string>& files) const;
  Seen* Find(const ForeignFile& file);

  const Context& context_;
  const std::vector<std::string> patterns_;
  const Duration quiet_;
  const std::string own_dir_;
  std::set<std::string> told_own_;         // patterns that lead there
  std::set<std::string> told_unreadable_;  // patterns whose directory could not be listed last
  std::map<std::string, Seen> seen_;       // by path
  bool looked_ = false;
};

}  // namespace etcdrill::pipeline
