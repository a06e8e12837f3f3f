#include "objects/s3/instance_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <chrono>

#include "base/text.h"
#include "objects/s3/endpoint_answer.h"

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;

constexpr Duration kTimeMax = 1s;
constexpr size_t kAnswerMax = 64 << 10;
constexpr const char* kTokenSeconds = "21600";  // botocore's

bool EqualWithoutCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::string BaseOf(const Environment& environment) {
  std::string base = ValueIn(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
  const bool is_v6 =
      EqualWithoutCase(ValueIn(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"), "ipv6");
  if (base.empty()) base = is_v6 ? "http://[fd00:ec2::254]" : "http://169.254.169.254";
  while (base.ends_with('/')) base.pop_back();
  return base;
}

// It becomes part of a path. What IAM allows: [A-Za-z0-9+=,.@_-].
bool IsRoleName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("+=,.@_-").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

bool IsNobodyThere(const Status& status) {
  return Is(status, Reason::kConnect) || Is(status, Reason::kTimeout);
}

}  // namespace

Result<Asked> InstanceSource::Ask() {
  if (EqualWithoutCase(ValueIn(environment_, "AWS_EC2_METADATA_DISABLED"), "true"))
    return Asked::Nothing("AWS_EC2_METADATA_DISABLED is true");
  const std::string base = BaseOf(environment_);
  Result<Credentials> keys = AskAt(base);
  if (keys.ok()) {
    has_given_ = true;
    return Asked::Got(*std::move(keys));
  }
  if (!has_given_ && IsNobodyThere(keys.status()))
    return Asked::Nothing(std::string(MessageOf(keys.status())));
  return keys.status();
}

Result<Credentials> InstanceSource::AskAt(const std::string& base) const {
  ASSIGN_OR_RETURN(
      const std::string token,
      Send("PUT", base + "/latest/api/token",
           {{"x-aws-ec2-metadata-token-ttl-seconds", kTokenSeconds}},
           "no answer within a second; if this is a container on an EC2 instance, raise the hop "
           "limit of its metadata options to 2"));
  const HttpHeaders with_token = {{"x-aws-ec2-metadata-token", token}};
  const std::string roles = base + "/latest/meta-data/iam/security-credentials/";
  ASSIGN_OR_RETURN(const std::string names,
                   Send("GET", roles, with_token, "attach a role to the instance"));
  const std::string name(Trim(std::string_view(names).substr(0, names.find('\n'))));
  if (!IsRoleName(name)) {
    return Error(Reason::kCredentials, "instance: GET {}: no name of a role: \"{}\"", roles,
                 Quoted(name, token));
  }
  ASSIGN_OR_RETURN(const std::string body,
                   Send("GET", roles + name, with_token, "the role has no keys"));
  return ParseGivenKeys(body, "instance, role " + name,
                        fmt::format("instance: GET {}{}", roles, name));
}

Result<std::string> InstanceSource::Send(const std::string& method, const std::string& url,
                                         const HttpHeaders& headers,
                                         std::string_view advice) const {
  const std::string what = fmt::format("instance: {} {}", method, Shown(url));
  Result<HttpResponse> answer = direct_.Send({.method = method,
                                              .url = url,
                                              .headers = headers,
                                              .body_max = kAnswerMax,
                                              .time_max = kTimeMax},
                                             context_.stop);
  if (Is(answer, Reason::kTimeout)) return Error(Reason::kTimeout, "{}: {}", what, advice);
  if (!answer.ok()) return Annotate(answer.status(), "{}", what);
  if (answer->status == 200) return std::move(answer->body);
  const bool may_pass = answer->status >= 500 || answer->status == 429;
  return Error(may_pass ? Reason::kIoError : Reason::kCredentials, "{}: status {}; {}", what,
               answer->status, method == "PUT" ? "is IMDSv2 switched on?" : advice);
}

}  // namespace etcdrill::objects
