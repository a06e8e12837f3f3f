// The file is read back by its own writer only, so the reader knows one form of line: NAME{LABELS}
// NUMBER.
#include "report/textfile.h"

#include <charconv>

#include "base/clock.h"
#include "base/text.h"
#include "report/families.h"
#include "report/store_metrics.h"

namespace etcdrill::report {
namespace {

constexpr std::string_view kCheckSeries = "etcdrill_drill_last_check_success{check=\"";

// By name and labels, as written, less the label of the cluster: all in a file are of one.
using Series = std::map<std::string, double, std::less<>>;

// Its label stands first, and no name of a cluster has a quote in it.
std::string WithoutCluster(std::string series) {
  const std::string label = std::string("{") + kClusterLabel + "=\"";
  const size_t begin = series.find(label);
  if (begin == std::string::npos) return series;
  const size_t quote = series.find('"', begin + label.size());
  const bool is_last = quote == std::string::npos || series.find(',', quote) != quote + 1;
  return is_last ? series.erase(begin) : series.erase(begin + 1, quote + 1 - begin);
}

Series ParseSeries(std::string_view text) {
  Series series;
  for (const std::string_view line : Split(text, '\n')) {
    const size_t blank = line.rfind(' ');
    if (line.starts_with('#') || blank == std::string_view::npos) continue;
    double value = 0;
    const auto [stop, error] =
        std::from_chars(line.data() + blank + 1, line.data() + line.size(), value);
    if (error == std::errc() && stop == line.data() + line.size())
      series.emplace(WithoutCluster(std::string(line.substr(0, blank))), value);
  }
  return series;
}

// A time that a wrong clock once wrote, and that is yet to come, is not carried over.
Series ParseEarlier(std::string_view previous, double now) {
  Series series = ParseSeries(previous);
  std::erase_if(series, [&](const auto& item) {
    return item.first.ends_with("_timestamp_seconds") && item.second - now > SecondsOf(kClockSlack);
  });
  return series;
}

std::optional<double> ValueOf(const Series& series, std::string_view name) {
  const auto at = series.find(name);
  return at == series.end() ? std::nullopt : std::optional(at->second);
}

void CarryOver(const Series& earlier, std::string_view name, std::optional<double>& value) {
  if (!value.has_value()) value = ValueOf(earlier, name);
}

NewestSnapshot EarlierSnapshot(const Series& earlier) {
  const auto taken = ValueOf(earlier, "etcdrill_snapshot_last_success_timestamp_seconds");
  if (!taken.has_value()) return {};
  const auto value = [&](std::string_view name) { return ValueOf(earlier, name).value_or(0); };
  return NewestSnapshot{.taken = taken,
                        .size_bytes = value("etcdrill_snapshot_last_size_bytes"),
                        .revision = value("etcdrill_snapshot_last_revision"),
                        .keys = value("etcdrill_snapshot_last_keys")};
}

}  // namespace

std::string VerifyTextfile(const VerifyRun& run, std::string_view previous) {
  const Series earlier = ParseEarlier(previous, run.ended);
  std::optional<double> last_success = run.passed ? std::optional(run.ended) : std::nullopt;
  CarryOver(earlier, "etcdrill_verify_last_success_timestamp_seconds", last_success);
  Families page;
  page.Gauge("etcdrill_verify_passed",
             "Result of the newest verification at the requested levels: 1 passed, 0 failed.")
      .Sample(run.passed);
  page.Gauge("etcdrill_verify_last_run_timestamp_seconds",
             "End time of the newest verification, as a Unix timestamp.")
      .Sample(run.ended);
  page.Gauge("etcdrill_verify_last_success_timestamp_seconds",
             "End time of the newest verification that passed, as a Unix timestamp.")
      .Sample(last_success);
  page.Gauge("etcdrill_verify_last_duration_seconds", "Duration of the newest verification.")
      .Sample(run.seconds);
  page.Gauge("etcdrill_verify_last_level_success",
             "Result of each level of the newest verification: 1 passed, 0 failed; absent if "
             "unknown or not requested.");
  for (const auto& [level, passed] : run.levels) page.Sample(passed, {{"level", NameOf(level)}});
  AddNewestSnapshot(run.snapshot.has_value() ? *run.snapshot : EarlierSnapshot(earlier), page);
  Families whole;
  whole.Join(run.cluster, std::move(page));
  return whole.Text();
}

std::string DrillTextfile(DrillRun run, std::string_view previous) {
  DrillTally& drill = run.drill;
  const Series earlier = ParseEarlier(previous, run.ended);
  const bool passed = drill.last_success.has_value();
  if (!passed) {
    drill.consecutive_failures +=
        ValueOf(earlier, "etcdrill_drill_consecutive_failures").value_or(0);
  }
  CarryOver(earlier, "etcdrill_drill_last_success_timestamp_seconds", drill.last_success);
  CarryOver(earlier, "etcdrill_drill_last_failure_timestamp_seconds", drill.last_failure);
  CarryOver(earlier, "etcdrill_drill_last_duration_seconds", drill.last_duration_seconds);
  CarryOver(earlier, "etcdrill_restorable_snapshot_taken_timestamp_seconds", run.proof.taken);
  CarryOver(earlier, "etcdrill_restorable_snapshot_revision", run.proof.revision);
  for (const auto& [name, value] : earlier) {
    // One that passed came to all checks that are asked for.
    if (passed || !name.starts_with(kCheckSeries)) continue;
    const size_t end = name.find('"', kCheckSeries.size());
    const auto check =
        FromName<CheckName>(name.substr(kCheckSeries.size(), end - kCheckSeries.size()));
    if (check.has_value()) drill.checks.emplace(*check, value != 0);
  }
  Families page;
  AddDrillStart(drill.started, page);
  AddDrillHistory(drill, page);
  AddProof(run.proof, page);
  Families whole;
  whole.Join(run.cluster, std::move(page));
  return whole.Text();
}

}  // namespace etcdrill::report
