// From the strongest evidence to the weakest: data that differs, a revision that the source has not
// reached, members that it never had.
#include "pipeline/other_history.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "etcd/ids.h"
#include "pipeline/live_head.h"
#include "pipeline/member_consistency.h"

namespace etcdrill::pipeline {
namespace {

// Reads the newest revision by any member that answers.
Result<int64_t> HeadOf(const etcd::Client& client, const etcd::RollCall& roll) {
  if (!roll.outcome.ok()) return roll.outcome;
  Result<int64_t> head = Error(Reason::kEtcdError, "no member answers");
  for (const etcd::RollEntry* member : roll.Members()) {
    if (!member->status.has_value()) continue;
    head = ReadHead(client.endpoints()[member->endpoint], *roll.cluster_id);
    if (head.ok()) break;
  }
  return head;
}

std::string DescribeDifference(const store::Manifest& manifest) {
  const auto record = std::find_if(manifest.receipt.begin(), manifest.receipt.end(),
                                   [](const auto& r) { return r.result == "differs"; });
  return fmt::format("at revision {} compacted at {} its own HashKV is {:08x} and it has {} keys; {} answers {:08x}{}",
                     manifest.revision, record->compact_revision, manifest.hashkv, manifest.live_keys, record->endpoint,
                     record->hash,
                     record->live_keys.has_value() ? fmt::format(" and counts {}", *record->live_keys) : "");
}

// Those that the cluster has now, and those that it removed and that answer all the same.
std::set<uint64_t> LiveMembers(const etcd::RollCall& roll) {
  std::set<uint64_t> ids;
  for (const etcd::Member& member : roll.membership->members) ids.insert(member.id);
  for (const etcd::RollEntry& entry : roll.entries) {
    if (entry.status.has_value() && entry.status->cluster_id == roll.cluster_id) ids.insert(entry.status->member_id);
  }
  return ids;
}

std::string ListOf(const std::set<uint64_t>& ids) {
  constexpr size_t kNamed = 9;  // more than a sane cluster has; a file may name any number
  std::vector<std::string> texts;
  for (const uint64_t id : ids) {
    if (texts.size() == kNamed) {
      texts.push_back(fmt::format("{} more", ids.size() - kNamed));
      break;
    }
    texts.push_back(etcd::IdText(id));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace

std::set<uint64_t> MembersOf(const std::vector<store::StoredSnapshot>& stored, std::string_view cluster,
                             std::optional<uint64_t> cluster_id) {
  std::set<uint64_t> ids;
  const auto add = [&ids](const std::string& text) {
    if (const auto id = etcd::ParseId(text)) ids.insert(*id);
  };
  for (const store::StoredSnapshot& snapshot : stored) {
    const store::Manifest& m = snapshot.manifest;
    if (m.cluster != cluster || !cluster_id.has_value() || etcd::ParseId(m.cluster_id) != cluster_id) continue;
    add(m.member_id);
    for (const store::ReceiptRecord& record : m.receipt) add(record.member_id);
  }
  return ids;
}

std::string FindOtherMembers(const etcd::RollCall& roll, const MemberIds& ids) {
  if (ids.file.empty() || !roll.outcome.ok() || !roll.membership.has_value()) return "";
  const std::set<uint64_t> live = LiveMembers(roll);
  const bool of_ours = std::any_of(ids.file.begin(), ids.file.end(),
                                   [&](uint64_t id) { return live.contains(id) || ids.store.contains(id); });
  if (of_ours) return "";
  return fmt::format("the members that it names are {}, and those of the source are {}: none is in both",
                     ListOf(ids.file), ListOf(live));
}

std::string FindOtherHistory(const etcd::Client& client, const etcd::RollCall& roll,
                             std::vector<capture::ReceiptEntry> voters, const store::Manifest& manifest,
                             const MemberIds& ids) {
  if (voters.empty()) {
    const auto head = HeadOf(client, roll);
    if (head.ok() && *head < manifest.revision) {
      return fmt::format("it ends at revision {}, and the source is at {}", manifest.revision, *head);
    }
  } else {
    Consistency among_themselves{.members = std::move(voters)};
    JudgeConsistency(among_themselves);
    if (among_themselves.equal != false) return DescribeDifference(manifest);
  }
  return FindOtherMembers(roll, ids);
}

}  // namespace etcdrill::pipeline
