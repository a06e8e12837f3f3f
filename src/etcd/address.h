// How people write an endpoint, and what gRPC wants to hear. No name is resolved here.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace etcdrill::etcd {

struct Address {
  std::string written;  // as configured, for messages
  std::string target;   // a gRPC target URI
  bool tls = false;
};

// Accepts https://host:port, http://host:port, host:port (then TLS if `tls_by_default`) and unix:///path; an IPv6
// address stands in brackets. Anything else is kUsage.
Result<Address> ParseAddress(std::string_view text, bool tls_by_default);

}  // namespace etcdrill::etcd
