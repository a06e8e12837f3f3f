// What never happened is unknown for as long as the objective gives it time, counted from the first
// start; then it is a no.
#include "report/status/judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "report/status/site_judgement.h"
#include "report/tally.h"

namespace etcdrill::report {
namespace {

// What more than one answer or trouble goes by.
struct Known {
  const View& view;
  const Activity& activity;
  const config::Objectives& objectives;
  const catalog::Catalog& stored;
  SnapshotTally snapshots;
  DrillTally drills;
  const catalog::CatalogEntry* newest;  // null: there is none
  const catalog::CatalogEntry* restorable;
  const DrillSummary* last_drill;  // of the newest, as far as was ever read

  bool unreadable() const { return !view.store_problem.empty(); }
  // The store has snapshots, and none is usable.
  bool AllAreLost() const {
    return newest == nullptr &&
           snapshots[SnapshotState::kDamaged] + snapshots[SnapshotState::kUnreadable] > 0;
  }
};

std::string Objective(Duration objective) {
  return fmt::format("objective {}", RoughTime(SecondsOf(objective)));
}

constexpr const char* kAllAreLost = "every snapshot is damaged or unreadable";
constexpr size_t kLostMax = 5;  // told of one by one
constexpr const char* kStoreIsUnreadable = "the store is unreadable";

// `snapshot` is null if there is no such one.
Question NotOlderThan(const Known& k, const catalog::CatalogEntry* snapshot, Duration objective,
                      std::string_view never) {
  const double now = UnixSeconds(k.view.now);
  if (k.unreadable()) return {Answer::kUnknown, kStoreIsUnreadable, Objective(objective)};
  if (k.AllAreLost()) return {Answer::kNo, kAllAreLost, Objective(objective)};
  if (snapshot == nullptr) {
    const bool there_was_time = now - UnixSeconds(k.view.state_created) > SecondsOf(objective);
    return {there_was_time ? Answer::kNo : Answer::kUnknown, std::string(never),
            Objective(objective)};
  }
  const std::optional<WallTime> as_of = snapshot->AsOf(k.view.now);
  if (!as_of.has_value()) {
    return {Answer::kNo, "age unknown: its time is in the future", Objective(objective)};
  }
  const double age = now - UnixSeconds(*as_of);
  return {age <= SecondsOf(objective) ? Answer::kYes : Answer::kNo, fmt::format("{} old", Age(age)),
          Objective(objective)};
}

std::string InStage(const DrillSummary& drill) {
  if (!drill.failed_stage.has_value()) return "in an unknown stage (report unreadable)";
  return fmt::format("in stage {}", NameOf(*drill.failed_stage));
}

Question Restorable(const Known& k) {
  constexpr const char* kNothing = "nothing can be restored";
  if (k.unreadable()) {
    return {Answer::kNo, kStoreIsUnreadable, "nothing can be restored now", kNothing};
  }
  if (k.AllAreLost()) return {Answer::kNo, kAllAreLost, "", kNothing};
  if (k.last_drill == nullptr)
    return {Answer::kUnknown, "no drill yet",
            k.activity.drill_in_progress ? "a drill is running" : ""};
  const DrillSummary& drill = *k.last_drill;
  const WallTime now = k.view.now;
  const bool from_future = IsFuture(drill.finished, now);
  const std::string when =
      from_future ? "at a time in the future"
                  : fmt::format("{} ago", Age(UnixSeconds(now) - UnixSeconds(drill.finished)));
  if (drill.passed && k.restorable == nullptr) {
    return {Answer::kNo, fmt::format("drill passed {}", when),
            "its snapshot is now damaged or gone", "the drilled snapshot is damaged or gone"};
  }
  if (drill.passed && from_future)
    return {Answer::kUnknown, fmt::format("drill passed {}", when), ""};
  if (drill.passed)
    return {Answer::kYes, fmt::format("drill passed {}", when),
            fmt::format("on etcd {}", drill.etcd_version)};
  return {Answer::kNo, fmt::format("drill failed {}", when), InStage(drill),
          "the restore drill fails"};
}

Question InTime(const Known& k) {
  const std::string objective = Objective(k.objectives.rto);
  if (k.unreadable()) return {Answer::kUnknown, kStoreIsUnreadable, objective};
  const std::optional<double> forecast = k.drills.forecast_seconds;
  const std::optional<double> seconds =
      forecast.has_value() ? forecast : k.drills.last_duration_seconds;
  if (!seconds.has_value()) return {Answer::kUnknown, "not measured yet", objective};
  return {
      *seconds <= SecondsOf(k.objectives.rto) ? Answer::kYes : Answer::kNo,
      fmt::format("about {}", RoughTime(*seconds)),
      fmt::format("{}, {}", forecast.has_value() ? "estimated from drills" : "as in the last drill",
                  objective)};
}

std::string Counted(size_t n, std::string_view of_one, std::string_view of_many) {
  return fmt::format("{} {}", n, n == 1 ? of_one : of_many);
}

void AddFileTroubles(const Known& k, std::vector<Trouble>& troubles) {
  if (k.unreadable()) {
    troubles.push_back({fmt::format("The store is unreadable: {}", k.view.store_problem),
                        "The snapshots and drills below are from the last successful read."});
  }
  if (const size_t failed = k.snapshots[SnapshotState::kDamaged]; failed > 0) {
    troubles.push_back(
        {Counted(failed, "stored snapshot is damaged.", "stored snapshots are damaged."),
         "Check each one: etcdrill verify NAME --config FILE"});
  }
  if (const size_t unreadable = k.snapshots[SnapshotState::kUnreadable]; unreadable > 0) {
    troubles.push_back(
        {Counted(unreadable, "stored snapshot is unreadable.", "stored snapshots are unreadable."),
         "The entries below name the files and the errors. Nothing is lost if you bring the files "
         "back."});
  }
  const std::vector<std::string_view> lost = WhyUnreadable(k.stored);
  for (size_t i = 0; i < std::min(lost.size(), kLostMax); ++i) {
    troubles.push_back({fmt::format("Unreadable: {}", lost[i]),
                        "Its content does not count until it is readable, or until the scrub or "
                        "the next drill checks again."});
  }
  if (!k.stored.unkept.empty()) {
    troubles.push_back({fmt::format("Results cannot be written to the store: {}", k.stored.unkept),
                        "etcdrill keeps them until a restart, and retries. Free space on the disk, "
                        "or repair it."});
  }
}

void AddHistoryTroubles(const Known& k, std::vector<Trouble>& troubles) {
  if (k.snapshots.from_future > 0) {
    troubles.push_back(
        {Counted(k.snapshots.from_future,
                 "stored snapshot has a time in the future: a clock was or is wrong.",
                 "stored snapshots have a time in the future: a clock was or is wrong."),
         "Such snapshots count as neither fresh nor restorable. Check the clock, and run: etcdrill "
         "snapshot list --config FILE"});
  }
  if (k.newest != nullptr && LineageOf(k.newest->manifest) == Continuity::kDiverged) {
    troubles.push_back(
        {"The newest snapshot does not continue the one before it.",
         "Expected once after an intended restore. Otherwise the cluster was restored from an "
         "older backup, or is another cluster. Details: etcdrill verify latest --config FILE"});
  }
  if (k.newest != nullptr && k.newest->manifest.live_keys == 0) {
    troubles.push_back({"The newest snapshot holds no key.",
                        "It is of the wrong cluster, or the data is in the v2 API, which no "
                        "snapshot holds. Check: etcdrill verify latest --config FILE"});
  }
  if (k.stored.of_others > 0) {
    troubles.push_back(
        {fmt::format("The store holds {} of other clusters.",
                     Counted(k.stored.of_others, "snapshot", "snapshots")),
         "They have another cluster.name. etcdrill neither counts nor deletes them. Give each "
         "cluster its own store. To list them: etcdrill snapshot list --config FILE"});
  }
  if (k.snapshots.other_history > 0) {
    troubles.push_back(
        {Counted(k.snapshots.other_history,
                 "imported snapshot is of another history than the cluster.",
                 "imported snapshots are of another history than the cluster."),
         "Such snapshots count as neither fresh nor restorable: a job copies files of another "
         "cluster, or from before a restore. Details: etcdrill verify NAME --config FILE"});
  }
  if (!k.stored.suspects_problem.empty()) {
    troubles.push_back({fmt::format("The record of members that differed is unreadable: {}",
                                    k.stored.suspects_problem),
                        "If the file is damaged, move it away. The next comparison records the "
                        "members that differ; to compare now: etcdctl endpoint hashkv --cluster"});
  }
  if (MembersAgree(k.view) == false) {
    troubles.push_back({"The members of the cluster hold different data.",
                        "Find the member that differs: etcdctl endpoint hashkv --cluster"});
  }
}

void AddTaskTroubles(const Known& k, std::vector<Trouble>& troubles) {
  if (k.activity.snapshot_consecutive_failures > 0) {
    const double n = k.activity.snapshot_consecutive_failures;
    troubles.push_back({fmt::format("The last {} failed.",
                                    n == 1 ? "snapshot" : fmt::format("{:.0f} snapshots", n)),
                        "The log has the reason (msg=\"snapshot failed\"). To retry: etcdrill "
                        "snapshot save --config FILE"});
  }
  if (k.last_drill != nullptr && !k.last_drill->passed) {
    troubles.push_back(
        {fmt::format("The last drill failed {}: {}", InStage(*k.last_drill), k.last_drill->error),
         "Repeat the drill: etcdrill drill latest --config FILE"});
  }
}

void AddSourceTroubles(const Known& k, std::vector<Trouble>& troubles) {
  if (k.view.health == nullptr) return;
  const etcd::HealthRound& round = *k.view.health;
  for (const etcd::RollEntry& entry : round.roll.entries) {
    const etcd::HealthProbe& probe = round.probes[entry.endpoint];
    if (probe.healthy) continue;
    troubles.push_back({fmt::format("{} is not healthy: {}", entry.address, probe.problem),
                        "Check: etcdrill health --config FILE"});
  }
  const auto alarms = AlarmsOf(round);
  if (!alarms.has_value()) return;
  for (const auto& [alarm, is_raised] : *alarms) {
    if (!is_raised) continue;
    troubles.push_back(
        {fmt::format("etcd has raised the alarm {}.", alarm), "See: etcdctl alarm list"});
  }
}

}  // namespace

std::string RoughTime(double seconds) {
  if (seconds < 0) return "a moment";  // a clock that was set back
  if (seconds < 10 && seconds != std::floor(seconds)) return fmt::format("{:.1f} s", seconds);
  if (seconds < 90) return fmt::format("{:.0f} s", seconds);
  const auto minutes = static_cast<int64_t>(std::floor(seconds / 60));
  const auto two = [](int64_t big, const char* big_unit, int64_t small, const char* small_unit) {
    if (small == 0) return fmt::format("{} {}", big, big_unit);
    return fmt::format("{} {} {} {}", big, big_unit, small, small_unit);
  };
  if (minutes < 60) return fmt::format("{} min", minutes);
  if (minutes < 48 * 60) return two(minutes / 60, "h", minutes % 60, "min");
  return two(minutes / 1440, "d", minutes / 60 % 24, "h");
}

std::string Age(double seconds) { return RoughTime(std::floor(seconds)); }

std::vector<const Question*> Judgement::questions() const {
  std::vector<const Question*> asked = {&fresh, &drilled, &restorable, &in_time};
  if (copied.has_value()) asked.push_back(&*copied);
  return asked;
}

Answer Judgement::overall() const {
  Answer all = Answer::kYes;
  for (const Question* q : questions()) {
    if (q->answer == Answer::kNo) return Answer::kNo;
    if (q->answer == Answer::kUnknown) all = Answer::kUnknown;
  }
  return all;
}

Judgement Judge(const View& view, const Activity& activity) {
  const catalog::Catalog& stored = view.Stored();
  const Known known{.view = view,
                    .activity = activity,
                    .objectives = view.config->objectives,
                    .stored = stored,
                    .snapshots = TallySnapshots(stored, view.now),
                    .drills = TallyDrills(stored.drills, view.now),
                    .newest = stored.Newest(view.now),
                    .restorable = stored.NewestRestorable(view.now),
                    .last_drill = LastDrillOfNewest(view.LastRead())};
  const config::Objectives& objectives = known.objectives;
  Judgement j;
  j.fresh = NotOlderThan(known, known.newest, objectives.rpo, "no snapshot yet");
  j.drilled =
      NotOlderThan(known, known.restorable, objectives.restorable_rpo, "no drilled snapshot yet");
  j.restorable = Restorable(known);
  j.in_time = InTime(known);
  j.copied = JudgeSites(view);
  j.fresh.if_no = "no fresh snapshot";
  j.drilled.if_no = "no recently drilled snapshot";
  j.in_time.if_no = "a restore takes too long";
  AddFileTroubles(known, j.troubles);
  AddHistoryTroubles(known, j.troubles);
  AddTaskTroubles(known, j.troubles);
  AddSourceTroubles(known, j.troubles);
  for (const SiteView& site : view.sites)
    std::ranges::move(TroublesOf(site, view), std::back_inserter(j.troubles));
  return j;
}

}  // namespace etcdrill::report
