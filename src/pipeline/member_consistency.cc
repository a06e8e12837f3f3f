// All are asked for the lowest of their revisions, which each of them has: the head would be another one for each
// (formats.md 8).
#include "pipeline/member_consistency.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

namespace etcdrill::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr int kRounds = 3;
constexpr Duration kBetweenRounds = 1s;
constexpr int64_t kUnknownCompaction = -1;

Consistency AskAll(const etcd::Client& client) {
  std::optional<int64_t> lowest;
  uint64_t largest_bytes = 0;
  std::vector<capture::ReceiptEntry> silent;
  for (const etcd::Endpoint& endpoint : client.endpoints()) {
    const auto status = endpoint.Status();
    if (status.ok()) {
      lowest = std::min(lowest.value_or(status->revision), status->revision);
      largest_bytes = std::max(largest_bytes, static_cast<uint64_t>(status->db_size_bytes));
    } else {
      silent.push_back({.endpoint = endpoint.address(), .error = std::string(MessageOf(status.status()))});
    }
  }
  if (!lowest.has_value()) return {.members = std::move(silent)};
  return {.revision = *lowest, .members = capture::CollectReceipt(client, *lowest, kUnknownCompaction, largest_bytes)};
}

}  // namespace

void JudgeConsistency(Consistency& round) {
  std::map<int64_t, std::map<uint32_t, std::vector<std::string>>> answers;  // by compact revision, by hash
  for (const capture::ReceiptEntry& m : round.members) {
    if (m.error.empty()) answers[m.compact_revision][m.hash].push_back(m.endpoint);
  }
  for (const auto& [compact_revision, hashes] : answers) {
    if (hashes.size() > 1) {
      std::string list;
      for (const auto& [hash, endpoints] : hashes) {
        list += fmt::format("{}{:08x} on {}", list.empty() ? "" : ", ", hash, fmt::join(endpoints, " "));
      }
      round.equal = false;
      round.text = fmt::format("at revision {} compacted at {} HashKV is {}", round.revision, compact_revision, list);
      return;
    }
    if (hashes.begin()->second.size() > 1) {
      round.equal = true;
      round.text = fmt::format("{} of {} members have HashKV {:08x} at revision {}", hashes.begin()->second.size(),
                               round.members.size(), hashes.begin()->first, round.revision);
    }
  }
  if (round.equal.has_value()) return;
  round.text = "fewer than two answers compare";
  const auto silent = std::find_if(round.members.begin(), round.members.end(),
                                   [](const capture::ReceiptEntry& m) { return !m.error.empty(); });
  if (silent != round.members.end()) round.text += "; " + silent->error;
}

Consistency CompareMembers(const Context& context, const etcd::Client& client) {
  Consistency round;
  for (int i = 0; i < kRounds; ++i) {
    if (i > 0 && !context.clock.SleepFor(kBetweenRounds, context.stop)) break;
    round = AskAll(client);
    JudgeConsistency(round);
    if (round.equal.has_value()) break;
  }
  return round;
}

}  // namespace etcdrill::pipeline
