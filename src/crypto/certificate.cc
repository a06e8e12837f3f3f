#include "crypto/certificate.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <ctime>
#include <memory>

#include "crypto/openssl.h"

namespace etcdrill {

namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

Bio Open(std::string_view pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free};
}

Certificate ReadNext(const Bio& bio) {
  return {PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr), X509_free};
}

std::optional<WallTime> TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return WallTime(std::chrono::seconds(timegm(&parts)));
}

}  // namespace

std::optional<CertificateEnds> CertificateEndsOf(std::string_view pem) {
  const Bio bio = Open(pem);
  std::optional<CertificateEnds> ends;
  while (true) {
    const Certificate certificate = ReadNext(bio);
    if (certificate == nullptr) break;
    const auto begin = TimeOf(X509_get0_notBefore(certificate.get()));
    const auto end = TimeOf(X509_get0_notAfter(certificate.get()));
    if (!begin.has_value() || !end.has_value()) continue;
    const Validity validity{*begin, *end};
    if (!ends.has_value()) ends = {validity, validity};
    if (*end < ends->first.end) ends->first = validity;
    if (*end > ends->last.end) ends->last = validity;
  }
  ERR_clear_error();  // the end of the text is one, too
  return ends;
}

bool KeyFitsCertificate(std::string_view key_pem, std::string_view certificate_pem) {
  const Certificate certificate = ReadNext(Open(certificate_pem));
  const Bio bio = Open(key_pem);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr), EVP_PKEY_free);
  const bool fits = certificate != nullptr && key != nullptr &&
                    X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  return fits;
}

}  // namespace etcdrill
