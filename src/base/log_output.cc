// Why no queue with a thread of its own: it would lose the last lines before a crash, and drop
// lines all the same. Sources: pipe(7), open(2) on O_NONBLOCK and on FIFOs, proc(5) on
// /proc/PID/fd, send(2).
#include "base/log_output.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace etcdrill {
namespace {

bool HasRoom(int fd) {
  pollfd state = {.fd = fd, .events = POLLOUT, .revents = 0};
  return poll(&state, 1, 0) > 0;  // an error counts, too: then write(2) returns at once
}

}  // namespace

LogOutput::LogOutput(int fd) : fd_(fd) {
  struct stat at {};
  if (fstat(fd, &at) != 0) return;
  is_socket_ = S_ISSOCK(at.st_mode);
  // A plain file has no reader to wait for, and opened anew it would be written from its beginning.
  if (!S_ISFIFO(at.st_mode) && !S_ISCHR(at.st_mode)) return;
  const std::string path = fmt::format("/proc/self/fd/{}", fd);
  own_ = open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

LogOutput::~LogOutput() {
  if (own_ >= 0) close(own_);
}

bool LogOutput::Write(std::string_view line) {
  if (!rest_.empty()) rest_.erase(0, WriteSome(rest_));
  if (!rest_.empty()) return false;
  const size_t written = WriteSome(line);
  if (written > 0) rest_ = line.substr(written);
  return written > 0;
}

size_t LogOutput::WriteSome(std::string_view bytes) const {
  ssize_t written = -1;
  do {
    if (is_socket_) {
      written = send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (own_ >= 0) {
      written = write(own_, bytes.data(), bytes.size());
    } else {
      written = HasRoom(fd_) ? write(fd_, bytes.data(), bytes.size()) : 0;
    }
  } while (written < 0 && errno == EINTR);
  return written > 0 ? static_cast<size_t>(written) : 0;
}

}  // namespace etcdrill
