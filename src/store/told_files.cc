// See told_files.h.
#include "store/told_files.h"

namespace etcdrill::store {

bool ToldFiles::IsNews(FileSystem& fs, const std::string& path) {
  const FileInfo now = fs.Stat(path).value_or(FileInfo{});
  const std::lock_guard lock(mutex_);
  const auto [at, first] = told_.try_emplace(path, now);
  if (!first && at->second.IsSameFile(now)) return false;
  at->second = now;
  return true;
}

}  // namespace etcdrill::store
