// See certificate.h.
#include "crypto/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <ctime>
#include <memory>

namespace etcdrill {

std::optional<WallTime> EarliestNotAfter(std::string_view pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                      BIO_free);
  std::optional<WallTime> earliest;
  while (true) {
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free);
    if (certificate == nullptr) break;
    std::tm parts{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &parts) != 1) continue;
    const WallTime end{std::chrono::seconds(timegm(&parts))};
    earliest = std::min(earliest.value_or(end), end);
  }
  ERR_clear_error();  // the end of the text is one, too
  return earliest;
}

}  // namespace etcdrill
