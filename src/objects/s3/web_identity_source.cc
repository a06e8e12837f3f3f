#include "objects/s3/web_identity_source.h"

#include "objects/s3/key_files.h"

namespace etcdrill::objects {

WebIdentity FindWebIdentity(const Environment& environment, const Profile* profile) {
  const auto either = [&](const char* variable, const char* setting) {
    std::string value = ValueIn(environment, variable);
    return value.empty() && profile != nullptr ? profile->Value(setting) : value;
  };
  return {.token_file = either("AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file"),
          .role = {.arn = either("AWS_ROLE_ARN", "role_arn"),
                   .session_name = either("AWS_ROLE_SESSION_NAME", "role_session_name")}};
}

Result<Asked> AskWithWebIdentity(FileSystem& fs, const Sts& sts, const WebIdentity& identity) {
  if (identity.token_file.empty()) return Asked::Nothing("AWS_WEB_IDENTITY_TOKEN_FILE is not set");
  if (identity.role.arn.empty()) {
    return Error(Reason::kCredentials,
                 "web identity: there is a token file ({}), but no role; set AWS_ROLE_ARN or "
                 "role_arn, or annotate the service account with eks.amazonaws.com/role-arn",
                 identity.token_file);
  }
  ASSIGN_OR_RETURN(const std::string token,
                   ReadSecret(fs, identity.token_file, "web identity token"));
  ASSIGN_OR_RETURN(Credentials keys, sts.AssumeRoleWithWebIdentity(identity.role, token));
  return Asked::Got(std::move(keys));
}

}  // namespace etcdrill::objects
