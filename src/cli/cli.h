// The command line.
#pragma once

#include <stop_token>

namespace etcdrill::cli {

// Parses, runs the command, prints its error if it has one; returns the exit code of the process.
int RunCommandLine(int argc, char** argv, std::stop_token stop);

}  // namespace etcdrill::cli
