// Two tables, stages and checks, and one line that says what it comes to.
#include "cli/drill_text.h"

#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/output.h"

namespace etcdrill::cli {
namespace {

Cell StageWord(StageResult result) {
  switch (result) {
    case StageResult::kPass:
      return Cell("pass", Colour::kGreen);
    case StageResult::kFail:
      return Cell("FAIL", Colour::kRed);
    case StageResult::kSkipped:
      return "-";
  }
  return "";
}

Cell CheckWord(CheckResult result) {
  switch (result) {
    case CheckResult::kPass:
      return Cell("pass", Colour::kGreen);
    case CheckResult::kFail:
      return Cell("FAIL", Colour::kRed);
    case CheckResult::kSkipped:
      return "skipped";
    case CheckResult::kNotComparable:
      return Cell("not comparable", Colour::kYellow);
  }
  return "";
}

std::string AdviceText(const pipeline::RestoreAdvice& advice) {
  std::string text = fmt::format(
      "restored now it would miss {} revisions: `snapshot restore --bump-revision {} "
      "--mark-compacted` keeps clients from seeing old revisions again\n",
      advice.missed_revisions, advice.bump_revision);
  if (advice.rto_seconds.has_value()) {
    text += fmt::format("the source has {} now: its restore would take about {:.1f} s\n",
                        FormatSize(advice.source_bytes), *advice.rto_seconds);
  }
  return text;
}

}  // namespace

std::string DrillText(const pipeline::DrillReport& report) {
  Rows stages;
  for (const Stage& s : report.stages) {
    stages.push_back(
        {NameOf(s.name), StageWord(s.result),
         s.result == StageResult::kSkipped ? "" : fmt::format("{:.3f} s", s.duration_seconds),
         s.error});
  }
  Rows checks;
  for (const drill::Check& c : report.checks) {
    checks.push_back({NameOf(c.name), CheckWord(c.result), c.expected, c.actual});
  }
  std::string text = fmt::format("snapshot {}\n", Shown(report.snapshot));
  text += FramedTable({"STAGE", "RESULT", "TIME", "ERROR"}, stages);
  if (!checks.empty()) text += FramedTable({"CHECK", "RESULT", "EXPECTED", "ACTUAL"}, checks);
  const bool proven = report.verdict() == Verdict::kProven;
  text += fmt::format("{}, level {} of 5",
                      Coloured(NameOf(report.verdict()), proven ? Colour::kGreen : Colour::kRed),
                      report.level_reached());
  if (report.rto_seconds > 0) {
    text += fmt::format(": etcd {} serves it after {:.2f} s", Shown(report.etcd_version),
                        report.rto_seconds);
  }
  text += "\n";
  if (report.advice.has_value()) text += AdviceText(*report.advice);
  if (report.verify.has_value()) {
    for (const Finding& f : report.verify->findings.kept()) text += FindingLine(f);
  }
  return text;
}

}  // namespace etcdrill::cli
