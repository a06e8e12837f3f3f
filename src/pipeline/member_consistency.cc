// All are asked for the lowest of their revisions, which each of them has: the head would be another one for each
// (formats.md 8).
#include "pipeline/member_consistency.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "etcd/roll_call.h"

namespace etcdrill::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr int kRounds = 3;
constexpr Duration kBetweenRounds = 1s;
constexpr int64_t kUnknownCompaction = -1;

Consistency AskAll(const etcd::Client& client, std::optional<uint64_t> known) {
  etcd::RollCall roll = etcd::CallRoll(client, known);
  if (!roll.outcome.ok())
    return {.members = {{.error = std::string(MessageOf(roll.outcome))}}, .roll = std::move(roll)};
  std::optional<int64_t> lowest;
  for (const etcd::RollEntry* member : roll.Members()) {
    if (!member->status.has_value()) continue;
    lowest = std::min(lowest.value_or(member->status->revision), member->status->revision);
  }
  auto members = capture::CollectReceipt(client, roll, *lowest, kUnknownCompaction);
  const bool alone = roll.Members().size() == 1;
  return {.revision = *lowest, .members = std::move(members), .alone = alone, .roll = std::move(roll)};
}

// What the members count, if not all of them count the same; empty otherwise.
std::string DifferentNumbers(const Consistency& round) {
  std::set<int64_t> numbers;
  std::string list;
  for (const capture::ReceiptEntry& m : round.members) {
    if (!m.live_keys.has_value()) continue;
    numbers.insert(*m.live_keys);
    list += fmt::format("{}{} on {}", list.empty() ? "" : ", ", *m.live_keys, m.endpoint);
  }
  return numbers.size() > 1 ? list : "";
}

}  // namespace

void JudgeConsistency(Consistency& round) {
  if (const std::string numbers = DifferentNumbers(round); !numbers.empty()) {
    round.equal = false;
    round.text = fmt::format("at revision {} the number of keys is {}", round.revision, numbers);
    return;
  }
  std::map<int64_t, std::map<uint32_t, std::vector<std::string>>> answers;  // by compact revision, by hash
  for (const capture::ReceiptEntry& m : round.members) {
    if (m.error.empty()) answers[m.compact_revision][m.hash].push_back(m.endpoint);
  }
  // Their numbers are equal, as far as they are known.
  const bool none_alive = std::any_of(round.members.begin(), round.members.end(),
                                      [](const capture::ReceiptEntry& m) { return m.live_keys == 0; });
  for (const auto& [compact_revision, hashes] : answers) {
    if (hashes.size() > 1 && none_alive) {  // how far each came in a compaction decides: formats.md 5
      round.text = "no key is alive, and without one HashKV may vary";
      return;
    }
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

Consistency CompareMembers(const Context& context, const etcd::Client& client, std::optional<uint64_t> known) {
  Consistency round;
  for (int i = 0; i < kRounds; ++i) {
    if (i > 0 && !context.clock.SleepFor(kBetweenRounds, context.stop)) break;
    round = AskAll(client, known);
    JudgeConsistency(round);
    if (round.equal.has_value()) break;
  }
  return round;
}

}  // namespace etcdrill::pipeline
