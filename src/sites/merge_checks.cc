#include "sites/merge_checks.h"

#include <algorithm>
#include <optional>

namespace etcdrill::sites {
namespace {

// One from the future counts only where there is no other.
void TakeLater(std::optional<WallTime>& time, const std::optional<WallTime>& other, WallTime now) {
  if (!other.has_value()) return;
  const bool replaces = !time.has_value() || (IsFuture(*time, now) && !IsFuture(*other, now));
  if (replaces || (*other > *time && !IsFuture(*other, now))) time = other;
}

WallTime FoundWrong(const Checks& checks) { return checks.rehashed.value_or(*checks.damaged); }

// Damage stands until whoever finds the bytes right takes it away: here, by a later time. The
// clocks of two writers, or of a writer and the site, differ by some minutes.
bool IsFoundRightSince(WallTime wrong, const std::map<std::string, SeenChecks>& by_writer,
                       WallTime now) {
  return std::ranges::any_of(by_writer, [&](const auto& of) {
    if (!of.second.read.ok()) return false;
    const Checks& checks = *of.second.read;
    return !checks.damaged.has_value() && checks.hashed.has_value() &&
           !IsFuture(*checks.hashed, now) && *checks.hashed > wrong + kClockSlack;
  });
}

}  // namespace

std::set<std::string_view> KnownWriters(const SiteState& state) {
  std::set<std::string_view> writers;
  for (const auto& [copy, manifest] : state.manifests) {
    if (manifest.read.ok()) writers.insert(manifest.read->record.writer);
  }
  for (const auto& [writer, reports] : state.reports) writers.insert(writer);
  for (const Writer& writer : state.writers) writers.insert(writer.name);
  return writers;
}

Result<Checks> MergeChecks(const std::map<std::string, SeenChecks>& by_writer,
                           const std::set<std::string_view>& writers, WallTime now) {
  Checks all;
  const Checks* damaged = nullptr;
  std::optional<WallTime> answered_at;
  for (const auto& [writer, seen] : by_writer) {
    if (!seen.read.ok()) continue;
    const Checks& checks = *seen.read;
    TakeLater(all.confirmed, checks.confirmed, now);
    TakeLater(all.hashed, checks.hashed, now);
    if (checks.damaged.has_value() &&
        (damaged == nullptr || FoundWrong(checks) > FoundWrong(*damaged)))
      damaged = &checks;
    const WallTime looked = checks.hashed.value_or(WallTime());
    if (!checks.answered.empty() && (!answered_at.has_value() || looked > *answered_at)) {
      all.answered = checks.answered;
      answered_at = looked;
    }
  }
  if (damaged != nullptr && !IsFoundRightSince(FoundWrong(*damaged), by_writer, now)) {
    all.damaged = damaged->damaged;
    all.rehashed = FoundWrong(*damaged);
    all.damage = damaged->damage;
    return all;
  }
  for (const auto& [writer, seen] : by_writer) {
    if (!seen.read.ok() && writers.contains(writer) &&
        !IsFoundRightSince(seen.mark.modified, by_writer, now))
      return Annotate(seen.read.status(), "what {} found", writer);
  }
  return all;
}

}  // namespace etcdrill::sites
