// OpenSSL keeps a queue of errors per thread; it is emptied before each call, or an old one would
// be taken for a new one.
#include "http/front/channel.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <cerrno>

namespace etcdrill::http {
namespace {

class PlainChannel final : public Channel {
 public:
  explicit PlainChannel(int fd) : fd_(fd) {}
  Io Handshake() override { return Io::kDone; }
  Outcome Read(char* out, size_t size) override {
    return ToOutcome(recv(fd_, out, size, 0), Io::kWantRead);
  }
  Outcome Write(const char* bytes, size_t size) override {
    return ToOutcome(send(fd_, bytes, size, MSG_NOSIGNAL), Io::kWantWrite);
  }
  void Finish() override { shutdown(fd_, SHUT_WR); }

 private:
  static Outcome ToOutcome(ssize_t n, Io want) {
    if (n > 0) return {Io::kDone, static_cast<size_t>(n)};
    if (n == 0) return {Io::kEnd};
    return {errno == EAGAIN || errno == EINTR ? want : Io::kFailed};
  }

  const int fd_;
};

class TlsChannel final : public Channel {
 public:
  TlsChannel(ssl_st* ssl, int fd) : ssl_(ssl), fd_(fd) { SSL_set_fd(ssl_.get(), fd); }

  Io Handshake() override {
    ERR_clear_error();
    return ToOutcome(SSL_accept(ssl_.get())).io;
  }
  Outcome Read(char* out, size_t size) override {
    ERR_clear_error();
    return ToOutcome(SSL_read(ssl_.get(), out, static_cast<int>(size)));
  }
  Outcome Write(const char* bytes, size_t size) override {
    ERR_clear_error();
    return ToOutcome(SSL_write(ssl_.get(), bytes, static_cast<int>(size)));
  }
  void Finish() override {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());  // sends close_notify; the client's is not waited for
    shutdown(fd_, SHUT_WR);
  }
  bool IsPlainHttp() const override { return plain_http_; }

 private:
  struct Deleter {
    void operator()(ssl_st* ssl) const { SSL_free(ssl); }
  };

  Outcome ToOutcome(int result) {
    if (result > 0) return {Io::kDone, static_cast<size_t>(result)};
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return {Io::kWantRead};
      case SSL_ERROR_WANT_WRITE:
        return {Io::kWantWrite};
      case SSL_ERROR_ZERO_RETURN:
        return {Io::kEnd};
      default:
        plain_http_ = ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST;
        return {Io::kFailed};
    }
  }

  const std::unique_ptr<ssl_st, Deleter> ssl_;
  const int fd_;
  bool plain_http_ = false;
};

}  // namespace

std::unique_ptr<Channel> MakePlainChannel(int fd) { return std::make_unique<PlainChannel>(fd); }
std::unique_ptr<Channel> MakeTlsChannel(ssl_st* ssl, int fd) {
  return std::make_unique<TlsChannel>(ssl, fd);
}

}  // namespace etcdrill::http
