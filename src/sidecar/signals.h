// SIGINT and SIGTERM become a stop request; a second one ends the process at once. SIGHUP is a stop
// request, too, unless somebody listens for it. What signals do is the process's, hence the one
// piece of global state.
#pragma once

#include <functional>
#include <stop_token>

namespace etcdrill::sidecar {

// Call once, before any thread is started: the signals are blocked in all of them and waited for in
// one of its own.
std::stop_token StopOnSignals();

// While it lives, SIGHUP calls `run`, on the signals' thread: it must return at once.
class HangupListener {
 public:
  explicit HangupListener(std::function<void()> run);
  HangupListener(const HangupListener&) = delete;
  HangupListener& operator=(const HangupListener&) = delete;
  ~HangupListener();
};

}  // namespace etcdrill::sidecar
