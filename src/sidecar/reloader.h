// The way from one configuration to the next (docs/dev/adr/0016-reload.md).
#pragma once

#include <mutex>
#include <utility>

#include "io/context.h"
#include "sidecar/cluster_runtime.h"
#include "sidecar/generation.h"

namespace etcdrill::sidecar {

// Safe for use from any thread.
class Reloader {
 public:
  struct Last {
    bool successful = true;
    WallTime succeeded;  // the last time; at first when the process started
  };

  // `context` and `cluster` must outlive it.
  Reloader(const Context& context, LoadSettings load, ClusterRuntime& cluster)
      : context_(context),
        load_(std::move(load)),
        cluster_(cluster),
        last_{.succeeded = context.clock.Now()} {}

  // Reads the settings again and puts them in force. An error leaves all as it was: kConfig names
  // each key that needs a restart. Logs the outcome.
  Status Reload();
  Last last() const;

 private:
  Status TryReload();

  const Context& context_;
  const LoadSettings load_;
  ClusterRuntime& cluster_;
  std::mutex reloading_;  // one reload at a time; taken before mutex_
  mutable std::mutex mutex_;
  Last last_;  // guarded by mutex_
};

}  // namespace etcdrill::sidecar
