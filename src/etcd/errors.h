// What a failed gRPC call means. gRPC's codes alone do not tell: etcd up to 3.5 answers some calls
// with Unknown where it means "permission denied", and Unavailable is both "no leader" and "nobody
// listens". So the texts are matched too: etcd's begin with "etcdserver:" or "auth:"
// (docs/dev/formats.md §3.7), all others come from gRPC or TLS.
#pragma once

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/status.h"
#include "etcd/address.h"

namespace etcdrill::etcd {

// A text of a server, for people: printable, and at most 256 bytes of it.
std::string Said(std::string_view text);

// `call` is what was tried over `connection`, for the message: "Snapshot". `status` must not be OK.
// kInterrupted if `stop` was requested, because then the call was cancelled by us. A call whose
// time is up is kTimeout if it was connected, else kConnect.
Status FromGrpc(const grpc::Status& status, const Address& address, std::string_view call,
                const std::shared_ptr<grpc::Channel>& connection, const std::stop_token& stop);

// kConnect: there was no connection in the time that there was. Nothing if there is one by now.
Status NotConnectedInTime(const Address& address, std::string_view call,
                          const std::shared_ptr<grpc::Channel>& connection);

// The token is expired or unknown to this member, the auth rules changed since it was made, or
// there was none and one is needed by now: logging in again may help.
bool NeedsNewLogin(const grpc::Status& status);

// The answer of Authenticate where auth is not switched on.
bool AuthIsOff(const grpc::Status& status);

}  // namespace etcdrill::etcd
