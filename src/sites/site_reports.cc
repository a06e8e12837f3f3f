// Which drill reports of a site are worth reading: all of its own copies; and of other drills of
// the same snapshots (of a store's file, of a copy elsewhere) the newest one that says something of
// the content. A store that is drilled four times a day has many others.
#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "sites/at_once.h"
#include "sites/layout.h"
#include "sites/site_reader.h"

namespace etcdrill::sites {

// Of one writer; read one after the other, the newest first, until one says something.
struct SiteReader::ReportsInTurn {
  struct Listed {
    std::string name;
    uint64_t size = 0;
    auto Age() const { return std::tuple(store::TimeOfDrillName(name), std::string_view(name)); }
  };
  std::string writer;
  std::vector<Listed> reports;
};

bool TellsOfContent(const DrillSummary& drill) {
  return drill.passed || (drill.verdict == Verdict::kDamaged && drill.ReadStoredBytes());
}

Result<SeenReport> SiteReader::ReadReport(const std::string& writer, const std::string& report,
                                          uint64_t size) const {
  const auto text = Read({.name = DrillKey(writer, report), .size = size});
  if (!text.ok()) {
    if (!IsOfOneObject(text.status())) return text.status();
    return SeenReport{.read = text.status(), .previous = {}};
  }
  SeenReport seen{.read = ParseDrillSummary(*text), .previous = store::PreviousDrill(*text)};
  if (!seen.read.ok()) return seen;
  seen.read->name = report;
  if (seen.read->snapshot != store::SnapshotOfDrillName(report))
    seen.read = Error(Reason::kDamaged, "it is the report of a drill of {}", seen.read->snapshot);
  return seen;
}

Status SiteReader::ReadReports(const Context& context) {
  std::vector<ReportsInTurn> turns;
  RETURN_IF_ERROR(ListReports(turns));
  std::vector<std::map<std::string, SeenReport>> read(turns.size());
  const Status all = ForEachAtOnce(context, turns.size(), [&](size_t i) {
    auto reports = ReadInTurn(turns[i]);
    if (reports.ok()) read[i] = *std::move(reports);
    return reports.status();
  });
  for (size_t i = 0; i < turns.size(); ++i) state_.reports[turns[i].writer].merge(read[i]);
  return all;
}

// Forgets those that are gone, and those that could not be read.
Status SiteReader::ListReports(std::vector<ReportsInTurn>& turns) {
  std::set<std::string> snapshots;  // that have a copy here
  for (const auto& [copy, seen] : state_.manifests) {
    if (seen.read.ok()) snapshots.insert(seen.read->record.manifest.name);
  }
  std::map<std::pair<std::string, std::string>, ReportsInTurn> others;  // by writer and snapshot
  decltype(state_.reports) still_there;
  const auto visit = [&](const objects::ObjectInfo& object) {
    const auto of = ParseDrillKey(object.name);
    if (!of.has_value()) return OkStatus();
    const std::map<std::string, SeenReport>& known = state_.reports[of->writer];
    const auto seen = known.find(of->what);
    if (seen != known.end() && IsSettled(seen->second.read)) still_there[of->writer].insert(*seen);
    const std::string drilled(store::SnapshotOfDrillName(of->what));
    const ReportsInTurn::Listed listed{.name = of->what, .size = object.size};
    if (state_.manifests.contains(drilled)) {
      turns.push_back({.writer = of->writer, .reports = {listed}});
    } else if (const auto snapshot = SnapshotOfCopy(drilled).value_or(drilled);
               snapshots.contains(snapshot)) {
      ReportsInTurn& turn = others[{of->writer, snapshot}];
      turn.writer = of->writer;
      turn.reports.push_back(listed);
    }
    return OkStatus();
  };
  RETURN_IF_ERROR(site_.List(std::string(kDrillsFolder), "", visit));
  for (auto& [of, turn] : others) {
    std::ranges::sort(turn.reports, std::ranges::greater(), &ReportsInTurn::Listed::Age);
    turns.push_back(std::move(turn));
  }
  state_.reports = std::move(still_there);
  return OkStatus();
}

Result<std::map<std::string, SeenReport>> SiteReader::ReadInTurn(const ReportsInTurn& turn) const {
  std::map<std::string, SeenReport> read;
  const auto writer = state_.reports.find(turn.writer);
  for (const ReportsInTurn::Listed& listed : turn.reports) {
    const SeenReport* report = nullptr;
    if (writer != state_.reports.end()) {
      const auto known = writer->second.find(listed.name);
      if (known != writer->second.end()) report = &known->second;
    }
    if (report == nullptr) {
      auto seen = ReadReport(turn.writer, listed.name, listed.size);
      if (Is(seen, Reason::kNotFound)) continue;
      RETURN_IF_ERROR(seen.status());
      report = &read.insert_or_assign(listed.name, *std::move(seen)).first->second;
    }
    if (report->read.ok() && TellsOfContent(*report->read)) break;
  }
  return read;
}

}  // namespace etcdrill::sites
