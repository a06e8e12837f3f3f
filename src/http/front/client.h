// One client of the front, from its first byte to the last: handshake, head of the request, answer,
// end. Its request is passed to the HTTP server only when its head is whole, and its answer is
// taken from there as fast as it comes, so that a slow client costs a buffer here and never a
// thread there.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "http/civet.h"
#include "http/front/channel.h"
#include "io/fd.h"

namespace etcdrill::http {

// Used by one thread.
class Client {
 public:
  // `server` must outlive it.
  Client(CivetServer& server, Fd socket, std::unique_ptr<Channel> channel, MonotonicTime now);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();

  // Goes on as far as it gets. False: it is over.
  bool Proceed(MonotonicTime now);
  // To be called when deadline() is past. False: it is over.
  bool TimeOut(MonotonicTime now);

  MonotonicTime deadline() const { return deadline_; }
  bool waits_for_request() const { return state_ == State::kHandshake || state_ == State::kHead; }
  size_t buffered() const { return out_.size(); }

  // What epoll should watch for: EPOLLIN, EPOLLOUT or nothing.
  int socket() const { return socket_.get(); }
  uint32_t socket_events() const;
  int inner() const { return inner_.get(); }  // -1: none
  uint32_t inner_events() const;

 private:
  enum class State { kHandshake, kHead, kForward, kAnswer, kLinger, kOver };

  State DoHandshake();
  State ReadHead();
  State Forward();
  State Answer();
  State Linger();

  State Refuse(int status, std::string text);
  bool TakeFromInner();
  State GiveToClient();
  void Enter(State state, MonotonicTime now);

  CivetServer& server_;
  const Fd socket_;
  const std::unique_ptr<Channel> channel_;
  State state_ = State::kHandshake;
  MonotonicTime deadline_;
  Io want_ = Io::kWantRead;  // of the channel
  std::string head_;
  Fd inner_;
  bool inner_ended_ = false;
  bool answered_ = false;  // at least one byte came from inside
  std::string out_;        // for the client
};

}  // namespace etcdrill::http
