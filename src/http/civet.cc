// Everything is answered in begin_request, the first thing that CivetWeb calls for a request it
// could parse: none of its own features (files, redirects, CORS, authorization, prefix routes) is
// ever reached.
//
// A loopback port can be connected to by every process of this machine. Two things keep them out:
// the connections that are ours come from an address of 127/8 drawn at start, all others are closed
// when they are accepted, before they cost a thread; and a request is answered only if it comes
// from a port that a connection of ours holds, which nobody else can have as long as it does.
#include "http/civet.h"

#include <civetweb.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>

#include "http/front/listen.h"

namespace etcdrill::http {
namespace {

constexpr const char* kThreads = "8";
constexpr const char* kRequestTimeoutMs = "1000";  // the front sends whole requests
constexpr const char* kRequestBytesMax = "16384";  // twice what the front lets through

sockaddr_in Loopback(uint32_t host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(host);
  return address;
}

// 127.x.y.z, but for 127.0.0.z, which others use.
uint32_t DrawSourceAddress(Random& random) {
  const auto low = static_cast<uint32_t>(random.Next() % 0xfe0000);
  return (uint32_t{127} << 24) | (0x010000 + low);
}

class CivetHttpServer final : public CivetServer {
 public:
  CivetHttpServer(Handler handler, uint32_t source)
      : handler_(std::move(handler)), source_(source) {}
  ~CivetHttpServer() override;

  Status Listen();
  Result<Fd> Connect() override;
  void Disconnect(Fd connection) override;

 private:
  static int OnRequest(mg_connection* connection);
  static int OnError(mg_connection* connection, int status, const char* message);
  bool IsOurs(int remote_port);

  const Handler handler_;
  const uint32_t source_;
  mg_context* server_ = nullptr;
  int port_ = 0;
  std::mutex mutex_;
  std::set<int> ports_;  // of our connections; guarded by mutex_
};

// mg_stop() waits for the threads; the one that accepts looks up only every two seconds, or when
// somebody connects.
CivetHttpServer::~CivetHttpServer() {
  if (server_ != nullptr) {
    const std::jthread waker([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        if (auto connection = Connect(); connection.ok()) Disconnect(*std::move(connection));
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      }
    });
    mg_stop(server_);
  }
  mg_exit_library();
}

Status CivetHttpServer::Listen() {
  mg_init_library(0);
  const std::string allowed = fmt::format("-0.0.0.0/0,+127.{}.{}.{}", source_ >> 16 & 0xff,
                                          source_ >> 8 & 0xff, source_ & 0xff);
  const char* options[] = {"listening_ports",
                           "127.0.0.1:0",
                           "num_threads",
                           kThreads,
                           "request_timeout_ms",
                           kRequestTimeoutMs,
                           "max_request_size",
                           kRequestBytesMax,
                           "access_control_list",
                           allowed.c_str(),
                           "decode_url",
                           "no",
                           nullptr};
  mg_callbacks callbacks{};
  callbacks.begin_request = OnRequest;
  callbacks.http_error = OnError;
  callbacks.log_message = [](const mg_connection*, const char*) { return 1; };  // we log ourselves
  server_ = mg_start(&callbacks, this, options);
  mg_server_port port{};
  if (server_ == nullptr || mg_get_server_ports(server_, 1, &port) != 1) {
    return Error(Reason::kConfig,
                 "cannot open a port on 127.0.0.1. Check that the loopback interface is up");
  }
  port_ = port.port;
  return OkStatus();
}

Result<Fd> CivetHttpServer::Connect() {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return ErrorFromErrno(errno, "socket", "loopback");
  const sockaddr_in target = Loopback(INADDR_LOOPBACK, port_);
  sockaddr_in self = Loopback(source_, 0);
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);  // chosen at connect
  const std::lock_guard lock(mutex_);  // IsOurs() may be asked before connect() returns
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&self), sizeof self) != 0 ||
      (connect(fd.get(), reinterpret_cast<const sockaddr*>(&target), sizeof target) != 0 &&
       errno != EINPROGRESS)) {
    return ErrorFromErrno(errno, "connect", "loopback");
  }
  ports_.insert(LocalPort(fd));
  return fd;
}

void CivetHttpServer::Disconnect(Fd connection) {
  const std::lock_guard lock(mutex_);
  ports_.erase(LocalPort(connection));  // before it is closed
}

bool CivetHttpServer::IsOurs(int remote_port) {
  const std::lock_guard lock(mutex_);
  return ports_.contains(remote_port);
}

int CivetHttpServer::OnRequest(mg_connection* connection) {
  constexpr int kAnswered = 1;
  const mg_request_info& info = *mg_get_request_info(connection);
  auto& self = *static_cast<CivetHttpServer*>(info.user_data);
  if (!self.IsOurs(info.remote_port)) return kAnswered;  // silence
  Request request{.method = info.request_method, .path = info.request_uri, .headers = {}};
  for (int i = 0; i < info.num_headers; ++i) {
    request.headers.emplace_back(info.http_headers[i].name, info.http_headers[i].value);
  }
  const std::string bytes = Serialize(self.handler_(request), request.method != "HEAD");
  mg_write(connection, bytes.data(), bytes.size());
  return kAnswered;
}

// What CivetWeb could not make a request of.
int CivetHttpServer::OnError(mg_connection* connection, int status, const char* message) {
  constexpr int kHandled = 0;
  const mg_request_info& info = *mg_get_request_info(connection);
  if (!static_cast<CivetHttpServer*>(info.user_data)->IsOurs(info.remote_port)) return kHandled;
  const std::string bytes =
      Serialize({.status = status, .body = fmt::format("{}\n", message)}, true);
  mg_write(connection, bytes.data(), bytes.size());
  return kHandled;
}

}  // namespace

Result<std::unique_ptr<CivetServer>> CivetServer::Start(Handler handler, Random& random) {
  auto server = std::make_unique<CivetHttpServer>(std::move(handler), DrawSourceAddress(random));
  RETURN_IF_ERROR(server->Listen());
  return server;
}

}  // namespace etcdrill::http
