// sigwait on a thread, because a handler may do next to nothing.
#include "sidecar/signals.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <mutex>
#include <thread>

#include "base/reason.h"

namespace etcdrill::sidecar {
namespace {

struct Hangup {
  std::mutex mutex;
  std::function<void()> listener;  // guarded by mutex
};

// Never destroyed: the signals' thread outlives main.
Hangup& TheHangup() {
  static auto* const hangup = new Hangup;
  return *hangup;
}

bool ToldListener() {
  Hangup& hangup = TheHangup();
  const std::lock_guard lock(hangup.mutex);
  if (hangup.listener) hangup.listener();
  return static_cast<bool>(hangup.listener);
}

void WaitForStop(const sigset_t& set) {
  int signal_number = 0;
  do {
    sigwait(&set, &signal_number);
  } while (signal_number == SIGHUP && ToldListener());
}

}  // namespace

std::stop_token StopOnSignals() {
  signal(SIGPIPE, SIG_IGN);  // a reader that went away is an error of write(2), not the end
  signal(SIGXFSZ, SIG_IGN);  // so is a file that may not grow (RLIMIT_FSIZE)
  signal(SIGCHLD, SIG_DFL);  // inherited as ignored, it would hide our children's exit codes
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&set, number);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::stop_source source;
  const std::stop_token token = source.get_token();
  std::thread([set, source = std::move(source)]() mutable {
    WaitForStop(set);
    // The second signal is waited for elsewhere: what a stop request calls may touch a disk that
    // hangs.
    std::thread([set] {
      WaitForStop(set);
      _exit(static_cast<int>(ExitCode::kInterrupted));  // children die with us: PR_SET_PDEATHSIG
    }).detach();
    source.request_stop();
  }).detach();
  return token;
}

HangupListener::HangupListener(std::function<void()> run) {
  signal(SIGHUP, SIG_DFL);  // ignored by inheritance (nohup), it would never come
  Hangup& hangup = TheHangup();
  const std::lock_guard lock(hangup.mutex);
  hangup.listener = std::move(run);
}

HangupListener::~HangupListener() {
  Hangup& hangup = TheHangup();
  const std::lock_guard lock(hangup.mutex);
  hangup.listener = nullptr;
}

}  // namespace etcdrill::sidecar
