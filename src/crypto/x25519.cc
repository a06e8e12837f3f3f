#include "crypto/x25519.h"

#include <openssl/err.h>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/openssl.h"

namespace etcdrill {
namespace {

PkeyPtr X25519SecretKey(const Secret& secret) {
  CHECK(secret.view().size() == kX25519Bytes);
  PkeyPtr key(
      EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, Octets(secret.view()), kX25519Bytes),
      EVP_PKEY_free);
  CHECK(key != nullptr);
  return key;
}

}  // namespace

std::string X25519PublicOf(const Secret& secret) {
  std::string out(kX25519Bytes, '\0');
  size_t size = out.size();
  CHECK(EVP_PKEY_get_raw_public_key(X25519SecretKey(secret).get(), Octets(out), &size) == 1);
  return out;
}

std::optional<Secret> X25519Shared(const Secret& secret, std::string_view public_key) {
  CHECK(public_key.size() == kX25519Bytes);
  const PkeyPtr ours = X25519SecretKey(secret);
  const PkeyPtr theirs(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, Octets(public_key), kX25519Bytes),
      EVP_PKEY_free);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new(ours.get(), nullptr), EVP_PKEY_CTX_free);
  CHECK(theirs != nullptr && context != nullptr);
  CHECK(EVP_PKEY_derive_init(context.get()) == 1);
  CHECK(EVP_PKEY_derive_set_peer(context.get(), theirs.get()) == 1);
  std::string shared(kX25519Bytes, '\0');
  size_t size = shared.size();
  // OpenSSL refuses the all-zero result itself; other versions of it may not.
  const bool derived = EVP_PKEY_derive(context.get(), Octets(shared), &size) == 1;
  if (!derived) ERR_clear_error();
  if (!derived || IsZero(shared)) return std::nullopt;
  return Secret(std::move(shared));
}

}  // namespace etcdrill
