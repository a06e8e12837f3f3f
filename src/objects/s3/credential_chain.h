// Which place the keys of a site come from. What the configuration names is used and nothing else;
// if it names nothing, places are asked in botocore's order, and the first that is set up counts:
//
//   environment, role of the profile, web identity, shared file, container, instance
//
// (boto3.amazonaws.com/v1/documentation/api/latest/guide/credentials.html). tests/e2e compares.
#pragma once

#include <memory>
#include <string>

#include "io/context.h"
#include "io/http_client.h"
#include "objects/s3/credential_source.h"

namespace etcdrill::objects {

// What the configuration of a site says of its keys. Empty: nothing.
struct CredentialsOptions {
  std::string access_key_id_file = {};
  std::string secret_access_key_file = {};
  std::string session_token_file = {};
  // A mounted secret, with gardener's or AWS's names (key_files.h); or gardener's roleARN and
  // token.
  std::string credentials_dir = {};
  std::string credentials_file = {};  // a shared file
  std::string profile = {};           // of it, or of ~/.aws
  std::string web_identity_token_file = {};
  // With web_identity_token_file the role for that token; else one that is assumed with whatever
  // keys there are.
  std::string role_arn = {};
  std::string role_session_name = {};
  std::string external_id = {};
  std::string region = {};
  Environment environment = {};
};

// The proxy never sees a request that stays on this machine or its link.
inline HttpOptions DirectHttpOptions() {
  return {.may_use_proxy = false, .connect_max = std::chrono::seconds(2)};
}

struct CredentialClients {
  HttpClient& direct;  // made with DirectHttpOptions
  HttpClient& sts;
};

// kConfig if they contradict each other.
Status CheckCredentialsOptions(const CredentialsOptions& options);

// Asks nobody yet. The clients must outlive the provider, and so must what `context` refers to.
// Errors as CheckCredentialsOptions.
Result<std::unique_ptr<CredentialsProvider>> MakeCredentials(const Context& context,
                                                             const CredentialClients& clients,
                                                             CredentialsOptions options);

}  // namespace etcdrill::objects
