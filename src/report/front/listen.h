// Listening sockets, IPv4 and IPv6.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "report/front/fd.h"

namespace etcdrill::report {

// "HOST:PORT", "[IPV6]:PORT" or ":PORT" for all addresses of the machine; port 0 is any free one. Every address that
// the host's name has is listened on. kConfig if it is no such text, or none of them is to be had, or one is taken.
Result<std::vector<Fd>> Listen(const std::string& address);

// The port that a listening socket has.
int ListeningPort(const Fd& fd);

}  // namespace etcdrill::report
