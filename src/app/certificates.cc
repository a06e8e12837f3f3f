// See certificates.h.
#include "app/certificates.h"

#include "crypto/certificate.h"

namespace etcdrill::app {

std::map<std::string, double> CertificateEnds(FileSystem& fs, const config::Config& config) {
  constexpr uint64_t kPemBytesMax = uint64_t{4} << 20;
  std::map<std::string, double> ends;
  for (const auto& [name, path] :
       {std::pair("etcd_ca", config.cluster.tls.ca_file), std::pair("etcd_client", config.cluster.tls.cert_file)}) {
    const auto pem = path.empty() ? Result<std::string>(std::string()) : fs.ReadWhole(path, kPemBytesMax);
    if (!pem.ok()) continue;
    if (const auto end = EarliestNotAfter(*pem)) ends[name] = UnixSeconds(*end);
  }
  return ends;
}

}  // namespace etcdrill::app
