// A message that can't be sent is dropped: whether systemd listens is no reason to stop taking
// backups.
#include "sidecar/service_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "io/fd.h"

namespace etcdrill::sidecar {
namespace {

// A manager that reads nothing for so long must not keep us from working, or from ending.
constexpr timeval kPatience = {.tv_sec = 1, .tv_usec = 0};

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Duration WatchdogInterval() {
  const std::string pid = Environment("WATCHDOG_PID");
  if (!pid.empty() && pid != std::to_string(getpid())) return {};
  const std::string text = Environment("WATCHDOG_USEC");
  int64_t microseconds = 0;
  std::from_chars(text.data(), text.data() + text.size(), microseconds);
  return std::chrono::microseconds(microseconds);
}

}  // namespace

ServiceManager::ServiceManager(Clock& clock)
    : clock_(clock), socket_(Environment("NOTIFY_SOCKET")), watchdog_(WatchdogInterval()) {}

void ServiceManager::KeepAlive(std::function<void()> alive) {
  if (socket_.empty() || watchdog_ <= Duration::zero()) return;
  heartbeat_ = std::jthread([this, alive = std::move(alive)](const std::stop_token& stop) {
    do {
      alive();
      Send("WATCHDOG=1");
    } while (clock_.SleepFor(watchdog_ / 2, stop));
  });
}

void ServiceManager::Ready() { Send("READY=1"); }

void ServiceManager::Reloading() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);  // systemd's clock, which is not ours
  Send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                   int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000));
}

void ServiceManager::Stopping() { Send("STOPPING=1"); }

void ServiceManager::Send(std::string_view message) const {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_.size() < 2 || socket_.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const Fd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return;
  setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  [[maybe_unused]] const ssize_t sent =
      sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL,
             reinterpret_cast<const sockaddr*>(&address), length);
}

}  // namespace etcdrill::sidecar
