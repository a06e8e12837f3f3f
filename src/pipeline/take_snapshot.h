// The product's story, start here: a snapshot streams from a member, is verified, compared with the
// live members and with the store, and sealed. The stages live in folders of their own and do not
// know each other; only the stories of this folder (take_snapshot, adopt, run_drill, scrub) hand
// the result of one to the next.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "capture/capture.h"
#include "catalog/follower.h"
#include "crosscheck/other_history.h"
#include "crosscheck/suspicion.h"
#include "etcd/client.h"
#include "etcd/roll_call.h"
#include "format/snapshot/image.h"
#include "io/context.h"
#include "proof/manifest.h"
#include "store/local_store.h"
#include "verify/report.h"

namespace etcdrill::pipeline {

// Bytes received, and bytes in all.
using OnProgress = std::function<void(uint64_t, uint64_t)>;

struct SnapshotRequest {
  etcd::Client& client;
  catalog::Follower& catalog;  // of the store, for this cluster
  std::string cluster;         // first part of the name
  Duration timeout = std::chrono::minutes(10);
  OnProgress on_progress = [](uint64_t, uint64_t) {};
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

struct SaveRequest {
  etcd::Client& client;
  Duration timeout = std::chrono::minutes(10);
  OnProgress on_progress = [](uint64_t, uint64_t) {};
};

// The same into one file, without manifest (`snapshot save PATH`); a damaged one does not appear.
Result<SnapshotOutcome> SaveSnapshot(const Context& context, const SaveRequest& request,
                                     const std::string& path);

// --- What an adoption has in common with it (adopt.cc) -------------------------------------------

// The store as it is now. Drill reports that can't be listed are no reason to take no snapshot.
Result<std::shared_ptr<const catalog::Catalog>> ReadStore(const Context& context,
                                                          catalog::Follower& follower);

// What the store knows of the source.
struct Known {
  std::optional<uint64_t> cluster = {};  // that the stored snapshots are of
  crosscheck::Outvoted outvoted = {};
  crosscheck::MembersByCluster past_members = {};  // whose an adopted file may be
};

// `catalog` is what `store` holds of `cluster`. Suspects that are no members any more are
// forgotten.
Known KnownOf(const etcd::Client& client, const std::string& cluster,
              const catalog::Catalog& catalog, store::LocalStore& store);

// A whole file under its temporary name, on its way into a store or to a path, and what is found of
// it on that way. Unless it is sealed or committed, the file goes with it.
struct Candidate {
  capture::CaptureResult copy;
  snapshot::Image image;  // of its file
  SnapshotOutcome outcome;
  etcd::RollCall roll = {};  // of those that it was compared with

  // Reads back from the disk what was copied, up the ladder to L3, and makes the manifest of it.
  static Result<Candidate> Verify(const Context& context, const std::string& cluster,
                                  capture::CaptureResult copy,
                                  const std::optional<AdoptedRecord>& adopted = {});
  // Its data can be compared: nothing speaks against it, whether its bytes are proven or not.
  bool HasSoundKeys() const;
  // With the members of the cluster that it is of, or else of the known one; fills the receipt. The
  // status is for an interruption.
  Status CompareWithMembers(const Context& context, const etcd::Client& client, const Known& known);
  // Gives it its place among those of the store as it is now, else as it was `before`, and fills
  // the lineage; what can't be compared is logged. `head` is where the source was last seen. The
  // status is for an interruption.
  Status CompareWithStore(const Context& context, catalog::Follower& follower,
                          const catalog::Catalog& before, std::optional<int64_t> head,
                          const store::LocalStore& store);
  // Logs what can't be kept.
  void KeepSuspects(const Context& context, store::LocalStore& store) const;
  // Another process may have taken one of ours in the same second, at the same revision: then it
  // goes on to a free second. An adopted one keeps the time of its file: kAlreadyExists. After an
  // error nothing of it is in the store.
  Result<SnapshotOutcome> Seal(store::LocalStore& store);
};

}  // namespace etcdrill::pipeline
