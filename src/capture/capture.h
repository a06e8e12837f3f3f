// Stage: a snapshot streams from one member into a temporary file, hashed on the way. Nothing is
// renamed before the trailer fits: the official client only looks at the size
// (docs/dev/formats.md §4.1), so it keeps what a bad disk or network made of it.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "etcd/client.h"
#include "io/context.h"
#include "io/durable_file.h"

namespace etcdrill::capture {

struct CaptureInput {
  etcd::Client& client;
  std::string temp_path;  // where the stream goes; on the file system of its later home
  Duration timeout;       // for one attempt on one endpoint
  std::optional<uint64_t> known_cluster = {};  // that the stored snapshots are of
  std::set<uint64_t> distrusted = {};          // ids of members that nothing is copied from
  // Called now and then with bytes received and bytes in all.
  std::function<void(uint64_t, uint64_t)> on_progress = [](uint64_t, uint64_t) {};
};

struct CaptureResult {
  DurableFile file;  // complete, its trailer checked; not yet visible
  uint64_t size_bytes = 0;
  std::string sha256;  // hex, of the whole file
  WallTime taken;      // when the stream began: the moment whose data this is
  std::string endpoint;
  std::string why;            // this endpoint
  etcd::MemberStatus source;  // just before the stream
  double duration_seconds = 0;
  std::vector<std::string> remarks = {};  // on endpoints that are not what they seem
};

// kNoSpace if `needed` bytes more, of `what`, do not fit beside `path`, or leave less free than the
// file system needs: it may be that of etcd itself, which writes a log.
Status CheckSpace(const Context& context, const std::string& path, std::string_view what,
                  uint64_t needed);

// Tries the members in the order of member_choice.h, with a pause between two. The error is the
// most telling one. Nothing is left of an attempt that failed.
Result<CaptureResult> Capture(const Context& context, const CaptureInput& input);

}  // namespace etcdrill::capture
