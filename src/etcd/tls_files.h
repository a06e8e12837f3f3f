// The certificate files of a connection, read and looked over before anything is connected, because
// gRPC explains a bad file poorly and late. They are replaced while we run, one after the other: in
// between, certificate and key are no pair.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/status.h"
#include "etcd/client.h"
#include "io/context.h"

namespace etcdrill::etcd {

// PEM texts; empty where no file is configured.
struct TlsFiles {
  std::string ca;
  std::string cert;
  std::string key;

  bool operator==(const TlsFiles&) const = default;
};

bool WantsTls(const ConnectionOptions& options);

// kUsage if only one of certificate and key is given; kTls if a file can't be read, is no PEM file
// or is cut short, or if key and certificate do not belong together.
Result<TlsFiles> ReadTlsFiles(FileSystem& fs, const ConnectionOptions& options);

// The files as they change. Safe for use from any thread; `context` must outlive it.
class WatchedTlsFiles {
 public:
  static Result<std::shared_ptr<WatchedTlsFiles>> Open(const ConnectionOptions& options,
                                                       const Context& context);

  // As they are now, if they can be used; else the last that could, and one line in the log.
  std::shared_ptr<const TlsFiles> Now();

 private:
  WatchedTlsFiles(const ConnectionOptions& options, const Context& context, TlsFiles files);

  const ConnectionOptions options_;
  const Context& context_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::shared_ptr<const TlsFiles> good_;
  std::string complaint_;  // the line in the log; empty while all is well
};

}  // namespace etcdrill::etcd
