// Host names are not looked up here, only their letters.
#include "base/url.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "base/text.h"

namespace etcdrill {
namespace {

using Kind = HostPort::Kind;

constexpr std::string_view kNameLetters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._";
constexpr std::array kSchemes = {std::pair(std::string_view("http"), Scheme::kHttp),
                                 std::pair(std::string_view("https"), Scheme::kHttps),
                                 std::pair(std::string_view("unix"), Scheme::kUnix),
                                 std::pair(std::string_view("unixs"), Scheme::kUnixs)};

Status Problem(std::string_view what) { return Error(Reason::kUsage, what); }

bool IsName(std::string_view text) {
  return !text.empty() && text.find_first_not_of(kNameLetters) == std::string_view::npos;
}

bool IsIp(int family, std::string_view text) {
  unsigned char bytes[sizeof(in6_addr)];
  return text.find('\0') == std::string_view::npos &&
         inet_pton(family, std::string(text).c_str(), bytes) == 1;
}

// What stands in brackets. In a URL the % before the zone is written %25 (RFC 6874).
Result<std::string> ParseIpv6(std::string_view text) {
  const std::string_view address = text.substr(0, text.find('%'));
  std::string_view zone = text.substr(address.size());
  if (zone.starts_with("%25") && zone.size() > 3) zone.remove_prefix(2);
  const bool good = IsIp(AF_INET6, address) && (zone.empty() || IsName(zone.substr(1)));
  if (!good) return Problem("no valid IPv6 address in the brackets");
  return fmt::format("{}{}{}", address, zone.empty() ? "" : "%",
                     zone.empty() ? "" : zone.substr(1));
}

Result<HostPort> ParseHostPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return Problem("no port");
  const auto port = ParseNumber<uint16_t>(text.substr(colon + 1));
  if (!port.has_value()) return Problem("no valid port");
  HostPort at{.port = *port};
  const std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) {
    at.kind = Kind::kIpv6;
    ASSIGN_OR_RETURN(at.host, ParseIpv6(host.substr(1, host.size() - 2)));
    return at;
  }
  if (host.find(':') != std::string_view::npos) return Problem("an IPv6 address needs brackets");
  if (!host.empty() && !IsName(host)) return Problem("no valid host name");
  at.kind = host.empty() ? Kind::kAll : IsIp(AF_INET, host) ? Kind::kIpv4 : Kind::kName;
  at.host = host;
  return at;
}

// Takes "SCHEME://" off the text; kNone if there is none.
Result<Scheme> TakeScheme(std::string& text) {
  const size_t end = text.find("://");
  if (end == std::string::npos) return Scheme::kNone;
  std::transform(
      text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), text.begin(),
      [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  for (const auto& [name, scheme] : kSchemes) {
    if (std::string_view(text).substr(0, end) == name) return scheme;
  }
  return Problem("unknown scheme");
}

Result<Url> ParseUrl(std::string_view text, bool slash_may_follow) {
  Url url{.text = std::string(Trim(text))};
  if (url.text.find('\0') != std::string::npos) return Problem("NUL character");
  if (!IsUtf8(url.text)) return Problem("not UTF-8");  // it becomes a label, and JSON
  ASSIGN_OR_RETURN(url.scheme, TakeScheme(url.text));
  std::string_view rest = url.text;
  if (url.scheme != Scheme::kNone) rest.remove_prefix(rest.find("://") + 3);
  if (url.scheme == Scheme::kUnix || url.scheme == Scheme::kUnixs) {
    url.path = rest;
    if (rest.empty()) return Problem("no socket path");
    return url;
  }
  if (slash_may_follow && url.scheme != Scheme::kNone && rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find('/') != std::string_view::npos) return Problem("a path follows the port");
  ASSIGN_OR_RETURN(url.at, ParseHostPort(rest));
  if (url.at.kind == Kind::kAll) return Problem("no host");
  return url;
}

Result<Url> CheckClientUrl(std::string_view text) {
  ASSIGN_OR_RETURN(Url url, ParseUrl(text, /*slash_may_follow=*/true));
  if (url.scheme == Scheme::kUnixs) return Problem("unknown scheme");
  if (url.scheme == Scheme::kUnix && !url.path.starts_with('/')) {
    return Problem("the socket's path must be absolute");
  }
  if (url.scheme != Scheme::kUnix && url.at.port == 0) return Problem("no valid port");
  return url;
}

Result<Url> CheckPeerUrl(std::string_view text) {
  ASSIGN_OR_RETURN(Url url, ParseUrl(text, /*slash_may_follow=*/false));
  if (url.scheme == Scheme::kNone) return Problem("no scheme");
  return url;
}

Status Explained(std::string_view text, std::string_view kind, const Status& problem,
                 std::string_view forms) {
  return Error(Reason::kUsage, "\"{}\" is not a valid {}: {}. Write {}", Shown(text), kind,
               MessageOf(problem), forms);
}

}  // namespace

Result<Url> ParseClientUrl(std::string_view text) {
  Result<Url> url = CheckClientUrl(text);
  if (url.ok()) return url;
  return Explained(text, "client URL", url.status(),
                   "https://HOST:PORT, http://HOST:PORT, HOST:PORT or unix:///PATH");
}

Result<Url> ParsePeerUrl(std::string_view text) {
  Result<Url> url = CheckPeerUrl(text);
  if (url.ok()) return url;
  return Explained(text, "peer URL", url.status(), "http://HOST:PORT or https://HOST:PORT");
}

Result<HostPort> ParseListenAddress(std::string_view text) {
  Result<HostPort> at = ParseHostPort(text);
  if (at.ok()) return at;
  return Explained(text, "address to listen on", at.status(),
                   "HOST:PORT, such as 127.0.0.1:9379, [::1]:9379 or :9379");
}

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> items;
  for (const std::string_view item : Split(text, ',')) {
    if (const std::string_view trimmed = Trim(item); !trimmed.empty()) items.emplace_back(trimmed);
  }
  return items;
}

}  // namespace etcdrill
