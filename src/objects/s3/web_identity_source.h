// The keys of a role for the token of a Kubernetes service account (IRSA of EKS), or of any other
// issuer that IAM knows. The hard fact: kubelet writes the token file anew long before the token
// ends, so it is read anew each time.
#pragma once

#include <string>

#include "io/file_system.h"
#include "objects/s3/credential_source.h"
#include "objects/s3/profiles.h"
#include "objects/s3/sts.h"

namespace etcdrill::objects {

struct WebIdentity {
  std::string token_file;  // empty: not set up
  Role role;
};

// AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN and AWS_ROLE_SESSION_NAME; what the environment does
// not say, the profile may (null: there is none).
WebIdentity FindWebIdentity(const Environment& environment, const Profile* profile);

Result<Asked> AskWithWebIdentity(FileSystem& fs, const Sts& sts, const WebIdentity& identity);

// `fs` and `sts` must outlive it.
class WebIdentitySource final : public CredentialSource {
 public:
  WebIdentitySource(FileSystem& fs, const Sts& sts, WebIdentity identity)
      : fs_(fs), sts_(sts), identity_(std::move(identity)) {}
  Result<Asked> Ask() override { return AskWithWebIdentity(fs_, sts_, identity_); }

 private:
  FileSystem& fs_;
  const Sts& sts_;
  const WebIdentity identity_;
};

}  // namespace etcdrill::objects
