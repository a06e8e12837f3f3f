// See textfile_out.h.
#include "cli/textfile_out.h"

#include <nlohmann/json.hpp>

#include "catalog/catalog.h"
#include "config/load.h"
#include "io/durable_file.h"
#include "report/store_facts.h"

namespace etcdrill::cli {
namespace {

constexpr uint32_t kPublicFileMode = 0644;
constexpr uint64_t kTextfileBytesMax = uint64_t{1} << 20;

// Of nothing but this drill.
Result<report::StoreFacts> FactsOf(const pipeline::DrillReport& report) {
  catalog::Catalog history;
  ASSIGN_OR_RETURN(history.drills.emplace_back(), ReadDrillSummary(ToJson(report)));
  history.drills.back().newest = true;
  report::StoreFacts facts = report::ToStoreFacts(history);
  if (report.passed() && report.taken.has_value() && !IsFuture(*report.taken, report.finished)) {
    facts.restorable_taken = UnixSeconds(*report.taken);
  }
  if (report.passed() && report.verify.has_value() && report.verify->keyspace.has_value()) {
    facts.restorable_revision = static_cast<double>(report.verify->keyspace->hashkv.revision);
  }
  return facts;
}

// What it carries over; none if there is no such file, or it is not one of ours. One that can't be
// read just now is an error: replacing it would forget when the last good run was.
Result<std::string> Previous(const Context& context, const std::string& path) {
  // Behind a link that leads nowhere nobody reads it.
  RETURN_IF_ERROR(context.fs.Resolve(path).status());
  auto text = context.fs.ReadWhole(path, kTextfileBytesMax);
  if (text.ok()) return text;
  const Reason reason = ReasonOf(text.status());
  return reason == Reason::kNotFound || reason == Reason::kUsage ? Result<std::string>("") : text;
}

}  // namespace

Status WriteVerifyTextfile(const Context& context, const std::string& path,
                           const report::VerifyRun& run) {
  ASSIGN_OR_RETURN(const std::string previous, Previous(context, path));
  return WriteFileDurably(context.fs, path, report::VerifyTextfile(run, previous), kPublicFileMode);
}

Status WriteDrillTextfile(const Context& context, const std::string& path, std::string cluster,
                          const pipeline::DrillReport* report) {
  report::StoreFacts facts;
  const double now = UnixSeconds(context.clock.Now());
  if (report != nullptr) {
    ASSIGN_OR_RETURN(facts, FactsOf(*report));
  } else {
    facts.drill_consecutive_failures = 1;
    facts.drill_last_failure = now;
  }
  ASSIGN_OR_RETURN(const std::string previous, Previous(context, path));
  return WriteFileDurably(
      context.fs, path, report::DrillTextfile(std::move(cluster), std::move(facts), now, previous),
      kPublicFileMode);
}

std::string ClusterOf(const Context& context, const std::string& config_file) {
  if (config_file.empty()) return "";
  const auto config = config::Load(context.fs, config_file);
  return config.ok() ? config->cluster.name : "";
}

Result<ExitCode> WithTextfile(const Context& context, Result<ExitCode> result,
                              const Status& written) {
  if (written.ok()) return result;
  if (result.ok() && *result == ExitCode::kOk) return written;
  context.log.Error("the metrics can't be written", {{"err", MessageOf(written)}});
  return result;
}

}  // namespace etcdrill::cli
