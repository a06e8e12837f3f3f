// What listens to the world: one thread, all clients. Ends TLS and passes requests to the HTTP
// server (client.h). What it spends on clients is bounded: connections, time, bytes; beyond a bound
// the oldest client goes, because that is the slow one.
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "http/civet.h"
#include "http/front/channel.h"
#include "io/fd.h"

namespace etcdrill::http {

class Front {
 public:
  // Makes the channel of a new client; called on the front's thread.
  using ChannelMaker = std::function<std::unique_ptr<Channel>(int fd)>;
  // Opens the port again when its sockets were lost; called each second until it returns some. On
  // the front's thread.
  using ListenAgain = std::function<std::vector<Fd>()>;

  // All references must outlive it.
  static Result<std::unique_ptr<Front>> Start(std::vector<Fd> listeners, ListenAgain listen_again,
                                              CivetServer& server, ChannelMaker channel_for,
                                              Clock& clock);
  Front(const Front&) = delete;
  Front& operator=(const Front&) = delete;
  ~Front();  // closes everything

 private:
  class Loop;
  explicit Front(std::unique_ptr<Loop> loop);

  std::unique_ptr<Loop> loop_;
  std::thread thread_;
};

}  // namespace etcdrill::http
