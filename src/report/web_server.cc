// Start in the order of the way out, end in reverse.
#include "report/web_server.h"

#include "report/front/front.h"
#include "report/front/listen.h"
#include "report/http_server.h"
#include "report/web_guard.h"

namespace etcdrill::report {
namespace {

class RunningWebServer final : public WebServer {
 public:
  RunningWebServer(std::unique_ptr<WebGuard> guard, std::vector<Route> routes)
      : guard_(std::move(guard)),
        router_(
            std::move(routes), [this](const HttpRequest& request) { return guard_->Refuse(request); },
            [this] { return guard_->ExtraHeaders(); }) {}

  Status Open(const Context& context, const std::string& listen) {
    ASSIGN_OR_RETURN(std::vector<Fd> listeners, Listen(listen));
    port_ = ListeningPort(listeners.front());
    ASSIGN_OR_RETURN(http_,
                     HttpServer::Start([this](const HttpRequest& r) { return router_.Answer(r); }, context.random));
    ASSIGN_OR_RETURN(
        front_, Front::Start(
                    std::move(listeners), *http_, [this](int fd) { return guard_->ChannelFor(fd); }, context.clock));
    return OkStatus();
  }

  int port() const override { return port_; }
  std::optional<WallTime> CertificateEnd() const override { return guard_->CertificateEnd(); }

 private:
  const std::unique_ptr<WebGuard> guard_;
  const Router router_;
  int port_ = 0;
  std::unique_ptr<HttpServer> http_;
  std::unique_ptr<Front> front_;
};

}  // namespace

Result<std::unique_ptr<WebServer>> WebServer::Start(const Context& context, const config::WebSettings& web,
                                                    std::vector<Route> routes) {
  ASSIGN_OR_RETURN(auto guard, WebGuard::Create(context, web.config_file));
  auto server = std::make_unique<RunningWebServer>(std::move(guard), std::move(routes));
  RETURN_IF_ERROR(server->Open(context, web.listen));
  return server;
}

}  // namespace etcdrill::report
