// Keys from the profiles of the shared files: written there, or those of a role that another
// profile may assume. Two sources, because botocore asks for the role of a profile before web
// identity, and for its keys after it.
#pragma once

#include <set>
#include <string>

#include "io/context.h"
#include "objects/s3/credential_source.h"
#include "objects/s3/profiles.h"
#include "objects/s3/sts.h"

namespace etcdrill::objects {

// What `credential_source` of a profile may name; null where there is none.
struct NamedSources {
  CredentialSource* environment = nullptr;  // Environment
  CredentialSource* container = nullptr;    // EcsContainer
  CredentialSource* instance = nullptr;     // Ec2InstanceMetadata
};

// `role_arn` with `source_profile` or `credential_source`. All but the files must outlive it.
class ProfileRoleSource final : public CredentialSource {
 public:
  ProfileRoleSource(const Context& context, const Sts& sts, ProfileFiles files, NamedSources named)
      : context_(context), sts_(sts), files_(std::move(files)), named_(named) {}
  Result<Asked> Ask() override;

 private:
  Result<Credentials> AskRoleOf(const Profiles& profiles, const std::string& name);
  Result<Credentials> AskBase(const Profiles& profiles, const std::string& name,
                              const Profile& profile);
  Result<Credentials> AskNamed(const std::string& source, const std::string& profile);

  const Context& context_;
  const Sts& sts_;
  const ProfileFiles files_;
  const NamedSources named_;
  std::set<std::string> visited_;  // while it asks
};

// The keys of the profile in the credentials file, else in the config file. `fs` must outlive it.
class ProfileKeysSource final : public CredentialSource {
 public:
  ProfileKeysSource(FileSystem& fs, ProfileFiles files) : fs_(fs), files_(std::move(files)) {}
  Result<Asked> Ask() override;

 private:
  FileSystem& fs_;
  const ProfileFiles files_;
};

// Web identity, by the environment and the profile. All but the files must outlive it.
class ProfileWebIdentitySource final : public CredentialSource {
 public:
  ProfileWebIdentitySource(FileSystem& fs, const Sts& sts, const Environment& environment,
                           ProfileFiles files)
      : fs_(fs), sts_(sts), environment_(environment), files_(std::move(files)) {}
  Result<Asked> Ask() override;

 private:
  FileSystem& fs_;
  const Sts& sts_;
  const Environment& environment_;
  const ProfileFiles files_;
};

}  // namespace etcdrill::objects
