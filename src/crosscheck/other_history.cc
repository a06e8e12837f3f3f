// From the strongest evidence to the weakest: data that differs, a revision that the source has not
// reached, members that it never had, a raft log that it has not.
#include "crosscheck/other_history.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "crosscheck/live_head.h"
#include "crosscheck/member_consistency.h"
#include "etcd/roll_call.h"

namespace etcdrill::crosscheck {
namespace {

std::string DescribeDifference(const Manifest& manifest) {
  const auto record = std::ranges::find_if(manifest.receipt, [](const auto& r) {
    return r.result == Comparison::kDiffers && !r.outvoted;
  });
  return fmt::format(
      "at revision {} compacted at {} the file has HashKV {:08x} and {} keys; {} has {:08x}{}",
      manifest.revision, record->compact_revision, manifest.hashkv, manifest.live_keys,
      record->endpoint, record->hash,
      record->live_keys.has_value() ? fmt::format(" and {} keys", *record->live_keys) : "");
}

// Those that the cluster has now, and those that it removed and that answer all the same.
std::set<uint64_t> LiveMembers(const etcd::RollCall& roll) {
  std::set<uint64_t> ids;
  for (const etcd::Member& member : roll.membership->members) ids.insert(member.id);
  for (const etcd::RollEntry& entry : roll.entries) {
    if (entry.status.has_value() && entry.status->cluster_id == roll.cluster_id)
      ids.insert(entry.status->member_id);
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

MembersByCluster MembersOf(const catalog::Catalog& catalog, std::string_view cluster) {
  MembersByCluster members;
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    const Manifest& m = entry.manifest;
    const auto cluster_id = etcd::ParseId(m.cluster_id);
    if (m.cluster != cluster || !cluster_id.has_value()) continue;
    const auto add = [&](const std::string& text) {
      if (const auto id = etcd::ParseId(text)) members[*cluster_id].insert(*id);
    };
    add(m.member_id);
    for (const ReceiptRecord& record : m.receipt) add(record.member_id);
  }
  return members;
}

std::string FindOtherMembers(const etcd::RollCall& roll, const MemberIds& ids) {
  if (ids.file.empty() || !roll.outcome.ok() || !roll.membership.has_value()) return "";
  std::set<uint64_t> ours = LiveMembers(roll);
  const std::string live = ListOf(ours);
  // Not those of the cluster that it was before a restore with a new token.
  if (const auto before = ids.store.find(*roll.cluster_id); before != ids.store.end()) {
    ours.insert(before->second.begin(), before->second.end());
  }
  if (std::ranges::any_of(ids.file, [&](uint64_t id) { return ours.contains(id); })) return "";
  return fmt::format("the file names the members {}, the cluster has {}: no member is in both",
                     ListOf(ids.file), live);
}

std::string FindOtherLog(const etcd::Client& client, const etcd::RollCall& roll,
                         const MemberIds& ids) {
  if (!ids.index.has_value() || !roll.outcome.ok()) return "";
  const auto is_behind = [&](const etcd::MemberStatus& status) {
    return status.raft_applied_index > 0 && status.raft_applied_index < *ids.index;  // 0: not told
  };
  for (const etcd::RollEntry* member : roll.Members()) {
    if (!member->status.has_value()) continue;
    if (!is_behind(*member->status)) return "";
    // It may lag. Once it answered a read through the whole cluster it has caught up.
    const etcd::Endpoint& endpoint = client.endpoints()[member->endpoint];
    if (!ReadHead(endpoint, *roll.cluster_id).ok()) continue;
    const auto status = endpoint.Status();
    if (!status.ok() || status->cluster_id != *roll.cluster_id) continue;
    if (!is_behind(*status)) return "";
    return fmt::format(
        "the file ends at entry {} of its raft log, the cluster is at entry {}: the cluster was "
        "restored or recreated since",
        *ids.index, status->raft_applied_index);
  }
  return "";
}

std::string FindOtherHistory(const etcd::Client& client, const etcd::RollCall& roll,
                             std::vector<capture::ReceiptEntry> voters, const Manifest& manifest,
                             const MemberIds& ids) {
  if (voters.empty()) {
    const auto head = ReadHead(client, roll);
    if (head.ok() && *head < manifest.revision) {
      return fmt::format("the file ends at revision {}, the cluster is at {}", manifest.revision,
                         *head);
    }
  } else {
    Consistency among_themselves{.members = std::move(voters)};
    JudgeConsistency(among_themselves);
    if (among_themselves.equal != false) return DescribeDifference(manifest);
  }
  const std::string other_members = FindOtherMembers(roll, ids);
  return other_members.empty() ? FindOtherLog(client, roll, ids) : other_members;
}

}  // namespace etcdrill::crosscheck
