// What is answered to what, without a socket.
#include "http/router.h"

#include <zlib.h>

#include "http/gzip.h"
#include "support/catch.h"

namespace etcdrill::http {
namespace {

using Catch::Matchers::ContainsSubstring;

Router TestRouter() {
  return Router({{Route::Kind::kPage, "/metrics",
                  [](const Request&) { return Response{.body = "the page"}; }},
                 {Route::Kind::kPage, "/long",
                  [](const Request&) { return Response{.body = std::string(5000, 'x')}; }},
                 {Route::Kind::kAction, "/-/drill", [](const Request&) {
                    return Response{202, "text/plain", "started\n"};
                  }}});
}

Response Ask(const std::string& method, const std::string& path, Headers headers = {}) {
  return TestRouter().Answer({method, path, std::move(headers)});
}

std::string HeaderOf(const Response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST_CASE("paths are exact") {
  CHECK(Ask("GET", "/metrics").body == "the page");
  for (const char* path :
       {"/metrics/", "/metrics/x", "/metricsx", "/", "", "//metrics", "/%6detrics", "/./metrics",
        "/../metrics", "/%2e%2e/metrics", "/%252e%252e/etc/passwd", "/..\\metrics", "/metrics%00",
        "http://host/metrics", "*", "/-/drill/", "/-/drill/x", "//-/drill", "/-/Drill"}) {
    CAPTURE(path);
    CHECK(Ask("GET", path).status == 404);
    CHECK(Ask("POST", path).status == 404);
  }
}

TEST_CASE("pages are read, actions are done, and the right way is told") {
  CHECK(Ask("HEAD", "/metrics").status == 200);
  CHECK(Ask("PUT", "/-/drill").status == 202);
  for (const char* method :
       {"POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "BREW"}) {
    CAPTURE(method);
    CHECK(Ask(method, "/metrics").status == 405);
    CHECK(HeaderOf(Ask(method, "/metrics"), "Allow") == "GET, HEAD");
  }
  for (const char* method : {"GET", "HEAD", "DELETE"}) {
    CAPTURE(method);
    CHECK(Ask(method, "/-/drill").status == 405);
    CHECK(HeaderOf(Ask(method, "/-/drill"), "Allow") == "POST, PUT");
  }
}

TEST_CASE("a small body is ignored, a large or endless one refused, an ambiguous one is an error") {
  CHECK(Ask("POST", "/-/drill", {{"Content-Length", "2"}}).status == 202);
  CHECK(Ask("POST", "/-/drill", {{"Content-Length", "4096"}}).status == 202);
  CHECK(Ask("POST", "/-/drill", {{"Content-Length", "4097"}}).status == 413);
  CHECK(Ask("POST", "/-/drill", {{"content-length", "99999999999999999999999"}}).status == 413);
  CHECK(Ask("POST", "/-/drill", {{"Transfer-Encoding", "chunked"}}).status == 413);
  for (const Headers& headers :
       {Headers{{"Content-Length", "2"}, {"Transfer-Encoding", "chunked"}},
        Headers{{"Content-Length", "2"}, {"content-length", "2"}},
        Headers{{"Content-Length", "2, 3"}}, Headers{{"Content-Length", "-1"}},
        Headers{{"Content-Length", "+1"}}, Headers{{"Content-Length", ""}},
        Headers{{"Content-Length", "0x10"}}}) {
    CHECK(Ask("POST", "/-/drill", headers).status == 400);
  }
}

TEST_CASE("no web page of elsewhere can start anything") {
  CHECK(Ask("POST", "/-/drill", {{"Origin", "https://evil.example"}}).status == 403);
  CHECK(Ask("POST", "/-/drill", {{"Origin", "null"}}).status == 403);
  CHECK(Ask("GET", "/metrics", {{"Origin", "https://evil.example"}}).status == 200);
  for (const auto& [name, value] :
       Ask("GET", "/metrics", {{"Origin", "https://evil.example"}}).headers) {
    CHECK_THAT(name, !Catch::Matchers::StartsWith("Access-Control"));
  }
}

TEST_CASE("the guard comes first, and its headers are on every answer") {
  const Router router(
      {},
      [](const Request&) {
        return Response{401, "text/plain", "who?\n"};
      },
      [] {
        return Headers{{"X-Frame-Options", "sameorigin"}};
      });
  const Response response =
      router.Answer({"POST", "/nonsense", {{"Transfer-Encoding", "chunked"}}});
  CHECK(response.status == 401);
  CHECK(HeaderOf(response, "X-Frame-Options") == "sameorigin");
  CHECK(HeaderOf(response, "X-Content-Type-Options") == "nosniff");
  CHECK(HeaderOf(response, "Cache-Control") == "no-store");
}

std::string Gunzip(const std::string& bytes) {
  z_stream stream{};
  REQUIRE(inflateInit2(&stream, 15 + 16) == Z_OK);
  std::string in = bytes;
  std::string out(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  REQUIRE(inflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  inflateEnd(&stream);
  return out;
}

TEST_CASE("gzip, for who wants it, where it is worth it") {
  const Response zipped = Ask("GET", "/long", {{"Accept-Encoding", "br, gzip;q=0.5"}});
  CHECK(HeaderOf(zipped, "Content-Encoding") == "gzip");
  CHECK(HeaderOf(zipped, "Vary") == "Accept-Encoding");
  CHECK(zipped.body.size() < 100);
  CHECK(Gunzip(zipped.body) == std::string(5000, 'x'));
  CHECK(Ask("GET", "/metrics", {{"Accept-Encoding", "gzip"}}).body == "the page");
  CHECK(Ask("GET", "/long").body.size() == 5000);
  CHECK(Gunzip(Gzip("")).empty());
  for (const char* refusal :
       {"", "gzip;q=0", "gzip; q=0.000", "deflate", "xgzip", "br;q=1, gzip ; q=0"}) {
    CAPTURE(refusal);
    CHECK_FALSE(AcceptsGzip(refusal));
  }
}

}  // namespace
}  // namespace etcdrill::http
