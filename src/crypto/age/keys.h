// The keys of age (https://c2sp.org/age): a recipient is public, and whoever has it can encrypt; an
// identity is secret, and opens what was encrypted for its recipient. Only the native kind, X25519:
// passphrases have nobody to ask, and post-quantum keys, SSH keys and plugins need what OpenSSL 3.0
// does not have. Those are refused by name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "crypto/secret.h"

namespace etcdrill {

class AgeRecipient {
 public:
  // kConfig if it is not the line "age1..."; what it is instead is named. An identity that was
  // given by mistake is not repeated in the text.
  static Result<AgeRecipient> Parse(std::string_view text);

  // "age1..."
  std::string Text() const;
  // 32 bytes.
  const std::string& key() const [[clang::lifetimebound]] { return key_; }
  bool operator==(const AgeRecipient&) const = default;

 private:
  friend class AgeIdentity;
  explicit AgeRecipient(std::string key) : key_(std::move(key)) {}

  std::string key_;
};

class AgeIdentity {
 public:
  // A new one that nobody has.
  static AgeIdentity Make() { return AgeIdentity(RandomSecret(32)); }
  // kConfig if it is not the line "AGE-SECRET-KEY-1..."; no text repeats what was given.
  static Result<AgeIdentity> Parse(std::string_view text);

  // "AGE-SECRET-KEY-1...": for the file that only its owner may read.
  std::string Text() const;
  const AgeRecipient& recipient() const [[clang::lifetimebound]] { return recipient_; }
  const Secret& secret() const [[clang::lifetimebound]] { return secret_; }

 private:
  explicit AgeIdentity(Secret secret);

  Secret secret_;
  AgeRecipient recipient_;
};

// Those of a file: one a line, between comments (#) and empty lines. kConfig, with the number of
// the line, if one can't be used, and if there is none.
Result<std::vector<AgeRecipient>> ParseAgeRecipients(std::string_view text);
Result<std::vector<AgeIdentity>> ParseAgeIdentities(std::string_view text);

// Whether one of the identities opens what is encrypted for these recipients.
bool AnyOpens(const std::vector<AgeIdentity>& identities,
              const std::vector<AgeRecipient>& recipients);

}  // namespace etcdrill
