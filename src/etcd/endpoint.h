// One endpoint of an etcd cluster, and the calls that etcdrill makes to it. Nothing here writes:
// the source is never written to. Every call has a deadline (command_timeout); a token that has
// expired is renewed once inside the call.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "etcd/types.h"

namespace etcdrill::etcd {

class Channel;
class SnapshotStream;

// `etcdctl endpoint health` reads it; it need not exist.
inline constexpr char kHealthKey[] = "health";
inline constexpr Duration kNoLimit = std::chrono::hours(24 * 365);

// How much longer than another call HashKV may take: the member reads its whole database. It may
// claim any size, so there is a limit.
Duration HashTime(int64_t db_size_bytes);

// Safe for use from any thread.
class Endpoint {
 public:
  explicit Endpoint(std::shared_ptr<Channel> channel);
  ~Endpoint();
  Endpoint(Endpoint&&) noexcept;

  // As configured, "https://10.0.0.1:2379".
  const std::string& address() const [[clang::lifetimebound]];

  Result<MemberStatus> Status() const;
  Result<Membership> MemberList() const;
  // `revision` 0 asks for the head. kEtcdError if that revision is compacted or in the future;
  // kPermission without root.
  Result<HashKvAnswer> HashKv(int64_t revision, int64_t db_size_bytes = 0) const;
  Result<std::vector<Alarm>> Alarms() const;
  Result<RangeAnswer> Range(const RangeQuery& query) const;
  // `count` of the answer is how many keys are alive at `revision`. Serializable: the member
  // answers for itself.
  Result<RangeAnswer> CountKeys(int64_t revision, bool serializable) const;
  // Opens the stream, which must have ended within `limit`; errors of the call itself come from its
  // first Next().
  Result<std::unique_ptr<SnapshotStream>> Snapshot(Duration limit = kNoLimit) const;

 private:
  std::shared_ptr<Channel> channel_;
};

}  // namespace etcdrill::etcd
