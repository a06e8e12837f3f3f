// Children through posix_spawn and a launcher. The launcher is this same binary (/proc/self/exe)
// with kLauncherMark as its first argument: `MARK PARENT-PID PRIORITY MEMORY-LIMIT PROGRAM ARG...`.
#include "io/subprocess.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/bytes.h"
#include "io/fd.h"

namespace etcdrill {
namespace {

using namespace std::chrono_literals;

constexpr char kLauncherMark[] = "etcdrill-child";
constexpr char kUnlimited[] = "none";
constexpr int kLauncherFailed = 127;
constexpr Duration kPollEvery = 10ms;
constexpr Duration kLastWordsWait = 1s;
constexpr size_t kLastLines = 3;
constexpr size_t kStdoutPieceBytes = size_t{64} * 1024;  // what a pipe holds

void LowerPriority() {
  constexpr int kNicer = 10;             // than we are
  constexpr int kIoClassIdle = 3 << 13;  // IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0), linux/ioprio.h
  // Each is a courtesy to the neighbours: where the kernel refuses one, the child still runs.
  setpriority(PRIO_PROCESS, 0, getpriority(PRIO_PROCESS, 0) + kNicer);
  syscall(SYS_ioprio_set, 1, 0, kIoClassIdle);
  if (const Fd fd(open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)); fd) {
    [[maybe_unused]] const ssize_t n = write(fd.get(), "1000", 4);
  }
}

// Every private page that can be written counts, as Linux does since 4.7; what Go only reserves
// does not, nor does the database, which etcd maps shared. Past it an allocation fails, and the
// program says so and ends.
void LimitMemory(const char* bytes) {
  const rlimit limit = {std::strtoull(bytes, nullptr, 10), std::strtoull(bytes, nullptr, 10)};
  setrlimit(RLIMIT_DATA, &limit);
}

// Reads everything the child prints and keeps the tail, so that the child never blocks on a full
// pipe.
class OutputCollector {
 public:
  explicit OutputCollector(Fd fd) : fd_(std::move(fd)), thread_([this] { Collect(); }) {}

  // Once the process has ended: waits a moment for its last words, which may still be in the pipe.
  void WaitForEnd() const {
    std::unique_lock lock(mutex_);
    ended_.wait_for(lock, kLastWordsWait, [this] { return at_end_; });
  }

  std::string Tail() const {
    const std::lock_guard lock(mutex_);
    return tail_.substr(tail_.size() - std::min(tail_.size(), Process::kOutputTailBytes));
  }

 private:
  void Collect() {
    char buffer[4096];
    while (true) {
      const ssize_t n = read(fd_.get(), buffer, sizeof buffer);
      if (n < 0 && errno == EINTR) continue;
      const std::lock_guard lock(mutex_);
      if (n <= 0) {  // every writer of the pipe is gone
        at_end_ = true;
        ended_.notify_all();
        return;
      }
      tail_.append(buffer, static_cast<size_t>(n));
      if (tail_.size() > 2 * Process::kOutputTailBytes)
        tail_.erase(0, tail_.size() - Process::kOutputTailBytes);
    }
  }

  const Fd fd_;
  mutable std::mutex mutex_;
  mutable std::condition_variable ended_;
  bool at_end_ = false;
  std::string tail_;
  std::jthread thread_;  // last: it is joined before the rest goes
};

class PosixProcess final : public Process {
 public:
  PosixProcess(int pid, Fd output, Fd piped, Clock& clock)
      : pid_(pid), clock_(clock), stdout_(std::move(piped)), output_(std::move(output)) {}
  PosixProcess(const PosixProcess&) = delete;
  PosixProcess& operator=(const PosixProcess&) = delete;
  ~PosixProcess() override { Stop(0s); }

  std::optional<ProcessExit> Poll() override {
    if (exit_.has_value()) return exit_;
    int status = 0;
    const pid_t done = waitpid(pid_, &status, WNOHANG);
    if (done != pid_) return std::nullopt;
    exit_ = ProcessExit{};
    if (WIFEXITED(status)) exit_->exit_code = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) exit_->signal = WTERMSIG(status);
    kill(-pid_, SIGKILL);  // what it may have left behind in its group
    output_.WaitForEnd();
    return exit_;
  }

  ProcessExit Stop(Duration grace) override {
    const MonotonicTime deadline = clock_.Monotonic() + grace;
    if (!Poll().has_value()) kill(-pid_, grace > 0s ? SIGTERM : SIGKILL);
    while (!Poll().has_value()) {
      if (clock_.Monotonic() >= deadline) kill(-pid_, SIGKILL);
      clock_.SleepFor(kPollEvery, {});
    }
    return *exit_;
  }

  std::string OutputTail() const override { return output_.Tail(); }

  Result<std::optional<std::string>> ReadStdout(Duration wait) override {
    pollfd ready = {.fd = stdout_.get(), .events = POLLIN, .revents = 0};
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    const int count = poll(&ready, 1, static_cast<int>(ms));
    if (count == 0 || (count < 0 && errno == EINTR)) return std::string();
    std::string piece(kStdoutPieceBytes, '\0');
    const ssize_t n = count < 0 ? -1 : read(stdout_.get(), piece.data(), piece.size());
    if (n < 0) return ErrorFromErrno(errno, "read the output of", "a child process");
    if (n == 0) return std::nullopt;
    piece.resize(static_cast<size_t>(n));
    return piece;
  }

  int pid() const override { return pid_; }

 private:
  const int pid_;
  Clock& clock_;
  std::optional<ProcessExit> exit_;
  const Fd stdout_;  // with reads_stdout
  // Last: its destructor waits for the pipe, which the end of the process closes.
  OutputCollector output_;
};

struct Pipe {
  Fd read_end;
  Fd write_end;  // to be closed once the child has it, or the other end never ends
};

Result<Pipe> MakePipe(const std::string& program) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) return ErrorFromErrno(errno, "create a pipe for", program);
  return Pipe{Fd(fds[0]), Fd(fds[1])};
}

std::vector<char*> CStrings(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& s : strings) pointers.push_back(const_cast<char*>(s.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

// Spawns with stdin from /dev/null, a new process group and clean signal handling.
int Spawn(const std::vector<std::string>& arguments, const ProcessOptions& options, int stdout_fd,
          int stderr_fd, pid_t& pid) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, stdout_fd, 1);
  posix_spawn_file_actions_adddup2(&actions, stderr_fd, 2);
  if (!options.working_dir.empty())
    posix_spawn_file_actions_addchdir_np(&actions, options.working_dir.c_str());
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes,
                                CStrings(arguments).data(), CStrings(options.environment).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

// The last lines; of a Go program that broke, the paragraph before the trace of its stacks.
std::string_view LastWordsIn(std::string_view output) {
  for (const std::string_view mark : {"fatal error: ", "panic: "}) {
    const size_t at = output.rfind(mark);
    if (at == std::string_view::npos || (at > 0 && output[at - 1] != '\n')) continue;
    output.remove_prefix(at);
    return output.substr(0, output.find("\n\n"));
  }
  size_t begin = output.size();
  for (size_t lines = 0; begin > 0; --begin) {
    if (output[begin - 1] == '\n' && begin < output.size() && ++lines == kLastLines) break;
  }
  return output.substr(begin);
}

Status NoProc(const std::string& program) {
  return Error(Reason::kIoError,
               "start {}: /proc is not mounted, and etcdrill starts programs through "
               "/proc/self/exe. Mount /proc",
               program);
}

class PosixProcessStarter final : public ProcessStarter {
 public:
  explicit PosixProcessStarter(Clock& clock) : clock_(clock) {}

  Result<std::unique_ptr<Process>> Start(const ProcessOptions& options) override {
    if (access(options.program.c_str(), X_OK) != 0)
      return ErrorFromErrno(errno, "execute", options.program);
    ASSIGN_OR_RETURN(Pipe output, MakePipe(options.program));
    Pipe piped;
    if (options.reads_stdout) {
      ASSIGN_OR_RETURN(piped, MakePipe(options.program));
    }
    std::vector<std::string> arguments = {
        kLauncherMark, std::to_string(getpid()), options.low_priority ? "low" : "normal",
        options.memory_limit.has_value() ? std::to_string(*options.memory_limit) : kUnlimited,
        options.program};
    arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
    pid_t pid = -1;
    const int error = Spawn(arguments, options,
                            options.reads_stdout ? piped.write_end.get() : output.write_end.get(),
                            output.write_end.get(), pid);
    if (error != 0) {
      // The program was found above, so what is missing is our own binary.
      if (error == ENOENT) return NoProc(options.program);
      return ErrorFromErrno(error, "start", options.program);
    }
    return std::make_unique<PosixProcess>(pid, std::move(output.read_end),
                                          std::move(piped.read_end), clock_);
  }

 private:
  Clock& clock_;
};

}  // namespace

std::string ProcessExit::Describe() const {
  return exit_code.has_value() ? fmt::format("exit code {}", *exit_code)
                               : fmt::format("signal {}", signal);
}

std::string LastWords(std::string_view output) {
  std::string text = Printable(LastWordsIn(output), output.size());
  for (size_t at = 0; (at = text.find("\\x0a", at)) != std::string::npos;)
    text.replace(at, 4, at + 4 < text.size() ? " | " : "");
  return text;
}

std::unique_ptr<ProcessStarter> MakePosixProcessStarter(Clock& clock) {
  return std::make_unique<PosixProcessStarter>(clock);
}

Result<std::string> RunToEnd(ProcessStarter& starter, Clock& clock, const ProcessOptions& options,
                             Duration limit, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Process> process, starter.Start(options));
  const MonotonicTime deadline = clock.Monotonic() + limit;
  while (!process->Poll().has_value()) {
    if (!clock.SleepFor(kPollEvery, stop))
      return Error(Reason::kInterrupted, "interrupted while running " + options.program);
    if (clock.Monotonic() >= deadline)
      return Error(Reason::kTimeout, options.program + " did not exit in time");
  }
  const ProcessExit exit = *process->Poll();
  if (exit.exit_code != 0) {
    return Error(Reason::kEtcdExited, "{} exists, but failed with {}; last output: {}",
                 options.program, exit.Describe(), LastWords(process->OutputTail()));
  }
  return process->OutputTail();
}

void BecomeChildIfAsked(int argc, char** argv) {
  if (argc < 5 || std::strcmp(argv[0], kLauncherMark) != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != std::atoi(argv[1])) _exit(kLauncherFailed);  // the parent died before that
  if (std::strcmp(argv[2], "low") == 0) LowerPriority();
  if (std::strcmp(argv[3], kUnlimited) != 0) LimitMemory(argv[3]);
  execv(argv[4], argv + 4);
  fmt::print(stderr, "cannot execute {}: {}\n", argv[4], std::strerror(errno));
  _exit(kLauncherFailed);
}

}  // namespace etcdrill
