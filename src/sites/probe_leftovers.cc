// What was put is deleted, with what an earlier check had to leave behind: a probe under a lock, or
// all of them if that check was killed.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "sites/store_probe.h"

namespace etcdrill::sites {
namespace {

using namespace std::chrono_literals;
using objects::ObjectInfo;
using objects::ObjectStore;

// A check that runs beside this one is younger.
constexpr Duration kLeftoverAge = 10min;

// "probe/a, probe/b".
std::string NamesText(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

// Ours; and what an earlier check had to leave behind, or was killed before it deleted.
bool StoreProbe::IsToGo(const ObjectInfo& info) const {
  if (info.name.starts_with(prefix_)) return true;
  return small_.has_value() && info.modified < small_->modified - kLeftoverAge;
}

std::vector<StoreProbe::Probe> StoreProbe::FindProbes() {
  std::vector<Probe> found;
  for (const Probe& probe : put_) {
    const auto head = objects_.Head(probe.name, probe.version_id);
    // Without its version, deleting one would only hide it.
    if (head.ok()) found.push_back({probe.name, head->version_id});
    if (!head.ok() && !Is(head, Reason::kNotFound)) found.push_back(probe);
  }
  const std::string folder(kProbeFolder);
  const auto add = [&](const ObjectInfo& info) {
    if (IsToGo(info)) found.push_back({info.name, info.version_id});
    return OkStatus();
  };
  // An error hides only what earlier checks left.
  const Status listed =
      HasVersions() ? objects_.ListVersions(
                          folder, [&](const ObjectStore::Version& v) { return add(v.object); })
                    : objects_.List(folder, "", add);
  listed.IgnoreError();
  std::ranges::sort(found);
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

void StoreProbe::Delete(const Probe& probe) {
  const Status deleted = objects_.Delete(probe.name, probe.version_id);
  if (deleted.ok()) {
    deleted_.push_back(probe.name);
    return;
  }
  Left& left = left_.emplace_back(Left{probe.name, deleted, {}});
  const auto head = objects_.Head(probe.name, probe.version_id);
  if (!head.ok() || !head->lock.has_value() || head->lock->until <= context_.clock.Now()) return;
  left.lock = head->lock;
  report_.locked_until = std::max(report_.locked_until.value_or(WallTime()), left.lock->until);
}

StoreProbe::Answer StoreProbe::AskDelete() {
  for (const Probe& probe : FindProbes()) Delete(probe);
  if (small_.has_value())
    objects_.Sweep(std::string(kProbeFolder), small_->modified - kLeftoverAge).IgnoreError();
  if (left_.empty() && deleted_.empty()) return {.text = "nothing was there to be deleted"};
  const std::string count = fmt::format("{} deleted", deleted_.size());
  if (left_.empty()) return {ProbeResult::kYes, count};

  std::vector<std::string> names;
  for (const Left& left : left_) {
    names.push_back(left.name);
    if (left.lock.has_value())
      names.back() += fmt::format(" (locked until {})", FormatRfc3339(left.lock->until));
  }
  const std::string still_there = fmt::format("; still there: {}", NamesText(names));
  const auto other =
      std::ranges::find_if(left_, [](const Left& left) { return !left.lock.has_value(); });
  if (other == left_.end())
    return {ProbeResult::kYes, count + still_there, "the next check deletes what is locked now"};
  Answer answer = Failed(other->why);
  answer.text += still_there;
  if (!Is(other->why, Reason::kAccessDenied)) return answer;
  answer.result = ProbeResult::kNo;
  answer.advice =
      "retention deletes nothing here: grant the right, or let the bucket's lifecycle do it";
  return answer;
}

StoreProbe::Answer StoreProbe::AskGone() {
  if (deleted_.empty()) return {.text = "nothing was deleted"};
  std::vector<std::string> there;
  auto listed = ListProbes();
  if (!listed.ok()) return Failed(listed.status());
  for (const std::string& name : deleted_) {
    const bool stays = std::ranges::any_of(left_, [&](const Left& l) { return l.name == name; });
    if (stays) continue;
    const auto head = objects_.Head(name);
    if (!head.ok() && !Is(head, Reason::kNotFound)) return Failed(head.status());
    if (head.ok() || listed->contains(name)) there.push_back(name);
  }
  if (there.empty()) return {ProbeResult::kYes, "neither HEAD nor the listing shows them"};
  return {ProbeResult::kNo, "still shown after they were deleted: " + NamesText(there),
          "what retention deletes may go on being counted, and paid for"};
}

}  // namespace etcdrill::sites
