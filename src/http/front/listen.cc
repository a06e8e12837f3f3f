// As Go's net.Listen, whose notation Prometheus users know: ":9379" and "[::]:9379" take IPv4, too.
#include "http/front/listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "base/url.h"

namespace etcdrill::http {
namespace {

constexpr int kBacklog = 512;

// Most causes pass: a port that was taken, an address that comes up after us at boot, a name that
// nobody resolves yet. Whoever starts us should try again.
Status CantListen(std::string_view address, int errno_value) {
  const std::string_view hint = errno_value == EADDRINUSE ? "Another process uses the port"
                                : errno_value == EACCES
                                    ? "Ports below 1024 need the capability CAP_NET_BIND_SERVICE"
                                    : "Check that the address is one of this host";
  return Error(errno_value == EACCES ? Reason::kConfig : Reason::kIoError,
               "cannot listen on {} (web.listen): {}. {}", address, std::strerror(errno_value),
               hint);
}

// errno is set if it fails.
Fd OpenOne(const addrinfo& info, bool both_families) {
  Fd fd(socket(info.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  const int on = 1;
  const int only_v6 = both_families ? 0 : 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (info.ai_family == AF_INET6)
    setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &only_v6, sizeof only_v6);
  if (bind(fd.get(), info.ai_addr, info.ai_addrlen) != 0 || listen(fd.get(), kBacklog) != 0)
    return Fd();
  return fd;
}

void SetPort(addrinfo& info, int port) {
  const auto net_port = htons(static_cast<uint16_t>(port));
  if (info.ai_family == AF_INET6) {
    reinterpret_cast<sockaddr_in6*>(info.ai_addr)->sin6_port = net_port;
  } else {
    reinterpret_cast<sockaddr_in*>(info.ai_addr)->sin_port = net_port;
  }
}

bool FamilyIsMissing(int errno_value) {
  return errno_value == EAFNOSUPPORT || errno_value == EADDRNOTAVAIL;
}

}  // namespace

int LocalPort(const Fd& fd) {
  sockaddr_storage self{};
  socklen_t size = sizeof self;
  getsockname(fd.get(), reinterpret_cast<sockaddr*>(&self), &size);
  return ntohs(self.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(self).sin6_port
                                          : reinterpret_cast<const sockaddr_in&>(self).sin_port);
}

Result<std::vector<Fd>> Listen(const std::string& address) {
  const Result<HostPort> at = ParseListenAddress(address);
  RETURN_IF_ERROR(Annotate(at.status(), "web.listen"));
  const std::string port = std::to_string(at->port);
  const bool any = at->kind == HostPort::Kind::kAll || at->host == "::";
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const char* host = any ? "::" : at->host.c_str();
  if (const int code = getaddrinfo(host, port.c_str(), &hints, &found); code != 0) {
    return Error(Reason::kIoError, "web.listen: cannot resolve \"{}\": {}", at->host,
                 gai_strerror(code));
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> infos(found, freeaddrinfo);
  std::vector<Fd> sockets;
  int missing = EADDRNOTAVAIL;
  for (addrinfo* info = found; info != nullptr; info = info->ai_next) {
    if (!sockets.empty()) SetPort(*info, LocalPort(sockets.front()));  // one port for all of them
    Fd fd = OpenOne(*info, any);
    if (fd) {
      sockets.push_back(std::move(fd));
    } else if (FamilyIsMissing(errno)) {
      missing = errno;
    } else {
      return CantListen(address, errno);
    }
  }
  if (!sockets.empty()) return sockets;
  if (any) return Listen("0.0.0.0:" + port);  // a kernel without IPv6
  return CantListen(address, missing);
}

}  // namespace etcdrill::http
