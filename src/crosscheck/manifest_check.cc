// The facts of the manifest against those of the file.
#include "crosscheck/manifest_check.h"

#include "crosscheck/claims_check.h"
#include "crosscheck/receipt_check.h"
#include "crosscheck/store_lineage.h"
#include "proof/finding_codes.h"

namespace etcdrill::crosscheck {

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
    report.findings.Add(
        {codes::kMembersDisagreed, severity, {}, {}, "when it was taken: " + found.text});
  }
  if (LineageOf(manifest) == Continuity::kDiverged) {
    report.findings.Warn(codes::kDivergedWhenTaken, "{}: {}",
                         manifest.other_history
                             ? "when it was adopted, it was of another history"
                             : "when it was taken, it did not continue " + manifest.lineage->older,
                         manifest.lineage->text);
  }
  if (manifest.verdict == Verdict::kDamaged && report.findings.errors() == errors_before) {
    report.findings.Error(codes::kDamagedWhenTaken, "it was found damaged when it was taken");
  }
  if (report.keyspace.has_value()) {
    const verify::Keyspace& k = *report.keyspace;
    // Manifests of 0.1.0 count the mark of a bump, and have HashKV by the older rule.
    const bool keys_fit =
        manifest.live_keys == k.live_keys || (k.bumped && manifest.live_keys == k.live_keys + 1);
    if (k.hashkv.revision != manifest.revision || !k.hashkv.Is(manifest.hashkv) || !keys_fit) {
      report.findings.Error(codes::kManifestMismatch,
                            "the file ends at revision {} with {} keys and HashKV {:08x}, the "
                            "manifest says {}, {} and {:08x}",
                            k.hashkv.revision, k.live_keys, k.hashkv.hash, manifest.revision,
                            manifest.live_keys, manifest.hashkv);
    }
  }
}

}  // namespace etcdrill::crosscheck
