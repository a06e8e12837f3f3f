#include "crypto/chacha20_poly1305.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/check.h"
#include "crypto/openssl.h"

namespace etcdrill {

void ChaCha20Poly1305::Deleter::operator()(evp_cipher_ctx_st* context) const {
  EVP_CIPHER_CTX_free(context);
}

ChaCha20Poly1305::ChaCha20Poly1305(const Secret& key) : context_(EVP_CIPHER_CTX_new()) {
  CHECK(context_ != nullptr && key.view().size() == kKeyBytes);
  CHECK(EVP_CipherInit_ex(context_.get(), EVP_chacha20_poly1305(), nullptr, Octets(key.view()),
                          nullptr, 1) == 1);
}

void ChaCha20Poly1305::Seal(std::string_view nonce, std::string_view plain, std::string& out) {
  CHECK(nonce.size() == kNonceBytes);
  out.resize(plain.size() + kTagBytes);
  int size = 0;
  CHECK(EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, Octets(nonce), 1) == 1);
  CHECK(EVP_CipherUpdate(context_.get(), Octets(out), &size, Octets(plain),
                         static_cast<int>(plain.size())) == 1);
  CHECK(EVP_CipherFinal_ex(context_.get(), Octets(out) + size, &size) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                            Octets(out) + plain.size()) == 1);
}

bool ChaCha20Poly1305::Open(std::string_view nonce, std::string_view sealed, std::string& out) {
  CHECK(nonce.size() == kNonceBytes);
  out.clear();
  if (sealed.size() < kTagBytes) return false;
  std::string tag(sealed.substr(sealed.size() - kTagBytes));  // OpenSSL's interface is not const
  sealed.remove_suffix(kTagBytes);
  out.resize(sealed.size() + 1);  // never empty: a null pointer means something else to OpenSSL
  int size = 0;
  CHECK(EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, Octets(nonce), 0) == 1);
  CHECK(EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes, tag.data()) == 1);
  CHECK(EVP_CipherUpdate(context_.get(), Octets(out), &size, Octets(sealed),
                         static_cast<int>(sealed.size())) == 1);
  const bool fits = EVP_CipherFinal_ex(context_.get(), Octets(out) + size, &size) == 1;
  if (!fits) OPENSSL_cleanse(out.data(), out.size());
  out.resize(fits ? sealed.size() : 0);
  return fits;
}

}  // namespace etcdrill
