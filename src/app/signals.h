// SIGINT and SIGTERM become a stop request; a second one ends the process at once.
#pragma once

#include <stop_token>

namespace etcdrill::app {

// Call once, before any thread is started: the signals are blocked in all of them and waited for in one of its own.
std::stop_token StopOnSignals();

}  // namespace etcdrill::app
