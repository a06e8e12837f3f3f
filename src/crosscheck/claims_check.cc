// Names of others are in the local time of somebody: a day of doubt is left to them.
#include "crosscheck/claims_check.h"

#include "base/units.h"
#include "proof/finding_codes.h"
#include "store/name_claims.h"

namespace etcdrill::crosscheck {
namespace {

constexpr Duration kUtcDoubt = std::chrono::minutes(5);
constexpr Duration kZoneDoubt = std::chrono::hours(26);

std::optional<int64_t> RevisionOf(const verify::VerifyReport& report) {
  return report.keyspace.has_value() ? std::optional(report.keyspace->hashkv.revision)
                                     : std::nullopt;
}

}  // namespace

WallTime TakenAt(const snapshot::Image& image, const std::optional<Manifest>& manifest,
                 const verify::VerifyReport& report) {
  if (manifest.has_value()) return manifest->taken;
  return store::TakenAt(BaseName(image.path()), image.file().Modified(), RevisionOf(report));
}

void CheckClaims(const snapshot::Image& image, const std::optional<Manifest>& manifest,
                 verify::VerifyReport& report) {
  Findings& findings = report.findings;
  const store::NameClaims claims = store::ClaimsOfName(BaseName(image.path()), RevisionOf(report));
  if (claims.revision.has_value() && report.keyspace.has_value() &&
      *claims.revision != report.keyspace->hashkv.revision) {
    findings.Error(codes::kClaimWrong,
                   "the name says revision {}, the file ends at revision {}: it is another "
                   "snapshot under this name",
                   *claims.revision, report.keyspace->hashkv.revision);
    report.levels[Level::kPresent] = LevelResult::kFail;
  }
  if (!claims.taken.has_value()) return;
  const Duration doubt = claims.utc ? kUtcDoubt : kZoneDoubt;
  const WallTime modified = image.file().Modified();
  if (manifest.has_value() && std::chrono::abs(manifest->taken - *claims.taken) > doubt) {
    findings.Warn(codes::kClaimWrong, "the name says it was taken at {}, the manifest says {}",
                  FormatRfc3339(*claims.taken), FormatRfc3339(manifest->taken));
  } else if (modified + doubt < *claims.taken) {
    findings.Warn(codes::kClaimWrong,
                  "the name says it was taken at {}, but the file was last written at {}: an older "
                  "file under a new name",
                  FormatRfc3339(*claims.taken), FormatRfc3339(modified));
  }
}

bool CheckFreshness(WallTime taken, WallTime now, const Freshness& freshness,
                    verify::VerifyReport& report) {
  Findings& findings = report.findings;
  for (const Manifest& other : freshness.others) {
    if (other.sha256 != report.sha256 || other.taken >= taken || IsFuture(other.taken, now))
      continue;
    findings.Warn(codes::kSameContent,
                  "its bytes are those of {}, taken at {}: nothing was written in between, or the "
                  "older file was given a new name",
                  other.name, FormatRfc3339(other.taken));
    break;
  }
  if (IsFuture(taken, now)) {
    findings.Warn(codes::kFromFuture,
                  "it says that it was taken at {}, which is yet to come (now: {}): a clock was "
                  "wrong, and nobody knows how old it is",
                  FormatRfc3339(taken), FormatRfc3339(now));
    return !freshness.max_age.has_value();
  }
  const Duration age = now - taken;
  if (!freshness.max_age.has_value() || age <= *freshness.max_age) return true;
  findings.Warn(codes::kTooOld, "it was taken at {}, {} ago; at most {} was asked for",
                FormatRfc3339(taken), FormatDuration(age), FormatDuration(*freshness.max_age));
  return false;
}

}  // namespace etcdrill::crosscheck
