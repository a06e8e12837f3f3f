// Child processes, as a seam. A child runs in its own process group, with nothing of ours open but
// its output pipes, and never outlives us: the kernel kills it when the thread that started it dies
// (PR_SET_PDEATHSIG), so Start must be called on a thread that lives as long as the child, and the
// destructor kills whatever still runs.
//
// Only posix_spawn is used, because gRPC does not survive fork without exec (grpc/grpc #17695).
// posix_spawn can't set a parent-death signal, priorities or limits, so our own binary is started
// first, sets them and becomes the real program: see BecomeChildIfAsked.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/status.h"

namespace etcdrill {

struct ProcessOptions {
  std::string program;  // a path; PATH is not searched
  std::vector<std::string> arguments;
  std::vector<std::string> environment;  // NAME=VALUE; nothing is inherited
  std::string working_dir;
  bool low_priority = false;             // nice 10, idle IO class, first to go when memory runs out
  std::optional<uint64_t> memory_limit;  // bytes (RLIMIT_DATA); mapped files do not count
  bool reads_stdout = false;             // by ReadStdout; OutputTail then has its stderr alone
};

struct ProcessExit {
  std::optional<int> exit_code;  // set if it ended by itself
  int signal = 0;                // else the signal that ended it

  std::string Describe() const;  // "exit code 1", "signal 9"
};

// Not thread-safe, but for OutputTail.
class Process {
 public:
  virtual ~Process() = default;  // kills the process group and waits for it
  virtual std::optional<ProcessExit> Poll() = 0;
  // SIGTERM to the group, then SIGKILL after `grace`; returns how it ended.
  virtual ProcessExit Stop(Duration grace) = 0;
  // The last part of its stdout and stderr, at most kOutputTailBytes.
  virtual std::string OutputTail() const = 0;
  // The next piece of its stdout, for which it waits at most `wait`; only of a process with
  // reads_stdout, which stands still until it is read. Empty if none came in time; none at the end.
  virtual Result<std::optional<std::string>> ReadStdout(Duration wait) = 0;
  virtual int pid() const = 0;

  static constexpr size_t kOutputTailBytes = size_t{64} * 1024;
};

class ProcessStarter {
 public:
  virtual ~ProcessStarter() = default;
  virtual Result<std::unique_ptr<Process>> Start(const ProcessOptions& options) = 0;
};

// Starts real processes. `clock` must outlive it.
std::unique_ptr<ProcessStarter> MakePosixProcessStarter(Clock& clock);

// What a program printed last, as one line for an error message.
std::string LastWords(std::string_view output);

// Runs a short command to its end and returns its output; kTimeout after `limit`, kEtcdExited, with
// its last words, if it fails.
Result<std::string> RunToEnd(ProcessStarter& starter, Clock& clock, const ProcessOptions& options,
                             Duration limit, const std::stop_token& stop);

// The first statement of every main() that starts processes: if this process was started as the
// launcher of a child, it becomes that child and does not return.
void BecomeChildIfAsked(int argc, char** argv);

}  // namespace etcdrill
