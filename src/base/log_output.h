// Where log lines go. Nobody may read them: a container runtime that hangs, a terminal with ^S, a
// reader that was stopped. A write that waits for such a reader would stop backups, so no write
// waits.
//
// O_NONBLOCK belongs to the open file, which others share with us (a shell, our parent), so it is
// never set on the descriptor that we were given: a pipe or a terminal is opened anew through
// /proc/self/fd, a socket is asked per call, and where neither is possible a pipe is asked first
// whether it has room for a whole line.
#pragma once

#include <limits.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace etcdrill {

// A longer one could be mixed with the lines of other processes on the same pipe (pipe(7)).
inline constexpr size_t kLogLineBytesMax = PIPE_BUF;

// Not safe for use from several threads.
class LogOutput {
 public:
  explicit LogOutput(int fd);
  LogOutput(const LogOutput&) = delete;
  LogOutput& operator=(const LogOutput&) = delete;
  ~LogOutput();

  // One whole line, its end included, of at most kLogLineBytesMax. False: it can't be written now,
  // and is dropped. What went out in part (sockets, terminals) is completed before anything else is
  // written.
  bool Write(std::string_view line);

 private:
  size_t WriteSome(std::string_view bytes) const;

  const int fd_;
  int own_ = -1;  // fd_, opened anew; -1: it can't be, or need not
  bool is_socket_ = false;
  std::string rest_;  // of a line that went out in part
};

}  // namespace etcdrill
