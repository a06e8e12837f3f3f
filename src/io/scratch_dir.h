// A private directory that is removed with everything in it when the object dies, unless it was
// kept under another name. What a killed process left behind is found by its lock, which is on the
// directory itself: one that can be locked has no owner any more.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "io/context.h"

namespace etcdrill {

// Not thread-safe. `context` must outlive it.
class ScratchDir {
 public:
  static constexpr std::string_view kPrefix = "etcdrill-scratch-";

  // Makes a fresh directory (0700) under `parent`, which is created if missing, named `prefix` and
  // 64 random bits; sweeps first.
  static Result<std::unique_ptr<ScratchDir>> Create(const Context& context,
                                                    const std::string& parent,
                                                    std::string_view prefix = kPrefix);
  // Removes what is in `parent`, is named so and has no owner any more.
  static void Sweep(const Context& context, const std::string& parent,
                    std::string_view prefix = kPrefix);

  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;
  ~ScratchDir();

  const std::string& path() const [[clang::lifetimebound]] { return path_; }
  // Removes it now and tells whether that worked; the destructor then does nothing.
  Status Remove();
  // Gives it the name under which it stays; the destructor then does nothing.
  Status KeepAs(const std::string& target);

 private:
  ScratchDir(FileSystem& fs, std::string path, std::unique_ptr<FileLock> lock)
      : fs_(fs), path_(std::move(path)), lock_(std::move(lock)) {}

  FileSystem& fs_;
  const std::string path_;
  std::unique_ptr<FileLock> lock_;  // null where directories can't be locked: nobody sweeps there
  bool ours_ = true;                // to be removed
};

}  // namespace etcdrill
