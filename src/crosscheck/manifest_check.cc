// The facts of the manifest against those of the file. Names of others are in the local time of
// somebody: a day of doubt is left to them.
#include "crosscheck/manifest_check.h"

#include "base/units.h"
#include "proof/finding_codes.h"
#include "proof/receipt_view.h"
#include "store/names.h"

namespace etcdrill::crosscheck {
namespace {

constexpr Duration kUtcDoubt = std::chrono::minutes(5);
constexpr Duration kZoneDoubt = std::chrono::hours(26);

std::optional<int64_t> RevisionOf(const verify::VerifyReport& report) {
  return report.keyspace.has_value() ? std::optional(report.keyspace->hashkv.revision)
                                     : std::nullopt;
}

}  // namespace

Result<verify::VerifyReport> VerifyWithManifest(const Context& context,
                                                const snapshot::Image& image,
                                                const std::optional<Manifest>& manifest,
                                                Level level) {
  verify::VerifyInput input{.level = level};
  if (manifest.has_value()) input.expected = {manifest->size_bytes, manifest->sha256};
  ASSIGN_OR_RETURN(verify::VerifyReport report, verify::Verify(context, image, input));
  if (manifest.has_value()) CompareWithManifest(*manifest, report);
  CheckClaims(image, manifest, report);
  return report;
}

void CompareWithManifest(const Manifest& manifest, verify::VerifyReport& report) {
  const uint64_t errors_before = report.findings.errors();
  if (const Disagreement found = DisagreementOf(manifest); !found.text.empty()) {
    const Severity severity = found.of_majority ? Severity::kWarning : Severity::kError;
    report.findings.Add({codes::kMembersDisagreed, severity, {}, {}, "when taken: " + found.text});
  }
  if (LineageOf(manifest) == Continuity::kDiverged) {
    report.findings.Warn(
        codes::kDivergedWhenTaken, "{}: {}",
        manifest.other_history
            ? "when imported, the snapshot was of another history"
            : "when taken, the snapshot did not continue " + manifest.lineage->older,
        manifest.lineage->text);
  }
  if (manifest.verdict == Verdict::kDamaged && report.findings.errors() == errors_before) {
    report.findings.Error(codes::kDamagedWhenTaken, "the snapshot was damaged when it was taken");
  }
  if (report.keyspace.has_value()) {
    const verify::Keyspace& k = *report.keyspace;
    // Manifests of 0.1.0 count the mark of a bump, and have HashKV by the older rule.
    const bool keys_fit =
        manifest.live_keys == k.live_keys || (k.bumped && manifest.live_keys == k.live_keys + 1);
    if (k.hashkv.revision != manifest.revision || !k.hashkv.Is(manifest.hashkv) || !keys_fit) {
      report.findings.Error(codes::kManifestMismatch,
                            "the file ends at revision {} with {} keys and HashKV {:08x}, the "
                            "manifest has {}, {} and {:08x}",
                            k.hashkv.revision, k.live_keys, k.hashkv.hash, manifest.revision,
                            manifest.live_keys, manifest.hashkv);
    }
  }
}

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
                   "the name has revision {}, the file ends at revision {}: the file is another "
                   "snapshot under this name",
                   *claims.revision, report.keyspace->hashkv.revision);
    report.levels[Level::kPresent] = LevelResult::kFail;
  }
  if (!claims.taken.has_value()) return;
  const Duration doubt = claims.utc ? kUtcDoubt : kZoneDoubt;
  const WallTime modified = image.file().Modified();
  if (manifest.has_value() && std::chrono::abs(manifest->taken - *claims.taken) > doubt) {
    findings.Warn(codes::kClaimWrong, "the name has the time {}, the manifest has {}",
                  FormatRfc3339(*claims.taken), FormatRfc3339(manifest->taken));
  } else if (modified + doubt < *claims.taken) {
    findings.Warn(codes::kClaimWrong,
                  "the name has the time {}, but the file was last written at {}: an older file "
                  "under a new name",
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
                  "the bytes equal those of {}, taken at {}: nothing was written in between, or "
                  "the older file has a new name",
                  other.name, FormatRfc3339(other.taken));
    break;
  }
  if (IsFuture(taken, now)) {
    findings.Warn(codes::kFromFuture,
                  "the snapshot has the time {}, which is in the future (now: {}): a clock was "
                  "wrong, and the age is unknown",
                  FormatRfc3339(taken), FormatRfc3339(now));
    return !freshness.max_age.has_value();
  }
  const Duration age = now - taken;
  if (!freshness.max_age.has_value() || age <= *freshness.max_age) return true;
  findings.Warn(codes::kTooOld, "the snapshot was taken at {}, {} ago; the maximum age is {}",
                FormatRfc3339(taken), FormatDuration(age), FormatDuration(*freshness.max_age));
  return false;
}

}  // namespace etcdrill::crosscheck
