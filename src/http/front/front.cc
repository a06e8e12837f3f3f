// epoll, level-triggered. A client is known by its number, which is never used twice and grows with
// its age, so an event that comes late finds nobody, and the first one in the map is the oldest.
#include "http/front/front.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <map>

#include "http/front/client.h"

namespace etcdrill::http {
namespace {

using namespace std::chrono_literals;

constexpr size_t kClientsMax = 512;
constexpr size_t kBufferedBytesMax = 16 << 20;  // answers that slow clients have not taken yet
constexpr int kTickMs = 250;                    // how late a deadline may be noticed
constexpr Duration kAcceptPause = 100ms;        // when descriptors have run out
constexpr Duration kListenPause = 1s;           // when the port was lost

// What an event is about: a client's number, and which of its two sockets.
enum class Side : uint64_t { kSocket, kInner };
uint64_t Tag(uint64_t number, Side side) { return number << 1 | static_cast<uint64_t>(side); }

// The numbers below the first client's.
constexpr uint64_t kStopNumber = 0;
constexpr uint64_t kListenerNumber = 1;
constexpr uint64_t kFirstClient = 2;

}  // namespace

class Front::Loop {
 public:
  Loop(std::vector<Fd> listeners, ListenAgain listen_again, CivetServer& server,
       ChannelMaker channel_for, Clock& clock)
      : listeners_(std::move(listeners)),
        listen_again_(std::move(listen_again)),
        server_(server),
        channel_for_(std::move(channel_for)),
        clock_(clock) {}

  Status Open();
  void Run();
  void Stop() {
    const uint64_t one = 1;
    [[maybe_unused]] const ssize_t n = write(stop_.get(), &one, sizeof one);
  }

 private:
  struct Watched {
    std::unique_ptr<Client> client;
    uint32_t socket_events = 0;  // as epoll knows them
    uint32_t inner_events = 0;
  };
  using Clients = std::map<uint64_t, Watched>;

  void Accept();
  void ListenTo(bool on);
  void Pause(Duration pause);
  void Resume();
  void Proceed(uint64_t number, Side side, uint32_t events);
  void EndLateOnes();
  void MakeRoom();
  void KeepBufferedBelowLimit();
  void Watch(uint64_t number, Watched& w);
  void Set(int fd, uint64_t tag, uint32_t& known, uint32_t wanted);

  std::vector<Fd> listeners_;  // none while the port is lost
  const ListenAgain listen_again_;
  CivetServer& server_;
  const ChannelMaker channel_for_;
  Clock& clock_;
  Fd epoll_;
  Fd stop_;
  Clients clients_;
  uint64_t next_number_ = kFirstClient;
  bool listening_ = false;
  MonotonicTime accept_again_{};
};

Status Front::Loop::Open() {
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  stop_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll_ || !stop_) return ErrorFromErrno(errno, "epoll", "web.listen");
  uint32_t known = 0;
  Set(stop_.get(), Tag(kStopNumber, Side::kSocket), known, EPOLLIN);
  ListenTo(true);
  return OkStatus();
}

void Front::Loop::Set(int fd, uint64_t tag, uint32_t& known, uint32_t wanted) {
  if (known == wanted) return;
  epoll_event event{.events = wanted, .data = {.u64 = tag}};
  epoll_ctl(epoll_.get(),
            known == 0    ? EPOLL_CTL_ADD
            : wanted == 0 ? EPOLL_CTL_DEL
                          : EPOLL_CTL_MOD,
            fd, &event);
  known = wanted;
}

void Front::Loop::ListenTo(bool on) {
  if (on == listening_) return;
  for (const Fd& fd : listeners_) {
    uint32_t known = listening_ ? uint32_t{EPOLLIN} : 0;
    Set(fd.get(), Tag(kListenerNumber, Side::kSocket), known, on ? uint32_t{EPOLLIN} : 0);
  }
  listening_ = on;
}

void Front::Loop::Run() {
  std::array<epoll_event, 64> events;
  while (true) {
    const bool idle = clients_.empty() && listening_;
    const int n = epoll_wait(epoll_.get(), events.data(), events.size(), idle ? -1 : kTickMs);
    for (int i = 0; i < n; ++i) {
      const uint64_t tag = events[static_cast<size_t>(i)].data.u64;
      if (tag >> 1 == kStopNumber) return;
      if (tag >> 1 == kListenerNumber) {
        Accept();
      } else {
        Proceed(tag >> 1, static_cast<Side>(tag & 1), events[static_cast<size_t>(i)].events);
      }
    }
    EndLateOnes();
    if (!listening_ && clock_.Monotonic() >= accept_again_) Resume();
  }
}

// Or epoll would tell of what can't be accepted for ever.
void Front::Loop::Pause(Duration pause) {
  ListenTo(false);
  accept_again_ = clock_.Monotonic() + pause;
}

void Front::Loop::Resume() {
  if (listeners_.empty()) listeners_ = listen_again_();
  if (listeners_.empty()) return Pause(kListenPause);
  ListenTo(true);
}

void Front::Loop::Accept() {
  for (const Fd& listener : listeners_) {
    Fd socket(accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
        return Pause(kAcceptPause);
      if (errno != EINVAL) continue;  // a client that has gone, or one for another listener
      listeners_.clear();             // somebody destroyed it, as `ss -K` does: it listens no more
      return Pause(kListenPause);
    }
    MakeRoom();
    auto channel = channel_for_(socket.get());
    if (channel == nullptr) continue;
    const uint64_t number = next_number_++;
    Watched& w = clients_[number];
    w.client = std::make_unique<Client>(server_, std::move(socket), std::move(channel),
                                        clock_.Monotonic());
    Watch(number, w);
  }
}

// A socket that is closed leaves epoll on its own.
void Front::Loop::Watch(uint64_t number, Watched& w) {
  Set(w.client->socket(), Tag(number, Side::kSocket), w.socket_events, w.client->socket_events());
  if (w.client->inner() < 0) return;
  Set(w.client->inner(), Tag(number, Side::kInner), w.inner_events, w.client->inner_events());
}

void Front::Loop::Proceed(uint64_t number, Side side, uint32_t events) {
  const auto at = clients_.find(number);
  if (at == clients_.end()) return;
  Client& client = *at->second.client;
  const bool gone = side == Side::kSocket && (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (gone || !client.Proceed(clock_.Monotonic())) {
    clients_.erase(at);
    return;
  }
  Watch(number, at->second);
  KeepBufferedBelowLimit();
}

void Front::Loop::EndLateOnes() {
  const MonotonicTime now = clock_.Monotonic();
  for (auto at = clients_.begin(); at != clients_.end();) {
    Client& client = *at->second.client;
    if (client.deadline() <= now && !client.TimeOut(now)) {
      at = clients_.erase(at);
      continue;
    }
    Watch(at->first, at->second);
    ++at;
  }
}

// The oldest that has not sent its request yet; if all have, the oldest.
void Front::Loop::MakeRoom() {
  if (clients_.size() < kClientsMax) return;
  auto victim = clients_.begin();
  while (victim != clients_.end() && !victim->second.client->waits_for_request()) ++victim;
  clients_.erase(victim != clients_.end() ? victim : clients_.begin());
}

void Front::Loop::KeepBufferedBelowLimit() {
  size_t sum = 0;
  for (const auto& [number, w] : clients_) sum += w.client->buffered();
  for (auto at = clients_.begin(); sum > kBufferedBytesMax && at != clients_.end();) {
    const size_t size = at->second.client->buffered();
    sum -= size;
    at = size > 0 ? clients_.erase(at) : std::next(at);
  }
}

Front::Front(std::unique_ptr<Loop> loop)
    : loop_(std::move(loop)), thread_([this] { loop_->Run(); }) {}

Front::~Front() {
  loop_->Stop();
  thread_.join();
}

Result<std::unique_ptr<Front>> Front::Start(std::vector<Fd> listeners, ListenAgain listen_again,
                                            CivetServer& server, ChannelMaker channel_for,
                                            Clock& clock) {
  auto loop = std::make_unique<Loop>(std::move(listeners), std::move(listen_again), server,
                                     std::move(channel_for), clock);
  RETURN_IF_ERROR(loop->Open());
  return std::unique_ptr<Front>(new Front(std::move(loop)));
}

}  // namespace etcdrill::http
