// Snapshots that others take: cron jobs with etcdctl, kubeadm, k3s and rke2, OpenShift. Their files
// are only read. One that is new in its folder and complete (foreign_files.h) is copied into the
// store, expanded if it is compressed, and from there on is one of ours: it is verified, compared
// with the live members, drilled, scrubbed and counted. Why a copy: docs/dev/adr/0015-adopted.md.
#pragma once

#include <string>

#include "capture/capture.h"
#include "catalog/follower.h"
#include "crosscheck/head_history.h"
#include "etcd/client.h"
#include "io/context.h"
#include "pipeline/foreign_files.h"
#include "pipeline/take_snapshot.h"
#include "store/local_store.h"

namespace etcdrill::pipeline {

struct AdoptRequest {
  etcd::Client& client;
  catalog::Follower& catalog;  // of the store, for this cluster
  std::string cluster;         // first part of the name
};

// Takes a file of somebody else into the store, as if we had taken it; the file is only read. It is
// neither younger nor older than `heads`, what was seen of the source, allows. kAlreadyExists, and
// nothing is stored, if a snapshot of the same bytes is there; kNotProvable if the file is no
// snapshot, kDamaged if it can't be unpacked, kBusy if somebody writes to it, or another process
// stores one of its name right now. After an error nothing of it is in the store.
Result<SnapshotOutcome> AdoptSnapshot(const Context& context, const AdoptRequest& request,
                                      const ForeignFile& file, crosscheck::HeadHistory heads,
                                      store::LocalStore& store);

// Copies it to `temp_path`, expanded. kBusy if it changes meanwhile, kDamaged if it is no file of
// its kind, kNoSpace before the file system is full (capture::CheckSpace). A time of the file that
// lies in the future is cut to now.
Result<capture::CaptureResult> ImportFile(const Context& context, const ForeignFile& file,
                                          const std::string& temp_path);

}  // namespace etcdrill::pipeline
