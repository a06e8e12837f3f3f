// All are asked for the lowest of their revisions, which each of them has: the head would be another one for each
// (formats.md 8).
#include "pipeline/member_consistency.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "etcd/roll_call.h"
#include "format/etcd_version.h"

namespace etcdrill::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr int kRounds = 3;
constexpr Duration kBetweenRounds = 1s;
constexpr int64_t kUnknownCompaction = -1;
// Operations of one transaction, as long as a member has no other --max-txn-ops.
constexpr int64_t kTransactionOperationsMax = 128;

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
  std::map<int64_t, std::vector<capture::ReceiptEntry>> answers;  // by compact revision
  for (const capture::ReceiptEntry& m : round.members) {
    if (m.error.empty()) answers[m.compact_revision].push_back(m);
  }
  for (const auto& [compact_revision, alike] : answers) {
    std::map<uint32_t, std::vector<std::string>> hashes;
    for (const capture::ReceiptEntry& m : alike) hashes[m.hash].push_back(m.endpoint);
    if (hashes.size() > 1) {
      std::string list;
      for (const auto& [hash, endpoints] : hashes) {
        list += fmt::format("{}{:08x} on {}", list.empty() ? "" : ", ", hash, fmt::join(endpoints, " "));
      }
      round.text = fmt::format("at revision {} compacted at {} HashKV is {}", round.revision, compact_revision, list);
      if (HashesMayVary(alike)) {
        round.equal.reset();
        round.text += "; that may be so with the same data (docs/formats.md, HashKV)";
      } else {
        round.equal = false;
      }
      return;
    }
    if (alike.size() > 1) {
      round.equal = true;
      round.text = fmt::format("{} of {} members have HashKV {:08x} at revision {}", alike.size(), round.members.size(),
                               hashes.begin()->first, round.revision);
    }
  }
  if (round.equal.has_value()) return;
  round.text = "fewer than two answers compare";
  const auto silent = std::find_if(round.members.begin(), round.members.end(),
                                   [](const capture::ReceiptEntry& m) { return !m.error.empty(); });
  if (silent != round.members.end()) round.text += "; " + silent->error;
}

// docs/formats.md, HashKV.
bool HashesMayVary(const std::vector<capture::ReceiptEntry>& answers) {
  std::map<HashRule, std::set<uint32_t>> hashes;
  for (const capture::ReceiptEntry& m : answers) {
    if (m.live_keys == 0) return true;  // how far each came in a compaction decides
    // The transaction that made the revision put all keys that are alive, or is that of the compaction.
    const bool few = m.live_keys.has_value() && *m.live_keys <= kTransactionOperationsMax;
    if (!few && m.revision != m.compact_revision) return false;
    const auto rule = HashRuleOf(m.etcd_version);
    if (!rule.has_value()) return false;
    hashes[*rule].insert(m.hash);
  }
  return hashes.size() > 1 &&
         std::all_of(hashes.begin(), hashes.end(), [](const auto& h) { return h.second.size() == 1; });
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
