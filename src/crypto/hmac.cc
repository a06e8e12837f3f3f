#include "crypto/hmac.h"

#include <openssl/hmac.h>

#include "base/check.h"
#include "crypto/hash.h"
#include "crypto/openssl.h"
#include "crypto/secret.h"

namespace etcdrill {

std::string HmacSha256(std::string_view key, std::string_view bytes) {
  std::string mac(Sha256::kSize, '\0');
  CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), Octets(bytes), bytes.size(),
             Octets(mac), nullptr) != nullptr);
  return mac;
}

// An empty salt is the same as RFC 5869's one of 32 zeros: HMAC fills keys up with zeros.
std::string HkdfSha256(std::string_view secret, std::string_view salt, std::string_view info,
                       size_t size) {
  CHECK(size <= 255 * Sha256::kSize);
  const Secret key(HmacSha256(salt, secret));
  std::string out;
  std::string block;
  for (char counter = 1; out.size() < size; ++counter) {
    block = HmacSha256(key.view(), block + std::string(info) + counter);
    out += block;
  }
  out.resize(size);
  return out;
}

}  // namespace etcdrill
