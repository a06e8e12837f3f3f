// The hashes that etcd's formats use: SHA-256 (snapshot trailer), SHA-1 (member and cluster ids;
// not for security) and CRC-32C (WAL records, .snap files, status hash, HashKV). And that of
// passwords in web.config_file: bcrypt.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

struct evp_md_ctx_st;

namespace etcdrill {

// Running SHA-256. Not thread-safe.
class Sha256 {
 public:
  static constexpr size_t kSize = 32;

  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void Update(std::string_view bytes);
  // The 32 raw bytes; may be called once.
  std::string Finish();
  // The 32 raw bytes of what came so far; the sum goes on.
  std::string Peek() const;

 private:
  struct Deleter {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Deleter> context_;
};

// The 32 raw bytes of the SHA-256 of a text.
std::string Sha256Of(std::string_view bytes);

// The 20 raw bytes.
std::string Sha1(std::string_view bytes);

// The 16 raw bytes; empty where OpenSSL may not (FIPS). For object stores that know no better sum.
std::string Md5(std::string_view bytes);

// Running CRC-32C as Go's crc32.Update: Crc32c(Crc32c(0, a), b) == Crc32c(0, a + b). Check value:
// "123456789" gives 0xe3069283.
uint32_t Crc32c(uint32_t crc, std::string_view bytes);

// Slow on purpose: 70 ms at cost 10. `hash` is a whole bcrypt hash; anything else matches nothing.
bool BcryptMatches(const std::string& password, const std::string& hash);

}  // namespace etcdrill
