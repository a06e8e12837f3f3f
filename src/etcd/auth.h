// User and password. etcd gives a token for them, to be sent with each call as metadata `token`;
// simple tokens die after five idle minutes and with their member's restart, so a call that is
// refused for its token logs in anew (docs/dev/formats.md §3.3).
#pragma once

#include <grpcpp/channel.h>

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "etcd/address.h"
#include "etcd/client.h"

namespace etcdrill::etcd {

// One for each endpoint, although every member knows a token: a member that refuses all of them
// until it is restarted (etcd#9629, #14571) must not cost the others theirs. Safe for use from any
// thread; nobody waits for another's login, which may hang.
class Login {
 public:
  // kAuth if there is a password file that can't be read.
  static Result<std::unique_ptr<Login>> Create(const ConnectionOptions& options,
                                               const Context& context);

  // The token for a call over `connection`; empty if no user is configured or etcd has auth
  // switched off.
  Result<std::string> Token(const std::shared_ptr<grpc::Channel>& connection,
                            const Address& address, gpr_timespec deadline);
  // The token was refused: the next Token() logs in anew. False if there is no user to log in with.
  bool Forget(const std::string& token);

 private:
  Login(const ConnectionOptions& options, const Context& context);
  Result<std::string> Password() const;
  Result<std::string> Authenticate(const std::shared_ptr<grpc::Channel>& connection,
                                   const Address& address, gpr_timespec deadline) const;

  const std::string username_;
  const std::string password_;
  const std::string password_file_;
  const Context& context_;
  std::mutex mutex_;
  std::optional<std::string> token_;  // not set: not logged in yet
};

}  // namespace etcdrill::etcd
