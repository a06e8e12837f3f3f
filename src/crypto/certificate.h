// When certificates end, and which key is theirs. X.509 in PEM, read by OpenSSL.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace etcdrill {

struct Validity {
  WallTime begin{};
  WallTime end{};
};

// Of the certificates in a text.
struct CertificateEnds {
  Validity first;  // that ends first; of a chain: then it is broken
  Validity last;   // that ends last; of a bundle of authorities: until then one of them holds
};

// Keys and other blocks are passed over; none if the text holds no certificate that can be read.
std::optional<CertificateEnds> CertificateEndsOf(std::string_view pem);

// Whether this private key is that of the first certificate; false also if one of them can't be
// read.
bool KeyFitsCertificate(std::string_view key_pem, std::string_view certificate_pem);

}  // namespace etcdrill
