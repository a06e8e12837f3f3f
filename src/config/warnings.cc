// See warnings.h.
#include "config/warnings.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"
#include "base/url.h"
#include "etcd/tls_files.h"

namespace etcdrill::config {
namespace {

// An objective that is missed each time, by the schedule alone.
void CheckObjective(std::string_view key, Duration objective, std::string_view section,
                    const std::optional<config::Schedule>& schedule, Duration jitter,
                    std::vector<std::string>& out) {
  if (!schedule.has_value()) return;
  const Duration gap = schedule->LongestGap() + jitter;
  if (objective > gap) return;
  out.push_back(
      fmt::format("objectives.{} is {}, but {}.schedule leaves up to {} between two: it will be "
                  "missed again and again",
                  key, FormatDuration(objective), section, FormatDuration(gap)));
}

void CheckEncryption(const etcd::ConnectionOptions& connection, std::vector<std::string>& out) {
  const bool tls = etcd::WantsTls(connection);
  const bool login = !connection.username.empty();
  if (!tls && !login) return;
  for (const std::string& endpoint : connection.endpoints) {
    const Result<Url> url = ParseClientUrl(endpoint);
    if (!url.ok() || url->scheme == Scheme::kHttps || url->scheme == Scheme::kUnix) continue;
    if (url->scheme == Scheme::kNone && tls) continue;
    out.push_back(fmt::format(
        "{} is not encrypted, {}: {}all of etcd goes over it in the clear; is https:// meant?",
        Shown(endpoint), tls ? "though certificates are configured" : "and has a login",
        login ? "the password and " : ""));
  }
}

}  // namespace

std::vector<std::string> WarningsOf(const config::Config& config,
                                    const etcd::ConnectionOptions& connection) {
  std::vector<std::string> warnings;
  CheckEncryption(connection, warnings);
  CheckObjective("rpo", config.objectives.rpo, "snapshot", config.snapshot.schedule,
                 config.snapshot.jitter, warnings);
  CheckObjective("restorable_rpo", config.objectives.restorable_rpo, "drill", config.drill.schedule,
                 config.drill.jitter, warnings);
  return warnings;
}

}  // namespace etcdrill::config
