// The rules. What speaks against a continuation is a finding with severity error; without one,
// equal hashes prove it.
#include "verify/lineage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.h"
#include "format/bbolt/database.h"
#include "format/mvcc/buckets.h"
#include "proof/finding_codes.h"
#include "verify/facts.h"
#include "verify/verify.h"

namespace etcdrill::verify {
namespace {

std::optional<uint64_t> Number(std::string_view bytes) {
  return bytes.size() == sizeof(uint64_t) ? std::optional(LoadBE64(bytes.data())) : std::nullopt;
}

// Takes what it knows from `meta` and `auth`; their keys have no name in common.
void Take(const bbolt::Pair& pair, Place& place) {
  if (pair.key == mvcc::kConsistentIndexKey) place.consistent_index = Number(pair.value);
  if (pair.key == mvcc::kTermKey) place.term = Number(pair.value);
  if (pair.key == mvcc::kStorageVersionKey) place.has_storage_version = true;
  if (pair.key == mvcc::kAuthRevisionKey) place.auth_revision = Number(pair.value).value_or(0);
}

void Add(LineageReport& report, std::string_view code, Severity severity, std::string text) {
  report.findings.Add({code, severity, std::nullopt, std::nullopt, std::move(text)});
}

template <typename T>
bool WentBack(const std::optional<T>& older, const std::optional<T>& newer) {
  return older.has_value() && newer.has_value() && *newer < *older;
}

bool MembersInCommon(const Place& a, const Place& b) {
  return std::ranges::find_first_of(a.members, b.members) != a.members.end();
}

// A file's own hash is known, if that will do; any other costs a pass over the file.
Result<mvcc::HashKv> HashAt(const Context& context, const Placed& placed, const ComparedHashes& at,
                            bool own_will_do) {
  const Place& place = placed.place;
  const bool own =
      place.head.revision == at.revision && place.head.compact_revision == at.compact_revision;
  if (own && own_will_do) return place.head;
  auto hashkv = HashKvOf(context, placed.image, at.revision, at.compact_revision);
  // It can answer for its place, so what can't is another file by now.
  if (hashkv.ok() || ReasonOf(hashkv.status()) != Reason::kUsage) return hashkv;
  return Error(Reason::kDamaged, "{} changed while etcdrill compared it: {}", place.file,
               MessageOf(hashkv.status()));
}

// A manifest knows less than the file, and an old one by the older rule: what it says is not enough
// to tell two apart.
Result<mvcc::HashMatch> MatchAt(const Context& context, const Placed& from, const Placed& to,
                                ComparedHashes& hashes) {
  for (const bool own_will_do : {true, false}) {
    ASSIGN_OR_RETURN(const mvcc::HashKv older, HashAt(context, from, hashes, own_will_do));
    ASSIGN_OR_RETURN(const mvcc::HashKv newer, HashAt(context, to, hashes, own_will_do));
    const mvcc::HashMatch match = mvcc::Match(older, newer);
    hashes.equal = match == mvcc::HashMatch::kEqual;
    const bool by_older = hashes.equal && older.hash != newer.hash;
    hashes.older = by_older ? *older.by_older_etcd : older.hash;
    hashes.newer = by_older ? *newer.by_older_etcd : newer.hash;
    hashes.older_keys = older.live_keys;
    hashes.newer_keys = newer.live_keys;
    if (match == mvcc::HashMatch::kEqual || !own_will_do) return match;
  }
  return mvcc::HashMatch::kDiffers;
}

// Why the two can't be compared by hash, or nothing.
std::string Incomparable(const Place& older, const Place& newer) {
  const int64_t revision = std::min(older.head.revision, newer.head.revision);
  const int64_t compact = std::max(older.head.compact_revision, newer.head.compact_revision);
  if (HoldsNothing(older) || HoldsNothing(newer))
    return "one of the two snapshots has no write yet: nothing can be compared";
  if (compact <= revision) return "";
  return fmt::format(
      "{} is compacted at revision {}, {} ends at {}: they have no revision in common. To link "
      "them, compare both with a snapshot in between: revision {} or more, compacted at {} or less",
      newer.head.compact_revision == compact ? newer.file : older.file, compact,
      newer.head.revision == revision ? newer.file : older.file, revision, compact, revision);
}

std::string GoesBackText(const Place& place) {
  return fmt::format(
      "{} ends below an unfinished compaction at {}. etcd before 3.4.32 and 3.5.14 goes back after "
      "a restart and uses revisions again, so they prove nothing. Compare later snapshots",
      place.file, place.head.compact_revision);
}

Status CompareHashes(const Context& context, const Placed& from, const Placed& to,
                     LineageReport& report) {
  const Place& older = from.place;
  const Place& newer = to.place;
  if (std::string why = Incomparable(older, newer); !why.empty()) {
    Add(report, codes::kNotComparable, Severity::kWarning, std::move(why));
    return OkStatus();
  }
  ComparedHashes hashes{
      .revision = std::min(older.head.revision, newer.head.revision),
      .compact_revision = std::max(older.head.compact_revision, newer.head.compact_revision)};
  ASSIGN_OR_RETURN(const mvcc::HashMatch match, MatchAt(context, from, to, hashes));
  if (match == mvcc::HashMatch::kMayVary) {
    Add(report, codes::kNotComparable, Severity::kWarning,
        fmt::format(
            "no key is alive at revision {}, so HashKV depends on the progress of each compaction",
            hashes.revision));
    return OkStatus();
  }
  if (!hashes.equal && (older.may_go_back || newer.may_go_back)) {
    Add(report, codes::kNotComparable, Severity::kWarning,
        GoesBackText(older.may_go_back ? older : newer));
    return OkStatus();
  }
  report.compared = hashes;
  if (!hashes.equal) {
    Add(report, codes::kHistoryDiffers, Severity::kError,
        fmt::format("at revision {} compacted at {} the older snapshot has HashKV {:08x} and {} "
                    "keys, the newer one {:08x} and {}: they are of different clusters, or the "
                    "cluster was restored from an older backup in between",
                    hashes.revision, hashes.compact_revision, hashes.older, hashes.older_keys,
                    hashes.newer, hashes.newer_keys));
  }
  return OkStatus();
}

void CheckOrder(LineageReport& report) {
  const Place& older = report.older;
  const Place& newer = *report.newer;
  if (newer.head.revision < older.head.revision && older.may_go_back) {
    Add(report, codes::kNotComparable, Severity::kWarning, GoesBackText(older));
  } else if (newer.head.revision < older.head.revision) {
    Add(report, codes::kRevisionWentBack, Severity::kError,
        fmt::format("the older snapshot ends at revision {}, the newer one at {}: the order is "
                    "wrong, or the newer one is of a member that was behind, or the cluster was "
                    "restored from an older backup",
                    older.head.revision, newer.head.revision));
  }
  if (newer.auth_revision < older.auth_revision) {
    Add(report, codes::kAuthRevisionWentBack, Severity::kError,
        fmt::format(
            "the auth revision decreased from {} to {}: changes to users and roles are lost",
            older.auth_revision, newer.auth_revision));
  }
}

// What only a restore sets back, told only of a continuation: elsewhere it would explain nothing.
void CheckRestored(LineageReport& report) {
  const Place& older = report.older;
  const Place& newer = *report.newer;
  std::vector<std::string> signs;
  const auto look = [&](std::string_view what, const std::optional<uint64_t>& was,
                        const std::optional<uint64_t>& is) {
    if (WentBack(was, is))
      signs.push_back(fmt::format("the {} decreased from {} to {}", what, *was, *is));
  };
  look("consistent index", older.consistent_index, newer.consistent_index);
  look("term", older.term, newer.term);
  if (!older.members.empty() && !newer.members.empty() && !MembersInCommon(older, newer)) {
    signs.emplace_back("the two snapshots have no member in common");
  }
  report.restored_between = !signs.empty();
  if (signs.empty()) return;
  const bool may_lag = older.head.revision == newer.head.revision;
  Add(report, codes::kRestoredBetween, Severity::kInfo,
      fmt::format("the data continues, but the cluster was restored in between{}: {}",
                  may_lag ? ", or the newer snapshot is of a member that was behind" : "",
                  fmt::join(signs, ", ")));
}

// One raft log gives one content for each index.
void CheckIndex(LineageReport& report) {
  const Place& older = report.older;
  const Place& newer = *report.newer;
  const bool one_entry = older.consistent_index.has_value() && older.term.has_value() &&
                         older.consistent_index == newer.consistent_index &&
                         older.term == newer.term;
  if (!one_entry || !MembersInCommon(older, newer)) return;
  // Neither can be of a release with the fault; and where revisions are made anew, the same entry
  // may make another one.
  if (older.has_storage_version || newer.has_storage_version || older.may_go_back ||
      newer.may_go_back)
    return;
  const bool hashes_differ = report.compared.has_value() && !report.compared->equal;
  if (older.head.revision == newer.head.revision && !hashes_differ) return;
  Add(report, codes::kIndexConflict, Severity::kError,
      fmt::format("both snapshots end with raft entry {} of term {}, but have different data. "
                  "Possible causes: a member of etcd 3.5.0 to 3.5.2 skipped entries after a crash "
                  "(fixed in 3.5.3); a member of 3.5.0 to 3.5.5 applied entries twice during a "
                  "defragmentation (fixed in 3.5.6); or one snapshot was restored twice with the "
                  "same token. For members of one cluster: compare them with `etcdctl endpoint "
                  "hashkv --cluster`, replace the member that differs, and upgrade",
                  *older.consistent_index, *older.term));
}

Continuity Judge(const LineageReport& report, bool equal_hashes) {
  if (report.findings.errors() > 0) return Continuity::kDiverged;
  return equal_hashes ? Continuity::kContinues : Continuity::kNotComparable;
}

}  // namespace

Result<Place> ReadPlace(const snapshot::Image& image, const mvcc::HashKv& head) {
  constexpr size_t kMembersMax = 1000;  // a cluster has 7; a file can claim any number
  ASSIGN_OR_RETURN(const Facts facts, RequireFacts(image));
  Place place{.file = image.path(), .head = head, .may_go_back = facts.MayGoBack()};
  const auto take = [&](const bbolt::Pair& pair) { Take(pair, place); };
  RETURN_IF_ERROR(facts.database->ForEachPair(mvcc::kMetaBucket, {}, take));
  RETURN_IF_ERROR(facts.database->ForEachPair(mvcc::kAuthBucket, {}, take));
  RETURN_IF_ERROR(
      facts.database->ForEachPair(mvcc::kMembersBucket, {}, [&](const bbolt::Pair& pair) {
        if (place.members.size() < kMembersMax) place.members.push_back(Printable(pair.key));
      }));
  return place;
}

bool HoldsNothing(const Place& place) {
  constexpr int64_t kEmptyStore = 1;
  return place.head.revision <= kEmptyStore;
}

Result<LineageReport> CompareLineage(const Context& context, const Placed& older,
                                     const Placed& newer) {
  const Stopwatch watch(context.clock);
  LineageReport report;
  report.older = older.place;
  report.newer = newer.place;
  CheckOrder(report);
  RETURN_IF_ERROR(CompareHashes(context, older, newer, report));
  CheckIndex(report);
  report.verdict = Judge(report, report.compared.has_value());
  if (report.verdict == Continuity::kContinues) CheckRestored(report);
  report.duration_seconds = watch.Seconds();
  return report;
}

bool CountsMore(std::optional<int64_t> of_member, uint64_t of_file) {
  return of_member.has_value() && *of_member > static_cast<int64_t>(of_file);
}

void JudgeMembers(LineageReport& report) {
  const int64_t revision = report.older.head.revision;
  bool equal = false;
  for (const LiveMember& member : report.members) {
    equal |= member.result == Comparison::kEqual;
    if (member.result == Comparison::kDiffers &&
        CountsMore(member.live_keys, report.older.head.live_keys)) {
      Add(report, codes::kHistoryDiffers, Severity::kError,
          fmt::format("at revision {} the file has {} keys, {} has {}: the cluster is a different "
                      "one, or a compaction removed live keys of this member (etcd#22376). Compare "
                      "all members before you restart one",
                      revision, report.older.head.live_keys, member.endpoint, *member.live_keys));
    } else if (member.result == Comparison::kDiffers) {
      Add(report, codes::kHistoryDiffers, Severity::kError,
          fmt::format("at revision {} compacted at {} the file has HashKV {:08x}, {} has {:08x}: "
                      "the cluster is a different one, or was restored from an older backup, or "
                      "this member is corrupt",
                      member.hashkv.revision, member.hashkv.compact_revision, member.older,
                      member.endpoint, member.hashkv.hash));
    } else if (member.is_leader && member.revision < revision && !report.older.may_go_back) {
      Add(report, codes::kRevisionWentBack, Severity::kError,
          fmt::format("the file ends at revision {}, the leader {} is at {}: the cluster is a "
                      "different one, or was restored from an older backup",
                      revision, member.endpoint, member.revision));
    } else if (member.result == Comparison::kNotComparable) {
      Add(report, codes::kNotComparable, Severity::kWarning,
          fmt::format("{}: {}", member.endpoint, member.problem));
    }
  }
  report.verdict = Judge(report, equal);
}

}  // namespace etcdrill::verify
