#include "crypto/secret.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "base/check.h"
#include "crypto/openssl.h"

namespace etcdrill {

Secret::~Secret() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

Secret RandomSecret(size_t size) {
  std::string bytes(size, '\0');
  CHECK(RAND_priv_bytes(Octets(bytes), static_cast<int>(size)) == 1);
  return Secret(std::move(bytes));
}

std::string RandomBytes(size_t size) {
  std::string bytes(size, '\0');
  CHECK(RAND_bytes(Octets(bytes), static_cast<int>(size)) == 1);
  return bytes;
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace etcdrill
