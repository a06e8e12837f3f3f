// Snapshots that others take: cron jobs with etcdctl, kubeadm, k3s and rke2, OpenShift. Their files are only read. The
// newest one that is complete is copied into the store, expanded if it is compressed, and from there on is one of ours:
// it is verified, compared with the live members, drilled, scrubbed and counted. Why a copy: docs/adr/0015-adopted.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "capture/capture.h"
#include "io/context.h"
#include "pipeline/catalog.h"

namespace etcdrill::pipeline {

struct ForeignFile {
  std::string path;
  uint64_t size = 0;
  WallTime modified;

  bool operator==(const ForeignFile&) const = default;
};

// Watches folders. Nobody tells when a file is complete, so it has to keep its size and its time of change for a while.
// Not thread-safe. `context` must outlive it.
class ForeignFiles {
 public:
  // Each pattern is a path whose last part may have *, ? and [] as in a shell.
  ForeignFiles(const Context& context, std::vector<std::string> patterns, Duration quiet)
      : context_(context), patterns_(std::move(patterns)), quiet_(quiet) {}

  // Looks at the folders once. The newest file that has been quiet for long enough, if it was written in a later second
  // than `after`; none if that one is to be ignored.
  std::optional<ForeignFile> FindNew(std::optional<WallTime> after);
  // Until it changes.
  void Ignore(const ForeignFile& file) { ignored_ = file; }

 private:
  struct Seen {
    ForeignFile file;
    MonotonicTime since;
  };
  void Look(const std::string& pattern, std::map<std::string, Seen>& seen);

  const Context& context_;
  const std::vector<std::string> patterns_;
  const Duration quiet_;
  std::map<std::string, Seen> seen_;  // by path
  std::optional<ForeignFile> ignored_;
};

// When the newest adopted snapshot of the store was written, by its time of change.
std::optional<WallTime> LastAdopted(const Catalog& catalog);

// Copies it to `temp_path`, expanded. kDamaged if it changes meanwhile, or is no file of its kind.
Result<capture::CaptureResult> ImportFile(const Context& context, const ForeignFile& file,
                                          const std::string& temp_path);

}  // namespace etcdrill::pipeline
