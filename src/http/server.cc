// Start in the order of the way out, end in reverse.
#include "http/server.h"

#include "http/civet.h"
#include "http/front/front.h"
#include "http/front/listen.h"

namespace etcdrill::http {
namespace {

class RunningWebServer final : public Server {
 public:
  RunningWebServer(Guard& guard, std::vector<Route> routes)
      : guard_(guard),
        router_(
            std::move(routes), [this](const Request& request) { return guard_.Refuse(request); },
            [this] { return guard_.ExtraHeaders(); }) {}

  Status Open(const Context& context, const std::string& listen) {
    ASSIGN_OR_RETURN(std::vector<Fd> listeners, Listen(listen));
    port_ = LocalPort(listeners.front());
    ASSIGN_OR_RETURN(
        http_,
        CivetServer::Start([this](const Request& r) { return router_.Answer(r); }, context.random));
    ASSIGN_OR_RETURN(
        front_, Front::Start(
                    std::move(listeners),
                    [this, &log = context.log, listen] { return ListenAgain(log, listen); }, *http_,
                    [this](int fd) { return guard_.ChannelFor(fd); }, context.clock));
    return OkStatus();
  }

  int port() const override { return port_; }

 private:
  // On the front's thread.
  std::vector<Fd> ListenAgain(Logger& log, const std::string& listen) {
    auto listeners = Listen(listen);
    if (listeners.ok()) {
      log.Warn("HTTP listener restored", {{"listen", listen}});
    } else if (!lost_) {
      log.Error("HTTP listener lost, retrying", {{"err", MessageOf(listeners.status())}});
    }
    lost_ = !listeners.ok();
    return listeners.ok() ? *std::move(listeners) : std::vector<Fd>();
  }

  Guard& guard_;
  const Router router_;
  int port_ = 0;
  bool lost_ = false;  // and that was told
  std::unique_ptr<CivetServer> http_;
  std::unique_ptr<Front> front_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::Start(const Context& context, const std::string& listen,
                                              Guard& guard, std::vector<Route> routes) {
  auto server = std::make_unique<RunningWebServer>(guard, std::move(routes));
  RETURN_IF_ERROR(server->Open(context, listen));
  return server;
}

}  // namespace etcdrill::http
