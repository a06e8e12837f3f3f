// L3: the records of the small buckets: meta, lease, alarm, auth, authUsers, authRoles, cluster.
// Formats: docs/dev/formats.md §2.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "format/bbolt/database.h"
#include "proof/finding.h"
#include "verify/report.h"

namespace etcdrill::verify {

// Not thread-safe.
class RecordsCheck {
 public:
  explicit RecordsCheck(Findings& findings) : findings_(findings) {}

  void OnMeta(const bbolt::Pair& pair);
  void OnLease(const bbolt::Pair& pair);
  void OnAlarm(const bbolt::Pair& pair);
  void OnAuth(const bbolt::Pair& pair);
  void OnAuthUser(const bbolt::Pair& pair);
  void OnAuthRole(const bbolt::Pair& pair);
  void OnCluster(const bbolt::Pair& pair);

  // Judges what only the whole shows, and fills in what the records say.
  void Finish(Keyspace& keyspace);

 private:
  std::optional<uint64_t> Number(const bbolt::Pair& pair, std::string_view code);
  void OnVersion(const bbolt::Pair& pair, std::string& version);
  void CheckAuth(const Keyspace& keyspace);
  void TellAlarm(const std::string& alarm);
  void Report(std::string_view code, const bbolt::Pair& pair, std::string text);

  Findings& findings_;
  Keyspace facts_;
  std::set<std::string> roles_;
  std::set<std::string> roles_in_use_;
  bool has_consistent_index_ = false;
  bool has_term_ = false;
  bool has_root_ = false;
  uint64_t leases_ = 0;
};

}  // namespace etcdrill::verify
