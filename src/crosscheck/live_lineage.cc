// Two answers compare only at one revision and one compact revision. At the revision of a
// compaction, members of 3.5.5 and later answer from a cache as compacted as before it
// (docs/etcd-formats.md §5.4): so what counts is what the answer says of itself.
#include "crosscheck/live_lineage.h"

#include <fmt/format.h>

#include <map>

#include "capture/receipt.h"
#include "etcd/ids.h"
#include "etcd/roll_call.h"
#include "verify/verify.h"

namespace etcdrill::crosscheck {
namespace {

using verify::LiveMember;

class MemberCheck {
 public:
  MemberCheck(const Context& context, const verify::Placed& older)
      : context_(context), image_(older.image), older_(older.place) {}

  // The status is for a file that can't be hashed.
  Result<LiveMember> Ask(const etcd::RollEntry& entry, const etcd::Endpoint& endpoint) {
    LiveMember member{.endpoint = entry.address};
    if (!entry.status.has_value()) return Unknown(member, std::string(MessageOf(entry.error)));
    member.member_id = etcd::IdText(entry.status->member_id);
    if (entry.standing != etcd::Standing::kMember) return Unknown(member, entry.remark);
    member.revision = entry.status->revision;
    member.is_leader = entry.status->is_leader();
    if (verify::HoldsNothing(older_))
      return Unknown(member, "the file holds no write yet: nothing can be compared");
    const int64_t revision = older_.head.revision;
    if (member.revision < revision) {
      return Unknown(member, fmt::format("it is at revision {} and has not seen {} yet, or the "
                                         "cluster went back; ask the leader",
                                         member.revision, revision));
    }
    const auto answer = endpoint.HashKv(revision, entry.status->db_size_bytes);
    if (!answer.ok()) {
      const std::string said(MessageOf(answer.status()));
      const bool compacted = said.find("has been compacted") != std::string::npos;
      return Unknown(member, compacted ? said + "; take a newer snapshot" : said);
    }
    member.hashkv = {answer->hash, answer->hash_revision, answer->compact_revision};
    member.live_keys = capture::CountKeys(endpoint, revision, answer->member_id);
    return Compare(std::move(member));
  }

 private:
  static LiveMember Unknown(LiveMember& member, std::string problem) {
    member.problem = std::move(problem);
    return std::move(member);
  }

  Result<LiveMember> Compare(LiveMember member) {
    const int64_t compact = member.hashkv.compact_revision;
    if (member.hashkv.revision != older_.head.revision || compact < older_.head.compact_revision) {
      return Unknown(
          member,
          fmt::format("its answer is of revision {} compacted at {}, less than the file at {}: the "
                      "cluster is another one, or the answer comes from its cache of compactions",
                      member.hashkv.revision, compact, older_.head.compact_revision));
    }
    if (compact == older_.head.compact_revision && older_.head.Is(member.hashkv.hash))
      return ByNumber(std::move(member));
    ASSIGN_OR_RETURN(const mvcc::HashKv file, HashOfFile(compact));
    member.older = file.hash;
    const mvcc::HashMatch match = mvcc::Match(file, member.hashkv.hash);
    if (match == mvcc::HashMatch::kEqual) return ByNumber(std::move(member));
    if (match == mvcc::HashMatch::kMayVary &&
        !verify::CountsMore(member.live_keys, older_.head.live_keys)) {
      return Unknown(
          member,
          "no key counts as alive in the file: HashKV then depends on how far each compaction got");
    }
    if (older_.may_go_back) {
      return Unknown(
          member,
          "the file ends below a compaction that was under way: its revisions may be made anew");
    }
    member.result = Comparison::kDiffers;
    return member;
  }

  // For one that answers the file's hash.
  LiveMember ByNumber(LiveMember member) const {
    member.older = member.hashkv.hash;
    member.result = verify::CountsMore(member.live_keys, older_.head.live_keys)
                        ? Comparison::kDiffers
                        : Comparison::kEqual;
    return member;
  }

  // Most members are compacted alike: the file is read once for all of them.
  Result<mvcc::HashKv> HashOfFile(int64_t compact_revision) {
    const auto known = hashes_.find(compact_revision);
    if (known != hashes_.end()) return known->second;
    ASSIGN_OR_RETURN(const mvcc::HashKv hashkv,
                     verify::HashKvOf(context_, image_, older_.head.revision, compact_revision));
    return hashes_[compact_revision] = hashkv;
  }

  const Context& context_;
  const snapshot::Image& image_;  // of older_
  const verify::Place& older_;
  std::map<int64_t, mvcc::HashKv> hashes_;  // of the file, by compact revision
};

}  // namespace

Result<verify::LineageReport> CompareWithLiveCluster(const Context& context,
                                                     const etcd::Client& client,
                                                     const verify::Placed& older) {
  const Stopwatch watch(context.clock);
  verify::LineageReport report;
  report.older = older.place;
  MemberCheck check(context, older);
  const etcd::RollCall roll = etcd::CallRoll(client, std::nullopt);
  if (Is(roll.outcome, Reason::kOtherCluster)) return roll.outcome;
  for (const etcd::RollEntry& entry : roll.entries) {
    if (entry.standing == etcd::Standing::kSecondName) continue;
    ASSIGN_OR_RETURN(report.members.emplace_back(),
                     check.Ask(entry, client.endpoints()[entry.endpoint]));
  }
  verify::JudgeMembers(report);
  report.duration_seconds = watch.Seconds();
  return report;
}

}  // namespace etcdrill::crosscheck
