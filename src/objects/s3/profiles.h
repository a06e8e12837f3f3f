// The profiles of the files that all tools of AWS share: ~/.aws/credentials and ~/.aws/config, or
// what AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name
// (docs.aws.amazon.com/sdkref/latest/guide/file-format.html). In the second one the section of
// profile x is [profile x], and that of `default` just [default]; where both files have a key, the
// first one wins.
#pragma once

#include <map>
#include <string>

#include "io/file_system.h"
#include "objects/s3/credential_source.h"
#include "objects/s3/ini.h"

namespace etcdrill::objects {

struct Profile {
  IniSection settings;          // of both files
  IniSection credentials_file;  // of the first one alone

  // Empty if there is none.
  std::string Value(const std::string& key) const;
};

struct Profiles {
  std::map<std::string, Profile> by_name;
  std::string looked_in;  // for people: the paths

  const Profile* Find(const std::string& name) const [[clang::lifetimebound]];
};

struct ProfileFiles {
  std::string credentials;  // empty: there is no place for one, as HOME is not set
  std::string config;       // the same
  std::string profile;      // the one that is used
  bool must_exist = false;  // the configuration names the file, or the environment the profile
};

// Where they are by the environment. `credentials_file` and `profile` of our own configuration win,
// if they are not empty; with the former, no config file is read.
ProfileFiles FindProfileFiles(const Environment& environment, const std::string& credentials_file,
                              const std::string& profile);

// Reads both anew. One that is not there has no profiles. kCredentials if one can't be read or
// parsed; or if files.must_exist, and the profile is not there.
Result<Profiles> ReadProfiles(FileSystem& fs, const ProfileFiles& files);

}  // namespace etcdrill::objects
