// See errors.h. gRPC's texts are those of 1.51, found by trying; a text that is not known here
// still gets the reason of its status code, only without advice.
#include "etcd/errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "base/bytes.h"

namespace etcdrill::etcd {
namespace {

// What a text means that contains `part`, and what to do about it. The first match counts; an empty
// part matches all.
struct Meaning {
  std::string_view part;
  Reason reason;
  std::string_view advice;
};

constexpr std::array kEtcdSays = {
    Meaning{"permission denied", Reason::kPermission,
            "Snapshots and hashes need the role root: `etcdctl user grant-role USER root`. Other "
            "reads need a role that can read the key"},
    Meaning{"user name is empty", Reason::kAuth,
            "etcd requires authentication. Configure a user and its password"},
    Meaning{"invalid user ID or password", Reason::kAuth, "Check the user name and the password"},
    Meaning{"invalid auth token", Reason::kAuth, "etcd rejected the token that it had just issued"},
    Meaning{"revision of auth store is old", Reason::kAuth,
            "Users or roles are changing. Try again"},
    Meaning{"revision in header is old", Reason::kAuth, "Users or roles are changing. Try again"},
    Meaning{"request timed out", Reason::kTimeout,
            "The cluster has lost its quorum, or its disks are too slow"},
    Meaning{"no leader", Reason::kEtcdError,
            "The cluster has lost its quorum, or this member is disconnected from the others"},
    Meaning{"not supported for learner", Reason::kEtcdError, "Use the endpoint of a voting member"},
    Meaning{"", Reason::kEtcdError, ""},
};

constexpr std::string_view kHungUp =
    "The server closed the connection during the TLS handshake. Configure a client certificate "
    "that the server accepts, or write http:// for a plaintext port";
constexpr std::array kTlsFailures = {
    Meaning{"certificate verify failed", Reason::kTls,
            "The server's certificate is not signed by the configured CA, has expired, or is not "
            "valid yet"},
    Meaning{"Hostname Verification", Reason::kTls,
            "The server's certificate is issued for another name. If that name is correct, set "
            "server_name to it"},
    Meaning{"Failed to create security handshaker", Reason::kTls,
            "The client certificate and key do not match, or a certificate file is damaged"},
    Meaning{"wrong version number", Reason::kTls, "The port seems to be plaintext. Write http://"},
    Meaning{"handshake failed", Reason::kTls, ""},
    Meaning{"Handshake read failed", Reason::kConnect,
            "The host is down, hangs, or is unreachable"},
    Meaning{"Socket closed", Reason::kTls, kHungUp},
    Meaning{"Connection reset", Reason::kTls, kHungUp},
    Meaning{"Broken pipe", Reason::kTls, kHungUp},
    Meaning{"Endpoint read failed", Reason::kTls, kHungUp},
};

constexpr std::array kConnectFailures = {
    Meaning{"Connection refused", Reason::kConnect,
            "Check that etcd runs and listens at this address"},
    Meaning{"No such file", Reason::kConnect, "Check that etcd runs and listens at this address"},
    Meaning{"timed out", Reason::kConnect, "The host is down, hangs, or is unreachable"},
    Meaning{"handshaker shutdown", Reason::kConnect, "The host is down, hangs, or is unreachable"},
    Meaning{"DNS resolution failed", Reason::kConnect, "Check the host name and the name server"},
    Meaning{"Socket closed", Reason::kConnect,
            "The server closed the connection at once. Try https://"},
    Meaning{"Connection reset", Reason::kConnect,
            "The server closed the connection at once. Try https://"},
    Meaning{"", Reason::kConnect, ""},
};

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

const Meaning* Find(std::span<const Meaning> meanings, std::string_view text) {
  const auto found = std::ranges::find_if(
      meanings, [text](const Meaning& meaning) { return Contains(text, meaning.part); });
  return found == meanings.end() ? nullptr : &*found;
}

Status Explain(const Meaning& meaning, std::string_view what, std::string_view text) {
  return Error(meaning.reason, "{}: {}{}{}", what, Said(text), meaning.advice.empty() ? "" : ". ",
               meaning.advice);
}

// "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.1:2379: CAUSE" -> "CAUSE".
// Empty if the text is not about a connection that could not be made.
std::string_view CauseOfFailedConnect(std::string_view text) {
  constexpr std::string_view kLast = "last error: ";
  if (Contains(text, "DNS resolution failed")) return text;
  size_t at = text.rfind(kLast);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + kLast.size());
  for (int part = 0; part < 2 && (at = text.find(": ")) != std::string_view::npos; ++part)
    text.remove_prefix(at + 2);
  return text;
}

Status ErrorOnTheWay(std::string_view text, const Address& address, std::string_view what) {
  const std::string_view cause = CauseOfFailedConnect(text);
  if (cause.empty()) return Error(Reason::kConnect, "{}: connection lost: {}", what, Said(text));
  const Meaning* meaning = address.tls ? Find(kTlsFailures, cause) : nullptr;
  if (meaning == nullptr) meaning = Find(kConnectFailures, cause);
  return Explain(*meaning, what, cause);
}

}  // namespace

bool NeedsNewLogin(const grpc::Status& status) {
  const std::string text = status.error_message();
  return Contains(text, "invalid auth token") || Contains(text, "revision of auth store is old") ||
         Contains(text, "revision in header is old") || Contains(text, "user name is empty");
}

bool AuthIsOff(const grpc::Status& status) {
  return Contains(status.error_message(), "authentication is not enabled");
}

std::string Said(std::string_view text) {
  constexpr size_t kTextMax = 256;
  return Printable(text, kTextMax);
}

Status NotConnectedInTime(const Address& address, std::string_view call,
                          const std::shared_ptr<grpc::Channel>& connection) {
  if (connection->GetState(false) == GRPC_CHANNEL_READY) return OkStatus();
  const bool by_name = address.target.starts_with("dns:");
  return Error(Reason::kConnect,
               "{}: {}: not connected in time. {} host is down, hangs, or is unreachable",
               address.written, call, by_name ? "The name server does not answer, or the" : "The");
}

Status FromGrpc(const grpc::Status& status, const Address& address, std::string_view call,
                const std::shared_ptr<grpc::Channel>& connection, const std::stop_token& stop) {
  const std::string what = fmt::format("{}: {}", address.written, call);
  const std::string text = status.error_message();
  if (stop.stop_requested()) return Error(Reason::kInterrupted, what + ": interrupted");
  if (text.starts_with("etcdserver:") || text.starts_with("auth:"))
    return Explain(*Find(kEtcdSays, text), what, text);
  switch (status.error_code()) {
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      RETURN_IF_ERROR(NotConnectedInTime(address, call, connection));
      return Error(
          Reason::kTimeout,
          what + ": no answer in time. The member hangs, is overloaded, or has lost its quorum");
    case grpc::StatusCode::UNAVAILABLE:
      return ErrorOnTheWay(text, address, what);
    case grpc::StatusCode::UNIMPLEMENTED:
      return Error(Reason::kEtcdError, "{}: {}. Check that the endpoint is etcd's client port",
                   what, Said(text));
    default:
      return Error(Reason::kEtcdError, "{}: {} (gRPC status {})", what, Said(text),
                   static_cast<int>(status.error_code()));
  }
}

}  // namespace etcdrill::etcd
