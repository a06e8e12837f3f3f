#include "sites/site_drills.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "sites/layout.h"
#include "store/names.h"

namespace etcdrill::sites {
namespace {

using CopiesByHash = std::multimap<std::string, std::string>;  // SHA-256 of a snapshot, COPY

// As catalog::LostDrill, which knows no copies: a report that can't be read hides no failure.
DrillSummary LostDrillOfCopy(const std::string& report, const Status& why) {
  DrillSummary drill;
  drill.name = report;
  drill.readable = false;
  drill.snapshot = store::SnapshotOfDrillName(report);
  drill.verdict = Verdict::kNotProvable;
  drill.started = drill.finished =
      store::ClaimsOfName(store::TimeOfDrillName(report)).taken.value_or(WallTime());
  drill.error = fmt::format("drill report {}: {}", report, MessageOf(why));
  return drill;
}

std::vector<store::DrillFile> InOrder(const std::map<std::string, SeenReport>& reports) {
  std::vector<store::DrillFile> files;  // without their JSON
  for (const auto& [name, seen] : reports)
    files.push_back({.name = name, .json = "", .previous = seen.previous});
  const auto age = [](const store::DrillFile& file) {
    return std::tuple(store::TimeOfDrillName(file.name), std::string_view(file.name));
  };
  std::ranges::sort(files, {}, age);
  return store::InOrderOfWriting(std::move(files));
}

// The drills whose finding a writer looked into since, and was none. What is answered of the bytes
// of one copy is answered of all that have the same.
std::set<std::string_view> AnsweredBy(const SiteState& state, const std::string& writer) {
  std::set<std::string_view> reports;
  for (const auto& [copy, by_writer] : state.checks) {
    const auto checks = by_writer.find(writer);
    if (checks != by_writer.end() && checks->second.read.ok())
      reports.insert(checks->second.read->answered);
  }
  return reports;
}

class DrillsOfWriter {
 public:
  DrillsOfWriter(const SiteState& state, const std::string& writer, const CopiesByHash& copies)
      : state_(state), answered_(AnsweredBy(state, writer)), copies_(copies) {}

  std::vector<DrillSummary> Take(const std::map<std::string, SeenReport>& reports) {
    const std::vector<store::DrillFile> files = InOrder(reports);
    // Of a snapshot, the last report from elsewhere that tells of its content.
    std::map<std::string, std::string> last;
    for (const store::DrillFile& file : files) {
      const SeenReport& seen = reports.at(file.name);
      const std::string drilled(store::SnapshotOfDrillName(file.name));
      if (!IsCopyHere(drilled) && seen.read.ok() && TellsOfContent(*seen.read))
        last[SnapshotOfCopy(drilled).value_or(drilled)] = file.name;
    }
    for (const store::DrillFile& file : files) {
      const SeenReport& seen = reports.at(file.name);
      const std::string drilled(store::SnapshotOfDrillName(file.name));
      if (IsCopyHere(drilled)) {
        drills_.push_back(seen.read.ok() ? *seen.read
                                         : LostDrillOfCopy(file.name, seen.read.status()));
      }
      if (seen.read.ok() &&
          (IsCopyHere(drilled) || last[SnapshotOfCopy(drilled).value_or(drilled)] == file.name))
        AddDamage(*seen.read);
    }
    return std::move(drills_);
  }

 private:
  bool IsCopyHere(const std::string& drilled) const { return state_.manifests.contains(drilled); }

  // For each other copy of the bytes that it found wrong.
  void AddDamage(const DrillSummary& drill) {
    if (drill.verdict != Verdict::kDamaged || !drill.ReadStoredBytes()) return;
    if (answered_.contains(drill.name)) return;
    const auto [begin, end] = copies_.equal_range(drill.sha256);
    for (auto copy = begin; copy != end; ++copy) {
      if (copy->second == drill.snapshot) continue;
      drills_.push_back(drill);
      drills_.back().snapshot = copy->second;
    }
  }

  const SiteState& state_;
  const std::set<std::string_view> answered_;
  const CopiesByHash& copies_;
  std::vector<DrillSummary> drills_;
};

// Makes one row of all of them, by time. Within a row the order stays, whatever its times say: one
// from the future counts as the latest before it.
std::vector<DrillSummary> InOneRow(std::vector<std::vector<DrillSummary>> rows, WallTime now) {
  std::vector<std::pair<WallTime, DrillSummary>> timed;
  for (std::vector<DrillSummary>& row : rows) {
    WallTime latest{};
    for (DrillSummary& drill : row) {
      if (!IsFuture(drill.finished, now)) latest = std::max(latest, drill.finished);
      timed.emplace_back(latest, std::move(drill));
    }
  }
  std::ranges::stable_sort(timed, {}, &std::pair<WallTime, DrillSummary>::first);
  std::vector<DrillSummary> merged;
  for (auto& [time, drill] : timed) merged.push_back(std::move(drill));
  return merged;
}

}  // namespace

bool RanOnTheCopy(const DrillSummary& drill) {
  return store::SnapshotOfDrillName(drill.name) == drill.snapshot;
}

std::vector<DrillSummary> DrillsOfCopies(const SiteState& state, WallTime now) {
  CopiesByHash copies;
  for (const auto& [copy, seen] : state.manifests) {
    if (seen.read.ok()) copies.emplace(seen.read->record.manifest.sha256, copy);
  }
  std::vector<std::vector<DrillSummary>> rows;
  for (const auto& [writer, reports] : state.reports)
    rows.push_back(DrillsOfWriter(state, writer, copies).Take(reports));
  return InOneRow(std::move(rows), now);
}

}  // namespace etcdrill::sites
