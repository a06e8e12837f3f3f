// A Context with the real seams, and a private directory that goes when the test ends.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "io/context.h"

namespace etcdrill::testing {

class TestContext {
 public:
  TestContext() = default;
  TestContext(const TestContext&) = delete;
  TestContext& operator=(const TestContext&) = delete;
  ~TestContext() { std::filesystem::remove_all(dir_); }

  const Context& context() const { return context_; }
  FileSystem& fs() { return *fs_; }
  Clock& clock() { return *clock_; }
  std::stop_source& stop() { return stop_; }
  // An absolute path in the private directory.
  std::string Path(std::string_view name) const { return JoinPath(dir_, name); }
  const std::string& dir() const { return dir_; }

 private:
  static std::string MakeDir();

  std::string dir_ = MakeDir();
  std::stop_source stop_;
  std::unique_ptr<FileSystem> fs_ = MakePosixFileSystem();
  std::unique_ptr<Clock> clock_ = MakeSystemClock();
  std::unique_ptr<Random> random_ = MakeSystemRandom();
  std::unique_ptr<ProcessStarter> processes_ = MakePosixProcessStarter(*clock_);
  Logger log_{LogLevel::kError, LogFormat::kLogfmt, *clock_};
  Context context_{*fs_, *clock_, *random_, *processes_, log_, stop_.get_token()};
};

// The same seams with another clock, which must outlive the copy.
inline Context WithClock(const Context& context, Clock& clock) {
  return {context.fs, clock, context.random, context.processes, context.log, context.stop};
}

}  // namespace etcdrill::testing
