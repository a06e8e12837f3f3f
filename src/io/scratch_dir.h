// A private directory for one drill, removed with everything in it when the object dies. What a killed drill left
// behind is found by its lock: a scratch directory whose lock can be taken has no owner any more.
#pragma once

#include <memory>
#include <string>

#include "io/context.h"

namespace etcdrill {

// Not thread-safe. `context` must outlive it.
class ScratchDir {
 public:
  // Makes a fresh directory (0700) under `parent`, which is created if missing; removes ownerless ones first.
  static Result<std::unique_ptr<ScratchDir>> Create(const Context& context, const std::string& parent);

  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  ~ScratchDir();

  const std::string& path() const { return path_; }
  // Removes it now and tells whether that worked; the destructor then does nothing.
  Status Remove();

 private:
  ScratchDir(FileSystem& fs, std::string path, std::unique_ptr<FileLock> lock)
      : fs_(fs), path_(std::move(path)), lock_(std::move(lock)) {}

  FileSystem& fs_;
  const std::string path_;
  std::unique_ptr<FileLock> lock_;  // null once removed
};

}  // namespace etcdrill
