// No request here has a use for a body: a small one is ignored, as a client may send an empty JSON
// object with its POST; a large one, or one of unknown length, is refused unread.
#include "http/router.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "http/gzip.h"

namespace etcdrill::http {
namespace {

constexpr uint64_t kBodyBytesMax = 4096;
constexpr size_t kWorthCompressing = 1024;

Response Plain(int status, std::string text, Headers headers = {}) {
  return {.status = status, .body = std::move(text), .headers = std::move(headers)};
}

// Two lengths, or a length and chunks: what one server takes for a body, another takes for the next
// request.
std::optional<Response> RefuseBody(const Request& request) {
  const auto lengths = request.Values("Content-Length");
  const bool chunked = !request.Values("Transfer-Encoding").empty();
  if (lengths.size() > 1 || (chunked && !lengths.empty()))
    return Plain(400, "ambiguous body length\n");
  if (chunked) return Plain(413, "request body not allowed\n");
  if (lengths.empty()) return std::nullopt;
  uint64_t length = 0;
  const char* end = lengths[0].data() + lengths[0].size();
  const auto [stop, error] = std::from_chars(lengths[0].data(), end, length);
  if (stop != end || error == std::errc::invalid_argument)
    return Plain(400, "Content-Length is not a number\n");
  if (error != std::errc() || length > kBodyBytesMax)
    return Plain(413, "request body not allowed\n");
  return std::nullopt;
}

bool IsAllowed(Route::Kind kind, std::string_view method) {
  return kind == Route::Kind::kPage ? method == "GET" || method == "HEAD"
                                    : method == "POST" || method == "PUT";
}

void SetDefault(Headers& headers, std::string name, std::string value) {
  const bool there = std::ranges::any_of(headers, [&](const auto& h) { return h.first == name; });
  if (!there) headers.emplace_back(std::move(name), std::move(value));
}

void Compress(const Request& request, Response& response) {
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (response.body.size() < kWorthCompressing || !AcceptsGzip(request.Value("Accept-Encoding")))
    return;
  response.body = Gzip(response.body);
  response.headers.emplace_back("Content-Encoding", "gzip");
}

}  // namespace

Response Router::Dispatch(const Request& request) const {
  if (auto refused = guard_(request)) return *std::move(refused);
  if (auto refused = RefuseBody(request)) return *std::move(refused);
  const auto route = std::ranges::find(routes_, request.path, &Route::path);
  if (route == routes_.end()) return Plain(404, "not found\n");
  if (!IsAllowed(route->kind, request.method)) {
    const bool is_page = route->kind == Route::Kind::kPage;
    return Plain(405, is_page ? "use GET\n" : "use POST\n",
                 {{"Allow", is_page ? "GET, HEAD" : "POST, PUT"}});
  }
  // A browser sends Origin with each POST of a page. No page has business with an action: this is a
  // foreign one.
  if (route->kind == Route::Kind::kAction && !request.Values("Origin").empty()) {
    return Plain(403, "requests from web pages are not allowed\n");
  }
  return route->handler(request);
}

Response Router::Answer(const Request& request) const {
  Response response = Dispatch(request);
  for (auto& [name, value] : headers_()) {
    std::erase_if(response.headers, [&name = name](const auto& h) { return h.first == name; });
    response.headers.emplace_back(name, value);
  }
  SetDefault(response.headers, "Cache-Control", "no-store");
  SetDefault(response.headers, "X-Content-Type-Options", "nosniff");
  SetDefault(response.headers, "X-Frame-Options", "deny");
  SetDefault(response.headers, "Content-Security-Policy",
             "default-src 'none'; frame-ancestors 'none'");
  SetDefault(response.headers, "Referrer-Policy", "no-referrer");
  Compress(request, response);
  return response;
}

}  // namespace etcdrill::http
