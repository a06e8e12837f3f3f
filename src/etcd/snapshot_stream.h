// The bytes of a snapshot as they come. The protocol (docs/dev/formats.md §3.1): blobs of at most
// 32 KiB, remaining_bytes counting down to 0, then one extra message with the 32-byte SHA-256 of
// everything before, then the end. This class moves messages and notices when none come; what they
// mean is for capture/ to judge.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/status.h"

namespace etcdrill::etcd {

class Channel;

struct SnapshotMessage {
  std::string blob;
  uint64_t remaining_bytes = 0;
  std::string storage_version;  // empty before 3.6
};

// Not thread-safe. The destructor cancels a stream that has not ended.
class SnapshotStream {
 public:
  virtual ~SnapshotStream() = default;
  // The next message that has bytes; nullopt when the server has ended the stream with status OK.
  // Until the first message an error has the reason of the call (kConnect, kPermission, ...). Later
  // it is kStreamCut if the stream broke off, kStreamStalled if nothing came for
  // no_progress_timeout (an empty blob counts as nothing), kInterrupted on a stop. Not to be called
  // again after the end or an error.
  virtual Result<std::optional<SnapshotMessage>> Next() = 0;
};

std::unique_ptr<SnapshotStream> OpenSnapshotStream(std::shared_ptr<Channel> channel,
                                                   Duration limit);

}  // namespace etcdrill::etcd
