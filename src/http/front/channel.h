// The bytes of one client, with TLS or without. Never blocks: what can't be done now says what it
// waits for.
#pragma once

#include <cstddef>
#include <memory>

struct ssl_st;

namespace etcdrill::http {

enum class Io {
  kDone,
  kWantRead,   // the socket must become readable first
  kWantWrite,  // or writable
  kEnd,        // the client will send no more
  kFailed,
};

class Channel {
 public:
  struct Outcome {
    Io io;
    size_t bytes = 0;
  };

  virtual ~Channel() = default;
  virtual Io Handshake() = 0;
  virtual Outcome Read(char* out, size_t size) = 0;
  virtual Outcome Write(const char* bytes, size_t size) = 0;
  // Says that no more will come.
  virtual void Finish() = 0;
  // The handshake failed because the client does not speak TLS, but HTTP.
  virtual bool IsPlainHttp() const { return false; }
};

// `fd` is borrowed and non-blocking.
std::unique_ptr<Channel> MakePlainChannel(int fd);
std::unique_ptr<Channel> MakeTlsChannel(ssl_st* ssl, int fd);  // takes `ssl`

}  // namespace etcdrill::http
