#include "crypto/age/keys.h"

#include <algorithm>
#include <array>
#include <span>

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/bech32.h"
#include "crypto/x25519.h"

namespace etcdrill {
namespace {

constexpr std::string_view kRecipientPrefix = "age";
constexpr std::string_view kIdentityPrefix = "age-secret-key-";

// What begins so is not what was asked for, but something that we can name.
struct Mistaken {
  std::string_view begin;
  std::string_view text;
};

constexpr std::array kMistakenForRecipient = {
    Mistaken{"AGE-SECRET-KEY-",
             "this is an identity, which is secret; take it out of here, and give its recipient "
             "(age1...), which `age-keygen -y FILE` prints"},
    Mistaken{"AGE-PLUGIN-", "this is the secret identity of an age plugin, not a recipient"},
    Mistaken{"age1pq1",
             "a post-quantum recipient (age1pq1...) can't be encrypted for: give an X25519 one "
             "(age1..., by `age-keygen`); the age program can encrypt what it opens for others"},
    Mistaken{"ssh-",
             "an SSH key can't be encrypted for: give an X25519 recipient (age1..., by "
             "`age-keygen`)"},
};

constexpr std::array kMistakenForIdentity = {
    Mistaken{"AGE-SECRET-KEY-PQ-",
             "a post-quantum identity can't be used: give an X25519 one (AGE-SECRET-KEY-1..., by "
             "`age-keygen`); the age program can encrypt anew, for that one, what this one opens"},
    Mistaken{"AGE-PLUGIN-",
             "the identity of an age plugin can't be used: give an X25519 one "
             "(AGE-SECRET-KEY-1..., by `age-keygen`); the age program with its plugin can encrypt "
             "anew, for that one, what this one opens"},
    Mistaken{"age1",
             "this is a recipient, which opens nothing; give its identity (AGE-SECRET-KEY-1...)"},
    Mistaken{"age-encryption.org/",
             "this file of identities is itself encrypted, and nobody is here to be asked for its "
             "passphrase: decrypt it with `age -d`"},
    Mistaken{"-----BEGIN AGE ENCRYPTED FILE-----",
             "this file of identities is itself encrypted, and nobody is here to be asked for its "
             "passphrase: decrypt it with `age -d`"},
    Mistaken{"-----BEGIN",
             "an SSH or PEM key can't be used: give an X25519 identity "
             "(AGE-SECRET-KEY-1..., by `age-keygen`)"},
};

// An error for what is mistaken for a key; `otherwise` for what nobody knows.
Status WhatItIs(std::span<const Mistaken> known, std::string_view text, std::string otherwise) {
  const auto found = std::ranges::find_if(
      known, [text](const Mistaken& one) { return text.starts_with(one.begin); });
  return Error(Reason::kConfig, found != known.end() ? std::string(found->text) : otherwise);
}

// age1NAME1...: a digit 1 before the last one is of the name of a plugin.
bool IsOfPlugin(std::string_view text) {
  return text.starts_with("age1") && std::ranges::count(text, '1') > 1;
}

// Calls `parse` for each line that holds something.
template <typename Key>
Result<std::vector<Key>> ParseLines(std::string_view text, std::string_view what) {
  std::vector<Key> keys;
  size_t number = 0;
  for (const std::string_view whole : Split(text, '\n')) {
    ++number;
    const std::string_view line = Trim(whole);
    if (line.empty() || line.starts_with('#')) continue;
    auto key = Key::Parse(line);
    if (!key.ok()) return Annotate(key.status(), "line {}", number);
    keys.push_back(*std::move(key));
  }
  if (keys.empty()) return Error(Reason::kConfig, "it holds no {}", what);
  return keys;
}

}  // namespace

Result<AgeRecipient> AgeRecipient::Parse(std::string_view text) {
  auto decoded = DecodeBech32(text);
  if (decoded.has_value() && decoded->prefix == kRecipientPrefix && text.starts_with("age1") &&
      decoded->bytes.size() == kX25519Bytes) {
    // A public key that makes each secret zero would encrypt for everybody.
    if (X25519Shared(RandomSecret(kX25519Bytes), decoded->bytes).has_value())
      return AgeRecipient(std::move(decoded->bytes));
    return Error(Reason::kConfig, "the recipient {} is a key that everybody can open", text);
  }
  if (IsOfPlugin(text) && !text.starts_with("age1pq1")) {
    return Error(Reason::kConfig,
                 "{} is a recipient of an age plugin, or mistyped: give an X25519 one (age1..., by "
                 "`age-keygen`)",
                 Printable(text));
  }
  // Not repeated: it may be anything, a secret, too.
  return WhatItIs(kMistakenForRecipient, text,
                  "not an age recipient: it must be age1 and 58 more characters, and its checksum "
                  "must fit; is it whole?");
}

std::string AgeRecipient::Text() const { return EncodeBech32(kRecipientPrefix, key_); }

AgeIdentity::AgeIdentity(Secret secret)
    : secret_(std::move(secret)), recipient_(X25519PublicOf(secret_)) {}

Result<AgeIdentity> AgeIdentity::Parse(std::string_view text) {
  auto decoded = DecodeBech32(text);
  if (decoded.has_value() && decoded->prefix == kIdentityPrefix && text.starts_with('A') &&
      decoded->bytes.size() == kX25519Bytes)
    return AgeIdentity(Secret(std::move(decoded->bytes)));
  return WhatItIs(kMistakenForIdentity, text,
                  "not an age identity: it must be AGE-SECRET-KEY-1 and 58 more characters, and "
                  "its checksum must fit; is it whole?");
}

std::string AgeIdentity::Text() const {
  std::string text = EncodeBech32(kIdentityPrefix, secret_.view());
  std::ranges::transform(text, text.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  });
  return text;
}

Result<std::vector<AgeRecipient>> ParseAgeRecipients(std::string_view text) {
  return ParseLines<AgeRecipient>(text, "recipient (age1...)");
}

Result<std::vector<AgeIdentity>> ParseAgeIdentities(std::string_view text) {
  return ParseLines<AgeIdentity>(text, "identity (AGE-SECRET-KEY-1...)");
}

bool AnyOpens(const std::vector<AgeIdentity>& identities,
              const std::vector<AgeRecipient>& recipients) {
  return std::ranges::any_of(identities, [&](const AgeIdentity& identity) {
    return std::ranges::find(recipients, identity.recipient()) != recipients.end();
  });
}

}  // namespace etcdrill
