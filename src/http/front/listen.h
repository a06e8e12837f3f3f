// Listening sockets, IPv4 and IPv6.
#pragma once

#include <string>
#include <vector>

#include "base/status.h"
#include "io/fd.h"

namespace etcdrill::http {

// An address as ParseListenAddress (base/url.h) has it. Every address that the host's name has is
// listened on. kUsage if it is written wrongly, kConfig if a privilege is missing, kIoError for
// what may pass: a name that does not resolve, an address that is not there, a port that is taken.
Result<std::vector<Fd>> Listen(const std::string& address);

// The port of our end of a socket.
int LocalPort(const Fd& fd);

}  // namespace etcdrill::http
