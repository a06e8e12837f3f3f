// A line for the shell, in the private directory of a test: for tests that hold us to other
// programs.
#pragma once

#include <string>

#include "io/subprocess.h"
#include "support/test_context.h"

namespace etcdrill::testing {

// What it printed, on both streams; an error, with its last words, if it failed. A pipe fails if
// one of its programs does.
inline Result<std::string> RunShell(TestContext& test, const std::string& script) {
  const ProcessOptions options = {.program = "/bin/bash",
                                  .arguments = {"-o", "pipefail", "-c", script},
                                  .environment = {"PATH=/usr/bin:/bin"},
                                  .working_dir = test.dir()};
  return RunToEnd(test.context().processes, test.clock(), options, std::chrono::seconds(60), {});
}

}  // namespace etcdrill::testing
