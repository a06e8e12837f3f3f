#include "cli/verify_for_use.h"

#include "crosscheck/manifest_check.h"

namespace etcdrill::cli {

Result<verify::VerifyReport> VerifyForUse(const Context& context, const snapshot::Image& image,
                                          const std::optional<Manifest>& manifest, Proof proof) {
  ASSIGN_OR_RETURN(verify::VerifyReport report,
                   crosscheck::VerifyWithManifest(context, image, manifest, Level::kKeyspace));
  const std::string& file = image.path();
  const LevelResult transfer = report.levels[Level::kTransfer];
  const bool damaged = report.verdict() == Verdict::kDamaged;
  if (!report.keyspace.has_value() && report.verdict() == Verdict::kNotProvable) {
    return Error(Reason::kNotProvable, "{}: {}", file, report.Cause());
  }
  const bool sound =
      report.keyspace.has_value() && report.levels[Level::kKeyspace] == LevelResult::kPass;
  const bool disproved = (damaged && proof == Proof::kRight) ||
                         (transfer == LevelResult::kFail && proof != Proof::kIgnored);
  if (!sound || disproved) {
    return Error(Reason::kDamaged, "{} is damaged: {}. For all findings, run `etcdrill verify {}`",
                 file, report.Cause(), file);
  }
  if (transfer != LevelResult::kPass && proof == Proof::kRight) {
    return Error(
        Reason::kNotProvable,
        "{}: {}. Use a snapshot with a valid trailer or manifest, or add --skip-hash-check", file,
        report.Cause());
  }
  return report;
}

}  // namespace etcdrill::cli
