// The tasks. A run that a stop request ended is neither a success nor a failure: nothing is counted
// or kept of it.
#include "sidecar/sidecar_tasks.h"

#include <fmt/format.h>

#include "catalog/catalog.h"
#include "catalog/drill_plan.h"
#include "catalog/known_cluster.h"
#include "catalog/retention.h"
#include "catalog/scrub_plan.h"
#include "crosscheck/live_head.h"
#include "crosscheck/member_consistency.h"
#include "crosscheck/receipt_check.h"
#include "crosscheck/store_lineage.h"
#include "crosscheck/suspicion.h"
#include "crosscheck/unchanged.h"
#include "etcd/health.h"
#include "pipeline/run.h"
#include "pipeline/scrub.h"
#include "report/store_facts.h"
#include "sidecar/scheduler.h"
#include "sidecar/status_rows.h"

namespace etcdrill::sidecar {
namespace {

// Ten thousand snapshots take a second.
constexpr Duration kReadStoreEvery = std::chrono::minutes(1);
// While somebody copies a store, a file may lie there for a while before its manifest does.
constexpr Duration kLostPatience = std::chrono::seconds(30);
constexpr Duration kLookAgain = std::chrono::seconds(1);

bool CleanedUp(const pipeline::DrillReport& report) {
  return !report.stages.empty() && report.stages.back().result == StageResult::kPass;
}

report::SourceFacts::Member ToMember(const etcd::MemberStatus& s) {
  const auto number = [](auto n) { return static_cast<double>(n); };
  report::SourceFacts::Member member{.cluster_id = fmt::format("{:x}", s.cluster_id),
                                     .member_id = fmt::format("{:x}", s.member_id),
                                     .version = s.version,
                                     .revision = number(s.revision),
                                     .db_size_bytes = number(s.db_size_bytes),
                                     .db_in_use_bytes = number(s.db_in_use_bytes),
                                     .raft_term = number(s.raft_term),
                                     .raft_index = number(s.raft_index),
                                     .raft_applied_index = number(s.raft_applied_index),
                                     .is_leader = s.is_leader(),
                                     .is_learner = s.is_learner};
  if (s.db_quota_bytes > 0) member.db_quota_bytes = number(s.db_quota_bytes);
  return member;
}

void LogLineage(const Context& run, const Manifest& m) {
  if (!m.lineage.has_value()) return;
  const LineageRecord& l = *m.lineage;
  const auto took =
      std::chrono::duration_cast<Duration>(std::chrono::duration<double>(l.duration_seconds));
  if (LineageOf(m) == Continuity::kDiverged) {
    run.log.Error(
        "the source went back, or is another cluster",
        {{"snapshot", m.name}, {"older", l.older}, {"err", l.text}, {"duration_seconds", took}});
  } else {
    run.log.Info("lineage checked", {{"snapshot", m.name},
                                     {"older", l.older},
                                     {"result", NameOf(l.result)},
                                     {"text", l.text},
                                     {"duration_seconds", took}});
  }
}

}  // namespace

Result<SidecarTasks::LastRuns> SidecarTasks::ReadStore(const Context& context) {
  RETURN_IF_ERROR(ReadAndPublish(context).status());
  const std::lock_guard lock(mutex_);
  return last_runs_;
}

Result<catalog::Catalog> SidecarTasks::ReadAndPublish(const Context& context) {
  const std::lock_guard reading(reading_);  // or an older answer could replace a newer one
  const store::LocalStore::Stamp stamp =
      store_.CurrentStamp();  // before: what changes meanwhile is read once more
  const Moment moment = MomentOf(context.clock);
  Result<catalog::Catalog> read = catalog::ReadCatalog(context, store_, config_.cluster.name);
  if (IsInterrupted(read.status())) return read;
  if (!read.ok()) {
    metrics_.StoreIsUnreadable();
    board_.StoreIsUnreadable(std::string(MessageOf(read.status())));
    const std::lock_guard lock(mutex_);
    store_stamp_.reset();  // so that it is tried again at each look
    return read;
  }
  const catalog::Catalog& catalog = *read;
  metrics_.SetStore(report::ToStoreFacts(catalog));
  metrics_.SetStateCreated(UnixSeconds(store_.created()));
  board_.SetHistory(ToHistory(catalog));
  LastRuns last;
  if (const catalog::CatalogEntry* newest = catalog.Newest())
    last.snapshot = newest->AsOf(catalog.now);
  last.drill = catalog.LastDrill();
  {
    const std::lock_guard lock(mutex_);
    store_is_empty_ = catalog.HoldsNone();
    store_stamp_ = stamp;
    store_read_at_ = moment;
    last_runs_ = last;
    adopted_ = pipeline::AdoptedOf(catalog);
    known_cluster_ = catalog::KnownCluster(catalog.snapshots, config_.cluster.name);
  }
  store_read_.notify_all();
  return read;
}

Result<catalog::Catalog> SidecarTasks::ReadCatalog(const Context& run) {
  Result<catalog::Catalog> read = ReadAndPublish(run);
  if (IsInterrupted(read.status())) return read;
  const std::string complaint(MessageOf(read.status()));
  std::unique_lock lock(mutex_);
  const bool told = complaint == store_complaint_;
  store_complaint_ = complaint;
  lock.unlock();
  if (!read.ok() && !told) run.log.Error("the store can't be read", {{"err", complaint}});
  return read;
}

void SidecarTasks::FollowStore(const Context& run) {
  store_.WriteUnkept();
  const store::LocalStore::Stamp now = store_.CurrentStamp();
  std::unique_lock lock(mutex_);
  const Moment moment = MomentOf(run.clock);
  // What is written into a file in its place changes no directory.
  const bool is_old = moment.monotonic - store_read_at_.monotonic > kReadStoreEvery;
  const bool changed = now != store_stamp_ || WasSet(store_read_at_, moment) || is_old;
  lock.unlock();
  if (changed) ReadCatalog(run).status().IgnoreError();  // it is told
}

// If the source holds nothing that the store does not, this moment is as good as that of a new
// snapshot.
bool SidecarTasks::ConfirmUnchanged(const Context& run, Duration age_max) {
  const auto catalog = ReadCatalog(run);
  if (!catalog.ok()) return false;
  // Whoever answers may be the corrupt one.
  if (metrics_.store().hashkv_consistent == false) return false;
  const WallTime now = run.clock.Now();
  const catalog::CatalogEntry* same =
      crosscheck::FindUnchanged(*catalog, client_, config_.cluster.name, age_max, now);
  if (same == nullptr) return false;
  const Status kept =
      store_.UpdateChecks(same->manifest.name, [now](Checks& checks) { checks.confirmed = now; });
  if (!kept.ok())
    return false;  // what can't be kept must not count: a snapshot will tell what is wrong
  metrics_.SnapshotSkippedUnchanged();
  run.log.Info("snapshot skipped", {{"reason", "unchanged"},
                                    {"snapshot", same->manifest.name},
                                    {"revision", same->manifest.revision}});
  ReadCatalog(run).status().IgnoreError();  // it is told
  return true;
}

// Each sidecar remembers that a snapshot is due until one is there, whoever took it: so the next
// leader's takes what the one before did not.
void SidecarTasks::TakeTurn(const Context& run) {
  owed_since_ = run.clock.Now();
  TakeOwedSnapshot(run);
  if (owed_since_.has_value()) metrics_.SnapshotSkippedNotLeader();
}

void SidecarTasks::TakeOwedSnapshot(const Context& run) {
  if (!owed_since_.has_value()) return;
  FollowStore(run);
  std::unique_lock lock(mutex_);
  const bool taken = last_runs_.snapshot >= owed_since_;
  lock.unlock();
  if (!taken && !BesideLeader()) return;
  owed_since_.reset();
  taken ? metrics_.SnapshotTakenByAnother() : TakeDueSnapshot(run);
}

// A member that began anew leads a cluster of its own.
bool SidecarTasks::BesideLeader() {
  const auto status = client_.endpoints().front().Status();
  if (!status.ok() || !status->is_leader()) return false;
  return etcd::CallRoll(client_, KnownCluster()).entries.front().standing ==
         etcd::Standing::kMember;
}

std::optional<uint64_t> SidecarTasks::KnownCluster() {
  const std::lock_guard lock(mutex_);
  return known_cluster_;
}

void SidecarTasks::TakeDueSnapshot(const Context& run) {
  if (config_.snapshot.skip_unchanged && ConfirmUnchanged(run, config_.snapshot.force_after))
    return;
  TakeSnapshot(run);
}

void SidecarTasks::TakeSnapshot(const Context& run) {
  metrics_.SnapshotStarted();
  const auto outcome = pipeline::TakeSnapshot(run,
                                              {.client = client_,
                                               .cluster = config_.cluster.name,
                                               .timeout = config_.snapshot.timeout,
                                               .retry_for = RetryWindow(config_.snapshot.schedule),
                                               .no_retry = retired_},
                                              store_);
  ReportSnapshot(run, outcome, outcome.ok() ? outcome->manifest.size_bytes : 0);
}

void SidecarTasks::Adopt(const Context& run) {
  std::unique_lock lock(mutex_);
  const pipeline::AdoptedFiles adopted = adopted_;
  lock.unlock();
  const auto file = foreign_.FindNew(adopted);
  if (!file.has_value()) return;
  lock.lock();
  crosscheck::HeadHistory heads = heads_;
  lock.unlock();
  const auto outcome = pipeline::AdoptSnapshot(
      run, {.client = client_, .cluster = config_.cluster.name}, *file, std::move(heads), store_);
  const Status result = outcome.status();
  if (IsInterrupted(result)) return;
  const Reason reason = result.ok() ? Reason::kDamaged : ReasonOf(result);
  if (reason == Reason::kBusy) return foreign_.TryAgain(*file);  // once it is quiet again
  if (reason == Reason::kAlreadyExists) {
    // A new mode, owner or link of the very file is nothing new.
    if (adopted.Has(*file) || ConfirmUnchanged(run, Duration::max())) {
      foreign_.Adopted(*file, run.clock.Now());
      return;
    }
    foreign_.Done(*file);  // its time is none, and hides nothing that waits with it
    run.log.Warn("a new file holds an old snapshot",
                 {{"file", file->path}, {"err", MessageOf(result)}});
    return;
  }
  if (reason == Reason::kNotProvable) {  // nobody's backup, and so no attempt that failed
    foreign_.Done(*file);
    run.log.Warn("a file of others is no snapshot",
                 {{"file", file->path}, {"err", MessageOf(result)}});
    return;
  }
  // What says nothing of the file (no space, a disk that fails) must not cost it its turn.
  const bool sound =
      result.ok() && (outcome->verdict.ok() || ReasonOf(outcome->verdict) == Reason::kNotProvable);
  const bool of_ours = sound && !outcome->manifest.other_history;
  if (of_ours) {
    foreign_.Adopted(*file, outcome->manifest.taken);
  } else if (reason == Reason::kDamaged) {  // then the next one has its turn
    foreign_.Done(*file);
  } else {
    foreign_.TryAgain(*file);
  }
  if (sound && !of_ours) {
    run.log.Warn("an adopted file is of another history",
                 {{"snapshot", outcome->manifest.name},
                  {"file", file->path},
                  {"err", outcome->manifest.lineage->text}});
    DeleteSurplus(run);
    return;
  }
  metrics_.SnapshotStarted();
  ReportSnapshot(run, outcome, 0);
}

void SidecarTasks::ReportSnapshot(const Context& run,
                                  const Result<pipeline::SnapshotOutcome>& outcome,
                                  uint64_t received_bytes) {
  const Status result = outcome.ok() ? outcome->verdict : outcome.status();
  if (IsInterrupted(result)) return;
  if (result.ok()) {
    const Manifest& m = outcome->manifest;
    metrics_.SnapshotSucceeded(m.duration_seconds, received_bytes);
    run.log.Info(m.adopted.has_value() ? "snapshot adopted" : "snapshot taken",
                 {{"snapshot", m.name},
                  {"revision", m.revision},
                  {"keys", m.live_keys},
                  {"size_bytes", m.size_bytes},
                  {"verdict", NameOf(m.verdict)},
                  {m.adopted.has_value() ? "file" : "endpoint",
                   m.adopted.has_value() ? m.adopted->path : m.endpoint},
                  {"chosen", m.chosen}});
    if (const auto found = DisagreementOf(m); !found.text.empty()) {
      run.log.Error("members disagree", {{"snapshot", m.name}, {"err", found.text}});
    }
    LogLineage(run, m);
    LogWarnings(run, *outcome);
  } else {
    metrics_.SnapshotFailed(ReasonOf(result), UnixSeconds(run.clock.Now()));
    run.log.Error("snapshot failed",
                  {{"reason", InfoOf(ReasonOf(result)).name}, {"err", MessageOf(result)}});
  }
  DeleteSurplus(run);  // after a failure, too: there may be no space because it was not done
}

void SidecarTasks::LogWarnings(const Context& run, const pipeline::SnapshotOutcome& outcome) {
  std::map<std::string, std::string> first;  // of each code
  for (const Finding& f : outcome.verify.findings.kept()) {
    if (f.severity == Severity::kWarning) first.emplace(f.code, f.text);
  }
  std::set<std::string> codes;
  for (const auto& [code, text] : first) codes.insert(code);
  std::unique_lock lock(mutex_);
  const std::set<std::string> told = std::exchange(told_warnings_, std::move(codes));
  lock.unlock();
  for (const auto& [code, text] : first) {
    if (told.contains(code)) continue;
    run.log.Warn("a snapshot is unusual",
                 {{"snapshot", outcome.manifest.name}, {"finding", code}, {"err", text}});
  }
}

void SidecarTasks::DeleteSurplus(const Context& run) {
  store_.Tidy().IgnoreError();  // why the store can't be read is told by ReadCatalog
  const auto catalog = ReadCatalog(run);
  if (!catalog.ok()) return;  // it is told
  bool any = false;
  for (const catalog::RetentionDecision& d :
       catalog::PlanRetention(*catalog, config_.snapshot.retention, run.clock.Now())) {
    if (!catalog::Goes(d.fate)) continue;
    const std::string& name = d.snapshot->manifest.name;
    const Status deleted = store_.Delete(name);
    any = any || deleted.ok();
    if (deleted.ok()) {
      metrics_.SnapshotDeleted(catalog::FateName(d.fate));
      run.log.Info("snapshot deleted", {{"snapshot", name}, {"reason", catalog::FateName(d.fate)}});
    } else if (ReasonOf(deleted) != Reason::kBusy &&
               ReasonOf(deleted) != Reason::kNotFound) {  // its turn comes again
      metrics_.DeletionFailed();
      run.log.Error("a snapshot can't be deleted",
                    {{"snapshot", name}, {"err", MessageOf(deleted)}});
    }
  }
  if (any) ReadCatalog(run).status().IgnoreError();  // it is told
}

Result<catalog::Catalog> SidecarTasks::WaitForSnapshots(const Context& run) {
  std::optional<MonotonicTime> lost_since;
  while (true) {
    ASSIGN_OR_RETURN(catalog::Catalog catalog, ReadCatalog(run));
    if (!catalog.snapshots.empty()) return catalog;
    if (!catalog.lost.empty()) {
      const MonotonicTime now = run.clock.Monotonic();
      if (now - lost_since.value_or(now) >= kLostPatience) return catalog;
      lost_since = lost_since.value_or(now);
      if (run.clock.SleepFor(kLookAgain, retired_)) continue;
      return Error(Reason::kInterrupted, "stopped or configured anew");
    }
    lost_since.reset();
    std::unique_lock lock(mutex_);
    const bool came = store_read_.wait(lock, retired_, [&] { return !store_is_empty_; });
    if (!came) return Error(Reason::kInterrupted, "stopped or configured anew");
  }
}

void SidecarTasks::RunDrills(const Context& run) {
  const auto catalog = WaitForSnapshots(run);
  if (IsInterrupted(catalog.status())) return;
  if (!catalog.ok()) {
    metrics_.DrillStarted(UnixSeconds(run.clock.Now()));
    run.log.Error("drill failed",
                  {{"stage", NameOf(StageName::kSelect)}, {"err", MessageOf(catalog.status())}});
    metrics_.DrillEnded(StageName::kSelect, 0, true);
    return;
  }
  const std::vector<Manifest> plan = catalog::PlanDrills(*catalog, config_.drill.sample);
  if (plan.empty()) {
    metrics_.DrillStarted(UnixSeconds(run.clock.Now()));
    ReportDrill(run, pipeline::DrillNothing(run, *catalog, store_));
  }
  for (const Manifest& snapshot : plan) {
    if (retired_.stop_requested()) return;
    const auto use = store_.Use(snapshot.name);
    // The first is the newest, also after it failed: an older one that passes must not hide that.
    if (use.ok()) RunDrill(run, snapshot, &snapshot == &plan.front());  // else retention was faster
  }
}

void SidecarTasks::RunDrill(const Context& run, const Manifest& snapshot, bool newest) {
  metrics_.DrillStarted(UnixSeconds(run.clock.Now()));
  ReportDrill(run, pipeline::DrillStored(run,
                                         {.snapshot = snapshot.name,
                                          .path = store_.SnapshotPath(snapshot.name),
                                          .manifest = snapshot,
                                          .config = config_.drill,
                                          .newest = newest},
                                         &client_, store_));
}

void SidecarTasks::ReportDrill(const Context& run, const pipeline::StoredDrill& drill) {
  const pipeline::DrillReport& report = drill.report;
  if (IsInterrupted(report.outcome)) return;
  const Duration took = report.Took();
  const auto failed_in = report.passed() ? std::nullopt : std::optional(FailedStage(report.stages));
  metrics_.DrillEnded(failed_in, SecondsOf(took), CleanedUp(report));
  if (report.passed()) {
    run.log.Info("drill passed", {{"snapshot", report.snapshot},
                                  {"verdict", NameOf(report.verdict())},
                                  {"level", report.level_reached()},
                                  {"etcd", report.etcd_version},
                                  {"duration_seconds", took}});
  } else {
    run.log.Error("drill failed", {{"snapshot", report.snapshot},
                                   {"stage", NameOf(*failed_in)},
                                   {"level", report.level_reached()},
                                   {"reason", InfoOf(ReasonOf(report.outcome)).name},
                                   {"err", MessageOf(report.outcome)}});
  }
  if (!CleanedUp(report)) {
    run.log.Warn("drill left something behind", {{"err", report.stages.back().error}});
  }
  if (!drill.source.ok()) {
    run.log.Warn("no advice for a restore: the source can't be asked",
                 {{"err", MessageOf(drill.source)}});
  }
  if (!drill.kept.ok())
    run.log.Error("the drill report can't be kept", {{"err", MessageOf(drill.kept)}});
  ReadCatalog(run).status().IgnoreError();  // it is told
}

void SidecarTasks::Scrub(const Context& run) {
  const auto catalog = ReadCatalog(run);
  if (!catalog.ok()) return;  // it is told
  const auto plan = catalog::PlanScrub(*catalog, config_.scrub.period, run.clock.Now());
  for (const catalog::CatalogEntry* entry : plan) {
    if (retired_.stop_requested()) return;
    const auto use = store_.Use(entry->manifest.name);
    if (use.ok()) ScrubOne(run, *entry);  // else retention was faster
  }
  if (!plan.empty()) ReadCatalog(run).status().IgnoreError();  // it is told
}

void SidecarTasks::ScrubOne(const Context& run, const catalog::CatalogEntry& entry) {
  const Manifest& snapshot = entry.manifest;
  const std::string& name = snapshot.name;
  const std::string answers = entry.AnsweredByItsBytes();
  const Status hashed =
      pipeline::HashAgain(run, store_.SnapshotPath(name), snapshot, config_.scrub.bytes_per_second);
  if (IsInterrupted(hashed)) return;
  const bool damaged = !hashed.ok() && ReasonOf(hashed) == Reason::kDamaged;
  if (hashed.ok()) {
    metrics_.Scrubbed(snapshot.size_bytes);
    run.log.Debug("snapshot scrubbed", {{"snapshot", name}});
    const bool news = entry.checks.damaged.has_value() || !answers.empty() ||
                      entry.state == SnapshotState::kUnreadable;
    if (news) run.log.Info("a snapshot has its right bytes again", {{"snapshot", name}});
  } else {
    metrics_.ScrubFailed(damaged);
    run.log.Error(
        damaged ? "a stored snapshot is not what it was" : "a stored snapshot can't be read",
        {{"snapshot", name}, {"err", MessageOf(hashed)}});
  }
  if (!hashed.ok() && !damaged) return;  // what is out of reach now may be back later
  const auto record = [&, now = run.clock.Now()](Checks& checks) {
    damaged ? checks.FoundDamaged(now, MessageOf(hashed)) : entry.RecordRight(checks, now, answers);
  };
  const Status kept = store_.UpdateChecks(name, record, store::IfRefused::kCount);
  if (!kept.ok())
    run.log.Error("the scrub can't be recorded", {{"snapshot", name}, {"err", MessageOf(kept)}});
  if (damaged) ReadCatalog(run).status().IgnoreError();  // it is told
}

void SidecarTasks::ProbeHealth(const Context& run) {
  report::SourceFacts facts;
  report::Health health;
  const etcd::HealthRound round = etcd::ProbeAll(client_, run.clock, KnownCluster());
  for (const etcd::RollEntry& entry : round.roll.entries) {
    const etcd::HealthProbe& probe = round.probes[entry.endpoint];
    metrics_.ProbeTook(entry.address, SecondsOf(probe.latency));
    facts.endpoint_healthy[entry.address] = probe.healthy;
    health.members.push_back(ToMemberRow(entry.address, probe));
    facts.up |= probe.healthy;  // one that refuses its Status for lack of rights is alive, too
    if (!round.IsOurs(entry.endpoint)) continue;
    facts.up = true;
    const report::SourceFacts::Member member = ToMember(*probe.status);
    facts.endpoint_members[entry.address] = member;
    if (!facts.member.has_value()) facts.member = member;
    if (!facts.alarms.has_value()) facts.alarms = {{"nospace", false}, {"corrupt", false}};
    for (const etcd::Alarm& alarm : probe.alarms) {
      (*facts.alarms)[alarm.type == etcd::AlarmType::kCorrupt ? "corrupt" : "nospace"] = true;
    }
  }
  if (round.roll.membership.has_value())
    facts.members = static_cast<double>(round.roll.membership->members.size());
  for (const auto& [name, raised] : facts.alarms.value_or(std::map<std::string, bool>())) {
    if (raised) health.alarms.push_back(name);
  }
  health.checked = run.clock.Now();
  if (retired_.stop_requested()) return;
  TellOddEndpoints(run, round.roll);
  if (metrics_.store().hashkv_consistent == false) {  // who differed may be no member any more
    crosscheck::ForgetSuspects(config_.cluster.name, round.roll, {}, store_).IgnoreError();
  }
  metrics_.SetSource(std::move(facts));
  board_.SetHealth(std::move(health));
  FollowHead(run, round.roll);
}

// Only who probes changes heads_, so that the source can be asked without the lock.
void SidecarTasks::FollowHead(const Context& run, const etcd::RollCall& roll) {
  std::unique_lock lock(mutex_);
  crosscheck::HeadHistory heads = heads_;
  lock.unlock();
  heads.Saw(run.clock.Monotonic(), roll, [&] { return crosscheck::ReadHead(client_, roll); });
  lock.lock();
  heads_ = std::move(heads);
}

// Each once, until it changes; if nobody can tell which cluster is ours, that is one line for all.
void SidecarTasks::TellOddEndpoints(const Context& run, const etcd::RollCall& roll) {
  const bool torn = !roll.outcome.ok() && ReasonOf(roll.outcome) == Reason::kOtherCluster;
  const std::string why(torn ? MessageOf(roll.outcome) : "");
  if (torn && why != torn_between_)
    run.log.Error("the endpoints belong to different clusters", {{"err", why}});
  torn_between_ = why;
  if (torn) return;
  for (const etcd::RollEntry& entry : roll.entries) {
    std::string& told = odd_endpoints_[entry.address];
    if (entry.remark == told || entry.standing == etcd::Standing::kSilent) continue;
    told = entry.remark;
    if (entry.standing == etcd::Standing::kMember) {
      run.log.Info("an endpoint is a member again", {{"endpoint", entry.address}});
    } else if (entry.standing == etcd::Standing::kSecondName) {
      run.log.Warn("two endpoints are one member",
                   {{"endpoint", entry.address}, {"err", entry.remark}});
    } else {
      run.log.Error("an endpoint is not of the cluster",
                    {{"endpoint", entry.address}, {"err", entry.remark}});
    }
  }
}

void SidecarTasks::CompareMembers(const Context& run) {
  const crosscheck::Consistency found = crosscheck::CompareMembers(run, client_, KnownCluster());
  if (retired_.stop_requested()) return;
  const crosscheck::Occasion occasion{config_.cluster.name, found.revision, run.clock.Now()};
  const Status kept = crosscheck::KeepSuspects(occasion, SidesOf(found), found.roll, store_);
  if (!kept.ok())
    run.log.Error("what the members hold can't be recorded", {{"err", MessageOf(kept)}});
  // What is kept is read from the store.
  if (found.equal.has_value() || found.alone)
    metrics_.SetMembersAgree(kept.ok() && found.equal == false ? std::nullopt : found.equal);
  ReadCatalog(run).status().IgnoreError();  // it is told
  if (found.equal == false) {
    run.log.Error("members disagree", {{"err", found.text}});
  } else if (found.equal == true) {
    run.log.Info("members agree", {{"text", found.text}});
  } else if (!found.alone) {
    run.log.Warn("members can't be compared", {{"err", found.text}});
  }
}

}  // namespace etcdrill::sidecar
