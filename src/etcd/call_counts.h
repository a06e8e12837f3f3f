// How many calls went to etcd and how many of them failed, by method, for
// etcdrill_etcd_requests_total and etcdrill_etcd_request_failures_total.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace etcdrill::etcd {

enum class Method { kSnapshot, kStatus, kHashKv, kAlarm, kMemberList, kRange };
inline constexpr std::array<std::string_view, 6> kMethodNames = {"Snapshot", "Status",     "HashKV",
                                                                 "Alarm",    "MemberList", "Range"};

// Safe for use from any thread.
struct CallCounts {
  std::array<std::atomic<uint64_t>, kMethodNames.size()> requests{};
  std::array<std::atomic<uint64_t>, kMethodNames.size()> failures{};
};

}  // namespace etcdrill::etcd
