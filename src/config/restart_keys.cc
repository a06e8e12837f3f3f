// See restart_keys.h.
#include "config/restart_keys.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace etcdrill::config {

Status CheckReloadable(const Config& now, const Config& wanted) {
  std::vector<std::string_view> keys;
  const auto same = [&](std::string_view key, const auto& a, const auto& b) {
    if (a != b) keys.push_back(key);
  };
  same("cluster.name", now.cluster.name, wanted.cluster.name);
  same("store.path", now.store_path, wanted.store_path);
  same("snapshot.when", now.snapshot.when, wanted.snapshot.when);
  same("web.listen", now.web.listen, wanted.web.listen);
  same("web.config_file", now.web.config_file, wanted.web.config_file);
  same("web.enable_lifecycle", now.web.enable_lifecycle, wanted.web.enable_lifecycle);
  same("log.format", now.log_format, wanted.log_format);
  if (keys.empty()) return OkStatus();
  return Error(Reason::kConfig,
               "{} can't change while etcdrill runs; restart it, or take the change back",
               fmt::join(keys, ", "));
}

}  // namespace etcdrill::config
