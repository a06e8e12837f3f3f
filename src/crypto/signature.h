// Ed25519 signatures (RFC 8032): who wrote a manifest. Keys are in the files that `openssl pkey`
// reads: PKCS#8 for the key that signs, SubjectPublicKeyInfo for the one that verifies, both in
// PEM.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

struct evp_pkey_st;

namespace etcdrill {

// Safe for use from any thread. Copies share one key.
class VerifyingKey {
 public:
  static constexpr size_t kBytes = 32;

  // kConfig if the text holds no key, and if it holds a secret one.
  static Result<VerifyingKey> FromPem(std::string_view pem);
  // All keys of a file, at least one; kConfig if one of them can't be used. What stands between the
  // blocks is a comment.
  static Result<std::vector<VerifyingKey>> AllFromPem(std::string_view pem);

  std::string Pem() const;
  // The 32 raw bytes.
  std::string Raw() const;
  // Names the key for people and in manifests: 16 hexadecimal digits, the first of the SHA-256 of
  // the raw bytes. It proves nothing.
  std::string Id() const;
  // Whether `signature`, of 64 raw bytes, was made over `bytes` with the key that belongs to this
  // one.
  bool Verifies(std::string_view bytes, std::string_view signature) const;

 private:
  friend class SigningKey;
  explicit VerifyingKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}

  std::shared_ptr<evp_pkey_st> key_;
};

// Secret. Safe for use from any thread. Copies share one key.
class SigningKey {
 public:
  static constexpr size_t kSignatureBytes = 64;

  // A new one that nobody has.
  static SigningKey Make();
  // kConfig if the text does not begin with such a key, or if that needs a passphrase. No text of
  // an error repeats what was given.
  static Result<SigningKey> FromPem(std::string_view pem);

  // Not encrypted: for the file that only its owner may read.
  std::string Pem() const;
  VerifyingKey verifying_key() const;
  // The 64 raw bytes; the same ones each time.
  std::string Sign(std::string_view bytes) const;

 private:
  explicit SigningKey(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}

  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace etcdrill
