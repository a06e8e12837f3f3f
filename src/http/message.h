// A request and an answer, as plain data: what the router and the handlers see of HTTP.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace etcdrill::http {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method;
  std::string path;  // as it was sent, so "/%6detrics" is not "/metrics"; without the query
  Headers headers;

  // All values of a header, whatever the case of its name.
  std::vector<std::string_view> Values(std::string_view name) const;
  // The first one; empty if there is none.
  std::string_view Value(std::string_view name) const [[clang::lifetimebound]];
};

struct Response {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  Headers headers = {};  // beside Content-Type and Content-Length
};

using Handler = std::function<Response(const Request&)>;

// The answer as it goes over the wire, the last one on its connection.
std::string Serialize(const Response& response, bool with_body);

}  // namespace etcdrill::http
