// HTTP/1.1 on CivetWeb, for ourselves only: it listens on a loopback port and answers nobody but
// who came through Connect(). What listens to the world is front/, because Debian's CivetWeb has no
// IPv6, must not be handed a certificate (it crashes with OpenSSL 3), and gives a thread to each
// slow client (docs/dev/adr/0013-tls-front.md).
#pragma once

#include <memory>

#include "base/random.h"
#include "base/status.h"
#include "http/message.h"
#include "io/fd.h"

namespace etcdrill::http {

class CivetServer {
 public:
  // `handler` is called on any of a few threads, with requests that are whole.
  static Result<std::unique_ptr<CivetServer>> Start(Handler handler, Random& random);
  virtual ~CivetServer() = default;  // no handler runs after this

  // A new connection for one request; non-blocking, and perhaps not established yet. The request
  // must be sent at once: the server waits a second for it. Safe for use from any thread.
  virtual Result<Fd> Connect() = 0;
  // Gives such a connection back, answered or not.
  virtual void Disconnect(Fd connection) = 0;
};

}  // namespace etcdrill::http
