// An etcd that says what a test wants it to say: snapshot streams that break, stall or lie, tokens
// that die, calls that hang. It counts what it is asked, above all writes, of which the source must
// never see one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "etcd/snapshot_stream.h"
#include "etcd/types.h"

namespace etcdrill::testing {

struct SnapshotScript {
  enum class End {
    kOk,            // the stream ends as if all was well
    kUnavailable,   // an error ends it, as when the member shuts down
    kSilence,       // nothing comes any more
    kEndlessEmpty,  // messages without bytes, for ever
  };
  std::vector<etcd::SnapshotMessage> messages;
  End end = End::kOk;
};

// As etcd sends `database`: blobs of 32 KiB, remaining_bytes counting down, the right trailer, the
// end.
SnapshotScript GoodSnapshot(std::string_view database);
// The first `size` bytes of that stream, then End::kUnavailable.
SnapshotScript CutSnapshot(std::string_view database, size_t size);

struct FakeState {
  etcd::MemberStatus status;
  etcd::Membership membership;
  etcd::HashKvAnswer hash_kv;
  std::vector<etcd::Alarm> alarms;
  std::vector<etcd::KeyValue> kvs;            // the answer to every Range
  std::optional<int64_t> count;               // what it counts; none: as many as there are
  bool deny_range = false;                    // the user may not read
  bool deny_alarms = false;                   // nor ask for alarms
  std::optional<uint64_t> index_after_range;  // the raft entry that it has caught up to after one
  SnapshotScript snapshot;
  bool hang = false;     // unary calls do not answer until the caller gives up
  std::string username;  // set: auth is on, and every call needs a token
  std::string password;
  bool refuse_tokens = false;  // all of them, also the one that it has just given out
  std::string token;           // that it gives out; empty: a good one
};

// Safe for use from any thread.
class FakeEtcd {
 public:
  FakeEtcd();  // listens on a loopback port
  FakeEtcd(const FakeEtcd&) = delete;
  FakeEtcd& operator=(const FakeEtcd&) = delete;
  ~FakeEtcd();

  std::string endpoint() const;

  void Set(const std::function<void(FakeState&)>& change);
  void ForgetTokens();

  int logins() const;
  int writes() const;          // Put, DeleteRange, and Alarm other than GET
  int open_snapshots() const;  // streams that are being served now

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace etcdrill::testing
