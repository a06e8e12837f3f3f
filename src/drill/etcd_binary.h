// Which etcd boots a snapshot: one of the minor version that wrote it. A newer one migrates the
// data while it boots, an older one refuses it or reads it without a schema check
// (docs/dev/formats.md §6.6): what such a drill proves is not what a restore would give.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/context.h"

namespace etcdrill::drill {

struct EtcdBinary {
  std::string path;
  std::string version;  // "3.5.16", as it says itself

  // Whether it can be told not to wait for the disk (--unsafe-no-fsync).
  bool CanSkipFsync() const;
};

// What each etcd of a drill gets. Of our own environment only ETCD_UNSUPPORTED_ARCH, without which
// etcd 3.4 does not start on arm64.
std::vector<std::string> EtcdEnvironment();

// The first candidate of that minor version; of any version if there is no `minor`. kEtcdMissing if
// no candidate is there, kEtcdExited, kTimeout or kIoError if the first that is does not answer,
// kEtcdVersion, with what there is, if none fits.
Result<EtcdBinary> ChooseEtcd(const Context& context, const std::vector<std::string>& candidates,
                              std::optional<int> minor);

}  // namespace etcdrill::drill
