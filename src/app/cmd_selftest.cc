// selftest: known damage in, and all of it has to be found.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "app/commands.h"
#include "app/targets.h"
#include "io/scratch_dir.h"
#include "verify/selftest.h"

namespace etcdrill::app {
namespace {

using Json = nlohmann::ordered_json;

std::string ToJson(const std::vector<verify::SelftestRow>& rows) {
  Json classes = Json::array();
  for (const verify::SelftestRow& row : rows) {
    classes.push_back({{"damage", row.name}, {"tries", row.tries}, {"detected", row.detected}});
  }
  return Json{
      {"apiVersion", "etcdrill/v1"}, {"kind", "SelftestReport"}, {"classes", std::move(classes)}}
      .dump(2);
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
  const std::vector<std::string> head = {"DAMAGE", "TRIES", "DETECTED"};
  if (options.format == OutputFormat::kJson) {
    PrintJson(ToJson(rows));
  } else {
    fmt::print("{}", options.format == OutputFormat::kTable ? FramedTable(head, cells)
                                                            : PlainTable(head, cells));
  }
  RETURN_IF_ERROR(verify::JudgeSelftest(rows));
  return ExitCode::kOk;
}

}  // namespace etcdrill::app
