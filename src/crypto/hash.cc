// OpenSSL's EVP for the SHAs (it picks SHA-NI), ISA-L for CRC-32C (it picks PCLMULQDQ or SSE4.2).
#include "crypto/hash.h"

#include <crypt.h>
#include <isa-l/crc.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace etcdrill {

void Sha256::Deleter::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  CHECK(context_ != nullptr);
  CHECK(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
}
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;
Sha256::~Sha256() = default;

void Sha256::Update(std::string_view bytes) {
  CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1);
}

std::string Sha256::Finish() {
  std::string digest(kSize, '\0');
  CHECK(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(digest.data()),
                           nullptr) == 1);
  return digest;
}

std::string Sha256::Peek() const {
  Sha256 copy;
  CHECK(EVP_MD_CTX_copy_ex(copy.context_.get(), context_.get()) == 1);
  return copy.Finish();
}

std::string Sha256Of(std::string_view bytes) {
  Sha256 sum;
  sum.Update(bytes);
  return sum.Finish();
}

std::string Sha1(std::string_view bytes) {
  std::string digest(20, '\0');
  CHECK(EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                   nullptr, EVP_sha1(), nullptr) == 1);
  return digest;
}

std::string Md5(std::string_view bytes) {
  std::string digest(16, '\0');
  const bool made =
      EVP_Digest(bytes.data(), bytes.size(), reinterpret_cast<unsigned char*>(digest.data()),
                 nullptr, EVP_md5(), nullptr) == 1;
  return made ? digest : "";
}

uint32_t Crc32c(uint32_t crc, std::string_view bytes) {
  constexpr size_t kChunkBytes = size_t{1} << 30;  // ISA-L takes an int
  uint32_t state = ~crc;
  while (!bytes.empty()) {
    const size_t n = std::min(bytes.size(), kChunkBytes);
    // ISA-L only reads, but its prototype lacks the const.
    auto* data = reinterpret_cast<unsigned char*>(const_cast<char*>(bytes.data()));
    state = crc32_iscsi(data, static_cast<int>(n), state);
    bytes.remove_prefix(n);
  }
  return ~state;
}

// bcrypt comes from libxcrypt. It takes a hash that it does not know for one of the oldest scheme
// (DES), so the caller's is looked at first.
bool BcryptMatches(const std::string& password, const std::string& hash) {
  constexpr size_t kHashSize = 60;
  if (!hash.starts_with("$2") || hash.size() != kHashSize) return false;
  const auto data = std::make_unique<crypt_data>();  // 32 KB
  const char* made = crypt_r(password.c_str(), hash.c_str(), data.get());
  // Compared in a time that does not depend on where they differ.
  return made != nullptr && std::strlen(made) == kHashSize &&
         CRYPTO_memcmp(made, hash.data(), kHashSize) == 0;
}

}  // namespace etcdrill
