// What is not known, a volume that can't be asked or a certificate that can't be read, is absent.
#include "sidecar/sidecar_facts.h"

namespace etcdrill::sidecar {
namespace {

// A restart may change the offset, so all of the jitter can come on top.
std::optional<double> LongestGap(const std::optional<config::Schedule>& schedule, Duration jitter) {
  if (!schedule.has_value()) return std::nullopt;
  return SecondsOf(schedule->LongestGap() + jitter);
}

}  // namespace

report::FixedFacts FixedFactsOf(const config::Config& config, const etcd::Client& client,
                                WallTime state_created, WallTime process_start) {
  report::FixedFacts fixed;
  fixed.cluster = config.cluster.name;
  fixed.state_created = UnixSeconds(state_created);
  fixed.process_start = UnixSeconds(process_start);
  fixed.rpo_seconds = SecondsOf(config.objectives.rpo);
  fixed.restorable_rpo_seconds = SecondsOf(config.objectives.restorable_rpo);
  fixed.rto_seconds = SecondsOf(config.objectives.rto);
  fixed.snapshot_interval_seconds = LongestGap(config.snapshot.schedule, config.snapshot.jitter);
  fixed.drill_interval_seconds = LongestGap(config.drill.schedule, config.drill.jitter);
  fixed.drill_timeout_seconds = SecondsOf(config.drill.timeout);
  fixed.scrub_period_seconds = SecondsOf(config.scrub.period);
  fixed.adopt_patterns = static_cast<double>(config.adopt.files.size());
  for (const etcd::Endpoint& endpoint : client.endpoints())
    fixed.endpoints.push_back(endpoint.address());
  return fixed;
}

report::LiveFacts ReadLiveFacts(const Context& context, const config::Config& config,
                                const etcd::CallCounts& counts, Certificates& certificates,
                                http::Guard& web) {
  report::LiveFacts live{.now = UnixSeconds(context.clock.Now())};
  live.log_warnings = static_cast<double>(context.log.Count(LogLevel::kWarn));
  live.log_errors = static_cast<double>(context.log.Count(LogLevel::kError));
  live.log_dropped = static_cast<double>(context.log.Dropped());
  for (size_t i = 0; i < etcd::kMethodNames.size(); ++i) {
    live.calls.push_back({std::string(etcd::kMethodNames[i]),
                          static_cast<double>(counts.requests[i]),
                          static_cast<double>(counts.failures[i])});
  }
  live.certificates = certificates.Ends(context.fs, config.cluster.tls);
  live.web_certificate = web.Certificate();
  for (const auto& [volume, path] :
       {std::pair("store", config.store_path), std::pair("scratch", config.drill.scratch_dir)}) {
    const auto space = context.fs.Space(path);
    if (!space.ok()) continue;
    live.volumes.push_back({volume, static_cast<double>(space->available_bytes),
                            static_cast<double>(space->size_bytes)});
  }
  return live;
}

}  // namespace etcdrill::sidecar
