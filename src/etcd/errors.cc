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
            "the user lacks the role root, which snapshots and hashes need (`etcdctl user "
            "grant-role USER root`), or one that may read this key"},
    Meaning{"user name is empty", Reason::kAuth,
            "etcd has auth switched on: configure a user and its password"},
    Meaning{"invalid user ID or password", Reason::kAuth, "check the user name and the password"},
    Meaning{"invalid auth token", Reason::kAuth, "etcd refuses the token it has just given out"},
    Meaning{"revision of auth store is old", Reason::kAuth,
            "users or roles are being changed; try again"},
    Meaning{"revision in header is old", Reason::kAuth,
            "users or roles are being changed; try again"},
    Meaning{"request timed out", Reason::kTimeout,
            "the cluster has lost its quorum, or its disks are too slow"},
    Meaning{"no leader", Reason::kEtcdError,
            "the cluster has lost its quorum, or this member the others"},
    Meaning{"not supported for learner", Reason::kEtcdError, "ask a voting member"},
    Meaning{"", Reason::kEtcdError, ""},
};

constexpr std::string_view kHungUp =
    "the server hung up during the TLS handshake: it wants a client certificate, or another one, "
    "or this is a plaintext port (then write http://)";
constexpr std::array kTlsFailures = {
    Meaning{"certificate verify failed", Reason::kTls,
            "the server's certificate is not signed by the configured CA, has expired, or is not "
            "valid yet"},
    Meaning{"Hostname Verification", Reason::kTls,
            "the server's certificate is made out for another name; if that is right, set "
            "server_name to it"},
    Meaning{"Failed to create security handshaker", Reason::kTls,
            "the client's certificate and key do not belong together, or a certificate file is "
            "damaged"},
    Meaning{"wrong version number", Reason::kTls,
            "this looks like a plaintext port: write http://"},
    Meaning{"handshake failed", Reason::kTls, ""},
    Meaning{"Handshake read failed", Reason::kConnect, "the host is down, hangs, or is cut off"},
    Meaning{"Socket closed", Reason::kTls, kHungUp},
    Meaning{"Connection reset", Reason::kTls, kHungUp},
    Meaning{"Broken pipe", Reason::kTls, kHungUp},
    Meaning{"Endpoint read failed", Reason::kTls, kHungUp},
};

constexpr std::array kConnectFailures = {
    Meaning{"Connection refused", Reason::kConnect, "does etcd run, and listen there?"},
    Meaning{"No such file", Reason::kConnect, "does etcd run, and listen there?"},
    Meaning{"timed out", Reason::kConnect, "the host is down, hangs, or is cut off"},
    Meaning{"handshaker shutdown", Reason::kConnect, "the host is down, hangs, or is cut off"},
    Meaning{"DNS resolution failed", Reason::kConnect,
            "check the host name, and whether its name server answers"},
    Meaning{"Socket closed", Reason::kConnect,
            "the server hung up at once; does it expect https://?"},
    Meaning{"Connection reset", Reason::kConnect,
            "the server hung up at once; does it expect https://?"},
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
  return Error(meaning.reason, "{}: {}{}{}", what, Said(text), meaning.advice.empty() ? "" : "; ",
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
  if (cause.empty())
    return Error(Reason::kConnect, "{}: the connection broke: {}", what, Said(text));
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
               "{}: {}: not connected in time; {}the host is down, hangs, or is cut off",
               address.written, call, by_name ? "the name server does not answer, or " : "");
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
          what + ": no answer in time; the member hangs, is overloaded, or has lost its quorum");
    case grpc::StatusCode::UNAVAILABLE:
      return ErrorOnTheWay(text, address, what);
    case grpc::StatusCode::UNIMPLEMENTED:
      return Error(Reason::kEtcdError, "{}: {}; is this etcd's client port?", what, Said(text));
    default:
      return Error(Reason::kEtcdError, "{}: {} (gRPC status {})", what, Said(text),
                   static_cast<int>(status.error_code()));
  }
}

}  // namespace etcdrill::etcd
