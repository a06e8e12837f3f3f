#include "sidecar/certificates.h"

#include "crypto/hash.h"

namespace etcdrill::sidecar {

std::optional<CertificateEnds> Certificates::EndsOf(FileSystem& fs, const std::string& path) {
  constexpr uint64_t kPemBytesMax = uint64_t{4} << 20;
  const auto pem = fs.ReadWhole(path, kPemBytesMax);
  if (!pem.ok()) return std::nullopt;
  Known& known = known_[path];
  std::string sha256 = Sha256Of(*pem);
  if (known.sha256 != sha256) known = {std::move(sha256), CertificateEndsOf(*pem)};
  return known.ends;
}

std::map<std::string, Validity> Certificates::Ends(FileSystem& fs, const config::TlsConfig& tls) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, Validity> ends;
  const auto add = [&](const char* name, const std::string& path,
                       Validity CertificateEnds::*which) {
    if (path.empty()) return;
    if (const auto found = EndsOf(fs, path)) ends[name] = (*found).*which;
  };
  add("etcd_ca", tls.ca_file, &CertificateEnds::last);
  add("etcd_client", tls.cert_file, &CertificateEnds::first);
  return ends;
}

}  // namespace etcdrill::sidecar
