// selftest: known damage in, and all of it has to be found.
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/session.h"
#include "io/scratch_dir.h"
#include "verify/selftest.h"

namespace etcdrill::cli {
namespace {

Json ToJson(const std::vector<verify::SelftestRow>& rows) {
  Json json = NewDocument("SelftestReport");
  json["classes"] = Json::array();
  for (const verify::SelftestRow& row : rows) {
    json["classes"].push_back(
        {{"damage", row.name}, {"tries", row.tries}, {"detected", row.detected}});
  }
  return json;
}

}  // namespace

Result<ExitCode> Selftest(const Context& context, const SelftestOptions& options) {
  ASSIGN_OR_RETURN(const auto scratch, ScratchDir::Create(context, DefaultScratchDir()));
  ASSIGN_OR_RETURN(const std::string sample, verify::MakeSampleSnapshot(context, scratch->path()));
  ASSIGN_OR_RETURN(const std::vector<verify::SelftestRow> rows,
                   verify::RunSelftest(sample, verify::DamageClassesOf(sample),
                                       verify::FileVerifier(context, scratch->path())));
  Rows cells;
  for (const verify::SelftestRow& row : rows) {
    cells.push_back({row.name, std::to_string(row.tries), std::to_string(row.detected)});
  }
  PrintList(options.format, ToJson(rows), {"DAMAGE", "TRIES", "DETECTED"}, cells);
  RETURN_IF_ERROR(verify::JudgeSelftest(rows));
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
