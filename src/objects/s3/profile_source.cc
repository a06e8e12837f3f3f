#include "objects/s3/profile_source.h"

#include <fmt/format.h>

#include "base/text.h"
#include "objects/s3/web_identity_source.h"

namespace etcdrill::objects {
namespace {

constexpr const char* kId = "aws_access_key_id";
constexpr const char* kSecret = "aws_secret_access_key";

std::string NameOf(const std::string& profile) { return "shared file, profile " + Shown(profile); }

Status Wrong(const std::string& profile, std::string_view what) {
  return Error(Reason::kCredentials, "{}: {}", NameOf(profile), what);
}

bool HasKeys(const Profile& profile) {
  return profile.settings.contains(kId) || profile.settings.contains(kSecret);
}

bool HasRole(const Profile& profile) {
  return profile.settings.contains("role_arn") &&
         !profile.settings.contains("web_identity_token_file");
}

// Nothing if the section has no key id.
Result<Asked> KeysIn(const std::string& name, const IniSection& section) {
  const auto value = [&section](const char* key) {
    const auto at = section.find(key);
    return at == section.end() ? std::string() : at->second;
  };
  Credentials keys = {.access_key_id = value(kId),
                      .secret_access_key = value(kSecret),
                      .session_token = value("aws_session_token"),
                      .source = NameOf(name)};
  if (keys.session_token.empty()) keys.session_token = value("aws_security_token");  // its old name
  if (keys.access_key_id.empty()) return Asked::Nothing("");
  if (keys.secret_access_key.empty())
    return Wrong(name, "it has aws_access_key_id and no aws_secret_access_key; write both");
  return Asked::Got(std::move(keys));
}

Result<Asked> KeysOf(const Profiles& profiles, const std::string& name) {
  const Profile* const profile = profiles.Find(name);
  if (profile == nullptr) {
    return Asked::Nothing(
        fmt::format("there is no profile {} (looked in {})", Shown(name), profiles.looked_in));
  }
  ASSIGN_OR_RETURN(Asked asked, KeysIn(name, profile->credentials_file));
  if (asked.credentials.has_value()) return asked;
  // Other programs' output would become our keys: who wants that, writes it to a file.
  if (profile->settings.contains("credential_process")) {
    return Wrong(name,
                 "credential_process is not supported; let that program write files, and name "
                 "their directory (credentials_dir)");
  }
  ASSIGN_OR_RETURN(asked, KeysIn(name, profile->settings));
  if (!asked.credentials.has_value())
    asked.why_not = fmt::format("profile {} has no {}", Shown(name), kId);
  return asked;
}

}  // namespace

Result<Asked> ProfileRoleSource::Ask() {
  ASSIGN_OR_RETURN(const Profiles profiles, ReadProfiles(context_.fs, files_));
  const Profile* const profile = profiles.Find(files_.profile);
  if (profile == nullptr || !HasRole(*profile))
    return Asked::Nothing(fmt::format("profile {} has no role_arn", Shown(files_.profile)));
  visited_.clear();
  ASSIGN_OR_RETURN(Credentials keys, AskRoleOf(profiles, files_.profile));
  return Asked::Got(std::move(keys));
}

Result<Credentials> ProfileRoleSource::AskRoleOf(const Profiles& profiles,
                                                 const std::string& name) {
  visited_.insert(name);
  const Profile& profile = *profiles.Find(name);
  if (profile.settings.contains("mfa_serial"))
    return Wrong(name, "mfa_serial wants a person at the keyboard; use a role without it");
  ASSIGN_OR_RETURN(const Credentials as, AskBase(profiles, name, profile));
  return sts_.AssumeRole({.arn = profile.Value("role_arn"),
                          .session_name = profile.Value("role_session_name"),
                          .external_id = profile.Value("external_id"),
                          .duration_seconds = profile.Value("duration_seconds")},
                         as);
}

Result<Credentials> ProfileRoleSource::AskBase(const Profiles& profiles, const std::string& name,
                                               const Profile& profile) {
  const std::string source = profile.Value("source_profile");
  const std::string named = profile.Value("credential_source");
  if (source.empty() == named.empty()) {
    return Wrong(name,
                 "role_arn needs either source_profile or credential_source, to say with "
                 "which keys the role is assumed");
  }
  if (source.empty()) return AskNamed(named, name);
  const Profile* const base = profiles.Find(source);
  if (base == nullptr)
    return Wrong(name, fmt::format("its source_profile {} is not there", Shown(source)));
  // A profile may name itself: its own keys assume its role.
  if (visited_.contains(source) && !(source == name && HasKeys(*base)))
    return Wrong(name, fmt::format("its source_profile {} leads in a circle", Shown(source)));
  if (!HasKeys(*base) && HasRole(*base)) return AskRoleOf(profiles, source);
  if (!HasKeys(*base) && base->settings.contains("web_identity_token_file")) {
    ASSIGN_OR_RETURN(const Asked asked,
                     AskWithWebIdentity(context_.fs, sts_, FindWebIdentity({}, base)));
    return *asked.credentials;
  }
  ASSIGN_OR_RETURN(const Asked asked, KeysOf(profiles, source));
  if (asked.credentials.has_value()) return *asked.credentials;
  return Wrong(name, fmt::format("its source_profile {} has no keys", Shown(source)));
}

Result<Credentials> ProfileRoleSource::AskNamed(const std::string& source,
                                                const std::string& profile) {
  CredentialSource* const at = source == "Environment"           ? named_.environment
                               : source == "EcsContainer"        ? named_.container
                               : source == "Ec2InstanceMetadata" ? named_.instance
                                                                 : nullptr;
  if (at == nullptr) {
    return Wrong(profile, fmt::format("credential_source {} is none of Environment, EcsContainer, "
                                      "Ec2InstanceMetadata",
                                      Shown(source)));
  }
  ASSIGN_OR_RETURN(const Asked asked, at->Ask());
  if (asked.credentials.has_value()) return *asked.credentials;
  return Wrong(profile,
               fmt::format("its credential_source {} has no keys: {}", source, asked.why_not));
}

Result<Asked> ProfileKeysSource::Ask() {
  ASSIGN_OR_RETURN(const Profiles profiles, ReadProfiles(fs_, files_));
  return KeysOf(profiles, files_.profile);
}

Result<Asked> ProfileWebIdentitySource::Ask() {
  ASSIGN_OR_RETURN(const Profiles profiles, ReadProfiles(fs_, files_));
  return AskWithWebIdentity(fs_, sts_,
                            FindWebIdentity(environment_, profiles.Find(files_.profile)));
}

}  // namespace etcdrill::objects
