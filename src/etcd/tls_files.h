// The certificate files of a connection, read and looked over before anything is connected, because
// gRPC explains a bad file poorly and late. They are replaced while we run, one after the other: in
// between, certificate and key are no pair.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "etcd/client.h"
#include "io/context.h"
#include "io/watched.h"

namespace etcdrill::etcd {

// PEM texts; empty where no file is configured.
struct TlsFiles {
  std::string ca;
  std::string cert;
  std::string key;
};

bool WantsTls(const ConnectionOptions& options);

// kUsage if only one of certificate and key is given; kTls if a file can't be read, is no PEM file
// or is cut short, or if key and certificate do not belong together.
Result<TlsFiles> ReadTlsFiles(FileSystem& fs, const ConnectionOptions& options);

// The files as they change; `context` must outlive it.
using WatchedTlsFiles = Watched<const TlsFiles>;
Result<std::shared_ptr<WatchedTlsFiles>> WatchTlsFiles(const ConnectionOptions& options,
                                                       const Context& context);

}  // namespace etcdrill::etcd
