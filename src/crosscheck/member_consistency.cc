// All are asked for the lowest of their revisions, which each of them has: the head would be
// another one for each (docs/dev/formats.md §5.5).
#include "crosscheck/member_consistency.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "etcd/roll_call.h"
#include "format/etcd_version.h"

namespace etcdrill::crosscheck {
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
  // A hash costs its member a scan of all that it holds, while writes wait: not for nothing.
  if (roll.Members().size() == 1)
    return {.revision = *lowest, .alone = true, .roll = std::move(roll)};
  auto members = capture::CollectReceipt(client, roll, *lowest, kUnknownCompaction);
  return {.revision = *lowest, .members = std::move(members), .roll = std::move(roll)};
}

// Who of a round gives the same answer.
struct Answers {
  std::map<int64_t, Side> by_number;                    // of keys that are alive
  std::map<int64_t, std::map<uint32_t, Side>> by_hash;  // for each compact revision
};

Answers AnswersOf(const Consistency& round) {
  Answers answers;
  for (const capture::ReceiptEntry& m : round.members) {
    if (!m.error.empty()) continue;
    const Voice voice{etcd::IdText(m.member_id), m.endpoint};
    if (m.live_keys.has_value()) answers.by_number[*m.live_keys].push_back(voice);
    answers.by_hash[m.compact_revision][m.hash].push_back(voice);
  }
  return answers;
}

void AppendTo(std::string& list, const std::string& item) {
  list += (list.empty() ? "" : ", ") + item;
}

}  // namespace

void JudgeConsistency(Consistency& round) {
  const Answers answers = AnswersOf(round);
  if (answers.by_number.size() > 1) {
    std::string list;
    for (const capture::ReceiptEntry& m : round.members) {
      if (m.live_keys.has_value())
        AppendTo(list, fmt::format("{} on {}", *m.live_keys, m.endpoint));
    }
    round.equal = false;
    round.text = fmt::format("at revision {} the number of keys is {}", round.revision, list);
    return;
  }
  std::string may_vary;
  for (const auto& [compact_revision, hashes] : answers.by_hash) {
    if (hashes.size() > 1) {
      std::string list;
      for (const auto& [hash, side] : hashes) {
        AppendTo(list, fmt::format("{:08x} on", hash));
        for (const Voice& voice : side) list += " " + voice.endpoint;
      }
      const std::string text = fmt::format("at revision {} compacted at {} HashKV is {}",
                                           round.revision, compact_revision, list);
      if (HashesMayVary(round, compact_revision)) {
        may_vary =
            text + "; HashKV can differ for the same data here (docs/dev/formats.md, HashKV)";
        continue;
      }
      round.equal = false;
      round.text = text;
      return;
    }
    const auto& [hash, alike] = *hashes.begin();
    if (alike.size() > 1) {
      round.equal = true;
      round.text = fmt::format("{} of {} members have HashKV {:08x} at revision {}", alike.size(),
                               round.members.size(), hash, round.revision);
    }
  }
  if (round.equal.has_value()) return;
  round.text = may_vary.empty() ? "fewer than two answers are comparable" : may_vary;
  const auto silent = std::ranges::find_if(
      round.members, [](const capture::ReceiptEntry& m) { return !m.error.empty(); });
  if (silent != round.members.end()) round.text += "; " + silent->error;
}

std::vector<Sides> SidesOf(const Consistency& round) {
  Answers answers = AnswersOf(round);
  if (answers.by_number.size() > 1) return {ToSides(std::move(answers.by_number))};
  std::vector<Sides> comparisons;
  for (auto& [compact_revision, hashes] : answers.by_hash) {
    if (hashes.size() == 1 || !HashesMayVary(round, compact_revision))
      comparisons.push_back(ToSides(std::move(hashes)));
  }
  return comparisons;
}

// docs/dev/formats.md §5.2 and §5.3.
bool HashesMayVary(const Consistency& round, int64_t compact_revision) {
  const auto counts_none = [](const capture::ReceiptEntry& m) { return m.live_keys == 0; };
  if (std::ranges::any_of(round.members, counts_none)) return true;  // how far each compaction got
  std::map<HashRule, std::set<uint32_t>> hashes;
  for (const capture::ReceiptEntry& m : round.members) {
    if (!m.error.empty() || m.compact_revision != compact_revision) continue;
    // The transaction that made the revision put all keys that are alive, or is that of the
    // compaction.
    const bool few = m.live_keys.has_value() && *m.live_keys <= kTransactionOperationsMax;
    const auto rule = HashRuleOf(m.etcd_version);
    if (!rule.has_value() || (!few && m.revision != m.compact_revision)) return false;
    hashes[*rule].insert(m.hash);
  }
  return hashes.size() > 1 &&
         std::ranges::all_of(hashes, [](const auto& h) { return h.second.size() == 1; });
}

Consistency CompareMembers(const Context& context, const etcd::Client& client,
                           std::optional<uint64_t> known) {
  Consistency round;
  for (int i = 0; i < kRounds; ++i) {
    if (i > 0 && !context.clock.SleepFor(kBetweenRounds, context.stop)) break;
    round = AskAll(client, known);
    JudgeConsistency(round);
    if (round.equal.has_value() || round.alone) break;
  }
  return round;
}

}  // namespace etcdrill::crosscheck
