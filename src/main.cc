// etcdrill. The commands are in cli/; the product's story is in pipeline/take_snapshot.cc.
#include <cstdio>
#include <exception>
#include <new>
#include <system_error>

#include "base/reason.h"
#include "cli/commands.h"
#include "io/memory.h"
#include "io/process.h"
#include "io/subprocess.h"
#include "sidecar/signals.h"

int main(int argc, char** argv) {
  etcdrill::OpenStandardFds();
  etcdrill::BecomeChildIfAsked(argc, argv);
  etcdrill::ShareHeaps();
  try {
    return etcdrill::cli::RunCommandLine(argc, argv, etcdrill::sidecar::StopOnSignals());
  } catch (const std::bad_alloc&) {
    std::fprintf(stderr, "etcdrill: out of memory. Check the limits (ulimit -v, cgroup)\n");
    return static_cast<int>(etcdrill::ExitCode::kFailed);
  } catch (const std::system_error& e) {  // output that can't be printed, a thread that can't start
    if (e.code() != std::errc::broken_pipe) std::fprintf(stderr, "etcdrill: %s\n", e.what());
    return static_cast<int>(etcdrill::ExitCode::kFailed);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "etcdrill: defect: %s; please report it\n", e.what());
    return static_cast<int>(etcdrill::ExitCode::kFailed);
  }
}
