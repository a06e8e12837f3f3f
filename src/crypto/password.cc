// bcrypt comes from libxcrypt. It takes a hash that it does not know for one of the oldest scheme (DES), so the
// caller's is looked at first.
#include "crypto/password.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

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

std::optional<std::string> DecodeBase64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()), static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;  // EVP counts it as bytes
  out.resize(static_cast<size_t>(size) - padding);
  return out;
}

}  // namespace etcdrill
