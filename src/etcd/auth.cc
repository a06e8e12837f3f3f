// See auth.h. Neither the password nor a token ever gets into an error text.
#include "etcd/auth.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include "etcd/call.h"
#include "etcd/errors.h"
#include "proto/etcdserverpb.grpc.pb.h"

namespace etcdrill::etcd {
namespace {
constexpr uint64_t kMaxPasswordBytes = 4096;
constexpr size_t kMaxTokenBytes = 8192;  // gRPC's default limit of all metadata of a call

// gRPC ends the process of whoever wants to send other bytes in a header.
bool CanBeSent(std::string_view token) {
  return token.size() <= kMaxTokenBytes &&
         std::ranges::all_of(token, [](char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

Result<std::unique_ptr<Login>> Login::Create(const ConnectionOptions& options,
                                             const Context& context) {
  std::unique_ptr<Login> login(new Login(options, context));
  RETURN_IF_ERROR(login->Password().status());
  return login;
}

Login::Login(const ConnectionOptions& options, const Context& context)
    : username_(options.username),
      password_(options.password),
      password_file_(options.password_file),
      context_(context) {}

Result<std::string> Login::Token(const std::shared_ptr<grpc::Channel>& connection,
                                 const Address& address, gpr_timespec deadline) {
  if (username_.empty()) return std::string();
  {
    const std::lock_guard lock(mutex_);
    if (token_.has_value()) return *token_;
  }
  ASSIGN_OR_RETURN(std::string token, Authenticate(connection, address, deadline));
  const std::lock_guard lock(mutex_);
  token_ = token;
  return token;
}

bool Login::Forget(const std::string& token) {
  if (username_.empty()) return false;
  const std::lock_guard lock(mutex_);
  if (token_ == token) token_.reset();  // else another thread has logged in meanwhile
  return true;
}

Result<std::string> Login::Password() const {
  if (password_file_.empty()) return password_;
  Result<std::string> password = context_.fs.ReadWhole(password_file_, kMaxPasswordBytes);
  if (!password.ok())
    return Error(Reason::kAuth, "password file: {}", MessageOf(password.status()));
  while (password->ends_with('\n') || password->ends_with('\r')) password->pop_back();
  return password;
}

Result<std::string> Login::Authenticate(const std::shared_ptr<grpc::Channel>& connection,
                                        const Address& address, gpr_timespec deadline) const {
  ASSIGN_OR_RETURN(const std::string password, Password());
  etcdserverpb::AuthenticateRequest request;
  request.set_name(username_);
  request.set_password(password);
  etcdserverpb::AuthenticateResponse response;
  grpc::ClientContext call;
  call.set_deadline(deadline);
  const CancelOnStop cancel(call, context_.stop);
  const grpc::Status status =
      etcdserverpb::Auth::Stub(connection).Authenticate(&call, request, &response);
  if (AuthIsOff(status)) return std::string();
  const std::string what = fmt::format("log in as \"{}\"", username_);
  if (!status.ok()) return FromGrpc(status, address, what, connection, context_.stop);
  if (CanBeSent(response.token())) return response.token();
  return Error(Reason::kEtcdError, "{}: {}: etcd returned a token that is not valid",
               address.written, what);
}

}  // namespace etcdrill::etcd
