// RFC 9110 and 9112, as far as a server needs them that answers one request per connection.
#include "http/message.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <array>
#include <utility>

namespace etcdrill::http {
namespace {

bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

constexpr auto kStatusTexts = std::to_array<std::pair<int, std::string_view>>({
    {200, "OK"},
    {202, "Accepted"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
});

std::string_view StatusText(int status) {
  const auto at =
      std::ranges::find(kStatusTexts, status, [](const auto& known) { return known.first; });
  return at == kStatusTexts.end() ? "Error" : at->second;
}

}  // namespace

std::vector<std::string_view> Request::Values(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : headers) {
    if (SameName(key, name)) values.push_back(value);
  }
  return values;
}

std::string_view Request::Value(std::string_view name) const {
  const auto values = Values(name);
  return values.empty() ? std::string_view() : values.front();
}

std::string Serialize(const Response& response, bool with_body) {
  std::string out = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n",
      response.status, StatusText(response.status), response.content_type, response.body.size());
  for (const auto& [name, value] : response.headers) out += fmt::format("{}: {}\r\n", name, value);
  out += "\r\n";
  if (with_body) out += response.body;
  return out;
}

}  // namespace etcdrill::http
