// Programs that are functions of the test: what they were called with, what they print, how they
// end.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "io/subprocess.h"

namespace etcdrill::testing {

struct FakeRun {
  std::string out = {};
  std::string err = {};
  int exit_code = 0;
  bool hangs = false;  // prints `out`, then nothing more
};

class FakeProcess final : public Process {
 public:
  FakeProcess(FakeRun run, Clock& clock, int& stops)
      : run_(std::move(run)), clock_(clock), stops_(stops) {}

  std::optional<ProcessExit> Poll() override {
    if (run_.hangs || !read_) return std::nullopt;
    return ProcessExit{.exit_code = run_.exit_code};
  }
  ProcessExit Stop(Duration) override {
    ++stops_;
    return {.signal = 15};
  }
  std::string OutputTail() const override { return run_.err; }
  Result<std::optional<std::string>> ReadStdout(Duration wait) override {
    if (!std::exchange(read_, true) && !run_.out.empty()) return run_.out;
    if (!run_.hangs) return std::nullopt;
    clock_.SleepFor(wait, {});
    return std::string();
  }
  int pid() const override { return 1; }

 private:
  const FakeRun run_;
  Clock& clock_;
  int& stops_;
  bool read_ = false;
};

// Not thread-safe.
class FakeProcesses final : public ProcessStarter {
 public:
  using Program = std::function<Result<FakeRun>(const ProcessOptions&)>;
  FakeProcesses(Clock& clock, Program program) : clock_(clock), program_(std::move(program)) {}

  Result<std::unique_ptr<Process>> Start(const ProcessOptions& options) override {
    started_.push_back(options);
    ASSIGN_OR_RETURN(FakeRun run, program_(options));
    return std::make_unique<FakeProcess>(std::move(run), clock_, stops_);
  }

  const std::vector<ProcessOptions>& started() const { return started_; }
  int stops() const { return stops_; }

 private:
  Clock& clock_;
  Program program_;
  std::vector<ProcessOptions> started_;
  int stops_ = 0;
};

}  // namespace etcdrill::testing
