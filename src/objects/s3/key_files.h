// Keys in files that the configuration names: of a secret that is mounted into a pod, mostly.
//
// The hard fact: such files are exchanged while we read, so that the id may be that of the old key
// and the secret that of the new one. They are read until two readings in a row agree.
#pragma once

#include <string>

#include "io/file_system.h"
#include "objects/s3/credential_source.h"

namespace etcdrill::objects {

struct KeyFiles {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token = {};  // empty: there is none
};

// Reads them anew each time. `fs` must outlive it.
class KeyFileSource final : public CredentialSource {
 public:
  KeyFileSource(FileSystem& fs, KeyFiles files) : fs_(fs), files_(std::move(files)) {}
  Result<Asked> Ask() override;

 private:
  FileSystem& fs_;
  const KeyFiles files_;
};

// The files of `dir` that hold keys, by the names that gardener gives them (accessKeyID,
// secretAccessKey, sessionToken), or AWS (AWS_ACCESS_KEY_ID and so on, in small letters, too).
// kCredentials, with the names that were looked for, if one of the first two is not there.
Result<KeyFiles> FindKeyFiles(FileSystem& fs, const std::string& dir);

// What a file holds without the blanks around it. kCredentials, with `what` it was to hold, if it
// can't be read, or is empty.
Result<std::string> ReadSecret(FileSystem& fs, const std::string& path, std::string_view what);

}  // namespace etcdrill::objects
