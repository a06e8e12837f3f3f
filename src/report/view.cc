// What follows from a view, for whoever shows it.
#include "report/view.h"

#include <algorithm>

#include "proof/receipt_view.h"

namespace etcdrill::report {
namespace {

const catalog::Catalog& Nothing() {
  static const catalog::Catalog nothing{};
  return nothing;
}

// A disagreement in a receipt is over once nobody is a suspect any more. Where nobody held the
// same, nobody became one, and only another snapshot tells. None: nobody can tell.
std::optional<bool> AgreeByStore(const catalog::Catalog& catalog) {
  if (catalog.suspects.has_value() && !catalog.suspects->empty()) return false;
  const auto newest = std::ranges::find_if(catalog.snapshots.rbegin(), catalog.snapshots.rend(),
                                           &catalog::CatalogEntry::Counts);
  if (newest == catalog.snapshots.rend()) return std::nullopt;
  const std::optional<bool> agreed = MembersAgreed(newest->manifest);
  if (!catalog.suspects_problem.empty() && agreed == true)
    return std::nullopt;  // somebody else may be one
  const bool settled = catalog.suspects.has_value() && !SidesOf(newest->manifest).empty();
  return agreed == false && settled ? std::nullopt : agreed;
}

}  // namespace

const catalog::Catalog& View::LastRead() const { return catalog != nullptr ? *catalog : Nothing(); }

const catalog::Catalog& View::Stored() const {
  return store_problem.empty() ? LastRead() : Nothing();
}

std::optional<bool> MembersAgree(const View& view) {
  if (view.members_agree == false) return false;
  if (!view.store_problem.empty()) return std::nullopt;  // it may tell of a member that differed
  const catalog::Catalog& stored = view.Stored();
  if (const auto agree = AgreeByStore(stored)) return agree;
  if (!stored.suspects_problem.empty()) return std::nullopt;  // those who answer are not all
  return view.members_agree;
}

std::optional<std::map<std::string_view, bool>> AlarmsOf(const etcd::HealthRound& round) {
  std::optional<std::map<std::string_view, bool>> alarms;
  for (const etcd::RollEntry& entry : round.roll.entries) {
    if (!round.IsOurs(entry.endpoint)) continue;
    if (!alarms.has_value())
      alarms = std::map<std::string_view, bool>{{"nospace", false}, {"corrupt", false}};
    for (const etcd::Alarm& alarm : round.probes[entry.endpoint].alarms) {
      (*alarms)[alarm.type == etcd::AlarmType::kCorrupt ? "corrupt" : "nospace"] = true;
    }
  }
  return alarms;
}

}  // namespace etcdrill::report
