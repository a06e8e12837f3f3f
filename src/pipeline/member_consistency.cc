// All are asked for the lowest of their revisions, which each of them has: the head would be another one for each
// (formats.md 8).
#include "pipeline/member_consistency.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <map>
#include <set>

namespace etcdrill::pipeline {
namespace {

using namespace std::chrono_literals;

constexpr int kRounds = 3;
constexpr Duration kBetweenRounds = 1s;

Consistency AskAll(const etcd::Client& client) {
  Consistency round;
  round.revision = std::numeric_limits<int64_t>::max();
  for (const etcd::Endpoint& endpoint : client.endpoints()) {
    MemberHash& member = round.members.emplace_back(MemberHash{.endpoint = endpoint.address()});
    const auto status = endpoint.Status();
    if (status.ok()) {
      round.revision = std::min(round.revision, status->revision);
    } else {
      member.problem = MessageOf(status.status());
    }
  }
  for (size_t i = 0; i < round.members.size(); ++i) {
    MemberHash& member = round.members[i];
    if (!member.problem.empty()) continue;
    const auto answer = client.endpoints()[i].HashKv(round.revision);
    if (answer.ok()) {
      member.hash = answer->hash;
      member.compact_revision = answer->compact_revision;
    } else {
      member.problem = MessageOf(answer.status());
    }
  }
  return round;
}

}  // namespace

void JudgeConsistency(Consistency& round) {
  std::map<int64_t, std::map<uint32_t, std::vector<std::string>>> answers;  // by compact revision, by hash
  for (const MemberHash& m : round.members) {
    if (m.problem.empty()) answers[m.compact_revision][m.hash].push_back(m.endpoint);
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
  if (!round.equal.has_value()) round.text = "fewer than two answers compare";
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
