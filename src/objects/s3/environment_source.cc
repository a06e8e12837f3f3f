#include "objects/s3/environment_source.h"

#include "objects/timestamp.h"

namespace etcdrill::objects {

Result<Asked> EnvironmentSource::Ask() {
  Credentials keys = {.access_key_id = ValueIn(environment_, "AWS_ACCESS_KEY_ID"),
                      .secret_access_key = ValueIn(environment_, "AWS_SECRET_ACCESS_KEY"),
                      .session_token = ValueIn(environment_, "AWS_SESSION_TOKEN"),
                      .source = "environment"};
  if (keys.access_key_id.empty()) return Asked::Nothing("AWS_ACCESS_KEY_ID is not set");
  if (keys.secret_access_key.empty()) {
    return Error(Reason::kCredentials,
                 "environment: AWS_ACCESS_KEY_ID is set, and AWS_SECRET_ACCESS_KEY is not; set "
                 "both or none");
  }
  // Whoever exports the keys of a role tells their end so (`aws configure export-credentials`).
  keys.end = ParseTimestamp(ValueIn(environment_, "AWS_CREDENTIAL_EXPIRATION"));
  return Asked::Got(std::move(keys));
}

}  // namespace etcdrill::objects
