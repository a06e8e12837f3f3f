// etcdrill. Everything is in app/; the product's story is in pipeline/run.cc.
#include <cstdio>
#include <exception>

#include "app/cli.h"
#include "app/signals.h"
#include "base/reason.h"
#include "io/memory.h"
#include "io/subprocess.h"

int main(int argc, char** argv) {
  etcdrill::BecomeChildIfAsked(argc, argv);
  etcdrill::ShareHeaps();
  try {
    return etcdrill::app::RunCommandLine(argc, argv, etcdrill::app::StopOnSignals());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "etcdrill: defect: %s; please report it\n", e.what());
    return static_cast<int>(etcdrill::ExitCode::kFailed);
  }
}
