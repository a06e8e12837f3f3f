// How one round goes, from top to bottom. Before each look at the site it is asked whether it is
// the place that it was: an empty directory would get every copy anew, on a disk that is none of
// its.
#include "pipeline/copy_to_site.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "io/process.h"
#include "pipeline/drill_evidence.h"
#include "proof/drill_summary.h"
#include "sites/delete_copy.h"
#include "sites/fetch_copy.h"
#include "sites/lock_object.h"
#include "sites/plans.h"
#include "sites/records.h"
#include "sites/seal_copy.h"

namespace etcdrill::pipeline {
namespace {

constexpr Duration kDay = std::chrono::hours(24);
constexpr Duration kSweepEvery = std::chrono::hours(1);
constexpr Duration kCopyingMax = std::chrono::minutes(10);
// One round at one site.
class Round {
 public:
  Round(const Context& context, const CopyToSiteRequest& request)
      : context_(context), request_(request), objects_(request.site.objects()) {}

  CopyToSiteOutcome Run();

 private:
  Status Read();
  void Remember(const std::string& id);
  Status CopyMissing();
  Status CopyOne(const catalog::CatalogEntry& entry);
  void TellDamaged(const catalog::CatalogEntry& entry, const Status& why);
  Status CopyChecks();
  Status CopyReports();
  Status LearnReports();
  Status ExtendLocks();
  Status DeleteSurplus();
  bool IsConfirmed(const sites::CopyDecision& decision) const;
  void TellRefused(const sites::CopyRecord& copy, const Status& why);
  Result<WallTime> TimeAtSite();
  Status Tidy();
  CopyToSiteOutcome Ended(CopyToSiteOutcome result) const;
  // Nothing more is begun, by rules that may not be in force any more.
  bool IsOver() const {
    return context_.stop.stop_requested() || request_.retired.stop_requested();
  }
  WallTime Now() const { return context_.clock.Now(); }
  bool IsDue(std::optional<WallTime> last, Duration every) const {
    return !last.has_value() || Now() - *last >= every || *last > Now();
  }

  const Context& context_;
  const CopyToSiteRequest& request_;
  objects::ObjectStore& objects_;
  std::string writer_;
  std::shared_ptr<const catalog::Catalog> stored_;
  std::shared_ptr<const sites::Contents> contents_;
  std::vector<const catalog::CatalogEntry*> missing_;  // at the site, as both were read
  bool changed_ = false;                               // the site, by us, since it was read
};

CopyToSiteOutcome Round::Run() {
  CopyToSiteOutcome result;
  const auto tried = [&result](const Status& status) {
    if (IsInterrupted(status)) result.outcome = status;
    result.outcome.Update(status);  // the first stands
    return status.ok();
  };

  // What the store holds, and what the site holds. Without both nothing can be said.
  if (!tried(Read())) return result;

  // Copies first: they are what a site is for.
  tried(CopyMissing());
  if (IsOver()) return Ended(std::move(result));

  // What was found out since: checks, drills.
  tried(CopyChecks());
  tried(CopyReports());
  if (IsOver()) return Ended(std::move(result));

  // By what the site holds now, others may have been there: what must stay is locked before
  // anything goes.
  if (changed_ && !tried(Read())) return result;
  if (tried(ExtendLocks())) tried(DeleteSurplus());
  tried(Tidy());
  if (IsOver()) return Ended(std::move(result));

  // As it is now.
  if (changed_ && !tried(Read())) return result;
  result.contents = contents_;
  result.waiting = missing_.size();
  return result;
}

CopyToSiteOutcome Round::Ended(CopyToSiteOutcome result) const {
  result.outcome = Error(Reason::kInterrupted, "stopped or reconfigured");
  return result;
}

Status Round::Read() {
  ASSIGN_OR_RETURN(writer_, request_.store.Id());
  ASSIGN_OR_RETURN(stored_, request_.catalog.Refresh(context_));
  ASSIGN_OR_RETURN(const auto known, request_.site.Signers());
  ASSIGN_OR_RETURN(const std::string id,
                   RecognizeSite(request_.store, request_.site, request_.sites_before));
  do {  // what was never looked at may be gone
    ASSIGN_OR_RETURN(contents_, request_.memory.follower.Refresh(context_, known));
  } while (!contents_->looked_at_bytes);
  Remember(id);
  changed_ = false;
  missing_ = sites::PlanCopies(*stored_, *contents_, request_.rules, Now());
  request_.on_read(contents_, missing_);
  return OkStatus();
}

// From now on no other place is taken for it. A full disk here must not keep copies from being
// made: they may be what lets it get room.
void Round::Remember(const std::string& id) {
  if (id.empty()) return;
  const Status kept = request_.store.RememberSite(request_.site.name(), id);
  if (kept.ok()) return;
  context_.log.Warn("site not remembered",
                    {{"site", request_.site.name()}, {"err", MessageOf(kept)}});
}

// One that can't be read here, or is damaged since, does not keep the others from being copied. The
// rest of a long backlog is for the next round, which knows what came meanwhile.
Status Round::CopyMissing() {
  Status first;
  const MonotonicTime began = context_.clock.Monotonic();
  for (const catalog::CatalogEntry* entry : missing_) {
    if (IsOver() || context_.clock.Monotonic() - began > kCopyingMax) break;
    const Status copied = CopyOne(*entry);
    first.Update(copied);
    // The site is what fails, and would the next time.
    if (!copied.ok() && ReasonOf(copied) != Reason::kDamaged &&
        ReasonOf(copied) != Reason::kNotFound)
      return first;
  }
  return first;
}

Status Round::CopyOne(const catalog::CatalogEntry& entry) {
  const Manifest& manifest = entry.manifest;
  const auto use = request_.store.Use(manifest.name);
  if (Is(use, Reason::kNotFound)) return OkStatus();  // retention was faster
  RETURN_IF_ERROR(use.status());
  ASSIGN_OR_RETURN(const auto seal,
                   SealRequestFor(request_.site, request_.store, manifest,
                                  request_.store.SnapshotPath(manifest.name), Now()));
  const auto record = sites::SealCopy(context_, objects_, seal);
  if (Is(record, Reason::kDamaged)) TellDamaged(entry, record.status());
  RETURN_IF_ERROR(record.status());
  changed_ = true;
  request_.on_copied(*record);
  return OkStatus();
}

// The file in the store is not what its manifest says: that is the store's news, too.
void Round::TellDamaged(const catalog::CatalogEntry& entry, const Status& why) {
  const auto found = [&](Checks& checks) { checks.FoundDamaged(Now(), MessageOf(why)); };
  const Status told = request_.store.UpdateChecks(entry.manifest.name, found);
  if (told.ok()) return;
  context_.log.Warn("damage not recorded",
                    {{"snapshot", entry.manifest.name}, {"err", MessageOf(told)}});
}

// That the source held nothing newer makes the copy as young as the snapshot; and what answered a
// drill of these bytes here, answers it there. What was found of the file in the store is of that
// file alone.
Status Round::CopyChecks() {
  std::map<std::string_view, const Checks*> stored;
  for (const catalog::CatalogEntry& entry : stored_->snapshots)
    stored[entry.manifest.name] = &entry.checks;
  for (const catalog::CatalogEntry& entry : contents_->catalog.snapshots) {
    const auto record = contents_->records.find(entry.manifest.name);
    if (record == contents_->records.end()) continue;
    const auto here = stored.find(record->second.manifest.name);
    if (here == stored.end()) continue;
    Checks checks = entry.checks;
    checks.confirmed = std::max(checks.confirmed, here->second->confirmed);
    if (checks.answered.empty()) checks.answered = here->second->answered;
    if (checks == entry.checks) continue;
    RETURN_IF_ERROR(sites::WriteChecks(objects_, entry.manifest.name, writer_, checks));
    changed_ = true;
  }
  return OkStatus();
}

// Those of snapshots that the site has, and of its copies.
Status Round::CopyReports() {
  SiteMemory& memory = request_.memory;
  RETURN_IF_ERROR(LearnReports());
  std::set<std::string_view> there;
  for (const auto& [copy, record] : contents_->records) {
    there.insert(copy);
    there.insert(record.manifest.name);
  }
  ASSIGN_OR_RETURN(const auto names, request_.store.DrillNames());
  for (const std::string& name : names) {
    RETURN_IF_ERROR(context_.CheckStop());
    if (memory.reports.contains(name) || !there.contains(store::SnapshotOfDrillName(name)))
      continue;
    const store::DrillFile report = request_.store.ReadDrill(name);
    const auto summary = report.problem.ok() ? ParseDrillSummary(report.json) : report.problem;
    if (!summary.ok()) continue;  // it is told where the store is read
    // A mirror of another site has copies of the same names: what was fetched from there proves
    // nothing here.
    if (!summary->site.empty() && summary->site != request_.site.name()) continue;
    RETURN_IF_ERROR(sites::WriteDrillReport(objects_, writer_, report));
    memory.reports.insert(name);
    changed_ = true;
  }
  return OkStatus();
}

Status Round::LearnReports() {
  SiteMemory& memory = request_.memory;
  if (memory.knows_reports) return OkStatus();
  const auto add = [&](const objects::ObjectInfo& object) {
    if (auto key = sites::ParseDrillKey(object.name)) memory.reports.insert(std::move(key->what));
    return OkStatus();
  };
  RETURN_IF_ERROR(objects_.List(sites::DrillKey(writer_, ""), "", add));
  memory.knows_reports = true;
  return OkStatus();
}

Status Round::ExtendLocks() {
  const std::optional<config::SiteLock>& lock = request_.site.config().lock;
  if (!lock.has_value()) return OkStatus();
  Status first;
  for (const sites::LockExtension& e : sites::PlanLocks(*contents_, request_.rules, *lock, Now())) {
    if (IsOver()) break;
    WallTime& extended = request_.memory.locked_until[e.copy->copy];
    if (e.until - extended < lock->keep / 2) continue;  // the manifest does not tell of it
    const Status done = sites::ExtendLock(objects_, *e.copy, {lock->mode, e.until});
    if (done.ok()) extended = e.until;
    first.Update(done);
  }
  return first;
}

// The site may refuse: a lock of somebody else, or no right to delete, which is a way to set up a
// writer that can't be made to destroy anything.
Status Round::DeleteSurplus() {
  Status first;
  for (const sites::CopyDecision& d : sites::PlanSiteRetention(*contents_, request_.rules, Now())) {
    if (!catalog::Goes(d.fate)) continue;
    if (IsOver()) break;
    if (!IsConfirmed(d)) continue;
    const Status deleted = sites::DeleteCopy(context_, objects_, *d.copy);
    if (Is(deleted, Reason::kAccessDenied)) {
      TellRefused(*d.copy, deleted);
      continue;
    }
    request_.memory.follower.Forget(d.copy->copy);  // its manifest may be gone by now
    first.Update(deleted);
    if (!deleted.ok()) continue;
    changed_ = true;
    request_.on_deleted(*d.copy, d.fate);
  }
  return first;
}

// Records of damage are not signed. So what goes for its damage is read once more before.
bool Round::IsConfirmed(const sites::CopyDecision& decision) const {
  if (!decision.hash_first) return true;
  return Is(sites::HashCopy(context_, objects_, *decision.copy,
                            request_.site.config().scrub.bytes_per_second),
            Reason::kDamaged);
}

void Round::TellRefused(const sites::CopyRecord& copy, const Status& why) {
  std::optional<WallTime>& told = request_.memory.told_refused;
  if (!IsDue(told, kDay)) return;
  told = Now();
  context_.log.Warn("site refuses deletion",
                    {{"site", request_.site.name()}, {"copy", copy.copy}, {"err", MessageOf(why)}});
}

// By an object that was written just now: a clock of ours that is ahead must not make the uploads
// of others old.
Result<WallTime> Round::TimeAtSite() {
  RETURN_IF_ERROR(sites::WriteWriter(objects_, writer_, HostName(), Now()));
  ASSIGN_OR_RETURN(const auto written, objects_.Head(sites::WriterKey(writer_)));
  return written.modified;
}

Status Round::Tidy() {
  SiteMemory& memory = request_.memory;
  Status swept;
  if (IsDue(memory.swept, kSweepEvery)) {
    memory.swept = Now();
    ASSIGN_OR_RETURN(const WallTime there, TimeAtSite());
    swept = sites::SweepUnsealed(context_, objects_, std::min(there, Now())).status();
  }
  if (objects_.properties().has_versions && IsDue(memory.looked_at_versions, kDay)) {
    RETURN_IF_ERROR(memory.follower.LookAtVersions(context_));
    memory.looked_at_versions = Now();
    changed_ = true;
  }
  if (request_.site.config().lock.has_value())
    RETURN_IF_ERROR(memory.follower.LookAtLocks(context_));
  return swept;
}

// Of the site whose remembered place does not answer.
Status NotThePlace(const store::LocalStore& store, sites::Site& site, std::string_view why) {
  return Error(Reason::kBucketMissing,
               "{} is not the site that was copied to before: its store.json {}. Is the disk "
               "mounted, and the address right? If the site is meant to begin anew, remove it from "
               "{}",
               site.objects().address(), why, store.KnownSitesPath());
}

}  // namespace

Result<std::string> RecognizeSite(const store::LocalStore& store, sites::Site& site,
                                  const std::vector<std::string>& sites_before) {
  ASSIGN_OR_RETURN(const auto known, store.KnownSites());
  const auto before = known.find(site.name());
  const auto id = sites::ReadSiteId(site.objects());
  if (Is(id, Reason::kAccessDenied)) return "";
  const bool says_nothing = Is(id, Reason::kNotFound) || Is(id, Reason::kDamaged);
  if (!id.ok() && !says_nothing) return id.status();
  if (before != known.end()) {
    if (Is(id, Reason::kNotFound)) return NotThePlace(store, site, "is missing");
    if (!id.ok()) return NotThePlace(store, site, "has no id");
    if (*id != before->second) return NotThePlace(store, site, "has another id");
  }
  if (!id.ok()) return "";
  for (const std::string& name : sites_before) {
    const auto other = known.find(name);
    if (other == known.end() || other->second != *id) continue;
    return Error(Reason::kConfig,
                 "{} is the same place as site {}: both have one store.json. A second copy needs "
                 "another place",
                 site.objects().address(), name);
  }
  return *id;
}

Result<sites::SealCopyRequest> SealRequestFor(const sites::Site& site,
                                              const store::LocalStore& store,
                                              const Manifest& manifest, const std::string& path,
                                              WallTime now) {
  sites::SealCopyRequest seal{.path = path, .manifest = manifest, .encoding = site.encoding()};
  ASSIGN_OR_RETURN(seal.writer, store.Id());
  ASSIGN_OR_RETURN(seal.recipients, site.Recipients());
  ASSIGN_OR_RETURN(seal.key, site.Signing());
  ASSIGN_OR_RETURN(seal.last_drill, LastDrillLink(store));
  if (const std::optional<config::SiteLock>& lock = site.config().lock) {
    // A date of the future would lock it for longer than anybody asked for.
    const WallTime until = std::min(manifest.taken, now) + lock->keep;
    if (until > now) seal.lock = objects::Lock{lock->mode, until};
  }
  return seal;
}

CopyToSiteOutcome CopyToSite(const Context& context, const CopyToSiteRequest& request) {
  return Round(context, request).Run();
}

}  // namespace etcdrill::pipeline
