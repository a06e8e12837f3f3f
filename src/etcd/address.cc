// gRPC's naming: github.com/grpc/grpc, doc/naming.md. Addresses in numbers get the ipv4 and ipv6 schemes, so that they
// work without any resolver.
#include "etcd/address.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <charconv>

namespace etcdrill::etcd {
namespace {

constexpr std::string_view kForms = "write https://host:2379, http://host:2379, host:2379 or unix:///path";

Status Malformed(std::string_view text, std::string_view problem) {
  return Error(Reason::kUsage, fmt::format("endpoint \"{}\": {}; {}", text, problem, kForms));
}

bool Cut(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool IsPort(std::string_view text) {
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port != 0;
}

bool IsIp(int family, const std::string& host) {
  unsigned char bytes[sizeof(in6_addr)];
  return inet_pton(family, host.c_str(), bytes) == 1;
}

bool IsHostName(std::string_view host) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
  return !host.empty() && host.find_first_not_of(kAllowed) == std::string_view::npos;
}

Result<std::string> TargetOf(std::string_view text, std::string_view host_port) {
  const size_t colon = host_port.rfind(':');
  if (colon == std::string_view::npos || !IsPort(host_port.substr(colon + 1))) return Malformed(text, "no valid port");
  const std::string host(host_port.substr(0, colon));
  const std::string_view port = host_port.substr(colon + 1);
  if (host.starts_with('[') && host.ends_with(']')) {
    if (!IsIp(AF_INET6, host.substr(1, host.size() - 2)))
      return Malformed(text, "no valid IPv6 address in the brackets");
    return fmt::format("ipv6:%5B{}%5D:{}", host.substr(1, host.size() - 2), port);  // a URI: brackets are escaped
  }
  if (IsIp(AF_INET6, host)) return Malformed(text, "an IPv6 address needs brackets");
  if (IsIp(AF_INET, host)) return fmt::format("ipv4:{}:{}", host, port);
  if (!IsHostName(host)) return Malformed(text, "no valid host name");
  return fmt::format("dns:///{}:{}", host, port);
}

}  // namespace

Result<Address> ParseAddress(std::string_view text, bool tls_by_default) {
  std::string_view rest = text;
  if (Cut(rest, "unix://")) {
    if (!rest.starts_with('/')) return Malformed(text, "the socket's path must be absolute");
    return Address{std::string(text), fmt::format("unix:{}", rest), false};
  }
  bool tls = tls_by_default;
  if (Cut(rest, "https://")) {
    tls = true;
  } else if (Cut(rest, "http://")) {
    tls = false;
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  ASSIGN_OR_RETURN(std::string target, TargetOf(text, rest));
  return Address{std::string(text), std::move(target), tls};
}

}  // namespace etcdrill::etcd
