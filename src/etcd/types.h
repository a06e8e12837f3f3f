// What etcd says, as plain data: the answers of the calls in endpoint.h. Field meanings:
// docs/dev/formats.md §3. A member may be broken or hostile: texts are printable and at most 256
// bytes long, lists are short, sizes are not negative.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/names.h"

namespace etcdrill::etcd {

struct MemberStatus {
  uint64_t cluster_id = 0;
  uint64_t member_id = 0;
  int64_t revision = 0;  // the member's own, current
  std::string version;   // of the server, "3.5.16"
  int64_t db_size_bytes = 0;
  int64_t db_in_use_bytes = 0;
  int64_t db_quota_bytes = 0;  // 0 before 3.6
  uint64_t leader_id = 0;      // 0: no leader
  uint64_t raft_term = 0;
  uint64_t raft_index = 0;
  uint64_t raft_applied_index = 0;
  bool is_learner = false;
  std::string storage_version;  // empty before 3.6
  std::vector<std::string> errors;

  bool is_leader() const { return leader_id == member_id; }
  std::string_view role() const {
    return is_learner ? "learner" : is_leader() ? "leader" : "follower";
  }
};

struct Member {
  uint64_t id = 0;
  std::string name;  // empty: not started yet
  std::vector<std::string> peer_urls;
  std::vector<std::string> client_urls;
  bool is_learner = false;
};

struct Membership {
  uint64_t cluster_id = 0;
  std::vector<Member> members;
};

struct HashKvAnswer {
  uint64_t cluster_id = 0;
  uint64_t member_id = 0;
  uint32_t hash = 0;
  int64_t compact_revision = 0;  // -1: never compacted
  int64_t hash_revision = 0;  // that the hash is of: the one asked for, or the head if that was 0
  int64_t head_revision = 0;
};

enum class AlarmType { kNone, kNoSpace, kCorrupt };  // numbered as by etcd

struct Alarm {
  uint64_t member_id = 0;
  AlarmType type = AlarmType::kNone;
};

struct KeyValue {
  std::string key;
  std::string value;
  int64_t create_revision = 0;
  int64_t mod_revision = 0;
  int64_t version = 0;
  int64_t lease = 0;
};

struct RangeQuery {
  std::string key;
  std::string range_end;  // empty: just `key`
  int64_t limit = 0;      // 0: all
  int64_t revision = 0;   // 0: head
  bool serializable = false;
  bool count_only = false;
};

struct RangeAnswer {
  uint64_t cluster_id = 0;
  uint64_t member_id = 0;
  int64_t head_revision = 0;
  int64_t count = 0;
  bool more = false;
  std::vector<KeyValue> kvs;
};

}  // namespace etcdrill::etcd

// A kind that only a newer etcd knows has no name here.
template <>
inline constexpr auto etcdrill::kNames<etcdrill::etcd::AlarmType> = etcdrill::Names("unknown",
                                                                                    "NOSPACE",
                                                                                    "CORRUPT");
