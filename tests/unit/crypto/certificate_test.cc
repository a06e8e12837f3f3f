// Two certificates, made by `openssl req -x509 -newkey ec ... -not_after`, whose ends are known.
#include "crypto/certificate.h"

#include "support/catch.h"

namespace etcdrill {
namespace {

constexpr char kEarly[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBFzCBvgIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1ldGNkcmlsbC10ZXN0\n"
    "MB4XDTI2MDEwMTAwMDAwMFoXDTI3MDEwMjAzMDQwNVowGDEWMBQGA1UEAwwNZXRj\n"
    "ZHJpbGwtdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABA6Dc88NqCs5Vb+W\n"
    "x4bSE+WOxoj8zHaMBE6zprsvqm6wZ/urPppBG8HaCGjuf1jV94kyY4cDbx+iYRLi\n"
    "xnxbHVcwCgYIKoZIzj0EAwIDSAAwRQIgTzlu+XvR71ulHkhzRIGtgeI1//zuGjb/\n"
    "JkNk4DPc4rQCIQC0lmonm+0jWqFMTbwpFqS9NY0CGg34JK+nCqJCOHR4wQ==\n"
    "-----END CERTIFICATE-----\n";
constexpr char kLate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBGjCBwAIBATAKBggqhkjOPQQDAjAYMRYwFAYDVQQDDA1ldGNkcmlsbC10ZXN0\n"
    "MCAXDTI2MDEwMTAwMDAwMFoYDzIwOTAwNjA3MDgwOTEwWjAYMRYwFAYDVQQDDA1l\n"
    "dGNkcmlsbC10ZXN0MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEDoNzzw2oKzlV\n"
    "v5bHhtIT5Y7GiPzMdowETrOmuy+qbrBn+6s+mkEbwdoIaO5/WNX3iTJjhwNvH6Jh\n"
    "EuLGfFsdVzAKBggqhkjOPQQDAgNJADBGAiEAn35TdgePAh3IG98AkAUnRE6lzLid\n"
    "b3yUw/CQtHKi+7cCIQCnYYep8ySFMBs3qdt2cHscUf1FPflHoXB9pBPmwvAbXw==\n"
    "-----END CERTIFICATE-----\n";

TEST_CASE("the first and the last end of all certificates in a file") {
  const std::string early(kEarly);
  const std::string late(kLate);
  const WallTime early_end = *ParseRfc3339("2027-01-02T03:04:05Z");
  const WallTime late_end = *ParseRfc3339("2090-06-07T08:09:10Z");
  CHECK(CertificateEndsOf(early)->first.end == early_end);
  CHECK(CertificateEndsOf(early)->last.end == early_end);
  for (const std::string& both : {late + early, early + late, "# notes\n" + late + early + late}) {
    CHECK(CertificateEndsOf(both)->first.end == early_end);
    CHECK(CertificateEndsOf(both)->last.end == late_end);
  }
  CHECK(CertificateEndsOf(early +
                          "-----BEGIN CERTIFICATE-----\nnonsense\n-----END CERTIFICATE-----\n")
            ->last.end == early_end);
  CHECK(CertificateEndsOf(early)->first.begin == *ParseRfc3339("2026-01-01T00:00:00Z"));
  CHECK_FALSE(CertificateEndsOf("").has_value());
  CHECK_FALSE(
      CertificateEndsOf("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n").has_value());
}

}  // namespace
}  // namespace etcdrill
