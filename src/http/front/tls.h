// TLS as web.config_file wants it, on OpenSSL: 1.2 and 1.3, forward-secret and authenticated
// ciphers, client certificates.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/status.h"
#include "crypto/certificate.h"
#include "http/front/channel.h"
#include "http/web_config.h"
#include "io/file_system.h"

struct ssl_ctx_st;

namespace etcdrill::http {

// What certificates and settings become; never changed after, so safe for use from any thread. A
// connection keeps what it was made with.
class TlsServer {
 public:
  // kTls if a file can't be read or does not fit.
  static Result<std::shared_ptr<const TlsServer>> Create(FileSystem& fs, const WebTls& tls);

  std::unique_ptr<Channel> NewChannel(int fd) const;
  // Of all certificates in our chain, the one that ends first.
  const Validity& certificate() const [[clang::lifetimebound]] { return certificate_; }

 private:
  struct Deleter {
    void operator()(ssl_ctx_st* context) const;
  };
  class Builder;
  TlsServer();

  std::unique_ptr<ssl_ctx_st, Deleter> context_;
  Validity certificate_;
  std::vector<std::string> allowed_sans_;
  bool verifies_ = false;
};

}  // namespace etcdrill::http
