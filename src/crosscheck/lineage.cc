// What it costs: nothing is read where the numbers of the two manifests already say that no
// revision is in both, which on a cluster that compacts every five minutes is the rule for hourly
// snapshots. Otherwise the fresh file is hashed once more, and the older one only if there was a
// compaction in between.
//
// At the revision of a compaction, members of 3.5.5 and later answer from a cache as compacted as
// before it (docs/dev/formats.md §5.4): so what counts is what the answer says of itself.
#include "crosscheck/lineage.h"

#include <fmt/format.h>

#include <algorithm>

#include "capture/receipt.h"
#include "crosscheck/hash_comparer.h"
#include "etcd/roll_call.h"
#include "proof/receipt_view.h"
#include "store/manifest_file.h"

namespace etcdrill::crosscheck {
namespace {

Result<verify::Place> PlaceOf(const snapshot::Image& image, const Manifest& m) {
  ASSIGN_OR_RETURN(verify::Place place,
                   verify::ReadPlace(image, {.hash = m.hashkv,
                                             .revision = m.revision,
                                             .compact_revision = m.compact_revision,
                                             .live_keys = m.live_keys}));
  place.file = m.name;  // its path is another one later
  return place;
}

struct Fresh {
  const Manifest& manifest;
  const snapshot::Image& image;
};

enum class Stored { kOlder, kNewer };  // than the fresh one

Result<verify::LineageReport> Compare(const Context& context, const std::string& path,
                                      const Manifest& stored, Stored which, const Fresh& fresh) {
  ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, path));
  ASSIGN_OR_RETURN(verify::Place there, PlaceOf(image, stored));
  ASSIGN_OR_RETURN(verify::Place here, PlaceOf(fresh.image, fresh.manifest));
  const verify::Placed of_store{image, std::move(there)};
  const verify::Placed of_fresh{fresh.image, std::move(here)};
  return which == Stored::kOlder ? verify::CompareLineage(context, of_store, of_fresh)
                                 : verify::CompareLineage(context, of_fresh, of_store);
}

// By what the members said. A restore may change the id, and goes on with the data; so it counts
// only where nothing else tells.
bool IsOfAnotherCluster(const Manifest& older, const Manifest& newer) {
  return !older.cluster_id.empty() && !newer.cluster_id.empty() &&
         older.cluster_id != newer.cluster_id;
}

// Does `fresh` continue `older`?
Result<LineageRecord> LookBack(const Context& context, const std::string& path,
                               const Manifest& older, const Fresh& fresh) {
  const Stopwatch watch(context.clock);
  const auto report = Compare(context, path, older, Stored::kOlder, fresh);
  if (IsInterrupted(report.status())) return report.status();
  LineageRecord record{.older = older.name};
  const auto verdict = report.ok() ? report->verdict : Continuity::kNotComparable;
  record.result = verdict;
  if (!report.ok()) {
    record.text = MessageOf(report.status());
  } else if (const Finding* const error = report->findings.FirstError()) {
    record.text = error->text;
  } else if (!report->findings.kept().empty()) {
    record.text = report->findings.kept().front().text;
  }
  if (verdict == Continuity::kNotComparable && IsOfAnotherCluster(older, fresh.manifest)) {
    record.result = Continuity::kDiverged;
    record.text = fmt::format(
        "the cluster id is now {}, it was {}, and the snapshots have no revision in common: the "
        "cluster was restored or recreated, or the endpoints are of another cluster",
        fresh.manifest.cluster_id, older.cluster_id);
  }
  record.duration_seconds = watch.Seconds();
  return record;
}

// How the data of `newer` differs from that of `late`; empty if nothing shows that it does. That
// `newer` ends at a lower revision shows nothing: its time may be a claim.
Result<std::string> LookAhead(const Context& context, const std::string& path,
                              const Manifest& newer, const Fresh& late) {
  const auto report = Compare(context, path, newer, Stored::kNewer, late);
  if (IsInterrupted(report.status())) return report.status();
  if (!report.ok() || !report->compared.has_value() || report->compared->equal)
    return std::string();
  return fmt::format("{} does not continue this snapshot: {}", newer.name,
                     report->findings.FirstError()->text);
}

using verify::LiveMember;

class MemberCheck {
 public:
  MemberCheck(const Context& context, const verify::Placed& older)
      : older_(older.place), hashes_(context, older.image, older.place.head) {}

  // The status is for a file that can't be hashed.
  Result<LiveMember> Ask(const etcd::RollEntry& entry, const etcd::Endpoint& endpoint) {
    LiveMember member{.endpoint = entry.address};
    if (!entry.status.has_value()) return Unknown(member, std::string(MessageOf(entry.error)));
    member.member_id = etcd::IdText(entry.status->member_id);
    if (entry.standing != etcd::Standing::kMember) return Unknown(member, entry.remark);
    member.revision = entry.status->revision;
    member.is_leader = entry.status->is_leader();
    if (verify::HoldsNothing(older_))
      return Unknown(member, "the file has no write yet: nothing can be compared");
    const int64_t revision = older_.head.revision;
    if (member.revision < revision) {
      return Unknown(member,
                     fmt::format("the member is at revision {}, before {}: it is behind, or the "
                                 "cluster's revision decreased. Compare with the leader",
                                 member.revision, revision));
    }
    const auto answer = endpoint.HashKv(revision, entry.status->db_size_bytes);
    if (!answer.ok()) {
      const std::string said(MessageOf(answer.status()));
      const bool compacted = said.find("has been compacted") != std::string::npos;
      return Unknown(member, compacted ? said + ". Take a newer snapshot" : said);
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
    const bool counts_more = verify::CountsMore(member.live_keys, older_.head.live_keys);
    ASSIGN_OR_RETURN(const auto file, hashes_.FileFor(member.hashkv));
    if (!file.has_value()) {
      return Unknown(
          member,
          fmt::format(
              "the member answers for revision {} compacted at {}, the file is compacted at {}: "
              "the cluster is a different one, or the member answers from its cache of compactions",
              member.hashkv.revision, member.hashkv.compact_revision,
              older_.head.compact_revision));
    }
    const mvcc::HashMatch match = mvcc::Match(*file, member.hashkv.hash);
    if (match == mvcc::HashMatch::kEqual) {
      member.older = member.hashkv.hash;
      member.result = counts_more ? Comparison::kDiffers : Comparison::kEqual;
      return member;
    }
    member.older = file->hash;
    if (match == mvcc::HashMatch::kMayVary && !counts_more) {
      return Unknown(
          member, "the file has no live key, so HashKV depends on the progress of each compaction");
    }
    if (older_.may_go_back) {
      return Unknown(
          member, "the file ends below an unfinished compaction: etcd may use its revisions again");
    }
    member.result = Comparison::kDiffers;
    return member;
  }

  const verify::Place& older_;
  HashComparer hashes_;  // of its file
};

}  // namespace

Status CompareWithStore(const Context& context, const store::LocalStore& store,
                        const catalog::Catalog& catalog, WallTime now, const snapshot::Image& image,
                        std::optional<int64_t> head, Manifest& manifest) {
  const Manifest* older = nullptr;
  const Manifest* newer = nullptr;
  for (const catalog::CatalogEntry& e : catalog.snapshots) {
    if (!e.IsUsable() || !e.Counts() || e.manifest.cluster != manifest.cluster) continue;
    if (store::IsOlder(e.manifest, manifest, now)) {
      older = &e.manifest;
    } else if (newer == nullptr) {
      newer = &e.manifest;
    }
  }
  // What members hold is theirs, wherever the store stands; and the store says nothing of a source
  // that went back, or that nobody has seen.
  const bool may_be_other = manifest.adopted.has_value() && CountReceipt(manifest).equal == 0;
  const auto goes_on = [&](const Manifest& m) { return head.has_value() && *head >= m.revision; };
  if (older != nullptr) {
    ASSIGN_OR_RETURN(manifest.lineage,
                     LookBack(context, store.SnapshotPath(older->name), *older, {manifest, image}));
    manifest.other_history =
        may_be_other && goes_on(*older) && LineageOf(manifest) == Continuity::kDiverged;
  }
  if (newer != nullptr && may_be_other && goes_on(*newer) && !manifest.other_history) {
    ASSIGN_OR_RETURN(std::string differs, LookAhead(context, store.SnapshotPath(newer->name),
                                                    *newer, {manifest, image}));
    if (differs.empty()) return OkStatus();
    manifest.lineage = {.result = Continuity::kDiverged, .text = std::move(differs)};
    manifest.other_history = true;
  }
  return OkStatus();
}

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
