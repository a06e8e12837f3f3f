// Verdict and level follow from the stages: a check that failed means that the data is wrong, a
// stage that failed for another reason means that nothing was proven.
#include "pipeline/drill_stages.h"

#include <fmt/format.h>

#include "base/units.h"
#include "crosscheck/claims_check.h"
#include "crosscheck/manifest_check.h"
#include "format/etcd_version.h"
#include "format/wal/wal.h"
#include "io/memory.h"
#include "pipeline/file_assertions.h"

namespace etcdrill::pipeline {
namespace {

// What the user expects of the data says nothing of the file: it may be a sound copy of a source
// that lost keys, or the expectation may be wrong.
bool FoundDamage(const Status& why, const std::vector<drill::Check>& checks) {
  const auto speaks_of_the_file = [](const drill::Check& c) {
    return c.result == CheckResult::kFail && c.name != CheckName::kAssertions;
  };
  const Reason reason = ReasonOf(why);
  return reason == Reason::kDamaged ||
         (reason == Reason::kCheckFailed && std::ranges::any_of(checks, speaks_of_the_file));
}

// What a stage is to prove.
Level LevelOf(StageName stage) {
  if (stage <= StageName::kChecksum) return Level::kKeyspace;
  return stage == StageName::kRestore ? Level::kRestore : Level::kBoot;
}

size_t CountEtcds(const DrillRequest& request) {
  return request.full_cluster ? kFullCluster + 1 : 1;
}

}  // namespace

Status CheckScratchSpace(const Context& context, const DrillRequest& request,
                         const snapshot::Image& image) {
  // The restored database may share its blocks with the snapshot, but need not; etcd adds a second
  // WAL segment, and writes.
  constexpr uint64_t kMargin = uint64_t{64} << 20;
  RETURN_IF_ERROR(context.fs.MakeDirs(request.config.scratch_dir, kPrivateDirMode));
  ASSIGN_OR_RETURN(const SpaceInfo space, context.fs.Space(request.config.scratch_dir));
  const uint64_t needed = (image.size() + 2 * wal::kSegmentBytes) * CountEtcds(request) + kMargin;
  if (space.available_bytes >= needed) return OkStatus();
  return Error(Reason::kNoSpace,
               "scratch directory {} has {} bytes free, a drill of {} needs {}; make room or set "
               "drill.scratch_dir",
               request.config.scratch_dir, space.available_bytes, request.path, needed);
}

Status CheckMemory(uint64_t rows, size_t etcds, std::optional<uint64_t> limit) {
  // Measured with 3.6: 48 MB of anonymous memory for 40,000 rows of 1.5 KB, 315 MB for 500,000, 736
  // MB for 2,100,000 of 100 bytes. The pages of the database are files, and go when memory is
  // needed.
  constexpr uint64_t kEmptyEtcd = uint64_t{64} << 20;
  constexpr uint64_t kBytesARow = 600;
  const uint64_t one = kEmptyEtcd + rows * kBytesARow;
  if (limit.has_value() && one > *limit) {
    return Error(Reason::kNoMemory,
                 "an etcd with {} rows needs about {}, drill.etcd.memory_limit allows {}", rows,
                 FormatSize(one), FormatSize(*limit));
  }
  const uint64_t needed = one * etcds;
  const Result<uint64_t> available = AvailableMemory();
  if (!available.ok() || *available >= needed) return OkStatus();
  return Error(Reason::kNoMemory,
               "{} etcd with {} rows would take about {}, {} are available; raise the memory "
               "limit, or drill elsewhere",
               etcds, rows, FormatSize(needed), FormatSize(*available));
}

DrillStages::DrillStages(const Context& context, const DrillRequest& request)
    : context_(context),
      request_(request),
      watch_(context.clock),
      limit_(context, request.config.timeout) {
  report_.snapshot = request.snapshot;
  report_.started = context.clock.Now();
}

void DrillStages::Record(StageName name, Status status, double seconds) {
  if (IsInterrupted(status) && limit_.over()) status = OutOfTime(name, MessageOf(status));
  const StageResult result = status.ok() ? StageResult::kPass : StageResult::kFail;
  report_.stages.push_back({name, result, seconds, std::string(MessageOf(status))});
  // What can't be cleaned up takes nothing away from what was proven; it is a stage that failed,
  // and a metric.
  if (!report_.outcome.ok() || name == StageName::kCleanup) return;
  report_.outcome = status;
  if (status.ok()) {
    if (name == StageName::kRestore) report_.levels[Level::kRestore] = LevelResult::kPass;
    return;
  }
  const Level level = LevelOf(name);
  const bool wrong = FoundDamage(status, report_.checks);
  // Of a file that is not wrong the verifier has said what it is.
  if (wrong || level > Level::kKeyspace)
    report_.levels[level] = wrong ? LevelResult::kFail : LevelResult::kUnknown;
}

Status DrillStages::OutOfTime(StageName stage, std::string_view state) const {
  return Error(Reason::kTimeout,
               "the drill's time of {} was over before {} was done ({}); raise drill.timeout, or "
               "see which stage was slow",
               FormatDuration(request_.config.timeout), NameOf(stage), state);
}

Status DrillStages::VerifySnapshot(const snapshot::Image& image) {
  ASSIGN_OR_RETURN(report_.verify, crosscheck::VerifyWithManifest(
                                       context(), image, request_.manifest, Level::kKeyspace));
  const verify::VerifyReport& seen = *report_.verify;
  report_.levels = seen.levels;
  report_.taken = crosscheck::TakenAt(image, request_.manifest, seen);

  std::vector<drill::Check> checks = {
      {CheckName::kSha256, CheckResult::kSkipped,
       request_.manifest.has_value() ? request_.manifest->sha256 : "that of the trailer",
       seen.sha256}};
  if (seen.levels[Level::kTransfer] == LevelResult::kPass) checks[0].result = CheckResult::kPass;
  if (seen.levels[Level::kTransfer] == LevelResult::kFail) checks[0].result = CheckResult::kFail;
  if (seen.keyspace.has_value() && request_.manifest.has_value()) {
    checks.push_back(drill::Compare(CheckName::kDbHash,
                                    fmt::format("{:08x}", request_.manifest->hash),
                                    fmt::format("{:08x}", seen.keyspace->hash)));
  }
  const Status compared = Add(checks);
  if (seen.verdict() == Verdict::kDamaged) {
    return Error(Reason::kDamaged, "{} is damaged: {}", request_.path, seen.Cause());
  }
  if (!seen.keyspace.has_value()) {
    return Error(Reason::kNotProvable, "{}: {}", request_.path, seen.Cause());
  }
  RETURN_IF_ERROR(compared);
  const verify::Keyspace& keyspace = *seen.keyspace;
  expectation_ = {.hashkv = keyspace.hashkv,
                  .live_keys = keyspace.live_keys,
                  .may_go_back_to = keyspace.may_go_back ? keyspace.newest_row : 0,
                  .alarms = keyspace.alarms};
  return OkStatus();
}

// What the source said of itself is the surest. It may be the first member of a cluster that is
// being upgraded, whose other members serve the same data. A storage version above the cluster
// version is left over from before a downgrade, or the downgrade is under way: then either etcd
// serves the file, and the older one is the likelier to come.
std::vector<int> DrillStages::WantedMinors() const {
  const verify::Keyspace& keyspace = *report_.verify->keyspace;
  const auto storage = EtcdMinorOf(keyspace.storage_version);
  const auto cluster = EtcdMinorOf(keyspace.cluster_version);
  if (request_.manifest.has_value()) {
    if (const auto source = EtcdMinorOf(request_.manifest->etcd_version)) {
      const bool is_upgraded =
          cluster.has_value() && *cluster < *source && storage.value_or(0) < *source;
      return is_upgraded ? std::vector{*source, *cluster} : std::vector{*source};
    }
  }
  if (storage.has_value() && cluster.has_value() && *storage > *cluster)
    return {*cluster, *storage};
  if (storage.has_value()) return {*storage};
  if (cluster.has_value()) return {*cluster};
  return {};
}

Result<drill::EtcdBinary> DrillStages::ChooseEtcd() {
  const std::vector<int> minors = WantedMinors();
  const auto choose = [&](std::optional<int> minor) {
    return drill::ChooseEtcd(context(), request_.config.etcd_binaries, minor);
  };
  Result<drill::EtcdBinary> binary =
      choose(minors.empty() ? std::nullopt : std::optional(minors.front()));
  for (size_t i = 1; i < minors.size() && !binary.ok(); ++i) {
    if (ReasonOf(binary.status()) != Reason::kEtcdVersion) break;
    if (auto other = choose(minors[i]); other.ok()) binary = std::move(other);
  }
  RETURN_IF_ERROR(binary.status());
  report_.etcd_version = binary->version;
  RETURN_IF_ERROR(CheckMemory(report_.verify->keyspace->total_keys, CountEtcds(request_),
                              request_.config.etcd_memory_limit));
  return binary;
}

Status DrillStages::CheckAssertionsWithoutEtcd(const snapshot::Image& image) {
  if (request_.config.assertions.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const drill::Check check,
                   CheckAssertionsOnFile(context(), image, request_.config.assertions));
  return Add({check});
}

Status DrillStages::Add(const std::vector<drill::Check>& checks) {
  report_.checks.insert(report_.checks.end(), checks.begin(), checks.end());
  const auto join = [&checks](CheckResult result) {
    std::string text;
    for (const drill::Check& check : checks) {
      if (check.result != result) continue;
      text += fmt::format("{}{}: expected {}, got {}", text.empty() ? "" : "; ", NameOf(check.name),
                          check.expected, check.actual);
    }
    return text;
  };
  // etcd did not answer: that says nothing about the data.
  for (const drill::Check& check : checks) {
    if (!check.unanswered.ok()) return Annotate(check.unanswered, NameOf(check.name));
  }
  const std::string failed = join(CheckResult::kFail);
  const std::string not_comparable = join(CheckResult::kNotComparable);
  if (!failed.empty()) return Error(Reason::kCheckFailed, failed);
  // Not a failure of the data, but never a pass either.
  if (!not_comparable.empty())
    return Error(Reason::kNotProvable, "not comparable: " + not_comparable);
  return OkStatus();
}

void DrillStages::MeasureRto() {
  if (!report_.outcome.ok()) return;
  report_.rto_seconds = watch_.Seconds();
  report_.levels[Level::kBoot] = LevelResult::kPass;
}

void DrillStages::LookBack(const std::optional<snapshot::Image>& image) {
  const bool has_keys = report_.verify.has_value() && report_.verify->keyspace.has_value();
  if (has_keys && request_.look_back && !IsInterrupted(report_.outcome))
    request_.look_back(*image, report_.verify->findings);
}

DrillReport DrillStages::Finish() {
  report_.finished = context_.clock.Now();
  // Etcd serves bytes that nothing vouches for as well.
  if (report_.outcome.ok() && report_.verdict() != Verdict::kProven) {
    report_.outcome = Error(Reason::kNotProvable, "{}: {}", request_.path, report_.verify->Cause());
  }
  return std::move(report_);
}

}  // namespace etcdrill::pipeline
