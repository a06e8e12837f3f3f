// Counting what is detected.
#include "verify/selftest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "verify/verify.h"

namespace etcdrill::verify {

Result<std::vector<SelftestRow>> RunSelftest(std::string_view snapshot,
                                             const std::vector<DamageClass>& classes,
                                             const Verifier& verifier) {
  ASSIGN_OR_RETURN(const Verdict intact, verifier(snapshot));
  std::vector<SelftestRow> rows = {{"no damage", 1, intact == Verdict::kProven ? size_t{1} : 0}};
  for (const DamageClass& damage_class : classes) {
    SelftestRow row{.name = damage_class.name};
    for (const Damage& damage : damage_class.damages) {
      ASSIGN_OR_RETURN(const Verdict verdict, verifier(damage(snapshot)));
      ++row.tries;
      if (verdict == Verdict::kDamaged) ++row.detected;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Verifier FileVerifier(const Context& context, const std::string& dir) {
  return
      [&context, path = JoinPath(dir, "damaged.db")](std::string_view snapshot) -> Result<Verdict> {
        RETURN_IF_ERROR(context.fs.RemoveAll(path));
        ASSIGN_OR_RETURN(const auto file, context.fs.Create(path, kPrivateFileMode));
        RETURN_IF_ERROR(file->Append(snapshot));
        ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, path));
        ASSIGN_OR_RETURN(const VerifyReport report, Verify(context, image));
        return report.verdict();
      };
}

Status JudgeSelftest(const std::vector<SelftestRow>& rows) {
  std::vector<std::string> missed;
  for (const SelftestRow& row : rows) {
    if (row.detected < row.tries || row.tries == 0) {
      missed.push_back(fmt::format("{} ({} of {} detected)", row.name, row.detected, row.tries));
    }
  }
  if (missed.empty()) return OkStatus();
  return Error(Reason::kInternal,
               "the self-test failed for: {}; do not trust what this build calls proven",
               fmt::join(missed, ", "));
}

}  // namespace etcdrill::verify
