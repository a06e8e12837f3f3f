// What systemd is told, if it started us and asked to be told: ready, stopping, and, before each deadline of its
// watchdog, that we are alive. Protocol: sd_notify(3), one datagram for each message.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <thread>

#include "base/clock.h"

namespace etcdrill::app {

// Does nothing where nobody asked.
class ServiceManager {
 public:
  // Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  ServiceManager();

  // `alive` is called on a thread of its own at half of the watchdog's interval; while it does not return, nothing is
  // sent, and systemd ends us. `clock` and what `alive` uses must outlive this.
  void Ready(Clock& clock, std::function<void()> alive);
  void Stopping();  // from any thread

 private:
  void Send(std::string_view message) const;

  const std::string socket_;  // "/path", or "@name" in the abstract namespace; empty: nobody asked
  const Duration watchdog_;   // 0: none
  std::jthread heartbeat_;
};

}  // namespace etcdrill::app
