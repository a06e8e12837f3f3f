// sigwait on a thread, because a handler may do next to nothing.
#include "app/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <thread>

#include "base/reason.h"

namespace etcdrill::app {

std::stop_token StopOnSignals() {
  signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error of write(2), not the end
  signal(SIGCHLD, SIG_DFL);  // inherited as ignored, it would take the exit codes of our children away
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::stop_source source;
  const std::stop_token token = source.get_token();
  std::thread([set, source = std::move(source)]() mutable {
    int signal_number = 0;
    sigwait(&set, &signal_number);
    source.request_stop();
    sigwait(&set, &signal_number);
    _exit(static_cast<int>(ExitCode::kInterrupted));  // children die with us: PR_SET_PDEATHSIG
  }).detach();
  return token;
}

}  // namespace etcdrill::app
