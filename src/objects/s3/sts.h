// Keys of a role, for those of a user (AssumeRole) or for the token of a service account
// (AssumeRoleWithWebIdentity: docs.aws.amazon.com/STS/latest/APIReference). The second is not
// signed: the token is the proof.
#pragma once

#include <string>

#include "io/context.h"
#include "io/http_client.h"
#include "objects/s3/credential_source.h"

namespace etcdrill::objects {

struct StsEndpoint {
  std::string url;  // https://sts.REGION.amazonaws.com/
  std::string region;
};

// AWS_ENDPOINT_URL_STS or AWS_ENDPOINT_URL, else that of AWS in the region: `region`, AWS_REGION,
// AWS_DEFAULT_REGION; without one, that of the whole world.
StsEndpoint FindSts(const Environment& environment, const std::string& region);

struct Role {
  std::string arn;
  std::string session_name = {};      // 2 to 64 characters; empty: etcdrill
  std::string external_id = {};       // of AssumeRole
  std::string duration_seconds = {};  // empty: the service's, which is an hour
};

// Safe for use from any thread, as `http` is; it and `context` must outlive it.
class Sts {
 public:
  Sts(const Context& context, HttpClient& http, StsEndpoint endpoint)
      : context_(context), http_(http), endpoint_(std::move(endpoint)) {}

  // Both try three times where that may help. kCredentials if the service refuses, with its words;
  // kIoError if it is not itself; those of HttpClient.
  Result<Credentials> AssumeRole(const Role& role, const Credentials& as) const;
  Result<Credentials> AssumeRoleWithWebIdentity(const Role& role, const std::string& token) const;

 private:
  struct Call;
  Result<Credentials> Carry(const Call& call) const;
  Result<Credentials> TryOnce(const Call& call, bool& may_pass) const;

  const Context& context_;
  HttpClient& http_;
  const StsEndpoint endpoint_;
};

}  // namespace etcdrill::objects
