// One catch-all handler does the routing, because CivetWeb's own routes are prefixes ("/metrics" would answer
// "/metrics/x"). The pool and the timeout are chosen against slow clients: with 16 threads and 5 s, a dozen that send
// half a request do not keep a scrape waiting (monitoring.md 0.3).
#include "report/http_server.h"

#include <CivetServer.h>
#include <fmt/format.h>

namespace etcdrill::report {
namespace {

constexpr const char* kThreads = "16";
constexpr const char* kRequestTimeoutMs = "5000";
constexpr const char* kRequestBytesMax = "8192";

std::string_view StatusText(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 503:
      return "Service Unavailable";
    default:
      return "Error";
  }
}

class Router final : public CivetHandler {
 public:
  explicit Router(std::vector<Route> routes) : routes_(std::move(routes)) {}

  bool handleGet(CivetServer*, mg_connection* connection) override { return Answer(connection, /*with_body=*/true); }
  bool handleHead(CivetServer*, mg_connection* connection) override { return Answer(connection, /*with_body=*/false); }
  bool handlePost(CivetServer*, mg_connection* connection) override { return Refuse(connection); }
  bool handlePut(CivetServer*, mg_connection* connection) override { return Refuse(connection); }
  bool handleDelete(CivetServer*, mg_connection* connection) override { return Refuse(connection); }
  bool handleOptions(CivetServer*, mg_connection* connection) override { return Refuse(connection); }
  bool handlePatch(CivetServer*, mg_connection* connection) override { return Refuse(connection); }

 private:
  const Route* Find(mg_connection* connection) const {
    const std::string_view path = mg_get_request_info(connection)->local_uri;
    for (const Route& route : routes_) {
      if (route.path == path) return &route;
    }
    return nullptr;
  }

  bool Answer(mg_connection* connection, bool with_body) const {
    const Route* route = Find(connection);
    Send(connection,
         route != nullptr ? route->handler() : HttpResponse{404, "text/plain; charset=utf-8", "not found\n"}, with_body,
         "");
    return true;
  }

  bool Refuse(mg_connection* connection) const {
    const bool known = Find(connection) != nullptr;
    Send(connection, {known ? 405 : 404, "text/plain; charset=utf-8", known ? "use GET\n" : "not found\n"}, true,
         known ? "Allow: GET, HEAD\r\n" : "");
    return true;
  }

  static void Send(mg_connection* connection, const HttpResponse& response, bool with_body,
                   std::string_view extra_header) {
    const std::string head = fmt::format(
        "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\n{}Connection: close\r\n"
        "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\r\n",
        response.status, StatusText(response.status), response.content_type, response.body.size(), extra_header);
    mg_write(connection, head.data(), head.size());
    if (with_body) mg_write(connection, response.body.data(), response.body.size());
  }

  const std::vector<Route> routes_;
};

class CivetHttpServer final : public HttpServer {
 public:
  CivetHttpServer(const std::vector<std::string>& options, std::vector<Route> routes)
      : router_(std::move(routes)), server_(options) {
    server_.addHandler("", router_);
  }
  // CivetWeb waits for its threads, so no handler runs after this.
  ~CivetHttpServer() override { server_.close(); }

  int port() const override {
    mg_server_port ports[1];
    return mg_get_server_ports(server_.getContext(), 1, ports) == 1 ? ports[0].port : 0;
  }

 private:
  Router router_;
  CivetServer server_;
};

Status CheckAddress(const std::string& listen) {
  const size_t colon = listen.rfind(':');
  const std::string port = colon == std::string::npos ? "" : listen.substr(colon + 1);
  const bool is_port = !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos;
  if (!is_port || listen.front() == '[') {
    return Error(Reason::kConfig,
                 fmt::format("web.listen \"{}\" is not IPv4-ADDRESS:PORT, such as 127.0.0.1:9379", listen));
  }
  return OkStatus();
}

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const std::string& listen, std::vector<Route> routes) {
  RETURN_IF_ERROR(CheckAddress(listen));
  const std::string ports = listen.front() == ':' ? listen.substr(1) : listen;
  try {
    return std::make_unique<CivetHttpServer>(
        std::vector<std::string>{"listening_ports", ports, "num_threads", kThreads, "request_timeout_ms",
                                 kRequestTimeoutMs, "max_request_size", kRequestBytesMax, "access_control_allow_origin",
                                 "", "enable_directory_listing", "no"},
        std::move(routes));
  } catch (const CivetException& e) {
    return Error(
        Reason::kConfig,
        fmt::format("can't listen on {}: is the port taken, or the address not this machine's? (web.listen)", listen));
  }
}

}  // namespace etcdrill::report
