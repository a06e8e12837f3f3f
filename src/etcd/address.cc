// gRPC's naming: github.com/grpc/grpc/blob/master/doc/naming.md. Addresses in numbers get the ipv4
// and ipv6 schemes, so that they work without any resolver.
#include "etcd/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include "base/url.h"

namespace etcdrill::etcd {
namespace {

// "127.0.0.1" for "::ffff:127.0.0.1", empty for what is no IPv4 address in the clothes of IPv6. A
// certificate names the IPv4 address, and that is what Go compares it with.
std::string MappedIpv4(const std::string& ipv6) {
  in6_addr address{};
  char text[INET_ADDRSTRLEN];
  if (inet_pton(AF_INET6, ipv6.c_str(), &address) != 1 || !IN6_IS_ADDR_V4MAPPED(&address))
    return "";
  return inet_ntop(AF_INET, &address.s6_addr[12], text, sizeof text);
}

// A URI: brackets and % are escaped.
std::string Ipv6Target(const HostPort& at) {
  if (const std::string ipv4 = MappedIpv4(at.host); !ipv4.empty())
    return fmt::format("ipv4:{}:{}", ipv4, at.port);
  const size_t zone = at.host.find('%');
  if (zone == std::string::npos) return fmt::format("ipv6:%5B{}%5D:{}", at.host, at.port);
  return fmt::format("ipv6:%5B{}%25{}%5D:{}", at.host.substr(0, zone), at.host.substr(zone + 1),
                     at.port);
}

std::string TargetOf(const Url& url) {
  if (url.scheme == Scheme::kUnix) return fmt::format("unix:{}", url.path);
  if (url.at.kind == HostPort::Kind::kIpv6) return Ipv6Target(url.at);
  if (url.at.kind == HostPort::Kind::kIpv4)
    return fmt::format("ipv4:{}:{}", url.at.host, url.at.port);
  return fmt::format("dns:///{}:{}", url.at.host, url.at.port);
}

}  // namespace

Result<Address> ParseAddress(std::string_view text, bool tls_by_default) {
  ASSIGN_OR_RETURN(const Url url, ParseClientUrl(text));
  const bool tls = url.scheme == Scheme::kHttps || (url.scheme == Scheme::kNone && tls_by_default);
  return Address{url.text, TargetOf(url), tls};
}

}  // namespace etcdrill::etcd
