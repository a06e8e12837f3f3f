#include "cli/textfile_out.h"

#include <cstdint>
#include <nlohmann/json.hpp>

#include "io/durable_file.h"

namespace etcdrill::cli {
namespace {

constexpr uint32_t kPublicFileMode = 0644;
constexpr uint64_t kTextfileBytesMax = uint64_t{1} << 20;

// Of nothing but this drill.
Result<report::DrillRun> RunOf(const pipeline::DrillReport& report, WallTime now) {
  ASSIGN_OR_RETURN(DrillSummary summary, ReadDrillSummary(ToJson(report)));
  summary.newest = true;
  report::DrillRun run{.ended = UnixSeconds(now),
                       .drill = report::TallyDrills({std::move(summary)}, WallTime::max())};
  if (report.passed() && report.taken.has_value() && !IsFuture(*report.taken, report.finished)) {
    run.proof.taken = UnixSeconds(*report.taken);
  }
  if (report.passed() && report.verify.has_value() && report.verify->keyspace.has_value()) {
    run.proof.revision = static_cast<double>(report.verify->keyspace->hashkv.revision);
  }
  return run;
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
  const WallTime now = context.clock.Now();
  report::DrillRun run{.ended = UnixSeconds(now)};
  if (report != nullptr) {
    ASSIGN_OR_RETURN(run, RunOf(*report, now));
  } else {
    run.drill.consecutive_failures = 1;
    run.drill.last_failure = run.ended;
  }
  run.cluster = std::move(cluster);
  ASSIGN_OR_RETURN(const std::string previous, Previous(context, path));
  return WriteFileDurably(context.fs, path, report::DrillTextfile(std::move(run), previous),
                          kPublicFileMode);
}

Result<ExitCode> WithTextfile(const Context& context, Result<ExitCode> result,
                              const Status& written) {
  if (written.ok()) return result;
  if (result.ok() && *result == ExitCode::kOk) return written;
  context.log.Error("metrics file not written", {{"err", MessageOf(written)}});
  return result;
}

}  // namespace etcdrill::cli
