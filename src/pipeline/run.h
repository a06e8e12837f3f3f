// The product's story, start here: capture > verify > store for a snapshot; select > checksum >
// restore > boot > health > verify > cleanup for a drill. The stages live in folders of their own
// and do not know each other; only run.cc hands the result of one to the next.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "crosscheck/head_history.h"
#include "etcd/client.h"
#include "format/snapshot/image.h"
#include "io/context.h"
#include "pipeline/adopt.h"
#include "pipeline/drill_report.h"
#include "store/local_store.h"
#include "verify/verify.h"

namespace etcdrill::pipeline {

struct SnapshotRequest {
  etcd::Client& client;
  std::string cluster;  // first part of the name
  Duration timeout = std::chrono::minutes(10);
  std::function<void(uint64_t, uint64_t)> on_progress = [](uint64_t, uint64_t) {};
  // So long a source that can't be copied is asked again, with pauses that grow, unless `no_retry`
  // says that it is not worth it any more.
  Duration retry_for{};
  std::stop_token no_retry;
};

struct SnapshotOutcome {
  Manifest manifest;
  verify::VerifyReport verify;
  Status verdict;  // OK if proven; else kDamaged, kMembersDisagree or kNotProvable, with the text
  std::vector<std::string> remarks;  // on endpoints that are not what they seem
};

// Takes one snapshot into the store. One that turns out damaged is stored all the same, as
// evidence: it says so in its manifest and counts as failed. The status is for snapshots that could
// not be taken; kInterrupted if a stop came before all members had been asked. After an error
// nothing of it is in the store.
Result<SnapshotOutcome> TakeSnapshot(const Context& context, const SnapshotRequest& request,
                                     store::LocalStore& store);

// The same into one file, without manifest (`snapshot save PATH`); a damaged one does not appear.
Result<SnapshotOutcome> SaveSnapshot(const Context& context, const SnapshotRequest& request,
                                     const std::string& path);

// Takes a file of somebody else into the store, as if we had taken it; the file is only read. It is
// neither younger nor older than `heads`, what was seen of the source, allows. kAlreadyExists, and
// nothing is stored, if a snapshot of the same bytes is there; kNotProvable if the file is no
// snapshot, kDamaged if it can't be unpacked, kBusy if somebody writes to it, or another process
// stores one of its name right now. After an error nothing of it is in the store.
Result<SnapshotOutcome> AdoptSnapshot(const Context& context, const SnapshotRequest& request,
                                      const ForeignFile& file, crosscheck::HeadHistory heads,
                                      store::LocalStore& store);

struct DrillRequest {
  std::string snapshot;              // for the report: a name in the store, or a path
  std::string path;                  // of the file
  std::optional<Manifest> manifest;  // if it lies in a store
  config::DrillConfig config;  // where, with which etcd, for how long, and what the data must hold
  bool full_cluster = false;   // boot three members, and add a fourth
  // Called with the open file after the last stage, if the verifier could read its keys: what else
  // there is to find in it.
  std::function<void(const snapshot::Image& image, Findings& findings)> look_back = {};
  // Whether it was the newest usable one of its store when the drills were planned. None: by the
  // store as it is now.
  std::optional<bool> newest;
};

// Never fails: whatever happens is in the report.
DrillReport RunDrill(const Context& context, const DrillRequest& request);

}  // namespace etcdrill::pipeline
