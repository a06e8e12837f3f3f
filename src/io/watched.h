// What is made of files that others replace while the process runs. Their bytes are compared,
// because neither size nor time tells: a bcrypt hash always has one size, and there are systems
// with one time for all files.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "io/file_system.h"

namespace etcdrill {

constexpr uint64_t kWatchedBytesMax = uint64_t{4} << 20;  // all the world's CAs have 0.2 MiB

// Safe for use from any thread; its functions are called one at a time.
template <typename T>
class Watched {
 public:
  struct Source {
    // Of all that it depends on right now; empty ones are passed over.
    std::function<std::vector<std::string>()> paths;
    std::function<Result<std::shared_ptr<T>>()> make;
    // Called after each change, also with the error of one that can't be used.
    std::function<void(const Status&)> tell;
  };

  // Whatever `make` says. `fs` must outlive it.
  static Result<std::shared_ptr<Watched>> Open(FileSystem& fs, Source source) {
    std::shared_ptr<Watched> watched(new Watched(fs, std::move(source)));
    RETURN_IF_ERROR(watched->MakeAgain());
    return watched;
  }

  // As the files are now, if they can be used; else the last one that could be made.
  std::shared_ptr<T> Now() {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, bytes] : made_of_) {
      if (Read(path) == bytes) continue;
      source_.tell(MakeAgain());
      break;
    }
    return value_;
  }

 private:
  Watched(FileSystem& fs, Source source) : fs_(fs), source_(std::move(source)) {}

  // The bytes are read first: what is written meanwhile is seen the next time.
  Status MakeAgain() {
    made_of_.clear();
    for (const std::string& path : source_.paths()) {
      if (!path.empty()) made_of_[path] = Read(path);
    }
    ASSIGN_OR_RETURN(value_, source_.make());
    return OkStatus();
  }

  std::string Read(const std::string& path) const {
    return fs_.ReadWhole(path, kWatchedBytesMax).value_or("");
  }

  FileSystem& fs_;
  const Source source_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, std::string> made_of_;  // bytes by path; none if it can't be read
  std::shared_ptr<T> value_;
};

}  // namespace etcdrill
