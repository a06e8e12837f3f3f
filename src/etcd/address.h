// How people write an endpoint, and what gRPC wants to hear. No name is resolved here.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace etcdrill::etcd {

struct Address {
  std::string written;  // as configured, for messages (Url::text)
  std::string target;   // a gRPC target URI
  bool tls = false;
};

// Accepts what ParseClientUrl (base/url.h) does; a bare host:port is TLS if `tls_by_default`.
Result<Address> ParseAddress(std::string_view text, bool tls_by_default);

}  // namespace etcdrill::etcd
