// What each text has to look like.
#include "config/values.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <charconv>

namespace etcdrill::config {
namespace {

// HOST:PORT, with a host that is not empty.
bool IsHostAndPort(std::string_view text) {
  const size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  unsigned port = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + colon + 1, end, port);
  return error == std::errc() && stop == end && port <= 65535;
}

}  // namespace

Status CheckClusterName(std::string_view name) {
  constexpr std::string_view kAllowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  const bool good = !name.empty() && name.size() <= 64 && name.front() != '.' &&
                    name.find_first_not_of(kAllowed) == std::string_view::npos;
  if (good) return OkStatus();
  return Error(Reason::kConfig,
               fmt::format("\"{}\" becomes part of file names: use up to 64 letters, digits, '.', '_' and "
                           "'-', not beginning with '.'",
                           name));
}

Status CheckEndpoint(std::string_view url) {
  const size_t scheme_end = url.find("://");
  const std::string_view scheme = scheme_end == std::string_view::npos ? "" : url.substr(0, scheme_end);
  const std::string_view rest = scheme_end == std::string_view::npos ? url : url.substr(scheme_end + 3);
  const bool network = scheme.empty() || scheme == "http" || scheme == "https";
  if ((network && IsHostAndPort(rest)) || (scheme == "unix" && rest.starts_with('/'))) return OkStatus();
  return Error(Reason::kConfig,
               fmt::format("\"{}\" is not a client URL; write https://HOST:PORT or http://HOST:PORT", url));
}

Status CheckListen(std::string_view address) {
  if (IsHostAndPort(address) || (address.starts_with(':') && IsHostAndPort(fmt::format("all{}", address)))) {
    return OkStatus();
  }
  return Error(Reason::kConfig,
               fmt::format("\"{}\" is not HOST:PORT, such as 127.0.0.1:9379, [::1]:9379 or :9379", address));
}

Status CheckExpression(std::string_view text) {
  const RE2 expression(re2::StringPiece(text.data(), text.size()), RE2::Quiet);
  return expression.ok() ? OkStatus() : Error(Reason::kConfig, expression.error());
}

Result<uint64_t> ParseCount(std::string_view text) {
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error == std::errc() && end == text.data() + text.size()) return count;
  return Error(Reason::kConfig, fmt::format("\"{}\" is not a number", text));
}

Result<double> ParsePercent(std::string_view text) {
  if (text.ends_with('%')) {
    const Result<uint64_t> percent = ParseCount(text.substr(0, text.size() - 1));
    if (percent.ok() && *percent <= 100) return static_cast<double>(*percent) / 100;
  }
  return Error(Reason::kConfig, fmt::format("\"{}\" is not a share from 0% to 100%", text));
}

Result<uint64_t> ParseParts(std::string_view text) {
  if (text == "none") return 0;
  constexpr std::string_view kOneOf = "1/";
  if (text.starts_with(kOneOf)) {
    const Result<uint64_t> parts = ParseCount(text.substr(kOneOf.size()));
    if (parts.ok() && *parts > 0) return parts;
  }
  return Error(Reason::kConfig, fmt::format("\"{}\" is not a part of all, such as 1/7, or none", text));
}

Result<bool> ParseBool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Error(Reason::kConfig, fmt::format("\"{}\" is neither true nor false", text));
}

}  // namespace etcdrill::config
