// The generation in force, and the way to the next one.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "sidecar/generation.h"
#include "sidecar/settings.h"

namespace etcdrill::sidecar {

// Safe for use from any thread.
class Reloader {
 public:
  // Creates the first generation, which does nothing before Start. `permanent` must outlive it.
  static Result<std::unique_ptr<Reloader>> Create(Permanent& permanent, LoadSettings load,
                                                  Settings first);

  std::shared_ptr<Generation> Current() const;
  // Reads the settings again and puts them in force. An error leaves all as it was: kConfig names
  // each key that needs a restart. Logs and counts the outcome.
  Status Reload();
  // Begins nothing more, and waits for what had begun.
  void Finish();

 private:
  Reloader(Permanent& permanent, LoadSettings load, std::shared_ptr<Generation> first)
      : permanent_(permanent), load_(std::move(load)), current_(std::move(first)) {}
  Status TryReload();

  Permanent& permanent_;
  const LoadSettings load_;
  std::mutex reloading_;  // one reload at a time
  // Guarded by reloading_; those that still end what they began.
  std::vector<std::shared_ptr<Generation>> retired_;
  mutable std::mutex mutex_;
  std::shared_ptr<Generation> current_;  // guarded by mutex_
};

}  // namespace etcdrill::sidecar
