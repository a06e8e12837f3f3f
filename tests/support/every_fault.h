// Runs a story once for each call that it makes to the disk, and each error that this call can
// have: alone, or as the first of many. Then the power goes, and whatever is found must be what was
// before or what should be.
#pragma once

#include <functional>
#include <memory>

#include "base/log.h"
#include "io/context.h"
#include "support/faulty_file_system.h"
#include "support/simulated_disk.h"

namespace etcdrill::testing {

// A disk, and a process that runs on it.
class World {
 public:
  explicit World(SimulatedDisk disk = SimulatedDisk()) : disk_(std::move(disk)) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  SimulatedDisk& disk() { return disk_; }
  FaultyFileSystem& fs() { return fs_; }
  const Context& context() const { return context_; }
  bool Has(const std::string& path) const { return disk_.Find(path) != nullptr; }
  void Write(const std::string& path, std::string_view bytes);
  std::string Read(const std::string& path);

 private:
  SimulatedDisk disk_;
  FaultyFileSystem fs_{disk_};
  std::unique_ptr<Clock> clock_ = MakeSystemClock();
  std::unique_ptr<Random> random_ = MakeSystemRandom();
  std::unique_ptr<ProcessStarter> processes_ = MakePosixProcessStarter(*clock_);
  Logger log_{LogLevel::kError, LogFormat::kLogfmt, *clock_};
  Context context_{fs_, *clock_, *random_, *processes_, log_, {}};
};

struct Ending {
  Status status;  // what the story said
  bool sound;     // no call failed
  bool lasts;     // the disk stayed broken, so that nothing could be undone
  Survives survives;

  bool ok() const { return status.ok(); }
  // One call failed, and the process went on: all must be as before.
  bool MustBeUndone() const { return !status.ok() && !lasts && survives == Survives::kAll; }
};

struct Story {
  std::function<void(World&)> prepare = [](World&) {};
  std::function<Status(World&)> act;
  std::function<void(World&, const Ending&)> check;  // of a new process, on the disk that is found
};

// Ends the test if the story fails on a sound disk.
void UnderEveryFault(const Story& story);

}  // namespace etcdrill::testing
