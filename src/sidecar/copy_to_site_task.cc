// One site of a cluster. A round begins when the store has changed, or some minutes after the one
// before; after a failure it waits for longer each time, so that a site that is away costs nothing.
#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "catalog/plans.h"
#include "pipeline/copy_to_site.h"
#include "pipeline/scrub_copy.h"
#include "sidecar/site_view.h"
#include "sidecar/tasks.h"

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;

constexpr Duration kRoundEvery = 5min;
constexpr Duration kSiteRetryFirst = 10s;
constexpr Duration kSiteRetryMax = 5min;
constexpr Duration kHashAgain = 1h;

// What is out of reach, a listing tells whether it is back. But only its hash tells whether bytes
// that were written again are the same, and what a record that can't be read may say.
bool IsWorthHashing(const sites::Contents& contents, const catalog::CatalogEntry& entry) {
  if (entry.state != SnapshotState::kUnreadable) return true;
  return std::ranges::any_of(contents.findings, [&](const sites::SiteFinding& f) {
    return f.copy == entry.manifest.name &&
           (f.oddity == Oddity::kOverwritten || f.oddity == Oddity::kUnreadable);
  });
}

class CopyToSiteTask final : public Task {
 public:
  CopyToSiteTask(const Context& context, ClusterState& state, report::ClusterMetrics& metrics,
                 SnapshotFollowUp& follow_up, std::string site)
      : Task(state, metrics), clock_(context.clock), follow_up_(follow_up), name_(std::move(site)) {
    view_.name = name_;
    state_.SetSite(view_, nullptr);
  }

  bool MayLook() const override {
    const std::lock_guard lock(mutex_);
    if (clock_.Monotonic() >= next_ || state_.IsRoundAskedFor(name_)) return true;
    return !failed_ && state_.Stored() != copied_from_;
  }

  void Run(const Context& run, const Generation& by, Occasion) override {
    const std::shared_ptr<sites::Site> site = by.site(name_);
    if (IsFirstBy(by) || memory_ == nullptr) Adopt(site);
    const auto stored = state_.Stored();
    state_.RoundBegins(name_);
    const pipeline::CopyToSiteOutcome round = CopyRound(run, by);
    if (IsInterrupted(round.outcome)) return;
    Tell(run, round);
    Show(run, round);
    Plan(stored, round);
    if (round.contents == nullptr || by.retired().stop_requested()) return;
    if (by.config().keep_local.has_value()) follow_up_.DeleteSurplus(run, by);
    Scrub(run, by, *round.contents);
  }

 private:
  // What was kept of the configuration before may be of another site.
  void Adopt(const std::shared_ptr<sites::Site>& site) {
    memory_.reset();  // it refers to the site before
    site_ = site;
    memory_ = std::make_unique<pipeline::SiteMemory>(*site_, state_.cluster());
    view_.address = site_->objects().address();
    view_.wants_lock = site_->config().lock.has_value();
    view_.has_identity = site_->config().CanDecrypt();
  }

  std::vector<std::string> SitesBefore(const config::Config& config) const {
    std::vector<std::string> names;
    for (const config::SiteConfig& site : config.sites) {
      if (site.name == name_) break;
      names.push_back(site.name);
    }
    return names;
  }

  pipeline::CopyToSiteOutcome CopyRound(const Context& run, const Generation& by) {
    return pipeline::CopyToSite(
        run, {.catalog = state_.follower(),
              .store = state_.store(),
              .site = *site_,
              .memory = *memory_,
              .rules = by.config().RetentionOf(site_->config()),
              .retired = by.retired(),
              .sites_before = SitesBefore(by.config()),
              .on_read =
                  [&](const std::shared_ptr<const sites::Contents>& contents,
                      const std::vector<const catalog::CatalogEntry*>& missing) {
                    ShowContents(*contents, memory_->locked_until, run.clock.Now(), view_);
                    view_.waiting = missing.size();
                    view_.waiting_since.reset();
                    if (!missing.empty()) view_.waiting_since = missing.front()->manifest.taken;
                    state_.SetSite(view_, contents);
                  },
              .on_copied =
                  [&](const sites::CopyRecord& copy) {
                    ++view_.copied;
                    if (view_.waiting > 0) --view_.waiting;
                    run.log.Info("snapshot copied", {{"site", name_},
                                                     {"snapshot", copy.manifest.name},
                                                     {"copy", copy.copy},
                                                     {"size_bytes", copy.size_bytes}});
                  },
              .on_deleted =
                  [&](const sites::CopyRecord& copy, catalog::Fate why) {
                    ++view_.deleted;
                    run.log.Info("copy deleted",
                                 {{"site", name_}, {"copy", copy.copy}, {"reason", NameOf(why)}});
                  }});
  }

  // A failure when it begins, one for another reason, and the end.
  void Tell(const Context& run, const pipeline::CopyToSiteOutcome& round) {
    const bool fails = !round.outcome.ok();
    const bool failed = !view_.problem.ok();
    if (!fails && !failed) return;
    if (fails && failed && ReasonOf(round.outcome) == ReasonOf(view_.problem)) return;
    if (!fails) {
      run.log.Info("site works again", {{"site", name_}});
    } else {
      run.log.Error("site failed", {{"site", name_},
                                    {"reason", InfoOf(ReasonOf(round.outcome)).name},
                                    {"err", MessageOf(round.outcome)}});
    }
  }

  void Show(const Context& run, const pipeline::CopyToSiteOutcome& round) {
    const WallTime now = run.clock.Now();
    if (round.outcome.ok()) {
      view_.failing_since.reset();
    } else {
      view_.failing_since = view_.failing_since.value_or(now);
    }
    view_.problem = round.outcome;
    state_.SetSite(view_, round.contents);
  }

  void Plan(const ClusterState::CatalogPtr& stored, const pipeline::CopyToSiteOutcome& round) {
    const bool failed = !round.outcome.ok();
    const std::lock_guard lock(mutex_);
    copied_from_ = stored;
    if (failed) {
      wait_ = failed_ ? std::min(kSiteRetryMax, 2 * wait_) : kSiteRetryFirst;
    } else {
      wait_ = round.waiting > 0 ? kSiteRetryFirst : kRoundEvery;
    }
    failed_ = failed;
    next_ = clock_.Monotonic() + wait_;
  }

  // Until there is something to copy.
  void Scrub(const Context& run, const Generation& by, const sites::Contents& contents) {
    for (const catalog::CatalogEntry* entry : DueForHashing(run, by, contents)) {
      if (by.retired().stop_requested() || state_.Stored() != copied_from_) return;
      const auto at = contents.records.find(entry->manifest.name);
      if (at != contents.records.end()) ScrubOne(run, at->second, *entry);
    }
  }

  std::vector<const catalog::CatalogEntry*> DueForHashing(const Context& run, const Generation& by,
                                                          const sites::Contents& contents) {
    std::vector<const catalog::CatalogEntry*> due;
    // Before the store gives up its own, we have read the copy.
    if (by.config().keep_local.has_value()) due = NeverRead(contents);
    for (const catalog::CatalogEntry* entry :
         catalog::PlanScrub(contents.catalog, site_->config().scrub.period, run.clock.Now())) {
      if (IsWorthHashing(contents, *entry) && std::ranges::find(due, entry) == due.end())
        due.push_back(entry);
    }
    std::erase_if(due, [&](const catalog::CatalogEntry* entry) {
      const auto at = not_before_.find(entry->manifest.name);
      return at != not_before_.end() && run.clock.Monotonic() < at->second;
    });
    return due;
  }

  // Copies of what the store still has.
  std::vector<const catalog::CatalogEntry*> NeverRead(const sites::Contents& contents) const {
    std::set<std::string_view> stored;
    const ClusterState::CatalogPtr now = state_.Stored();
    for (const catalog::CatalogEntry& entry : now->snapshots) stored.insert(entry.manifest.name);
    const std::set<std::string> read = state_.ReadBack(name_);
    std::vector<const catalog::CatalogEntry*> found;
    for (const catalog::CatalogEntry& entry : contents.catalog.snapshots) {
      const auto copy = contents.records.find(entry.manifest.name);
      if (copy == contents.records.end() || !stored.contains(copy->second.manifest.name)) continue;
      if (entry.IsUsable() && !read.contains(entry.manifest.name)) found.push_back(&entry);
    }
    return found;
  }

  void ScrubOne(const Context& run, const sites::CopyRecord& copy,
                const catalog::CatalogEntry& entry) {
    const pipeline::ScrubOutcome outcome =
        pipeline::ScrubCopy(run, *site_, copy, entry, state_.store());
    if (IsInterrupted(outcome.bytes)) return;
    if (outcome.bytes.ok() || IsDamage(outcome))
      state_.SetReadBack(name_, copy.copy, outcome.bytes.ok());
    if (outcome.bytes.ok()) {
      view_.scrubbed_bytes += copy.size_bytes;
      if (outcome.right_again)
        run.log.Info("copy intact again", {{"site", name_}, {"copy", copy.copy}});
    } else {
      run.log.Error(IsDamage(outcome) ? "copy changed" : "copy unreadable",
                    {{"site", name_}, {"copy", copy.copy}, {"err", MessageOf(outcome.bytes)}});
    }
    if (!outcome.recorded.ok()) {
      run.log.Error("scrub result not recorded",
                    {{"site", name_}, {"copy", copy.copy}, {"err", MessageOf(outcome.recorded)}});
    }
    // What was recorded stands in what the next round reads; what was not would be due in each.
    const bool is_recorded = outcome.recorded.ok() && (outcome.bytes.ok() || IsDamage(outcome));
    not_before_[copy.copy] = run.clock.Monotonic() + kHashAgain;
    const std::lock_guard lock(mutex_);
    if (is_recorded) next_ = clock_.Monotonic();
  }

  static bool IsDamage(const pipeline::ScrubOutcome& outcome) {
    return Is(outcome.bytes, Reason::kDamaged);
  }

  Clock& clock_;
  SnapshotFollowUp& follow_up_;
  const std::string name_;
  std::shared_ptr<sites::Site> site_;  // outlives memory_
  std::unique_ptr<pipeline::SiteMemory> memory_;
  report::SiteView view_;  // its traffic and its credentials are read at the scrape
  std::map<std::string, MonotonicTime> not_before_;  // a copy is hashed again
  mutable std::mutex mutex_;
  // Guarded by mutex_; written by the run that goes on.
  ClusterState::CatalogPtr copied_from_;
  MonotonicTime next_{};
  Duration wait_{};
  bool failed_ = false;
};

}  // namespace

std::unique_ptr<Task> MakeCopyToSiteTask(const Context& context, ClusterState& state,
                                         report::ClusterMetrics& metrics,
                                         SnapshotFollowUp& follow_up, std::string site) {
  return std::make_unique<CopyToSiteTask>(context, state, metrics, follow_up, std::move(site));
}

}  // namespace etcdrill::sidecar
