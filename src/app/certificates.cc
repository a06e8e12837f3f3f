// See certificates.h.
#include "app/certificates.h"

#include "crypto/certificate.h"

namespace etcdrill::app {

std::optional<double> Certificates::EndOf(FileSystem& fs, const std::string& path) {
  constexpr uint64_t kPemBytesMax = uint64_t{4} << 20;
  const auto info = fs.Stat(path);
  if (!info.ok()) return std::nullopt;
  Known& known = known_[path];
  if (known.end.has_value() && known.size == info->size && known.modified == info->modified) return known.end;
  known = {.size = info->size, .modified = info->modified, .end = std::nullopt};
  const auto pem = fs.ReadWhole(path, kPemBytesMax);
  if (!pem.ok()) return std::nullopt;
  if (const auto end = EarliestNotAfter(*pem)) known.end = UnixSeconds(*end);
  return known.end;
}

std::map<std::string, double> Certificates::Ends(FileSystem& fs, const config::TlsConfig& tls) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, double> ends;
  for (const auto& [name, path] : {std::pair("etcd_ca", tls.ca_file), std::pair("etcd_client", tls.cert_file)}) {
    if (path.empty()) continue;
    if (const auto end = EndOf(fs, path)) ends[name] = *end;
  }
  return ends;
}

}  // namespace etcdrill::app
