// health: one look at each endpoint, as `etcdctl endpoint health` and `endpoint status` together.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/units.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "etcd/health.h"
#include "etcd/roll_call.h"

namespace etcdrill::cli {
namespace {

Json ToJson(const std::string& endpoint, const etcd::HealthProbe& probe) {
  Json json = {{"endpoint", endpoint},
               {"healthy", probe.healthy},
               {"problem", probe.problem},
               {"latency_seconds", SecondsOf(probe.latency)}};
  if (!probe.same_as.empty()) json["same_member_as"] = probe.same_as;
  if (probe.status.has_value()) {
    const etcd::MemberStatus& s = *probe.status;
    json.update({{"cluster_id", etcd::IdText(s.cluster_id)},
                 {"member_id", etcd::IdText(s.member_id)},
                 {"role", s.role()},
                 {"version", s.version},
                 {"revision", s.revision},
                 {"raft_term", s.raft_term},
                 {"raft_index", s.raft_index},
                 {"db_size", s.db_size_bytes},
                 {"db_in_use", s.db_in_use_bytes},
                 {"alarms", probe.alarms.size()}});
  }
  return json;
}

Row ToRow(const std::string& endpoint, const etcd::HealthProbe& probe) {
  Row row = {endpoint,
             probe.healthy ? Cell("healthy", Colour::kGreen) : Cell("UNHEALTHY", Colour::kRed)};
  if (probe.status.has_value()) {
    const etcd::MemberStatus& s = *probe.status;
    row.insert(row.end(),
               {s.role(), s.version, std::to_string(s.revision), std::to_string(s.raft_term),
                std::to_string(s.raft_index), FormatSize(static_cast<uint64_t>(s.db_size_bytes)),
                FormatSize(static_cast<uint64_t>(s.db_in_use_bytes))});
  } else {
    row.insert(row.end(), 7, "");
  }
  row.push_back(fmt::format("{:.1f} ms", SecondsOf(probe.latency) * 1e3));
  row.push_back(probe.same_as.empty() || !probe.healthy ? probe.problem
                                                        : "the same member as " + probe.same_as);
  return row;
}

}  // namespace

Result<ExitCode> Health(const Context& context, const HealthOptions& options) {
  Session session(context, options.config_file);
  ASSIGN_OR_RETURN(const auto connection, session.Connection(options.connection));
  ASSIGN_OR_RETURN(const auto client, etcd::Client::Create(connection, context));
  Json json = Json::array();
  Rows rows;
  bool all_healthy = true;
  const etcd::HealthRound round = etcd::ProbeAll(*client, context.clock, std::nullopt);
  for (const etcd::RollEntry& entry : round.roll.entries) {
    const etcd::HealthProbe& probe = round.probes[entry.endpoint];
    all_healthy &= probe.healthy;
    json.push_back(ToJson(entry.address, probe));
    rows.push_back(ToRow(entry.address, probe));
  }
  const std::vector<std::string> head = {"ENDPOINT", "HEALTH",  "ROLE",   "VERSION",
                                         "REVISION", "TERM",    "INDEX",  "SIZE",
                                         "USED",     "LATENCY", "PROBLEM"};
  PrintList(options.format, json, head, rows);
  return all_healthy ? ExitCode::kOk : ExitCode::kFailed;
}

}  // namespace etcdrill::cli
