// The rules. What speaks against a continuation is a finding with severity error; without one, equal hashes prove it.
#include "verify/lineage.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/bytes.h"
#include "format/bbolt/tree.h"
#include "format/finding_codes.h"
#include "format/mvcc/buckets.h"
#include "verify/facts.h"
#include "verify/verify.h"

namespace etcdrill::verify {
namespace {

std::optional<uint64_t> Number(std::string_view bytes) {
  return bytes.size() == sizeof(uint64_t) ? std::optional(LoadBE64(bytes.data())) : std::nullopt;
}

// Takes what it knows from `meta`, `auth` and `members`; their keys have no name in common.
class PlaceVisitor final : public bbolt::PairVisitor {
 public:
  explicit PlaceVisitor(Place& place) : place_(place) {}
  void OnBucket(std::string_view name) override { in_members_ = name == mvcc::kMembersBucket; }
  void OnPair(const bbolt::Pair& pair) override {
    constexpr size_t kMembersMax = 1000;  // a cluster has 7; a file can claim any number
    if (in_members_) {
      if (place_.members.size() < kMembersMax) place_.members.push_back(Printable(pair.key));
    } else if (pair.key == mvcc::kConsistentIndexKey) {
      place_.consistent_index = Number(pair.value);
    } else if (pair.key == mvcc::kTermKey) {
      place_.term = Number(pair.value);
    } else if (pair.key == mvcc::kAuthRevisionKey) {
      place_.auth_revision = Number(pair.value).value_or(0);
    }
  }

 private:
  Place& place_;
  bool in_members_ = false;
};

void Add(LineageReport& report, std::string_view code, Severity severity, std::string text) {
  report.findings.Add({code, severity, std::nullopt, std::nullopt, std::move(text)});
}

template <typename T>
bool WentBack(const std::optional<T>& older, const std::optional<T>& newer) {
  return older.has_value() && newer.has_value() && *newer < *older;
}

bool MembersInCommon(const Place& a, const Place& b) {
  return std::any_of(a.members.begin(), a.members.end(), [&](const std::string& id) {
    return std::find(b.members.begin(), b.members.end(), id) != b.members.end();
  });
}

// A file's own hash is known; any other costs a pass over the file.
Result<uint32_t> HashAt(const Context& context, const Placed& placed, int64_t revision, int64_t compact_revision) {
  const Place& place = placed.place;
  if (place.head.revision == revision && place.head.compact_revision == compact_revision) return place.head.hash;
  const auto hashkv = HashKvOf(context, placed.image, revision, compact_revision);
  if (hashkv.ok()) return hashkv->hash;
  // It can answer for its place, so what can't is another file by now.
  if (ReasonOf(hashkv.status()) != Reason::kUsage) return hashkv.status();
  return Error(Reason::kDamaged,
               fmt::format("{} has changed since it was looked at: {}", place.file, MessageOf(hashkv.status())));
}

// Why the two can't be compared by hash, or nothing.
std::string Incomparable(const Place& older, const Place& newer) {
  const int64_t revision = std::min(older.head.revision, newer.head.revision);
  const int64_t compact = std::max(older.head.compact_revision, newer.head.compact_revision);
  if (HoldsNothing(older) || HoldsNothing(newer)) return "one of the two holds no write yet: nothing can be compared";
  if (compact <= revision) return "";
  return fmt::format(
      "{} is compacted at revision {}, {} ends at {}: no revision is in both; a snapshot in between, of "
      "revision {} or more and compacted at {} or less, would join them",
      newer.head.compact_revision == compact ? newer.file : older.file, compact,
      newer.head.revision == revision ? newer.file : older.file, revision, compact, revision);
}

Status CompareHashes(const Context& context, const Placed& from, const Placed& to, LineageReport& report) {
  const Place& older = from.place;
  const Place& newer = to.place;
  if (std::string why = Incomparable(older, newer); !why.empty()) {
    Add(report, codes::kNotComparable, Severity::kWarning, std::move(why));
    return OkStatus();
  }
  ComparedHashes hashes{.revision = std::min(older.head.revision, newer.head.revision),
                        .compact_revision = std::max(older.head.compact_revision, newer.head.compact_revision)};
  ASSIGN_OR_RETURN(hashes.older, HashAt(context, from, hashes.revision, hashes.compact_revision));
  ASSIGN_OR_RETURN(hashes.newer, HashAt(context, to, hashes.revision, hashes.compact_revision));
  const Place& ends_first = older.head.revision <= newer.head.revision ? older : newer;
  if (hashes.older != hashes.newer && HashKvMayVary(ends_first.live_keys, hashes.compact_revision)) {
    Add(report, codes::kNotComparable, Severity::kWarning,
        fmt::format("no key is alive at revision {}: HashKV then depends on how far each compaction got",
                    hashes.revision));
    return OkStatus();
  }
  report.compared = hashes;
  if (hashes.older != hashes.newer) {
    Add(report, codes::kHistoryDiffers, Severity::kError,
        fmt::format("at revision {} compacted at {} the older one has HashKV {:08x}, the newer one {:08x}: they are of "
                    "two clusters, or the cluster was restored from an older backup in between and written to",
                    hashes.revision, hashes.compact_revision, hashes.older, hashes.newer));
  }
  return OkStatus();
}

void CheckOrder(LineageReport& report) {
  const Place& older = report.older;
  const Place& newer = *report.newer;
  if (newer.head.revision < older.head.revision) {
    Add(report, codes::kRevisionWentBack, Severity::kError,
        fmt::format("the older one ends at revision {}, the newer one at {}: the two are in the wrong order, or the "
                    "newer one comes from a member that lags, or the cluster was restored from an older backup",
                    older.head.revision, newer.head.revision));
  }
  if (newer.auth_revision < older.auth_revision) {
    Add(report, codes::kAuthRevisionWentBack, Severity::kError,
        fmt::format("users and roles go back from auth revision {} to {}: changes to them are lost",
                    older.auth_revision, newer.auth_revision));
  }
}

// What only a restore sets back, told only of a continuation: elsewhere it would explain nothing.
void CheckRestored(LineageReport& report) {
  const Place& older = report.older;
  const Place& newer = *report.newer;
  std::vector<std::string> signs;
  const auto look = [&](std::string_view what, const std::optional<uint64_t>& was, const std::optional<uint64_t>& is) {
    if (WentBack(was, is)) signs.push_back(fmt::format("the {} went back from {} to {}", what, *was, *is));
  };
  look("consistent index", older.consistent_index, newer.consistent_index);
  look("term", older.term, newer.term);
  if (!older.members.empty() && !newer.members.empty() && !MembersInCommon(older, newer)) {
    signs.emplace_back("the two have no member in common");
  }
  report.restored_between = !signs.empty();
  if (signs.empty()) return;
  const bool may_lag = older.head.revision == newer.head.revision;
  Add(report, codes::kRestoredBetween, Severity::kInfo,
      fmt::format("the data goes on, but the cluster was restored in between{}: {}",
                  may_lag ? ", or the newer one comes from a member that lags" : "", fmt::join(signs, ", ")));
}

// One raft log gives one content for each index.
void CheckIndex(LineageReport& report) {
  const Place& older = report.older;
  const Place& newer = *report.newer;
  const bool one_entry = older.consistent_index.has_value() && older.term.has_value() &&
                         older.consistent_index == newer.consistent_index && older.term == newer.term;
  if (!one_entry || !MembersInCommon(older, newer)) return;
  const bool hashes_differ = report.compared.has_value() && report.compared->older != report.compared->newer;
  if (older.head.revision == newer.head.revision && !hashes_differ) return;
  Add(report, codes::kIndexConflict, Severity::kError,
      fmt::format("both end with raft entry {} of term {}, but hold different data: a member of etcd 3.5.0 to 3.5.2 "
                  "skipped entries after a crash (fixed in 3.5.3), or one of 3.5.0 to 3.5.5 applied some twice in a "
                  "defragmentation (fixed in 3.5.6); compare the members with `etcdctl endpoint hashkv --cluster`, "
                  "replace the one that differs, and upgrade",
                  *older.consistent_index, *older.term));
}

LineageVerdict Judge(const LineageReport& report, bool equal_hashes) {
  if (report.findings.errors() > 0) return LineageVerdict::kDiverged;
  return equal_hashes ? LineageVerdict::kContinues : LineageVerdict::kNotComparable;
}

}  // namespace

std::string_view LineageVerdictName(LineageVerdict verdict) {
  switch (verdict) {
    case LineageVerdict::kContinues:
      return "continues";
    case LineageVerdict::kDiverged:
      return "diverged";
    case LineageVerdict::kNotComparable:
      return "not_comparable";
  }
  return "";
}

std::string_view MemberResultName(MemberResult result) {
  switch (result) {
    case MemberResult::kEqual:
      return "equal";
    case MemberResult::kDiffers:
      return "differs";
    case MemberResult::kNotComparable:
      return "not_comparable";
  }
  return "";
}

Result<Place> ReadPlace(const snapshot::Image& image, const mvcc::HashKv& head, uint64_t live_keys) {
  Findings findings;
  ASSIGN_OR_RETURN(const Facts facts, RequireFacts(image, findings));
  const ReadableFile& file = image.reader();
  Place place{.file = image.path(), .head = head, .live_keys = live_keys};
  PlaceVisitor visitor(place);
  for (const std::string_view bucket : {mvcc::kMetaBucket, mvcc::kAuthBucket, mvcc::kMembersBucket}) {
    visitor.OnBucket(bucket);
    RETURN_IF_ERROR(bbolt::WalkBucket(file, facts.body, facts.meta, bucket, {}, bbolt::Direction::kForwards, visitor));
  }
  return place;
}

bool HoldsNothing(const Place& place) {
  constexpr int64_t kEmptyStore = 1;
  return place.head.revision <= kEmptyStore;
}

bool HashKvMayVary(uint64_t live_keys, int64_t compact_revision) {
  return live_keys == 0 && compact_revision != mvcc::kNeverCompacted;
}

Result<LineageReport> CompareLineage(const Context& context, const Placed& older, const Placed& newer) {
  const Stopwatch watch(context.clock);
  LineageReport report;
  report.older = older.place;
  report.newer = newer.place;
  CheckOrder(report);
  RETURN_IF_ERROR(CompareHashes(context, older, newer, report));
  CheckIndex(report);
  report.verdict = Judge(report, report.compared.has_value());
  if (report.verdict == LineageVerdict::kContinues) CheckRestored(report);
  report.duration_seconds = watch.Seconds();
  return report;
}

void JudgeMembers(LineageReport& report) {
  const int64_t revision = report.older.head.revision;
  bool equal = false;
  for (const LiveMember& member : report.members) {
    equal |= member.result == MemberResult::kEqual;
    if (member.result == MemberResult::kDiffers) {
      Add(report, codes::kHistoryDiffers, Severity::kError,
          fmt::format("at revision {} compacted at {} the file has HashKV {:08x}, {} answers {:08x}: the cluster is "
                      "another one, or was restored from an older backup and written to, or this member is corrupt",
                      member.hashkv.revision, member.hashkv.compact_revision, member.older, member.endpoint,
                      member.hashkv.hash));
    } else if (member.is_leader && member.revision < revision) {
      Add(report, codes::kRevisionWentBack, Severity::kError,
          fmt::format("the file ends at revision {}, the leader {} is at {}: the cluster is another one, or was "
                      "restored from an older backup",
                      revision, member.endpoint, member.revision));
    } else if (member.result == MemberResult::kNotComparable) {
      Add(report, codes::kNotComparable, Severity::kWarning, fmt::format("{}: {}", member.endpoint, member.problem));
    }
  }
  report.verdict = Judge(report, equal);
}

}  // namespace etcdrill::verify
