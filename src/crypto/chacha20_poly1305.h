// ChaCha20-Poly1305 (RFC 8439) without associated data: bytes under a key, with a tag that fits no
// other bytes.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "crypto/secret.h"

struct evp_cipher_ctx_st;

namespace etcdrill {

// Not safe for use from several threads. A nonce has 12 bytes, and seals once in the life of a key.
class ChaCha20Poly1305 {
 public:
  static constexpr size_t kKeyBytes = 32;
  static constexpr size_t kNonceBytes = 12;
  static constexpr size_t kTagBytes = 16;

  explicit ChaCha20Poly1305(const Secret& key);

  // Replaces `out` by what is sealed: as many bytes, then the tag.
  void Seal(std::string_view nonce, std::string_view plain, std::string& out);
  // Replaces `out` by what was sealed. False, and `out` is empty, if the tag does not fit.
  [[nodiscard]] bool Open(std::string_view nonce, std::string_view sealed, std::string& out);

 private:
  struct Deleter {
    void operator()(evp_cipher_ctx_st* context) const;
  };
  std::unique_ptr<evp_cipher_ctx_st, Deleter> context_;
};

}  // namespace etcdrill
