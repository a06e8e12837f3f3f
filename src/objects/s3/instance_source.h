// The keys of the role of an EC2 instance, from its metadata service (IMDSv2:
// docs.aws.amazon.com/AWSEC2/latest/UserGuide/instance-metadata-security-credentials.html). Two
// requests with a token that a third one gives.
//
// The hard fact: the answer to the PUT of the token has a hop limit, 1 unless somebody raised it,
// and a container is a second hop: there the PUT just never returns. So does everything on a
// machine that is no instance. Hence a second each, and no proxy.
#pragma once

#include <string>

#include "io/context.h"
#include "io/http_client.h"
#include "objects/s3/credential_source.h"

namespace etcdrill::objects {

// AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT, ..._ENDPOINT_MODE. `direct` uses no
// proxy; it, `context` and `environment` must outlive the source.
//
// Where nobody answers, this place does not count; once it has given keys, that is an error, which
// may pass.
class InstanceSource final : public CredentialSource {
 public:
  InstanceSource(const Context& context, HttpClient& direct, const Environment& environment)
      : context_(context), direct_(direct), environment_(environment) {}
  Result<Asked> Ask() override;

 private:
  Result<Credentials> AskAt(const std::string& base) const;
  Result<std::string> Send(const std::string& method, const std::string& url,
                           const HttpHeaders& headers, std::string_view advice) const;

  const Context& context_;
  HttpClient& direct_;
  const Environment& environment_;
  bool has_given_ = false;
};

}  // namespace etcdrill::objects
