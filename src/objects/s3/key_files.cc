#include "objects/s3/key_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <span>

#include "base/text.h"

namespace etcdrill::objects {
namespace {

constexpr uint64_t kSecretMax = 64 << 10;
constexpr int kReadingsMax = 5;

constexpr std::array<std::string_view, 3> kIdNames = {"accessKeyID", "AWS_ACCESS_KEY_ID",
                                                      "aws_access_key_id"};
constexpr std::array<std::string_view, 3> kSecretNames = {
    "secretAccessKey", "AWS_SECRET_ACCESS_KEY", "aws_secret_access_key"};
constexpr std::array<std::string_view, 3> kTokenNames = {"sessionToken", "AWS_SESSION_TOKEN",
                                                         "aws_session_token"};

std::string FirstThere(FileSystem& fs, const std::string& dir,
                       std::span<const std::string_view> names) {
  for (const std::string_view name : names) {
    if (fs.Exists(JoinPath(dir, name))) return JoinPath(dir, name);
  }
  return "";
}

Status NoneOf(const std::string& dir, std::span<const std::string_view> names) {
  return Error(Reason::kCredentials,
               "credentials_dir {}: none of the files {} can be read there; mount the secret that "
               "has them, or name another directory",
               dir, fmt::join(names, ", "));
}

Result<Credentials> ReadOnce(FileSystem& fs, const KeyFiles& files) {
  Credentials keys;
  ASSIGN_OR_RETURN(keys.access_key_id, ReadSecret(fs, files.access_key_id, "access key id"));
  ASSIGN_OR_RETURN(keys.secret_access_key,
                   ReadSecret(fs, files.secret_access_key, "secret access key"));
  if (!files.session_token.empty()) {
    ASSIGN_OR_RETURN(keys.session_token, ReadSecret(fs, files.session_token, "session token"));
  }
  keys.source = "file " + files.access_key_id;
  return keys;
}

bool AreSame(const Credentials& a, const Credentials& b) {
  return a.access_key_id == b.access_key_id && a.secret_access_key == b.secret_access_key &&
         a.session_token == b.session_token;
}

}  // namespace

Result<std::string> ReadSecret(FileSystem& fs, const std::string& path, std::string_view what) {
  const Result<std::string> text = fs.ReadWhole(path, kSecretMax);
  if (!text.ok()) {
    return Error(Reason::kCredentials, "{}: {}; is the file mounted, and may this user read it?",
                 what, MessageOf(text.status()));
  }
  const std::string_view secret = Trim(*text);
  if (secret.empty()) return Error(Reason::kCredentials, "{}: {} is empty", what, path);
  // It becomes part of a header, where a second line would be another one.
  if (secret.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) {
    return Error(Reason::kCredentials, "{}: {} has more than one line; it must hold nothing else",
                 what, path);
  }
  return std::string(secret);
}

Result<KeyFiles> FindKeyFiles(FileSystem& fs, const std::string& dir) {
  KeyFiles files = {.access_key_id = FirstThere(fs, dir, kIdNames),
                    .secret_access_key = FirstThere(fs, dir, kSecretNames),
                    .session_token = FirstThere(fs, dir, kTokenNames)};
  if (files.access_key_id.empty()) return NoneOf(dir, kIdNames);
  if (files.secret_access_key.empty()) return NoneOf(dir, kSecretNames);
  return files;
}

Result<Asked> KeyFileSource::Ask() {
  ASSIGN_OR_RETURN(Credentials keys, ReadOnce(fs_, files_));
  for (int readings = 1; readings < kReadingsMax; ++readings) {
    ASSIGN_OR_RETURN(Credentials again, ReadOnce(fs_, files_));
    if (AreSame(keys, again)) return Asked::Got(std::move(keys));
    keys = std::move(again);
  }
  return Error(Reason::kCredentials, "{}: it and the files beside it change all the time",
               files_.access_key_id);
}

}  // namespace etcdrill::objects
