#include "sites/judge_copies.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "sites/layout.h"
#include "sites/merge_checks.h"
#include "sites/order.h"
#include "sites/site_drills.h"
#include "store/names.h"

namespace etcdrill::sites {
namespace {

struct JudgedCopy {
  const SeenManifest* seen;
  catalog::CatalogEntry entry;
};
// What is wrong with the bytes of a copy, by the site's word.
struct BytesProblem {
  Status problem;  // OK if it can be fetched all the same
  std::optional<SiteFinding> finding;
};

class CopyJudge {
 public:
  CopyJudge(const SiteState& state, std::string_view cluster, WallTime now)
      : state_(state), cluster_(cluster), now_(now), writers_(KnownWriters(state)) {}

  Contents Judge();

 private:
  void AddCopy(const std::string& copy, const SeenManifest& seen);
  void AddLost(const std::string& copy, const Status& why);
  Result<Checks> ChecksOf(const std::string& copy);
  BytesProblem LookAtBytes(const CopyRecord& record, const Result<Checks>& checks) const;
  BytesProblem Overwritten(const CopyRecord& record, const Result<Checks>& checks,
                           const ObjectMark& listed) const;
  std::vector<catalog::CatalogEntry> OldestFirst();
  const uint64_t* SizeOf(const std::string& copy) const;  // null if nobody looked
  void CountBytes();

  const SiteState& state_;
  const std::string_view cluster_;
  const WallTime now_;
  const std::set<std::string_view> writers_;
  std::vector<JudgedCopy> copies_;
  Contents contents_;
};

bool IsOfOthers(std::string_view name, std::string_view cluster) {
  return !cluster.empty() && !name.empty() && name != cluster;
}

SiteFinding FindingOf(Oddity oddity, const std::string& key, const std::string& copy,
                      std::string text) {
  return {.oddity = oddity, .key = key, .copy = copy, .text = std::move(text)};
}

Contents CopyJudge::Judge() {
  for (const auto& [copy, seen] : state_.manifests) {
    seen.read.ok() ? AddCopy(copy, seen) : AddLost(copy, seen.read.status());
  }
  contents_.catalog.snapshots = OldestFirst();
  contents_.catalog.drills = DrillsOfCopies(state_, now_);
  catalog::JudgeAll(contents_.catalog, cluster_);
  std::erase_if(contents_.catalog.drills, [this](const DrillSummary& drill) {
    return !RanOnTheCopy(drill) || IsCopyOfOthers(drill.snapshot, cluster_);
  });
  contents_.writers = state_.writers;
  contents_.read_at = now_;
  CountBytes();
  return std::move(contents_);
}

void CopyJudge::AddCopy(const std::string& copy, const SeenManifest& seen) {
  const CopyRecord& record = seen.read->record;
  const Result<Checks> checks = ChecksOf(copy);
  const BytesProblem bytes = LookAtBytes(record, checks);
  Status problem = bytes.problem;
  if (!seen.read->trust.ok()) problem = seen.read->trust;
  Manifest manifest = record.manifest;
  manifest.name = copy;
  copies_.push_back({&seen, catalog::EntryOf(manifest, checks, problem)});
  if (IsOfOthers(record.manifest.cluster, cluster_)) return;
  contents_.records.emplace(copy, record);
  if (bytes.finding.has_value()) contents_.findings.push_back(*bytes.finding);
  if (!seen.read->trust.ok()) {
    contents_.findings.push_back(FindingOf(Oddity::kUntrusted, ManifestKey(copy), copy,
                                           std::string(MessageOf(seen.read->trust))));
  }
  if (seen.rewritten) {
    contents_.findings.push_back(
        FindingOf(Oddity::kNewVersion, ManifestKey(copy), copy,
                  "somebody wrote another manifest over it; the one that was read first counts"));
  }
}

void CopyJudge::AddLost(const std::string& copy, const Status& why) {
  if (IsCopyOfOthers(copy, cluster_)) return;
  contents_.catalog.lost.push_back({copy, why});
  contents_.findings.push_back(
      FindingOf(Oddity::kUnreadable, ManifestKey(copy), copy, std::string(MessageOf(why))));
}

Result<Checks> CopyJudge::ChecksOf(const std::string& copy) {
  const auto checks = state_.checks.find(copy);
  if (checks == state_.checks.end()) return Checks{};
  for (const auto& [writer, seen] : checks->second) {
    if (seen.read.ok() || IsCopyOfOthers(copy, cluster_)) continue;
    contents_.findings.push_back(FindingOf(Oddity::kUnreadable, ChecksKey(copy, writer), copy,
                                           std::string(MessageOf(seen.read.status()))));
  }
  return MergeChecks(checks->second, writers_, now_);
}

BytesProblem CopyJudge::LookAtBytes(const CopyRecord& record, const Result<Checks>& checks) const {
  if (!state_.bytes.has_value()) return {};
  const auto at = state_.bytes->odd.find(record.copy);
  if (at == state_.bytes->odd.end()) return {};
  const SeenBytes& odd = at->second;
  const std::string key = record.key();
  if (odd.by_version && !odd.listed.has_value()) {
    return {OkStatus(), FindingOf(Oddity::kHidden, key, record.copy,
                                  "a delete marker hides the bytes; the version that was sealed is "
                                  "there, and is what is fetched")};
  }
  if (odd.by_version) {
    return {OkStatus(), FindingOf(Oddity::kNewVersion, key, record.copy,
                                  "somebody wrote other bytes over it; the version that was sealed "
                                  "is there, and is what is fetched")};
  }
  if (odd.listed.has_value()) return Overwritten(record, checks, *odd.listed);
  Status gone = Error(Reason::kNotFound, "{} is gone, and its manifest is there", key);
  std::string text(MessageOf(gone));
  return {std::move(gone), FindingOf(Oddity::kVanished, key, record.copy, std::move(text))};
}

// Another size can't be what was sealed. Another etag may: a site that encrypts or moves its
// objects anew gives others. So whoever read the bytes since, and found them right, is believed.
BytesProblem CopyJudge::Overwritten(const CopyRecord& record, const Result<Checks>& checks,
                                    const ObjectMark& listed) const {
  const std::string key = record.key();
  Status problem;
  if (listed.size != record.size_bytes) {
    problem = Error(Reason::kDamaged, "{} has {} bytes, but {} were sealed", key, listed.size,
                    record.size_bytes);
  } else {
    const auto hashed = checks.ok() ? checks->hashed : std::nullopt;
    if (hashed.has_value() && !IsFuture(*hashed, now_) && *hashed > listed.modified + kClockSlack)
      return {};
    problem = Error(Reason::kNotProvable,
                    "{} was written again: it has etag {}, and had {} when it was sealed; until "
                    "somebody hashes it, nobody knows whether the bytes are the same",
                    key, listed.etag, record.etag);
  }
  std::string text(MessageOf(problem));
  return {std::move(problem), FindingOf(Oddity::kOverwritten, key, record.copy, std::move(text))};
}

// Of two copies of one snapshot the site's clock knows which came later.
std::vector<catalog::CatalogEntry> CopyJudge::OldestFirst() {
  std::ranges::sort(copies_, {}, [](const JudgedCopy& copy) {
    return std::tuple(copy.seen->mark.modified, std::string_view(copy.entry.manifest.name));
  });
  std::vector<Sealed> sealed;
  for (const JudgedCopy& copy : copies_)
    sealed.push_back({&copy.entry.manifest, copy.seen->read->record.writer});
  std::vector<catalog::CatalogEntry> snapshots;
  for (const size_t i : OrderOfSealing(sealed, now_))
    snapshots.push_back(std::move(copies_[i].entry));
  return snapshots;
}

const uint64_t* CopyJudge::SizeOf(const std::string& copy) const {
  if (!state_.bytes.has_value()) return nullptr;
  const auto at = state_.bytes->sizes.find(copy);
  return at == state_.bytes->sizes.end() ? nullptr : &at->second;
}

void CopyJudge::CountBytes() {
  contents_.looked_at_bytes = state_.bytes.has_value();
  for (const auto& [copy, record] : contents_.records) {
    const uint64_t* const size = SizeOf(copy);
    contents_.bytes += size != nullptr ? *size : record.size_bytes;
  }
  if (!contents_.looked_at_bytes) return;
  contents_.in_doubt =
      static_cast<size_t>(std::ranges::count_if(state_.bytes->in_doubt, [this](const auto& copy) {
        return contents_.records.contains(copy);
      }));
  contents_.unsealed =
      static_cast<size_t>(std::ranges::count_if(state_.bytes->unsealed, [this](const auto& copy) {
        return !IsCopyOfOthers(copy, cluster_);
      }));
}

}  // namespace

bool IsCopyOfOthers(std::string_view copy, std::string_view cluster) {
  return IsOfOthers(store::ClusterOfName(SnapshotOfCopy(copy).value_or("")), cluster);
}

Contents JudgeCopies(const SiteState& state, std::string_view cluster, WallTime now) {
  return CopyJudge(state, cluster, now).Judge();
}

}  // namespace etcdrill::sites
