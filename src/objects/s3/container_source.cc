#include "objects/s3/container_source.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "base/text.h"
#include "objects/s3/endpoint_answer.h"
#include "objects/s3/key_files.h"

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;

constexpr std::string_view kEcs = "http://169.254.170.2";
constexpr std::array<std::string_view, 4> kHosts = {"169.254.170.2", "169.254.170.23",
                                                    "fd00:ec2::23", "localhost"};
constexpr int kTries = 3;
constexpr Duration kPause = 1s;
constexpr Duration kTimeMax = 2s;
constexpr size_t kAnswerMax = 64 << 10;

bool IsLoopback(const std::string& host) {
  constexpr unsigned char kNet = 127;
  in_addr v4{};
  if (inet_pton(AF_INET, host.c_str(), &v4) == 1)
    return reinterpret_cast<const unsigned char*>(&v4)[0] == kNet;
  in6_addr v6{};
  return inet_pton(AF_INET6, host.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

// Empty if it can't be told for sure.
std::string HostIn(std::string_view rest) {
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  if (authority.find_first_of("@\\%") != std::string_view::npos) return "";
  if (authority.starts_with('[')) return std::string(authority.substr(1, authority.find(']') - 1));
  return std::string(authority.substr(0, authority.find(':')));
}

}  // namespace

bool MayGiveKeys(std::string_view url) {
  constexpr std::string_view kHttp = "http://";
  if (url.starts_with("https://")) return true;
  if (!url.starts_with(kHttp)) return false;
  const std::string host = HostIn(url.substr(kHttp.size()));
  return std::ranges::find(kHosts, host) != kHosts.end() || IsLoopback(host);
}

Result<Asked> ContainerSource::Ask() {
  const std::string relative = ValueIn(environment_, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  std::string url = ValueIn(environment_, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.starts_with('/')) url = fmt::format("{}{}", kEcs, relative);
  if (url.empty()) {
    return Asked::Nothing("neither AWS_CONTAINER_CREDENTIALS_FULL_URI nor ..._RELATIVE_URI is set");
  }
  if (!MayGiveKeys(url)) {
    return Error(Reason::kCredentials,
                 "container: {} is not asked for keys: over http only localhost, 169.254.170.2, "
                 "169.254.170.23 and fd00:ec2::23 are; write https, or leave "
                 "AWS_CONTAINER_CREDENTIALS_FULL_URI to the platform",
                 Shown(url));
  }
  for (int tries = 1;; ++tries) {
    Result<Credentials> keys = TryOnce(url);
    if (keys.ok()) return Asked::Got(*std::move(keys));
    if (tries == kTries || IsInterrupted(keys.status()) || Is(keys, Reason::kCredentials))
      return keys.status();
    if (!context_.clock.SleepFor(kPause, context_.stop))
      return Error(Reason::kInterrupted, "interrupted");
  }
}

Result<Credentials> ContainerSource::TryOnce(const std::string& url) const {
  std::string token = ValueIn(environment_, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
  const std::string file = ValueIn(environment_, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  if (!file.empty()) {
    ASSIGN_OR_RETURN(token, ReadSecret(context_.fs, file, "container authorization token"));
  }
  if (token.find_first_of("\r\n") != std::string::npos) {
    return Error(Reason::kCredentials,
                 "container: AWS_CONTAINER_AUTHORIZATION_TOKEN has more than one line");
  }
  HttpHeaders headers = {{"accept", "application/json"}};
  if (!token.empty()) headers.emplace_back("authorization", token);
  const std::string what = fmt::format("container: GET {}", Shown(url));
  const Result<HttpResponse> answer =
      direct_.Send({.url = url, .headers = headers, .body_max = kAnswerMax, .time_max = kTimeMax},
                   context_.stop);
  if (!answer.ok()) return Annotate(answer.status(), "{}", what);
  if (answer->status == 200) return ParseGivenKeys(answer->body, "container", what);
  const bool may_pass = answer->status >= 500 || answer->status == 429;
  return Error(may_pass ? Reason::kIoError : Reason::kCredentials,
               "{}: {} {}; is the service account associated with a role, and the token file "
               "mounted?",
               what, answer->status, Quoted(answer->body, token));
}

}  // namespace etcdrill::objects
