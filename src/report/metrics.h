// Everything that /metrics shows, as plain state under one lock, turned into the exposition format
// at each scrape. The catalogue is docs/metrics.md; a test holds the two equal.
//
// The rules: times are Unix timestamps, never ages; what is not known is absent, never 0 or 1; what
// describes the store is derived from the store, so it is right from the first scrape after a
// restart; label sets are closed and there from the start.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/reason.h"
#include "crypto/certificate.h"
#include "proof/words.h"

namespace etcdrill::report {

// Known at start; those of the configuration change when it is read again.
struct FixedFacts {
  std::string cluster;  // its name
  double state_created = 0;
  double rpo_seconds = 0;
  double restorable_rpo_seconds = 0;
  double rto_seconds = 0;
  std::optional<double> snapshot_interval_seconds;  // none where none is scheduled
  std::optional<double> drill_interval_seconds;
  double drill_timeout_seconds = 0;
  double scrub_period_seconds = 0;
  double adopt_patterns = 0;
  double process_start = 0;
  std::vector<std::string> endpoints;
};

// Read from the store after each change.
struct StoreFacts {
  struct Newest {
    std::optional<double> taken;  // none if that lies in the future: a clock lied
    double duration_seconds = 0;
    double size_bytes = 0;
    double revision = 0;
    double keys = 0;
  };
  std::optional<Newest> newest;  // that is usable
  std::optional<double> oldest_taken;
  double bytes = 0;
  double untested = 0;
  double restorable = 0;
  double damaged = 0;
  double unreadable = 0;   // no verdict, and out of reach
  double from_future = 0;  // those whose time lies in the future, whatever their state
  // Those that were taken under other names of clusters; in no other number.
  double of_others = 0;
  double other_history = 0;  // adopted ones of another history, likewise
  std::optional<double> restorable_taken;
  std::optional<double> restorable_revision;
  std::optional<double> oldest_hashed;  // of those that are not known to be damaged
  // By the receipts of the newest snapshot that counts, which is of this time.
  std::optional<bool> hashkv_consistent;
  std::string
      suspects_problem;  // why the record of members that differed can't be read; empty if it can
  // Whether the newest does not continue the one before it; none: they could not be compared.
  std::optional<bool> lineage_diverged;
  std::vector<std::string> lost;  // files of the store that can't be read, each with the reason
  std::string unkept;  // why the disk refuses what counts here all the same; empty: it does not

  double drill_consecutive_failures = 0;
  std::optional<double> drill_started;
  std::optional<double> drill_last_success;
  std::optional<double> drill_last_failure;
  std::optional<double> drill_last_duration_seconds;
  std::optional<double> drill_forecast_seconds;
  std::optional<double> drill_level;
  std::map<StageName, double> drill_stage_seconds;
  std::map<CheckName, bool> drill_checks;
  std::string drill_etcd_version;  // empty until a drill has started one
};

struct SourceFacts {
  struct Member {
    std::string cluster_id;
    std::string member_id;
    std::string version;
    double revision = 0;
    double db_size_bytes = 0;
    double db_in_use_bytes = 0;
    std::optional<double> db_quota_bytes;  // 3.6 and later tell it
    double raft_term = 0;
    double raft_index = 0;
    double raft_applied_index = 0;
    bool is_leader = false;
    bool is_learner = false;
  };
  bool up = false;
  std::optional<Member> member;  // the first endpoint that answered
  std::optional<double> members;
  std::map<std::string, bool> endpoint_healthy;
  std::map<std::string, Member> endpoint_members;     // those that answered Status
  std::optional<std::map<std::string, bool>> alarms;  // by name, "nospace" and "corrupt"
};

struct CallFacts {
  std::string method;
  double requests = 0;
  double failures = 0;
};

struct VolumeFacts {
  std::string volume;
  double available_bytes = 0;
  double size_bytes = 0;
};

// Read at each scrape.
struct LiveFacts {
  double now = 0;  // Unix seconds
  double log_warnings = 0;
  double log_errors = 0;
  double log_dropped = 0;
  std::vector<CallFacts> calls;
  std::vector<VolumeFacts> volumes;
  std::map<std::string, Validity> certificates;  // of the cluster, by name
  std::optional<Validity> web_certificate;
};

class Histogram {
 public:
  explicit Histogram(std::vector<double> bounds)
      : bounds_(std::move(bounds)), counts_(bounds_.size()) {}
  void Observe(double value);

  const std::vector<double>& bounds() const { return bounds_; }
  const std::vector<uint64_t>& counts() const { return counts_; }  // per bucket, not cumulative
  uint64_t count() const { return count_; }
  double sum() const { return sum_; }

 private:
  std::vector<double> bounds_;
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  double sum_ = 0;
};

enum class Task { kSnapshot, kDrill, kHealth, kHashKv, kScrub };
inline constexpr std::array<std::string_view, 5> kTaskNames = {"snapshot", "drill", "health",
                                                               "hashkv", "scrub"};

inline constexpr std::array<std::string_view, 3> kDeletionReasons = {"surplus", "size", "expired"};

// What the tasks are about, for the status page.
struct Activity {
  std::array<std::optional<double>, kTaskNames.size()> next_run;
  std::array<std::optional<double>, kTaskNames.size()> last_run;
  bool drill_in_progress = false;
  double snapshot_consecutive_failures = 0;
};

// Safe for use from any thread.
class Metrics {
 public:
  // `read_live` is called at each scrape, without the lock.
  Metrics(FixedFacts fixed, std::function<LiveFacts()> read_live);

  // The configuration was read again and is in force; or it was not, and the one before stays. When
  // a task runs next is not known until its schedule says so again, which one that was switched off
  // never does.
  void Reloaded(FixedFacts facts, double unix_seconds);
  void ReloadFailed();
  void SetStore(StoreFacts facts);
  void SetStateCreated(double unix_seconds);  // another store may come to lie there
  void StoreIsUnreadable();                   // until the next SetStore: what it holds is not known
  void SetSource(SourceFacts facts);
  // What a comparison of the members found that the store does not tell: that they agree, or a
  // disagreement that could not be kept there. Stands until the next.
  void SetMembersAgree(std::optional<bool> agree);
  void SetNextRun(Task task, double unix_seconds);
  void RunBegan(Task task);
  void RunEnded(Task task, double unix_seconds);

  void SnapshotStarted();
  void SnapshotSucceeded(double seconds, uint64_t bytes);
  void SnapshotFailed(Reason reason, double unix_seconds);
  // Was not taken because its predecessor still ran.
  void SnapshotSkippedBusy();
  // Was not taken because it would hold nothing new.
  void SnapshotSkippedUnchanged();
  // Was left to the sidecar beside the leader.
  void SnapshotSkippedNotLeader();
  // One that was owed is in the store: what failed here before is made good.
  void SnapshotTakenByAnother();
  // `why` is one of kDeletionReasons.
  void SnapshotDeleted(std::string_view why);
  void DeletionFailed();
  void Scrubbed(uint64_t bytes);
  void ScrubFailed(bool damaged);
  void DrillStarted(double unix_seconds);
  // `failed_in`: none if it passed.
  void DrillEnded(std::optional<StageName> failed_in, double seconds, bool cleaned_up);
  void DrillSkipped();
  void ProbeTook(const std::string& endpoint, double seconds);

  // The page, in text format 0.0.4.
  std::string Render() const;

  FixedFacts fixed() const;
  // Empty while it can't be read. hashkv_consistent is also by what was asked since.
  StoreFacts store() const;
  Activity activity() const;

 private:
  std::optional<bool> MembersAgree() const;  // with mutex_ held; none: nobody can tell

  const std::function<LiveFacts()> read_live_;
  mutable std::mutex mutex_;

  // Guarded by mutex_.
  FixedFacts fixed_;
  bool reload_successful_ = true;
  double reload_succeeded_ = 0;
  std::optional<StoreFacts> store_ = StoreFacts{};
  std::optional<SourceFacts> source_;
  std::optional<bool> members_agree_;
  std::array<std::optional<double>, kTaskNames.size()> next_run_;
  std::array<bool, kTaskNames.size()> runs_{};
  std::array<std::optional<double>, kTaskNames.size()> last_run_;
  double snapshot_attempts_ = 0;
  std::map<std::string, double> snapshot_failures_;  // by metric label
  double snapshot_skipped_busy_ = 0;
  double snapshot_skipped_unchanged_ = 0;
  double snapshot_skipped_not_leader_ = 0;
  double snapshot_consecutive_failures_ = 0;
  std::optional<double> snapshot_last_failure_;
  double received_bytes_ = 0;
  Histogram snapshot_seconds_;
  std::map<std::string, double> deleted_;  // by reason
  double deletion_failures_ = 0;
  double scrubbed_bytes_ = 0;
  double scrub_damaged_ = 0;
  double scrub_unreadable_ = 0;
  double drill_attempts_ = 0;
  std::map<StageName, double> drill_failures_;
  double drill_skipped_ = 0;
  bool drill_in_progress_ = false;
  std::optional<double> drill_started_;
  double drill_cleanup_failures_ = 0;
  Histogram drill_seconds_;
  std::map<std::string, Histogram> probe_seconds_;  // by endpoint
};

}  // namespace etcdrill::report
