// bcrypt comes from libxcrypt. It takes a hash that it does not know for one of the oldest scheme
// (DES), so the caller's is looked at first.
#include "crypto/password.h"

#include <crypt.h>
#include <openssl/crypto.h>

#include <memory>

namespace etcdrill {

bool BcryptMatches(const std::string& password, const std::string& hash) {
  constexpr size_t kHashSize = 60;
  if (!hash.starts_with("$2") || hash.size() != kHashSize) return false;
  const auto data = std::make_unique<crypt_data>();  // 32 KB
  const char* made = crypt_r(password.c_str(), hash.c_str(), data.get());
  return made != nullptr && EqualInConstantTime(made, hash);
}

bool EqualInConstantTime(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace etcdrill
