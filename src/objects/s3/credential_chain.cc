#include "objects/s3/credential_chain.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "objects/s3/container_source.h"
#include "objects/s3/environment_source.h"
#include "objects/s3/instance_source.h"
#include "objects/s3/key_files.h"
#include "objects/s3/profile_source.h"
#include "objects/s3/profiles.h"
#include "objects/s3/refreshing_credentials.h"
#include "objects/s3/web_identity_source.h"

namespace etcdrill::objects {
namespace {

using Sources = std::vector<std::pair<std::string, CredentialSource*>>;

// All places, and what they stand on. The order of the members is that of their making.
class Chain final : public CredentialSource {
 public:
  Chain(const Context& context, const CredentialClients& clients, CredentialsOptions options)
      : options_(std::move(options)),
        context_(context),
        environment_(IsExplicit(options_) ? Environment{} : options_.environment),
        files_(FindProfileFiles(options_.environment, options_.credentials_file, options_.profile)),
        sts_(context_, clients.sts, FindSts(options_.environment, options_.region)),
        from_environment_(environment_),
        from_container_(context_, clients.direct, options_.environment),
        from_instance_(context_, clients.direct, options_.environment),
        from_role_(context_, sts_, files_, {&from_environment_, &from_container_, &from_instance_}),
        from_web_identity_(context_.fs, sts_, environment_, files_),
        from_keys_(context_.fs, files_) {}

  // The first place that is set up. kCredentials, with what is missing at each, if none is.
  Result<Asked> Ask() override {
    std::string why_not;
    for (const auto& [name, source] : Order()) {
      ASSIGN_OR_RETURN(Asked asked, source->Ask());
      if (asked.credentials.has_value()) return asked;
      why_not += fmt::format("{}{}: {}", why_not.empty() ? "" : "; ", name, asked.why_not);
    }
    return Error(Reason::kCredentials,
                 "there are no credentials ({}); name files in the configuration "
                 "(credentials_dir), or set one of these up",
                 why_not);
  }

  const Sts& sts() const { return sts_; }

 private:
  static bool IsExplicit(const CredentialsOptions& options) {
    return !options.credentials_file.empty() || !options.profile.empty();
  }

  Sources Order() {
    const Sources of_profile = {{"role of the profile", &from_role_},
                                {"web identity", &from_web_identity_},
                                {"shared file", &from_keys_}};
    if (IsExplicit(options_)) return of_profile;
    Sources all = {{"environment", &from_environment_}};
    all.insert(all.end(), of_profile.begin(), of_profile.end());
    all.insert(all.end(), {{"container", &from_container_}, {"instance", &from_instance_}});
    return all;
  }

  const CredentialsOptions options_;
  const Context context_;
  const Environment environment_;  // empty where the configuration names a profile
  const ProfileFiles files_;
  const Sts sts_;
  EnvironmentSource from_environment_;
  ContainerSource from_container_;
  InstanceSource from_instance_;
  ProfileRoleSource from_role_;
  ProfileWebIdentitySource from_web_identity_;
  ProfileKeysSource from_keys_;
};

// What the configuration names beside a profile: files. They are looked for each time, as a secret
// may be mounted after us.
class NamedFiles final : public CredentialSource {
 public:
  NamedFiles(const Context& context, const Sts& sts, const CredentialsOptions& options)
      : fs_(context.fs),
        sts_(sts),
        dir_(options.credentials_dir),
        keys_{options.access_key_id_file, options.secret_access_key_file,
              options.session_token_file},
        identity_{options.web_identity_token_file, {options.role_arn, options.role_session_name}} {}

  Result<Asked> Ask() override {
    if (!identity_.token_file.empty()) return AskWithWebIdentity(fs_, sts_, identity_);
    if (dir_.empty()) return KeyFileSource(fs_, keys_).Ask();
    // gardener's other kind of secret.
    const std::string role = JoinPath(dir_, "roleARN");
    if (fs_.Exists(role) && fs_.Exists(JoinPath(dir_, "token"))) {
      WebIdentity identity = {.token_file = JoinPath(dir_, "token"), .role = identity_.role};
      ASSIGN_OR_RETURN(identity.role.arn, ReadSecret(fs_, role, "role"));
      return AskWithWebIdentity(fs_, sts_, identity);
    }
    ASSIGN_OR_RETURN(KeyFiles files, FindKeyFiles(fs_, dir_));
    return KeyFileSource(fs_, std::move(files)).Ask();
  }

  static bool IsNamed(const CredentialsOptions& options) {
    return !options.credentials_dir.empty() || !options.access_key_id_file.empty() ||
           !options.web_identity_token_file.empty();
  }

 private:
  FileSystem& fs_;
  const Sts& sts_;
  const std::string dir_;
  const KeyFiles keys_;
  const WebIdentity identity_;
};

// The whole of it: the chain, which is asked only where no files are named, and the role around it.
class Configured final : public CredentialSource {
 public:
  Configured(const Context& context, const CredentialClients& clients,
             const CredentialsOptions& options)
      : chain_(context, clients, options),
        files_(context, chain_.sts(), options),
        role_{options.role_arn, options.role_session_name, options.external_id},
        has_files_(NamedFiles::IsNamed(options)),
        assumes_(!options.role_arn.empty() && options.web_identity_token_file.empty()) {}

  Result<Asked> Ask() override {
    ASSIGN_OR_RETURN(Asked asked, has_files_ ? files_.Ask() : chain_.Ask());
    if (!assumes_ || !asked.credentials.has_value()) return asked;
    ASSIGN_OR_RETURN(Credentials keys, chain_.sts().AssumeRole(role_, *asked.credentials));
    return Asked::Got(std::move(keys));
  }

 private:
  Chain chain_;
  NamedFiles files_;
  const Role role_;
  const bool has_files_;
  const bool assumes_;
};

}  // namespace

Status CheckCredentialsOptions(const CredentialsOptions& options) {
  if (options.access_key_id_file.empty() != options.secret_access_key_file.empty()) {
    return Error(Reason::kConfig,
                 "access_key_id_file and secret_access_key_file belong together; write both");
  }
  if (!options.session_token_file.empty() && options.access_key_id_file.empty())
    return Error(Reason::kConfig, "session_token_file needs access_key_id_file");
  const int named = (options.access_key_id_file.empty() ? 0 : 1) +
                    (options.credentials_dir.empty() ? 0 : 1) +
                    (options.credentials_file.empty() && options.profile.empty() ? 0 : 1) +
                    (options.web_identity_token_file.empty() ? 0 : 1);
  if (named > 1) {
    return Error(Reason::kConfig,
                 "credentials: write one of access_key_id_file, credentials_dir, credentials_file "
                 "(with profile) and web_identity_token_file");
  }
  if (!options.web_identity_token_file.empty() && options.role_arn.empty())
    return Error(Reason::kConfig, "web_identity_token_file needs role_arn");
  return OkStatus();
}

Result<std::unique_ptr<CredentialsProvider>> MakeCredentials(const Context& context,
                                                             const CredentialClients& clients,
                                                             CredentialsOptions options) {
  RETURN_IF_ERROR(CheckCredentialsOptions(options));
  return std::make_unique<RefreshingCredentials>(
      context, std::make_unique<Configured>(context, clients, options));
}

}  // namespace etcdrill::objects
