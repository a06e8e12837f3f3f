// keygen: the two kinds of keys that sites need. An age identity, as age-keygen writes it
// (https://github.com/FiloSottile/age, age-keygen(1)); and an Ed25519 key in PKCS#8 (RFC 8410), as
// `openssl genpkey` writes it.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/text.h"
#include "cli/commands.h"
#include "crypto/age/keys.h"
#include "crypto/signature.h"

namespace etcdrill::cli {
namespace {

constexpr uint32_t kPublicKeyMode = 0644;

// Under its own name at once: a rename would overwrite a key that somebody put there meanwhile.
Status WriteKeyFile(FileSystem& fs, const std::string& path, std::string_view text, uint32_t mode) {
  const auto file = fs.Create(path, mode);
  if (Is(file, Reason::kAlreadyExists)) {
    return Error(Reason::kAlreadyExists,
                 "{}: the file exists, and keys are never overwritten. Use another name", path);
  }
  RETURN_IF_ERROR(file.status());
  Status status = (*file)->Append(text);
  if (status.ok()) status = (*file)->Sync();
  if (status.ok()) status = fs.SyncDir(DirName(path));
  if (!status.ok()) fs.Unlink(path).IgnoreError();
  return status;
}

// Both files or none.
Status WriteKeyPair(FileSystem& fs, const std::string& path, const SigningKey& key,
                    const std::string& public_path) {
  RETURN_IF_ERROR(WriteKeyFile(fs, public_path, key.verifying_key().Pem(), kPublicKeyMode));
  const Status written = WriteKeyFile(fs, path, key.Pem(), kPrivateFileMode);
  if (!written.ok()) fs.Unlink(public_path).IgnoreError();
  return written;
}

}  // namespace

Result<ExitCode> KeygenIdentity(const Context& context, const KeygenOptions& options) {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string recipient = identity.recipient().Text();
  const std::string text =
      fmt::format("# created: {}\n# public key: {}\n{}\n", FormatRfc3339(context.clock.Now()),
                  recipient, identity.Text());
  const bool to_file = !options.out.empty();
  if (to_file) RETURN_IF_ERROR(WriteKeyFile(context.fs, options.out, text, kPrivateFileMode));
  if (options.format == OutputFormat::kJson) {
    Json json = NewDocument("AgeIdentity");
    json["recipient"] = recipient;
    if (to_file) json["file"] = options.out;
    if (!to_file) json["identity"] = identity.Text();
    PrintJson(json);
  } else if (to_file) {
    fmt::print("recipient: {}\n", recipient);
  } else {
    fmt::print("{}", text);
    fmt::print(stderr, "recipient: {}\n", recipient);
  }
  return ExitCode::kOk;
}

Result<ExitCode> KeygenSigning(const Context& context, const KeygenOptions& options) {
  const SigningKey key = SigningKey::Make();
  const std::string id = key.verifying_key().Id();
  const std::string public_file = options.out + ".pub";
  const bool to_file = !options.out.empty();
  if (to_file) RETURN_IF_ERROR(WriteKeyPair(context.fs, options.out, key, public_file));
  if (options.format == OutputFormat::kJson) {
    Json json = NewDocument("SigningKey");
    json["id"] = id;
    json["public_key"] = key.verifying_key().Pem();
    if (to_file) json["file"] = options.out;
    if (to_file) json["public_key_file"] = public_file;
    if (!to_file) json["key"] = key.Pem();
    PrintJson(json);
  } else if (to_file) {
    fmt::print("public key: {} (id {})\n", Shown(public_file), id);
  } else {
    fmt::print("{}", key.Pem());
    fmt::print(stderr, "{}", key.verifying_key().Pem());
  }
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
