// What a failed gRPC call means. gRPC's codes alone do not tell: etcd up to 3.5 answers some calls with Unknown where
// it means "permission denied", and Unavailable is both "no leader" and "nobody listens". So the texts are matched too:
// etcd's begin with "etcdserver:" or "auth:" (formats.md 3.7), all others come from gRPC or TLS.
#pragma once

#include <grpcpp/support/status.h>

#include <stop_token>
#include <string_view>

#include "base/status.h"
#include "etcd/address.h"

namespace etcdrill::etcd {

// `call` is what was tried, for the message: "Snapshot". `status` must not be OK. kInterrupted if `stop` was requested,
// because then the call was cancelled by us.
Status FromGrpc(const grpc::Status& status, const Address& address, std::string_view call, const std::stop_token& stop);

// The token is expired or unknown to this member, the auth rules changed since it was made, or there was none and one
// is needed by now: logging in again may help.
bool NeedsNewLogin(const grpc::Status& status);

// The answer of Authenticate where auth is not switched on.
bool AuthIsOff(const grpc::Status& status);

}  // namespace etcdrill::etcd
