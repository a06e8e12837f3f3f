// What never happened is unknown for as long as the objective gives it time, counted from the first
// start; then it is a no.
#include "report/status/judgement.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace etcdrill::report {
namespace {

std::string Objective(double seconds) { return fmt::format("objective {}", RoughTime(seconds)); }

// The store has snapshots, and none is usable.
bool AllAreLost(const StoreFacts& s) {
  return !s.newest.has_value() && s.damaged + s.unreadable > 0;
}

constexpr const char* kAllAreLost = "every snapshot is damaged or can't be read";
constexpr size_t kLostMax = 5;  // told of one by one
constexpr const char* kStoreIsUnreadable = "the store can't be read";

// `there`: there is such a snapshot; `taken` is missing then if its time lies in the future.
Question NotOlderThan(const StatusFacts& f, bool there, std::optional<double> taken,
                      double objective, std::string_view never) {
  const double now = UnixSeconds(f.now);
  if (!f.store_problem.empty()) return {Answer::kUnknown, kStoreIsUnreadable, Objective(objective)};
  if (AllAreLost(f.store)) return {Answer::kNo, kAllAreLost, Objective(objective)};
  if (!there) {
    const bool there_was_time = now - f.fixed.state_created > objective;
    return {there_was_time ? Answer::kNo : Answer::kUnknown, std::string(never),
            Objective(objective)};
  }
  if (!taken.has_value() || *taken - now > SecondsOf(kClockSlack)) {
    return {Answer::kNo, "of unknown age: its time lies in the future", Objective(objective)};
  }
  const double age = now - *taken;
  return {age <= objective ? Answer::kYes : Answer::kNo, fmt::format("{} old", Age(age)),
          Objective(objective)};
}

std::string InStage(const DrillSummary& drill) {
  if (!drill.failed_stage.has_value()) return "as far as is known, as its report can't be read";
  return fmt::format("in stage {}", NameOf(*drill.failed_stage));
}

Question Restorable(const StatusFacts& f) {
  constexpr const char* kNothing = "nothing can be restored";
  if (!f.store_problem.empty()) {
    return {Answer::kNo, kStoreIsUnreadable, "nothing can be restored from it now", kNothing};
  }
  if (AllAreLost(f.store)) return {Answer::kNo, kAllAreLost, "", kNothing};
  const std::optional<DrillSummary>& drill = f.history.last_of_newest;
  if (!drill.has_value())
    return {Answer::kUnknown, "no drill yet", f.activity.drill_in_progress ? "one runs now" : ""};
  const bool from_future = IsFuture(drill->finished, f.now);
  const std::string when =
      from_future ? "at a time that lies in the future"
                  : fmt::format("{} ago", Age(UnixSeconds(f.now) - UnixSeconds(drill->finished)));
  if (drill->passed && !f.store.restorable_revision.has_value()) {
    return {Answer::kNo, fmt::format("drill passed {}", when),
            "of a snapshot that is damaged or gone since",
            "what passed a drill is damaged or gone"};
  }
  if (drill->passed && from_future)
    return {Answer::kUnknown, fmt::format("drill passed {}", when), ""};
  if (drill->passed)
    return {Answer::kYes, fmt::format("drill passed {}", when),
            fmt::format("on etcd {}", drill->etcd_version)};
  return {Answer::kNo, fmt::format("drill failed {}", when), InStage(*drill),
          "the restore drill fails"};
}

Question InTime(const StatusFacts& f) {
  if (!f.store_problem.empty())
    return {Answer::kUnknown, kStoreIsUnreadable, Objective(f.fixed.rto_seconds)};
  const std::optional<double> forecast = f.store.drill_forecast_seconds;
  const std::optional<double> seconds =
      forecast.has_value() ? forecast : f.store.drill_last_duration_seconds;
  if (!seconds.has_value())
    return {Answer::kUnknown, "not measured yet", Objective(f.fixed.rto_seconds)};
  return {*seconds <= f.fixed.rto_seconds ? Answer::kYes : Answer::kNo,
          fmt::format("about {}", RoughTime(*seconds)),
          fmt::format("{}, {}",
                      forecast.has_value() ? "forecast from drills" : "as the last drill took",
                      Objective(f.fixed.rto_seconds))};
}

std::string Counted(double n, std::string_view of_one, std::string_view of_many) {
  return fmt::format("{:.0f} {}", n, n == 1 ? of_one : of_many);
}

void AddFileTroubles(const StatusFacts& f, std::vector<Trouble>& troubles) {
  const StoreFacts& s = f.store;
  if (!f.store_problem.empty()) {
    troubles.push_back({fmt::format("The store can't be read: {}", f.store_problem),
                        "The snapshots and drills below are as they were when it could be."});
  }
  if (s.damaged > 0) {
    troubles.push_back(
        {Counted(s.damaged, "stored snapshot is damaged.", "stored snapshots are damaged."),
         "Look at each with: etcdrill verify NAME --config FILE"});
  }
  if (s.unreadable > 0) {
    troubles.push_back(
        {Counted(s.unreadable, "stored snapshot can't be read.", "stored snapshots can't be read."),
         "Which, and why, is said below. Nothing is lost if the file comes back."});
  }
  for (size_t i = 0; i < std::min(s.lost.size(), kLostMax); ++i) {
    troubles.push_back({fmt::format("Can't be read: {}", s.lost[i]),
                        "What it says counts for nothing until it can be, or the scrub or the next "
                        "drill looks anew."});
  }
  if (!s.unkept.empty()) {
    troubles.push_back(
        {fmt::format("What was found can't be written into the store: {}", s.unkept),
         "It counts until a restart, and is tried again. Make room on the disk, or mend it."});
  }
}

void AddHistoryTroubles(const StoreFacts& s, std::vector<Trouble>& troubles) {
  if (s.from_future > 0) {
    troubles.push_back(
        {Counted(s.from_future,
                 "stored snapshot has a time in the future: a clock was wrong, or is.",
                 "stored snapshots have a time in the future: a clock was wrong, or is."),
         "Such a one counts as neither new nor restorable. Look at the clock, and at: etcdrill "
         "snapshot list --config FILE"});
  }
  if (s.lineage_diverged == true) {
    troubles.push_back({"The newest snapshot does not continue the one before it.",
                        "Expected once after a restore on purpose; else the source went back, or "
                        "is another cluster. What differs: etcdrill verify latest --config FILE"});
  }
  if (s.newest.has_value() && s.newest->keys == 0) {
    troubles.push_back({"The newest snapshot holds no key.",
                        "It is of the wrong cluster, or of one whose data is in the v2 API, which "
                        "is in no snapshot. Look with: etcdrill verify latest --config FILE"});
  }
  if (s.of_others > 0) {
    troubles.push_back(
        {fmt::format("The store holds {} of other clusters.",
                     Counted(s.of_others, "snapshot", "snapshots")),
         "They have another cluster.name, and are neither counted nor deleted here. Give each "
         "cluster a store of its own, or see: etcdrill snapshot list --config FILE"});
  }
  if (s.other_history > 0) {
    troubles.push_back(
        {Counted(s.other_history, "adopted snapshot is of another history than the source.",
                 "adopted snapshots are of another history than the source."),
         "Such a one counts as neither new nor restorable: somebody copies files of another "
         "cluster, or of before a restore. What differs: etcdrill verify NAME --config FILE"});
  }
  if (!s.suspects_problem.empty()) {
    troubles.push_back(
        {fmt::format("Which members differed before is not known: {}", s.suspects_problem),
         "Move that file away if it is no record any more; the next comparison tells of those that "
         "answer: etcdctl endpoint hashkv --cluster"});
  }
  if (s.hashkv_consistent == false) {
    troubles.push_back({"The members of the source hold different data.",
                        "Find the one that differs with: etcdctl endpoint hashkv --cluster"});
  }
}

void AddTaskTroubles(const StatusFacts& f, std::vector<Trouble>& troubles) {
  if (f.activity.snapshot_consecutive_failures > 0) {
    const double n = f.activity.snapshot_consecutive_failures;
    troubles.push_back({fmt::format("The last {} failed.",
                                    n == 1 ? "snapshot" : fmt::format("{:.0f} snapshots", n)),
                        "The log has the reason (msg=\"snapshot failed\"). Try by hand: etcdrill "
                        "snapshot save x.db --config FILE"});
  }
  const std::optional<DrillSummary>& drill = f.history.last_of_newest;
  if (drill.has_value() && !drill->passed) {
    troubles.push_back({fmt::format("The last drill failed {}: {}", InStage(*drill), drill->error),
                        "Repeat it with: etcdrill drill latest --config FILE"});
  }
}

void AddSourceTroubles(const StatusFacts& f, std::vector<Trouble>& troubles) {
  if (!f.health.has_value()) return;
  for (const MemberRow& m : f.health->members) {
    if (m.healthy) continue;
    troubles.push_back({fmt::format("{} is not healthy: {}", m.endpoint, m.problem),
                        "Look with: etcdrill health --config FILE"});
  }
  for (const std::string& alarm : f.health->alarms) {
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

Answer Judgement::overall() const {
  Answer all = Answer::kYes;
  for (const Question* q : {&fresh, &proven, &restorable, &in_time}) {
    if (q->answer == Answer::kNo) return Answer::kNo;
    if (q->answer == Answer::kUnknown) all = Answer::kUnknown;
  }
  return all;
}

Judgement Judge(const StatusFacts& f) {
  Judgement j;
  const std::optional<StoreFacts::Newest>& newest = f.store.newest;
  j.fresh = NotOlderThan(f, newest.has_value(), newest.has_value() ? newest->taken : std::nullopt,
                         f.fixed.rpo_seconds, "no snapshot yet");
  j.proven = NotOlderThan(f, f.store.restorable_revision.has_value(), f.store.restorable_taken,
                          f.fixed.restorable_rpo_seconds, "none restorable yet");
  j.restorable = Restorable(f);
  j.in_time = InTime(f);
  j.fresh.if_no = "it is stale";
  j.proven.if_no = "no recent proof";
  j.in_time.if_no = "a restore takes too long";
  AddFileTroubles(f, j.troubles);
  AddHistoryTroubles(f.store, j.troubles);
  AddTaskTroubles(f, j.troubles);
  AddSourceTroubles(f, j.troubles);
  return j;
}

}  // namespace etcdrill::report
