// What systemd is told, if it started us and asked to be told: ready, reloading, stopping, and,
// before each deadline of its watchdog, that we are alive. Protocol: sd_notify(3), one datagram for
// each message.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"

namespace etcdrill::sidecar {

// Does nothing where nobody asked.
class ServiceManager {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. `clock` must outlive it.
  explicit ServiceManager(Clock& clock);

  // `alive` is called on a thread of its own at half of the watchdog's interval; while it does not
  // return, nothing is sent, and systemd ends us. What it uses must outlive this.
  void KeepAlive(std::function<void()> alive);
  // From any thread.
  void Ready();
  void Reloading();  // Ready follows, whatever came of it
  void Stopping();

 private:
  void Send(std::string_view message) const;

  Clock& clock_;
  const std::string socket_;  // "/path", or "@name" in the abstract namespace; empty: nobody asked
  const Duration watchdog_;   // 0: none
  std::jthread heartbeat_;
};

}  // namespace etcdrill::sidecar
