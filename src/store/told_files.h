// What was told of files that can't be used, so that each is told once for each change and not on
// each reading.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "io/file_system.h"

namespace etcdrill::store {

// Safe for use from any thread.
class ToldFiles {
 public:
  // True the first time, and whenever the file is another than the last time. One that is gone is a
  // change, too.
  bool IsNews(FileSystem& fs, const std::string& path);

 private:
  std::mutex mutex_;
  std::map<std::string, FileInfo> told_;  // by path; a few bytes a file that was ever unreadable
};

}  // namespace etcdrill::store
