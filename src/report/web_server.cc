// Start in the order of the way out, end in reverse.
#include "report/web_server.h"

#include "report/front/front.h"
#include "report/front/listen.h"
#include "report/http_server.h"

namespace etcdrill::report {
namespace {

class RunningWebServer final : public WebServer {
 public:
  explicit RunningWebServer(Router router) : router_(std::move(router)) {}

  Status Open(const Context& context, const std::string& listen) {
    ASSIGN_OR_RETURN(std::vector<Fd> listeners, Listen(listen));
    port_ = ListeningPort(listeners.front());
    ASSIGN_OR_RETURN(http_,
                     HttpServer::Start([this](const HttpRequest& r) { return router_.Answer(r); }, context.random));
    ASSIGN_OR_RETURN(front_, Front::Start(std::move(listeners), *http_, MakePlainChannel, context.clock));
    return OkStatus();
  }

  int port() const override { return port_; }

 private:
  const Router router_;
  int port_ = 0;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<Front> front_;
};

}  // namespace

Result<std::unique_ptr<WebServer>> WebServer::Start(const Context& context, const std::string& listen, Router router) {
  auto server = std::make_unique<RunningWebServer>(std::move(router));
  RETURN_IF_ERROR(server->Open(context, listen));
  return server;
}

}  // namespace etcdrill::report
