// With what keys requests are signed, and where they come from. Keys end while a program runs:
// roles give them for an hour, and the files that hold them are rotated. So each request asks anew.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/status.h"

namespace etcdrill::objects {

struct Credentials {
  std::string access_key_id;
  std::string secret_access_key;     // never in a log, an error or a metric
  std::string session_token = {};    // of keys that a role was given; as secret as the key
  std::optional<WallTime> end = {};  // none: they do not end by themselves, or nobody says
  std::string source = {};           // for people: "environment", "shared file, profile x"
};

// Safe for use from any thread.
class CredentialsProvider {
 public:
  virtual ~CredentialsProvider() = default;
  // The keys for a request that is signed now. kCredentials if there are none; the error of the way
  // to whoever gives them otherwise.
  virtual Result<Credentials> Current() = 0;
  // The server did not take the last ones of Current: the next call must ask whoever gives them,
  // whatever end they were given.
  virtual void Refused() = 0;
};

// The same keys for ever.
class StaticCredentials final : public CredentialsProvider {
 public:
  explicit StaticCredentials(Credentials credentials) : credentials_(std::move(credentials)) {}
  Result<Credentials> Current() override { return credentials_; }
  void Refused() override {}

 private:
  const Credentials credentials_;
};

}  // namespace etcdrill::objects
