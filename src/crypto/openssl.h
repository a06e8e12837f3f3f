// What OpenSSL's C interface asks of each of its callers in crypto/: bytes as unsigned char, and
// objects that are freed by a function of their own.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

namespace etcdrill {

inline const unsigned char* Octets(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* Octets(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

using PkeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;

// The answer to a question for a passphrase: without one, OpenSSL asks on the terminal.
inline int NoPassphrase(char* /*buffer*/, int /*size*/, int /*writes*/, void* /*ours*/) {
  return -1;
}

}  // namespace etcdrill
