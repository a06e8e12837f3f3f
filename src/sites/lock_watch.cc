#include "sites/lock_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sites/at_once.h"
#include "sites/layout.h"
#include "sites/lock_object.h"

namespace etcdrill::sites {
namespace {

constexpr size_t kCopiesAtOnce = 100;
constexpr Duration kLookAgain = std::chrono::hours(24);
// Servers keep whole seconds.
constexpr Duration kLockSlack = std::chrono::seconds(1);

bool Keeps(const std::optional<objects::Lock>& held, const objects::Lock& promised) {
  return Holds(held, {.mode = promised.mode, .until = promised.until - kLockSlack});
}

SiteFinding LockMissing(const CopyRecord& record, const std::string& key,
                        const std::optional<objects::Lock>& held) {
  return {.oddity = Oddity::kLockMissing,
          .key = key,
          .copy = record.copy,
          .text = fmt::format("the lock that was confirmed is {}, but the site shows {}; somebody "
                              "lifted it, or these credentials may not see locks",
                              LockText(record.lock), LockText(held))};
}

}  // namespace

// Those to be asked for now.
std::vector<const CopyRecord*> LockWatch::Due(const Context& context,
                                              const SiteState& state) const {
  const MonotonicTime now = context.clock.Monotonic();
  const auto looked_at = [this](const CopyRecord* record) {
    const auto looked = looked_.find(record->copy);
    return looked == looked_.end() ? MonotonicTime::min() : looked->second.at;
  };
  std::vector<std::pair<WallTime, const CopyRecord*>> due;  // by when they were sealed
  for (const auto& [copy, manifest] : state.manifests) {
    const CopyRecord* const record = state.Find(copy);
    if (record == nullptr || !manifest.read->trust.ok()) continue;
    if (!record->lock.has_value() || record->lock->until <= context.clock.Now()) continue;
    if (!looked_.contains(copy) || now - looked_at(record) >= kLookAgain)
      due.emplace_back(manifest.mark.modified, record);
  }
  std::ranges::stable_sort(due, std::ranges::greater(),
                           &std::pair<WallTime, const CopyRecord*>::first);
  std::vector<const CopyRecord*> newest_first;
  for (const auto& [sealed, record] : due) newest_first.push_back(record);
  if (newest_first.size() <= kCopiesAtOnce) return newest_first;
  std::stable_sort(
      newest_first.begin() + kCopiesAtOnce / 2, newest_first.end(),
      [&](const CopyRecord* a, const CopyRecord* b) { return looked_at(a) < looked_at(b); });
  newest_first.resize(kCopiesAtOnce);
  return newest_first;
}

// The version of the bytes that was sealed; the manifest that is read.
Status LockWatch::LookAt(const CopyRecord& record, std::vector<SiteFinding>& findings) const {
  const bool by_version = site_.properties().has_versions;
  for (const auto& [key, version] :
       {std::pair(record.key(), by_version ? record.version_id : std::string()),
        std::pair(ManifestKey(record.copy), std::string())}) {
    const auto head = site_.Head(key, version);
    if (Is(head, Reason::kNotFound)) continue;  // a listing tells of it
    RETURN_IF_ERROR(head.status());
    if (!Keeps(head->lock, *record.lock)) findings.push_back(LockMissing(record, key, head->lock));
  }
  return OkStatus();
}

Status LockWatch::Look(const Context& context, const SiteState& state) {
  std::erase_if(looked_, [&](const auto& looked) {  // what is gone, or whose lock is over
    const CopyRecord* const record = state.Find(looked.first);
    return record == nullptr || !record->lock.has_value() ||
           record->lock->until <= context.clock.Now();
  });
  const MonotonicTime now = context.clock.Monotonic();
  const std::vector<const CopyRecord*> due = Due(context, state);
  std::vector<std::optional<Looked>> found(due.size());
  const Status all = ForEachAtOnce(context, due.size(), [&](size_t i) {
    Looked looked{.at = now, .findings = {}};
    RETURN_IF_ERROR(LookAt(*due[i], looked.findings));
    found[i] = std::move(looked);
    return OkStatus();
  });
  for (size_t i = 0; i < due.size(); ++i) {
    if (found[i].has_value()) looked_[due[i]->copy] = *std::move(found[i]);
  }
  return all;
}

std::vector<SiteFinding> LockWatch::Findings() const {
  std::vector<SiteFinding> findings;
  for (const auto& [copy, looked] : looked_) {
    findings.insert(findings.end(), looked.findings.begin(), looked.findings.end());
  }
  return findings;
}

}  // namespace etcdrill::sites
