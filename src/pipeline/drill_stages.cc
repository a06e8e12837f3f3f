// Verdict and level follow from the stages: a check that failed means that the data is wrong, a
// stage that failed for another reason means that nothing was proven.
#include "pipeline/drill_stages.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/units.h"

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

}  // namespace

DrillStages::DrillStages(const Context& context, std::string snapshot, Duration timeout)
    : context_(context), timeout_(timeout), watch_(context.clock), limit_(context, timeout) {
  report_.snapshot = std::move(snapshot);
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
               "the drill exceeded its timeout of {} before {} was done ({}). Raise drill.timeout, "
               "or find the slow stage",
               FormatDuration(timeout_), NameOf(stage), state);
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

DrillReport DrillStages::Finish() {
  report_.finished = context_.clock.Now();
  // Etcd serves bytes that nothing vouches for as well.
  if (report_.outcome.ok() && report_.verdict() != Verdict::kProven) {
    const verify::VerifyReport& seen = *report_.verify;
    report_.outcome = Error(Reason::kNotProvable, "{}: {}", seen.file, seen.Cause());
  }
  return std::move(report_);
}

}  // namespace etcdrill::pipeline
