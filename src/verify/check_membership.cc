// The rules of thumb of docs/dev/formats.md §8.1, with the releases that they are about.
#include "verify/check_membership.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/text.h"
#include "format/mvcc/buckets.h"
#include "proof/finding_codes.h"

namespace etcdrill::verify {
namespace {

constexpr size_t kJsonBytesMax = 64 << 10;  // nested brackets cost many times their size in memory
constexpr size_t kRecordsMax = 1000;        // etcd's own clusters have seven members

nlohmann::json ParseJson(std::string_view text) {
  if (text.size() > kJsonBytesMax) return nlohmann::json(nlohmann::json::value_t::discarded);
  return nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::vector<std::string> Strings(const nlohmann::json& json, const char* field) {
  std::vector<std::string> list;
  if (!json.contains(field) || !json[field].is_array()) return list;
  for (const auto& item : json[field]) {
    if (item.is_string()) list.push_back(item.get<std::string>());
  }
  return list;
}

std::optional<MemberRecord> ParseMember(std::string_view text) {
  const nlohmann::json json = ParseJson(text);
  if (!json.is_object() || !json.contains("id") || !json["id"].is_number_unsigned())
    return std::nullopt;
  MemberRecord member;
  member.id = json["id"].get<uint64_t>();
  if (json.contains("name") && json["name"].is_string())
    member.name = json["name"].get<std::string>();
  if (json.contains("isLearner") && json["isLearner"].is_boolean())
    member.is_learner = json["isLearner"].get<bool>();
  member.peer_urls = Strings(json, "peerURLs");
  member.client_urls = Strings(json, "clientURLs");
  return member;
}

// Adds the ids of a list; false if it holds something else. A list that is absent is empty.
bool AddIds(const nlohmann::json& json, const char* field, std::set<uint64_t>& ids) {
  if (!json.contains(field) || json[field].is_null()) return true;
  if (!json[field].is_array()) return false;
  for (const auto& id : json[field]) {
    if (!id.is_number_unsigned()) return false;
    ids.insert(id.get<uint64_t>());
  }
  return true;
}

std::string Who(const MemberRecord& member) {
  return member.name.empty() ? fmt::format("member {:x}", member.id)
                             : fmt::format("member {:x} ({})", member.id, Printable(member.name));
}

}  // namespace

void MembershipCheck::OnMember(const bbolt::Pair& pair) {
  const std::optional<MemberRecord> member = ParseMember(pair.value);
  if (!member.has_value() || fmt::format("{:x}", member->id) != pair.key ||
      member->peer_urls.empty()) {
    ReportDamage(
        pair, fmt::format(
                  "bucket members: member {} cannot be decoded, has another id, or has no peer URL",
                  Printable(pair.key)));
    return;
  }
  if (members_.size() < kRecordsMax) members_.push_back(*member);
}

void MembershipCheck::OnRemovedMember(const bbolt::Pair& pair) {
  const auto id = ParseNumber<uint64_t>(pair.key, 16);
  if (!id.has_value() || fmt::format("{:x}", *id) != pair.key ||
      pair.value != mvcc::kMemberRemoved) {
    ReportDamage(pair, fmt::format("bucket members_removed: {} is not the mark of a removed member",
                                   Printable(pair.key)));
    return;
  }
  if (removed_.size() < kRecordsMax) removed_.insert(*id);
}

void MembershipCheck::OnConfState(const bbolt::Pair& pair) {
  const nlohmann::json json = ParseJson(pair.value);
  ConfState state;
  // While a change is under way, the outgoing voters count too, and so do the learners to be.
  if (!json.is_object() || !AddIds(json, "voters", state.voters) ||
      !AddIds(json, "voters_outgoing", state.voters) || !AddIds(json, "learners", state.learners) ||
      !AddIds(json, "learners_next", state.learners)) {
    ReportDamage(pair, "bucket meta: confState cannot be decoded");
    return;
  }
  conf_state_ = std::move(state);
}

std::vector<MemberRecord> MembershipCheck::Finish() {
  for (const MemberRecord& member : members_) {
    if (removed_.contains(member.id)) {
      findings_.Warn(codes::kMemberZombie,
                     "bucket members: {} is listed, though it was removed. etcd before 3.5.26 can "
                     "bring it back; 3.6 and later count it as a member. Remove it with `etcdctl "
                     "member remove` before an upgrade",
                     Who(member));
    }
  }
  const bool any_voter = std::ranges::any_of(members_, [](const auto& m) { return !m.is_learner; });
  if (!members_.empty() && !any_voter) {
    findings_.Warn(codes::kMembersOdd,
                   "bucket members: all members are learners, so no leader can be elected");
  }
  // A configuration without one of the members is that of the cluster before a restore: etcd writes
  // it anew only when a member is added or removed. It says nothing of the cluster of now.
  const auto known = [this](const MemberRecord& m) {
    return conf_state_->voters.contains(m.id) || conf_state_->learners.contains(m.id);
  };
  if (conf_state_.has_value() && std::ranges::any_of(members_, known)) {
    for (const MemberRecord& member : members_) CompareWithConfState(member);
  }
  if (!conf_state_.has_value()) CheckNames();
  for (const MemberRecord& member : members_) {
    if (!member.client_urls.empty()) continue;
    findings_.Info(codes::kMemberUnpublished,
                   "{} has no client URLs: the member never started, or etcd 3.5.1 to 3.5.19 did "
                   "not store them",
                   Who(member));
  }
  return std::move(members_);
}

// All there is to go by in a file of 3.4, which does not store raft's configuration.
void MembershipCheck::CheckNames() {
  std::set<std::string> names;
  for (const MemberRecord& member : members_) {
    if (member.name.empty() || names.insert(member.name).second) continue;
    findings_.Warn(codes::kMembersOdd,
                   "bucket members: {} has the name of another member. A data directory restored "
                   "by the tools of 3.4 keeps the old members, and etcd 3.6 and later adopt them. "
                   "Compare with `etcdctl member list`, and upgrade to 3.5.26 or later first",
                   Who(member));
  }
}

void MembershipCheck::CompareWithConfState(const MemberRecord& member) {
  const bool votes = conf_state_->voters.contains(member.id);
  const bool learns = conf_state_->learners.contains(member.id);
  if (!votes && !learns) {
    findings_.Warn(
        codes::kMemberZombie,
        "bucket members: {} is listed, but is not in raft's configuration. A restore by the tools "
        "of 3.4, or a crash without fsync, leaves such members behind, and etcd 3.6 and later "
        "adopt them. Remove it with `etcdctl member remove` before an upgrade",
        Who(member));
  } else if (votes && member.is_learner) {
    findings_.Warn(codes::kMemberPromotionLost,
                   "bucket members: {} is a voter in raft, but stored as a learner: etcd 3.5.1 to "
                   "3.5.19 did not store promotions. Upgrade all members to 3.5.20 or later before "
                   "3.6, which makes it a learner again",
                   Who(member));
  } else if (learns && !member.is_learner) {
    findings_.Warn(codes::kMemberPromotionLost,
                   "bucket members: {} is a learner in raft, but stored as a voter: etcd before "
                   "3.5.31 and 3.6.12 lost the mark when a learner's URLs changed. Upgrade, and "
                   "promote or remove the learner",
                   Who(member));
  }
}

void MembershipCheck::ReportDamage(const bbolt::Pair& pair, std::string text) {
  findings_.Add({codes::kMemberDecode, Severity::kError, pair.page, pair.offset, std::move(text)});
}

}  // namespace etcdrill::verify
