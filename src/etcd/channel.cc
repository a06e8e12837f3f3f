// See channel.h. What the channel arguments mean: grpc/impl/codegen/grpc_types.h of gRPC 1.51.
#include "etcd/channel.h"

#include <grpc/support/log.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <chrono>

#include "etcd/call.h"
#include "etcd/errors.h"

namespace etcdrill::etcd {
namespace {

using namespace std::chrono_literals;

// A silent connection is noticed within their sum. etcd hangs up on pings that come faster than
// every 5 s.
constexpr Duration kKeepaliveEvery = 20s;
constexpr Duration kKeepaliveTimeout = 10s;
// A connection that nobody used for so long is made anew, so that each probe makes one:
// certificates that do not fit any more, or a name that leads nowhere, are noticed by the next
// probe, not when something else breaks the connection, weeks later. (gRPC 1.51 can close idle ones
// itself, but does so only once in a channel's life.)
constexpr Duration kIdleAfter = 1s;
constexpr Duration kShortestBackoff = 100ms;  // gRPC takes no less
constexpr Duration kResolveEvery = 2s;        // at most: an unreachable member may have moved
// gRPC's 4 MiB is less than what etcd may send: two values of 1.5 MiB each, with their keys,
// already come near.
constexpr int kMaxMessageBytes = 16 << 20;

std::shared_ptr<grpc::ChannelCredentials> Credentials(const ConnectionOptions& options,
                                                      const TlsFiles& files) {
  namespace tls = grpc::experimental;
  tls::TlsChannelCredentialsOptions tls_options;
  std::vector<tls::IdentityKeyCertPair> identity;
  if (!files.cert.empty()) identity.push_back({files.key, files.cert});
  if (!identity.empty() || !files.ca.empty()) {
    tls_options.set_certificate_provider(
        std::make_shared<tls::StaticDataCertificateProvider>(files.ca, identity));
  }
  if (!files.ca.empty()) tls_options.watch_root_certs();
  if (!identity.empty()) tls_options.watch_identity_key_cert_pairs();
  if (options.insecure_skip_verify) {
    tls_options.set_verify_server_certs(false);
    tls_options.set_check_call_host(false);
    tls_options.set_certificate_verifier(std::make_shared<tls::NoOpCertificateVerifier>());
  } else {
    tls_options.set_certificate_verifier(std::make_shared<tls::HostNameCertificateVerifier>());
  }
  return tls::TlsCredentials(tls_options);
}

int Milliseconds(Duration d) {
  return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(d).count());
}

grpc::ChannelArguments Arguments(const ConnectionOptions& options) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(kKeepaliveEvery));
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(kKeepaliveTimeout));
  // No limit: a snapshot stream sends nothing for hours.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Despite their names, the larger of these two is the time that a connection attempt may take,
  // handshakes included.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, Milliseconds(options.dial_timeout));
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, Milliseconds(kShortestBackoff));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, Milliseconds(options.reconnect_every));
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, Milliseconds(kResolveEvery));
  // Two minutes otherwise, longer than any call waits: a name server that is silent, or leaves one
  // of the two questions for a name unanswered, is to be named, and the answer that came to be
  // used.
  arguments.SetInt(GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS, Milliseconds(options.dial_timeout));
  arguments.SetInt(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);  // no TXT look-ups
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);          // http_proxy is not meant for etcd
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a new channel is a new connection
  if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  return arguments;
}

std::shared_ptr<grpc::Channel> Connect(const ConnectionOptions& options, const Address& address,
                                       const TlsFiles& files) {
  return grpc::CreateCustomChannel(
      address.target,
      address.tls ? Credentials(options, files) : grpc::InsecureChannelCredentials(),
      Arguments(options));
}

}  // namespace

Result<std::shared_ptr<Channel>> Channel::Create(const ConnectionOptions& options,
                                                 const std::string& endpoint, const Shared& shared,
                                                 const Context& context) {
  gpr_set_log_function([](gpr_log_func_args*) {});  // stderr is ours; the statuses say it, too
  ASSIGN_OR_RETURN(Address address, ParseAddress(endpoint, WantsTls(options)));
  ASSIGN_OR_RETURN(std::unique_ptr<Login> login, Login::Create(options, context));
  return std::shared_ptr<Channel>(
      new Channel(options, std::move(address), std::move(login), shared, context));
}

Channel::Channel(const ConnectionOptions& options, Address address, std::unique_ptr<Login> login,
                 const Shared& shared, const Context& context)
    : options_(options),
      address_(std::move(address)),
      login_(std::move(login)),
      shared_(shared),
      context_(context),
      files_(shared_.tls_files->Now()),
      connection_(Connect(options_, address_, *files_)) {}

std::shared_ptr<grpc::Channel> Channel::Connection() {
  const std::lock_guard lock(mutex_);
  const MonotonicTime now = context_.clock.Monotonic();
  bool replace =
      now - last_used_ > kIdleAfter && connection_->GetState(false) == GRPC_CHANNEL_READY;
  last_used_ = now;
  if (address_.tls) {
    std::shared_ptr<const TlsFiles> files = shared_.tls_files->Now();
    replace = replace || files != files_;
    files_ = std::move(files);
  }
  if (replace) connection_ = Connect(options_, address_, *files_);
  return connection_;
}

// A call that took long is no pause.
void Channel::Touch() {
  const std::lock_guard lock(mutex_);
  last_used_ = context_.clock.Monotonic();
}

// A connection that was cut off looks like a member that hangs, and would for minutes: keepalive
// needs a call that waits for as long. One that is being made is left alone, it ends by itself.
void Channel::ReplaceIfSilent(const std::shared_ptr<grpc::Channel>& connection) {
  const std::lock_guard lock(mutex_);
  if (connection_ != connection || connection->GetState(false) != GRPC_CHANNEL_READY) return;
  connection_ = Connect(options_, address_, *files_);
}

Status Channel::Call(std::string_view call, const Attempt& attempt, Duration more_time) {
  const gpr_timespec deadline = DeadlineAfter(options_.command_timeout + more_time);
  const std::shared_ptr<grpc::Channel> connection = Connection();
  for (bool first = true;; first = false) {
    ASSIGN_OR_RETURN(const std::string token, login().Token(connection, address_, deadline));
    grpc::ClientContext context;
    context.set_deadline(deadline);
    if (!token.empty()) context.AddMetadata("token", token);
    const CancelOnStop cancel(context, context_.stop);
    const grpc::Status status = attempt(connection, context);
    Touch();
    if (status.ok()) return OkStatus();
    if (first && NeedsNewLogin(status) && login().Forget(token)) continue;
    if (status.error_code() == grpc::StatusCode::DEADLINE_EXCEEDED) ReplaceIfSilent(connection);
    return FromGrpc(status, address_, call, connection, context_.stop);
  }
}

}  // namespace etcdrill::etcd
