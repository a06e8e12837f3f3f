// Keys that a container's host gives out: EKS Pod Identity and ECS
// (docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
//
// The hard fact: the token that is shown there is a secret, and the address comes from the
// environment. So over plain http only this machine and the addresses of those agents are asked,
// and never through a proxy.
#pragma once

#include <string>

#include "io/context.h"
#include "io/http_client.h"
#include "objects/s3/credential_source.h"

namespace etcdrill::objects {

// AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or ..._FULL_URI, with
// AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, which is read anew each time, or
// AWS_CONTAINER_AUTHORIZATION_TOKEN. `direct` uses no proxy; it, `context` and `environment` must
// outlive the source.
class ContainerSource final : public CredentialSource {
 public:
  ContainerSource(const Context& context, HttpClient& direct, const Environment& environment)
      : context_(context), direct_(direct), environment_(environment) {}
  Result<Asked> Ask() override;

 private:
  Result<Credentials> TryOnce(const std::string& url) const;

  const Context& context_;
  HttpClient& direct_;
  const Environment& environment_;
};

// Whether keys may be asked for at this URL.
bool MayGiveKeys(std::string_view url);

}  // namespace etcdrill::objects
