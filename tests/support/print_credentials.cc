// Says which keys a process would sign with: `SOURCE KEY-ID`, and until when, or the error. Never a
// secret. For tests/e2e/test_credentials.py, which compares with botocore in the same environment.
//
//   print_credentials [NAME=VALUE]...    settings of objects::CredentialsOptions
#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <string>
#include <string_view>

#include "io/process.h"
#include "objects/s3/credential_chain.h"

namespace etcdrill {
namespace {

bool Set(objects::CredentialsOptions& options, std::string_view argument) {
  const std::map<std::string_view, std::string*> settings = {
      {"access_key_id_file", &options.access_key_id_file},
      {"secret_access_key_file", &options.secret_access_key_file},
      {"session_token_file", &options.session_token_file},
      {"credentials_dir", &options.credentials_dir},
      {"credentials_file", &options.credentials_file},
      {"profile", &options.profile},
      {"web_identity_token_file", &options.web_identity_token_file},
      {"role_arn", &options.role_arn},
      {"role_session_name", &options.role_session_name},
      {"external_id", &options.external_id},
      {"region", &options.region}};
  const size_t equals = argument.find('=');
  const auto at = settings.find(argument.substr(0, equals));
  if (equals == std::string_view::npos || at == settings.end()) return false;
  *at->second = argument.substr(equals + 1);
  return true;
}

Status Print(const Context& context, const objects::CredentialsOptions& options) {
  const auto direct = MakeHttpClient(objects::DirectHttpOptions());
  const auto sts = MakeHttpClient({});
  ASSIGN_OR_RETURN(const auto provider,
                   objects::MakeCredentials(context, {*direct, *sts}, options));
  ASSIGN_OR_RETURN(const objects::Credentials keys, provider->Current());
  fmt::print("{} | {} | {}\n", keys.source, keys.access_key_id,
             keys.end.has_value() ? FormatRfc3339(*keys.end) : "-");
  return OkStatus();
}

int Main(int argc, char** argv) {
  objects::CredentialsOptions options = {.environment = ProcessEnvironment()};
  for (int i = 1; i < argc; ++i) {
    if (Set(options, argv[i])) continue;
    fmt::print(stderr, "print_credentials: no such setting: {}\n", argv[i]);
    return 2;
  }
  const auto fs = MakePosixFileSystem();
  const auto clock = MakeSystemClock();
  const auto random = MakeSystemRandom();
  const auto processes = MakePosixProcessStarter(*clock);
  Logger log(LogLevel::kWarn, LogFormat::kLogfmt, *clock);
  const Status status = Print({*fs, *clock, *random, *processes, log, {}}, options);
  if (!status.ok()) fmt::print(stderr, "print_credentials: {}\n", MessageOf(status));
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace etcdrill

int main(int argc, char** argv) { return etcdrill::Main(argc, argv); }
