// When the certificates end that the configuration names.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "config/config.h"
#include "io/file_system.h"

namespace etcdrill::app {

// Safe for use from any thread.
class Certificates {
 public:
  // Unix seconds by the name of the metric's label: the earliest end in each file. A file that is not configured, or
  // can't be read right now, is absent. One that has not changed since the last time is not read again.
  std::map<std::string, double> Ends(FileSystem& fs, const config::TlsConfig& tls);

 private:
  struct Known {
    uint64_t size = 0;
    WallTime modified{};
    std::optional<double> end;
  };
  std::optional<double> EndOf(FileSystem& fs, const std::string& path);

  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by path; guarded by mutex_
};

}  // namespace etcdrill::app
