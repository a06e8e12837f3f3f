// When the certificates end that the configuration names.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "config/config.h"
#include "crypto/certificate.h"
#include "io/file_system.h"

namespace etcdrill::sidecar {

// Safe for use from any thread.
class Certificates {
 public:
  // By the name of the metric's label: the one that ends first of the client's chain, and the one
  // that ends last of the authorities, of which a bundle keeps those that have ended.
  // A file that is not configured, or can't be read right now, is absent. One whose bytes are those
  // of the last time is not taken apart again.
  std::map<std::string, Validity> Ends(FileSystem& fs, const config::TlsConfig& tls);

 private:
  struct Known {
    std::string sha256;
    std::optional<CertificateEnds> ends;
  };
  std::optional<CertificateEnds> EndsOf(FileSystem& fs, const std::string& path);

  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by path; guarded by mutex_
};

}  // namespace etcdrill::sidecar
