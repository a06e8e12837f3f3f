// The steps. Only the head of a request is looked for, by its empty line, and only the head is
// passed on: no handler reads a body, and without its bytes no second request can be hidden in it.
// What the head says is CivetWeb's to judge.
#include "http/front/client.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace etcdrill::http {
namespace {

using namespace std::chrono_literals;

constexpr Duration kRequestTime = 5s;  // from connecting to a whole head
constexpr Duration kAnswerTime = 30s;  // from there to the last byte
constexpr Duration kLingerTime = 1s;   // for the client to read what it was sent
constexpr size_t kHeadBytesMax = 8192;
constexpr size_t kChunkBytes = 16384;

// The size of the head with its empty line, or npos; lines may end in LF alone.
size_t HeadSize(std::string_view bytes) {
  const size_t crlf = bytes.find("\n\r\n");
  const size_t lf = bytes.find("\n\n");
  if (crlf == std::string_view::npos && lf == std::string_view::npos) return std::string_view::npos;
  return crlf < lf ? crlf + 3 : lf + 2;
}

}  // namespace

Client::Client(CivetServer& server, Fd socket, std::unique_ptr<Channel> channel, MonotonicTime now)
    : server_(server),
      socket_(std::move(socket)),
      channel_(std::move(channel)),
      deadline_(now + kRequestTime) {}

Client::~Client() {
  if (inner_) server_.Disconnect(std::move(inner_));
}

void Client::Enter(State state, MonotonicTime now) {
  const bool had_no_request = waits_for_request();
  state_ = state;
  if (had_no_request && !waits_for_request()) deadline_ = now + kAnswerTime;
  if (state == State::kLinger) deadline_ = now + kLingerTime;
}

bool Client::Proceed(MonotonicTime now) {
  while (state_ != State::kOver) {
    State next = state_;
    switch (state_) {
      case State::kHandshake:
        next = DoHandshake();
        break;
      case State::kHead:
        next = ReadHead();
        break;
      case State::kForward:
        next = Forward();
        break;
      case State::kAnswer:
        next = Answer();
        break;
      case State::kLinger:
        next = Linger();
        break;
      case State::kOver:
        break;
    }
    if (next == state_) return true;
    Enter(next, now);
  }
  return false;
}

bool Client::TimeOut(MonotonicTime now) {
  if (state_ != State::kHead || head_.empty()) return false;
  Enter(Refuse(408, "the request did not arrive in time\n"), now);
  deadline_ = now + kLingerTime;
  return Proceed(now);
}

Client::State Client::DoHandshake() {
  want_ = channel_->Handshake();
  if (want_ == Io::kDone) {
    want_ = Io::kWantRead;
    return State::kHead;
  }
  if (want_ == Io::kFailed && channel_->IsPlainHttp()) {
    const std::string answer =
        Serialize({.status = 400, .body = "this address uses HTTPS. Write https://\n"}, true);
    send(socket_.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    shutdown(socket_.get(), SHUT_WR);
    return State::kLinger;
  }
  return want_ == Io::kFailed || want_ == Io::kEnd ? State::kOver : State::kHandshake;
}

Client::State Client::ReadHead() {
  std::array<char, kHeadBytesMax> chunk;
  while (true) {
    const auto [io, bytes] = channel_->Read(chunk.data(), chunk.size());
    want_ = io;
    if (io == Io::kFailed || io == Io::kEnd) return State::kOver;
    if (io != Io::kDone) return State::kHead;
    head_.append(chunk.data(), bytes);
    const size_t size = HeadSize(head_);
    if (size <= kHeadBytesMax) {
      head_.resize(size);
      break;
    }
    if (head_.size() > kHeadBytesMax) return Refuse(431, "request head too large\n");
  }
  auto inner = server_.Connect();
  if (!inner.ok()) return Refuse(503, "too many connections\n");
  inner_ = *std::move(inner);
  return State::kForward;
}

Client::State Client::Forward() {
  const ssize_t n = send(inner_.get(), head_.data(), head_.size(), MSG_NOSIGNAL);
  if (n < 0)
    return errno == EAGAIN || errno == ENOTCONN ? State::kForward : Refuse(503, "no answer\n");
  head_.erase(0, static_cast<size_t>(n));
  if (!head_.empty()) return State::kForward;
  shutdown(inner_.get(), SHUT_WR);  // or CivetWeb would wait for the body
  want_ = Io::kDone;
  return State::kAnswer;
}

// False: the server broke off.
bool Client::TakeFromInner() {
  std::array<char, kChunkBytes> chunk;
  while (!inner_ended_) {
    const ssize_t n = recv(inner_.get(), chunk.data(), chunk.size(), 0);
    if (n < 0) return errno == EAGAIN;
    inner_ended_ = n == 0;
    answered_ |= n > 0;
    out_.append(chunk.data(), static_cast<size_t>(n));
  }
  return true;
}

Client::State Client::GiveToClient() {
  while (!out_.empty()) {
    const auto [io, bytes] = channel_->Write(out_.data(), out_.size());
    want_ = io;
    if (io == Io::kFailed || io == Io::kEnd) return State::kOver;
    if (io != Io::kDone) return State::kAnswer;
    out_.erase(0, bytes);
  }
  want_ = Io::kDone;
  if (!inner_ended_) return State::kAnswer;
  channel_->Finish();
  return State::kLinger;
}

Client::State Client::Answer() {
  const bool whole = TakeFromInner();
  // CivetWeb hangs up without a word on a request that it takes for one to another server.
  if (!answered_ && inner_ended_) return Refuse(400, "bad request\n");
  if (!whole) return answered_ ? State::kOver : Refuse(503, "no answer\n");
  return GiveToClient();
}

// Closing with unread bytes would reset the connection, and could take the answer away from the
// client.
Client::State Client::Linger() {
  std::array<char, kChunkBytes> chunk;
  const ssize_t n = recv(socket_.get(), chunk.data(), chunk.size(), 0);  // once: others wait
  want_ = Io::kWantRead;
  return n > 0 || (n < 0 && errno == EAGAIN) ? State::kLinger : State::kOver;
}

// The answer is ours; the server is not asked, or not any more.
Client::State Client::Refuse(int status, std::string text) {
  inner_ended_ = true;
  answered_ = true;
  out_ = Serialize({.status = status, .body = std::move(text)}, true);
  return GiveToClient();
}

uint32_t Client::socket_events() const {
  if (want_ == Io::kWantRead) return EPOLLIN;
  if (want_ == Io::kWantWrite) return EPOLLOUT;
  return 0;
}

uint32_t Client::inner_events() const {
  if (state_ == State::kForward) return EPOLLOUT;
  if (state_ == State::kAnswer && !inner_ended_) return EPOLLIN;
  return 0;
}

}  // namespace etcdrill::http
