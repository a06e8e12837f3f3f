// A TCP client that sends exactly what it is told to, however wrong.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace etcdrill::testing {

class RawClient {
 public:
  // Connects to a port of this machine: 127.0.0.1, or ::1.
  explicit RawClient(int port, bool ipv6 = false);
  RawClient(RawClient&& other) noexcept;
  RawClient& operator=(RawClient&&) = delete;
  ~RawClient();

  // False: the other side is gone.
  bool Send(std::string_view bytes) const;
  void FinishSending() const;
  // Everything up to the end of the connection, or what has come when the time is over.
  std::string ReadAll(std::chrono::milliseconds patience = std::chrono::seconds(10)) const;
  // Closed by the other side, and nothing more to read?
  bool IsClosed() const;

 private:
  int fd_;
};

// Sends, reads to the end.
std::string Ask(int port, std::string_view bytes);

}  // namespace etcdrill::testing
