// The certificate files of a connection, read and looked over before anything is connected, because gRPC explains a bad
// file poorly and late. Whether key and certificate belong together only the handshake tells.
#pragma once

#include <string>

#include "base/status.h"
#include "etcd/client.h"
#include "io/file_system.h"

namespace etcdrill::etcd {

// PEM texts; empty where no file is configured.
struct TlsFiles {
  std::string ca;
  std::string cert;
  std::string key;

  bool operator==(const TlsFiles&) const = default;
};

bool WantsTls(const ConnectionOptions& options);

// kUsage if only one of certificate and key is given; kTls if a file can't be read, is no PEM file or is cut short.
Result<TlsFiles> ReadTlsFiles(FileSystem& fs, const ConnectionOptions& options);

}  // namespace etcdrill::etcd
