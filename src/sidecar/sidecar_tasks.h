// What the sidecar does when a schedule falls due: run the pipeline, log the outcome once, and move
// the metrics.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "crosscheck/head_history.h"
#include "etcd/client.h"
#include "etcd/roll_call.h"
#include "io/context.h"
#include "pipeline/adopt.h"
#include "pipeline/stored_drill.h"
#include "report/metrics.h"
#include "report/status/board.h"
#include "store/local_store.h"

namespace etcdrill::sidecar {

// Each task runs on one thread at a time; different tasks may run at once. All arguments must
// outlive it. `retired` ends what waits for its turn, but not what has begun. What a task logs and
// does, it does by the context of its run.
class SidecarTasks {
 public:
  SidecarTasks(const Context& context, const config::Config& config, etcd::Client& client,
               store::LocalStore& store, report::Metrics& metrics, report::StatusBoard& board,
               std::stop_token retired)
      : config_(config),
        client_(client),
        store_(store),
        metrics_(metrics),
        board_(board),
        retired_(std::move(retired)),
        foreign_(context, config.adopt.files, config.adopt.quiet, config.store_path) {}

  struct LastRuns {
    std::optional<WallTime> snapshot;
    std::optional<WallTime> drill;
  };
  // Reads the store anew into the metrics and the status page, and wakes who waits for a snapshot.
  Result<LastRuns> ReadStore(const Context& context);

  // Reads the store again if something came or went, by another process that is.
  void FollowStore(const Context& run);
  // Unless it would hold nothing new.
  void TakeDueSnapshot(const Context& run);
  // The same for sidecars that share a store, of which only the one beside the leader takes the
  // snapshot: TakeTurn when it is due, TakeOwedSnapshot again and again in between, by one thread
  // at a time.
  void TakeTurn(const Context& run);
  void TakeOwedSnapshot(const Context& run);
  // Whoever asks for one gets one.
  void TakeSnapshot(const Context& run);
  // Drills what the plan says, one after the other; waits for a snapshot if the store is empty.
  void RunDrills(const Context& run);
  void ProbeHealth(const Context& run);
  // Compares the data of all members.
  void CompareMembers(const Context& run);
  // Takes in the newest snapshot of others, if there is a new one.
  void Adopt(const Context& run);
  // Hashes again what is due.
  void Scrub(const Context& run);

 private:
  // What the store holds; whoever reads it publishes it. Not logged.
  Result<catalog::Catalog> ReadAndPublish(const Context& context);
  // The same, with a line in the log when it begins to fail.
  Result<catalog::Catalog> ReadCatalog(const Context& run);
  Result<catalog::Catalog> WaitForSnapshots(const Context& run);
  void RunDrill(const Context& run, const Manifest& snapshot, bool newest);
  bool BesideLeader();                     // of the first endpoint
  std::optional<uint64_t> KnownCluster();  // that the stored snapshots are of
  void FollowHead(const Context& run, const etcd::RollCall& roll);
  void TellOddEndpoints(const Context& run, const etcd::RollCall& roll);
  void ReportDrill(const Context& run, const pipeline::StoredDrill& drill);
  bool ConfirmUnchanged(const Context& run, Duration age_max);
  // Counts and logs a snapshot that was taken, adopted, or neither.
  void ReportSnapshot(const Context& run, const Result<pipeline::SnapshotOutcome>& outcome,
                      uint64_t received_bytes);
  // Logs what is unusual in a sound snapshot, and was not in the one before.
  void LogWarnings(const Context& run, const pipeline::SnapshotOutcome& outcome);
  void DeleteSurplus(const Context& run);
  void ScrubOne(const Context& run, const catalog::CatalogEntry& entry);

  const config::Config& config_;
  etcd::Client& client_;
  store::LocalStore& store_;
  report::Metrics& metrics_;
  report::StatusBoard& board_;
  const std::stop_token retired_;
  pipeline::ForeignFiles foreign_;  // of Adopt's thread
  std::optional<WallTime>
      owed_since_;  // a snapshot was due then, and none is there yet; of who takes snapshots
  std::map<std::string, std::string> odd_endpoints_;  // what was told of each; of who probes
  std::string torn_between_;                          // the same of all of them

  std::mutex reading_;  // held while the store is read and told of
  std::mutex mutex_;
  std::condition_variable_any store_read_;
  // Guarded by mutex_.
  bool store_is_empty_ = true;
  std::optional<store::LocalStore::Stamp> store_stamp_;  // none: it could not be read
  Moment store_read_at_;                                 // when it was read last
  LastRuns last_runs_;
  pipeline::AdoptedFiles adopted_;
  crosscheck::HeadHistory heads_;  // of the source
  std::optional<uint64_t> known_cluster_;
  std::set<std::string> told_warnings_;  // codes of those that the newest snapshot has
  std::string
      store_complaint_;  // the line in the log, told once; empty while the store can be read
};

}  // namespace etcdrill::sidecar
