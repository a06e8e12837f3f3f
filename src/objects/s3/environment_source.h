// Keys in the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN
// (docs.aws.amazon.com/sdkref/latest/guide/feature-static-credentials.html). They win over
// AWS_PROFILE.
#pragma once

#include "objects/s3/credential_source.h"

namespace etcdrill::objects {

// `environment` must outlive it.
class EnvironmentSource final : public CredentialSource {
 public:
  explicit EnvironmentSource(const Environment& environment) : environment_(environment) {}
  Result<Asked> Ask() override;

 private:
  const Environment& environment_;
};

}  // namespace etcdrill::objects
