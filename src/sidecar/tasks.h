// The tasks of a cluster, each in a file of its own. All arguments must outlive it.
#pragma once

#include <memory>
#include <string>

#include "sidecar/drill_turn.h"
#include "sidecar/snapshot_follow_up.h"
#include "sidecar/task.h"

namespace etcdrill::sidecar {

// Takes snapshots: when they are due, unless one would hold nothing new; when somebody asks; and,
// of several sidecars that share a store, only beside the leader (`snapshot.when`). A look takes
// the one that is owed, if this sidecar has become the leader's.
std::unique_ptr<Task> MakeTakeSnapshotTask(ClusterState& state, report::ClusterMetrics& metrics,
                                           SnapshotFollowUp& follow_up);
// Takes in the newest snapshot of others, if there is a new one. `context`: by which folders are
// watched.
std::unique_ptr<Task> MakeAdoptTask(const Context& context, ClusterState& state,
                                    report::ClusterMetrics& metrics, SnapshotFollowUp& follow_up);
// Drills what the plan says, one after the other; waits for a snapshot if the store is empty.
std::unique_ptr<Task> MakeDrillTask(ClusterState& state, report::ClusterMetrics& metrics,
                                    DrillTurn& turn);
// Hashes again what is due.
std::unique_ptr<Task> MakeScrubTask(ClusterState& state, report::ClusterMetrics& metrics);
// Probes each endpoint, and tells what has changed.
std::unique_ptr<Task> MakeHealthTask(ClusterState& state, report::ClusterMetrics& metrics);
// Compares the data of all members.
std::unique_ptr<Task> MakeCompareMembersTask(ClusterState& state, report::ClusterMetrics& metrics);
// Brings a site up to date with the store, and hashes again what is due there.
std::unique_ptr<Task> MakeCopyToSiteTask(const Context& context, ClusterState& state,
                                         report::ClusterMetrics& metrics,
                                         SnapshotFollowUp& follow_up, std::string site);
// Drills the newest copy of a site; waits for one if there is none.
std::unique_ptr<Task> MakeDrillCopyTask(ClusterState& state, report::ClusterMetrics& metrics,
                                        DrillTurn& turn, std::string site);
// Notices what another process did in the store: a command, or another sidecar.
std::unique_ptr<Task> MakeFollowStoreTask(ClusterState& state, report::ClusterMetrics& metrics);

}  // namespace etcdrill::sidecar
