#include "sites/contents.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>
#include <utility>

#include "sites/at_once.h"
#include "sites/delete_object.h"
#include "sites/judge_copies.h"
#include "sites/layout.h"
#include "sites/lock_watch.h"
#include "sites/site_reader.h"
#include "sites/versions.h"

namespace etcdrill::sites {

std::map<std::string_view, const catalog::CatalogEntry*> Contents::UsableCopies() const {
  std::map<std::string_view, const catalog::CatalogEntry*> usable;
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    const auto record = records.find(entry.manifest.name);
    if (entry.IsUsable() && record != records.end()) usable[record->second.manifest.name] = &entry;
  }
  return usable;
}

// A copy that was there and is in no listing now, though this process did not delete it.
struct MissingCopy {
  std::string bytes_key;
  bool is_gone = false;  // manifest and bytes, as the site said when it was asked by name
};

struct SiteFollower::State {
  State(objects::ObjectStore& s, std::string c)
      : site(s), cluster(std::move(c)), reader(s), locks(s) {}

  // Of the last listing, and of the last look at versions and locks; each once.
  std::vector<SiteFinding> AllFindings() const;
  std::shared_ptr<const Contents> Publish(Contents contents);
  Status LookForFirstVersions(const Context& context);
  Status LookForMissing(const Context& context);
  Status AskForMissing(const Context& context);

  objects::ObjectStore& site;
  const std::string cluster;
  std::mutex refreshing;
  // Guarded by refreshing.
  SiteReader reader;
  LockWatch locks;
  bool has_read = false;                       // a Refresh has succeeded
  bool must_look_at_versions = false;          // a manifest is gone, and may only be hidden
  std::map<std::string, MissingCopy> missing;  // by COPY
  std::vector<SiteFinding> of_listing;         // what the last one found
  std::vector<SiteFinding> of_versions;        // what the last look at versions found

  std::mutex mutex;
  std::shared_ptr<const Contents> now;  // guarded by mutex
};

std::vector<SiteFinding> SiteFollower::State::AllFindings() const {
  std::vector<SiteFinding> findings = of_listing;
  for (const auto& [copy, one] : missing) {
    if (!one.is_gone) continue;
    findings.push_back({.oddity = Oddity::kVanished,
                        .key = one.bytes_key,
                        .copy = copy,
                        .text = "manifest and bytes are gone, and this sidecar did not delete "
                                "them"});
  }
  for (const auto& more : {of_versions, locks.Findings()}) {
    std::ranges::copy_if(more, std::back_inserter(findings), [this](const SiteFinding& finding) {
      return !IsCopyOfOthers(finding.copy, cluster);
    });
  }
  const auto what = [](const SiteFinding& f) { return std::tuple(f.key, f.oddity); };
  std::ranges::stable_sort(findings, {}, what);
  const auto same = [&](const SiteFinding& a, const SiteFinding& b) { return what(a) == what(b); };
  findings.erase(std::unique(findings.begin(), findings.end(), same), findings.end());
  return findings;
}

std::shared_ptr<const Contents> SiteFollower::State::Publish(Contents contents) {
  contents.findings = AllFindings();
  auto published = std::make_shared<const Contents>(std::move(contents));
  const std::lock_guard lock(mutex);
  now = published;
  return published;
}

Status SiteFollower::State::LookForFirstVersions(const Context& context) {
  ASSIGN_OR_RETURN(VersionsSeen seen, LookForVersions(site, reader.state()));
  of_versions = std::move(seen.findings);
  return reader.Pin(context, std::move(seen.first_manifests));
}

// Compares with what was published last. Where several writers are at work, another one's retention
// may have deleted it; what was gone before they came stays a finding.
Status SiteFollower::State::LookForMissing(const Context& context) {
  const auto& manifests = reader.state().manifests;
  std::erase_if(missing, [&](const auto& one) { return manifests.contains(one.first); });
  if (reader.state().writers.size() > 1) {
    std::erase_if(missing, [](const auto& one) { return !one.second.is_gone; });
    return OkStatus();
  }
  if (now == nullptr) return OkStatus();
  for (const auto& [copy, record] : now->records) {
    if (!manifests.contains(copy) && !reader.IsForgotten(copy))
      missing.try_emplace(copy, MissingCopy{.bytes_key = record.key()});
  }
  return AskForMissing(context);
}

// By name, as listings of some servers lag behind; once for each that is gone.
Status SiteFollower::State::AskForMissing(const Context& context) {
  const std::optional<BytesListing>& bytes = reader.state().bytes;
  std::set<std::string_view> unsealed;
  if (bytes.has_value()) unsealed.insert(bytes->unsealed.begin(), bytes->unsealed.end());
  std::vector<std::pair<const std::string, MissingCopy>*> unsure;
  for (auto& one : missing) {
    if (!one.second.is_gone && !unsealed.contains(one.first)) unsure.push_back(&one);
  }
  return ForEachAtOnce(context, unsure.size(), [&](size_t i) {
    auto& [copy, one] = *unsure[i];
    for (const std::string& key : {ManifestKey(copy), one.bytes_key}) {
      const Status there = site.Head(key).status();
      if (!Is(there, Reason::kNotFound)) return IsOfOneObject(there) ? OkStatus() : there;
    }
    one.is_gone = true;
    return OkStatus();
  });
}

SiteFollower::SiteFollower(objects::ObjectStore& site, std::string cluster)
    : state_(std::make_unique<State>(site, std::move(cluster))) {}

SiteFollower::~SiteFollower() = default;

Result<std::shared_ptr<const Contents>> SiteFollower::Refresh(
    const Context& context, const std::vector<VerifyingKey>& known) {
  const std::lock_guard one_by_one(state_->refreshing);
  RETURN_IF_ERROR(state_->reader.ReadNew(context, known));
  state_->must_look_at_versions |= state_->reader.TakeLeft();
  if (state_->must_look_at_versions && state_->site.properties().has_versions) {
    const Status looked = state_->LookForFirstVersions(context);
    if (!looked.ok() && !HidesVersions(looked)) return looked;
    // What was found of the copies that are back.
    RETURN_IF_ERROR(state_->reader.ReadNew(context, known));
  }
  state_->must_look_at_versions = false;
  if (state_->has_read) RETURN_IF_ERROR(state_->reader.CheckBytes(context));
  RETURN_IF_ERROR(state_->LookForMissing(context));
  Contents contents = JudgeCopies(state_->reader.state(), state_->cluster, context.clock.Now());
  state_->has_read = true;
  state_->of_listing = std::move(contents.findings);
  return state_->Publish(std::move(contents));
}

Status SiteFollower::LookAtVersions(const Context& context) {
  const std::lock_guard one_by_one(state_->refreshing);
  const std::shared_ptr<const Contents> last = Now();
  if (last == nullptr) return OkStatus();
  RETURN_IF_ERROR(state_->LookForFirstVersions(context));
  const Status locks = state_->locks.Look(context, state_->reader.state());
  state_->Publish(*last);
  return locks;
}

Status SiteFollower::LookAtLocks(const Context& context) {
  const std::lock_guard one_by_one(state_->refreshing);
  const std::shared_ptr<const Contents> last = Now();
  if (last == nullptr) return OkStatus();
  const Status looked = state_->locks.Look(context, state_->reader.state());
  state_->Publish(*last);
  return looked;
}

void SiteFollower::Forget(const std::string& copy) {
  const std::lock_guard one_by_one(state_->refreshing);
  state_->missing.erase(copy);
  state_->reader.Forget(copy);
  std::erase_if(state_->of_versions, [&](const SiteFinding& f) { return f.copy == copy; });
}

std::shared_ptr<const Contents> SiteFollower::Now() const {
  const std::lock_guard lock(state_->mutex);
  return state_->now;
}

}  // namespace etcdrill::sites
