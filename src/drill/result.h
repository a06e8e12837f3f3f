// What a drill found out, as data: stages with their times, checks with expected and actual.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace etcdrill::drill {

enum class CheckResult { kPass, kFail, kSkipped, kNotComparable };

struct Check {
  std::string_view name;  // a constant of kCheckNames
  CheckResult result = CheckResult::kSkipped;
  std::string expected;
  std::string actual;
  Status unanswered;  // set: etcd could not be asked, so the check is skipped
};

inline constexpr std::string_view kSha256Check = "sha256";
inline constexpr std::string_view kDbHashCheck = "db_hash";
inline constexpr std::string_view kRevisionCheck = "revision";
inline constexpr std::string_view kKeyCountCheck = "key_count";
inline constexpr std::string_view kHashKvCheck = "hashkv";
inline constexpr std::string_view kHealthCheck = "health";
inline constexpr std::string_view kAlarmsCheck = "alarms";
inline constexpr std::string_view kAssertionsCheck = "assertions";
inline constexpr std::string_view kWriteCheck = "write";
// Of a cluster of three only.
inline constexpr std::string_view kReplicasCheck = "replicas";
inline constexpr std::string_view kNewMemberCheck = "new_member";

// A check of two texts that must be equal.
inline Check Compare(std::string_view name, std::string expected, std::string actual) {
  const CheckResult result = expected == actual ? CheckResult::kPass : CheckResult::kFail;
  return {name, result, std::move(expected), std::move(actual), OkStatus()};
}

}  // namespace etcdrill::drill
