// The names that are relied on from outside, and the records that hold them.
#include "proof/words.h"

#include <nlohmann/json.hpp>

#include "proof/checks.h"
#include "proof/drill_summary.h"
#include "proof/manifest.h"
#include "support/catch.h"

namespace etcdrill {
namespace {

template <typename Enum>
void CheckNames() {
  for (const Enum value : ValuesOf<Enum>()) CHECK(FromName<Enum>(NameOf(value)) == value);
  CHECK_FALSE(FromName<Enum>("").has_value());
  CHECK_FALSE(FromName<Enum>("no such word").has_value());
}

TEST_CASE("each word is read as what it was written for, and no other is") {
  CheckNames<Verdict>();
  CheckNames<Level>();
  CheckNames<LevelResult>();
  CheckNames<StageName>();
  CheckNames<StageResult>();
  CheckNames<CheckName>();
  CheckNames<CheckResult>();
  CheckNames<Comparison>();
  CheckNames<Continuity>();
  CheckNames<SnapshotState>();
}

// The text of a record with one word changed, and what reading it says.
template <typename Parse>
std::string Said(const Json& record, std::string_view from, std::string_view to, Parse&& parse) {
  std::string text = Dump(record);
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  const auto parsed = parse(text);
  return parsed.ok() ? "" : std::string(MessageOf(parsed.status()));
}

TEST_CASE("a word that is not known is an error that names its field") {
  Manifest manifest;
  manifest.verdict = Verdict::kProven;
  manifest.receipt = {{.endpoint = "a", .result = Comparison::kEqual}, {.error = "down"}};
  manifest.lineage = {.result = Continuity::kContinues};
  const auto said = [&](std::string_view from) {
    return Said(ToJson(manifest), from, "\"perhaps\"", ParseManifest);
  };
  CHECK(ParseManifest(Dump(ToJson(manifest)))->receipt.size() == 2);
  CHECK(said("\"proven\"") == "field \"verdict\" is missing or has the wrong type");
  CHECK(said("\"equal\"") == "field \"result\" is missing or has the wrong type");
  CHECK(said("\"continues\"") == "field \"result\" is missing or has the wrong type");
  Checks checks;
  checks.FoundRight(WallTime());
  CHECK(Said(ToJson(checks), "\"1970-01-01T00:00:00Z\"", "\"then\"", ParseChecks) ==
        "field \"hashed\" is missing or has the wrong type");
}

TEST_CASE("a drill report of a later version has stages and checks that are passed over") {
  const Json report = {
      {"kind", "DrillReport"},
      {"snapshot", "c-1"},
      {"verdict", "proven"},
      {"level_reached", 5},
      {"started", "2026-11-22T08:00:00Z"},
      {"finished", "2026-11-22T08:00:01Z"},
      {"rto_seconds", 1.5},
      {"stages",
       {{{"name", "boot"}, {"result", "pass"}, {"duration_seconds", 1}, {"error", ""}},
        {{"name", "api"}, {"result", "pass"}, {"duration_seconds", 1}, {"error", ""}}}},
      {"checks", {{{"name", "objects"}, {"result", "pass"}, {"expected", "1"}}}}};
  const auto summary = ParseDrillSummary(Dump(report));
  REQUIRE(summary.ok());
  CHECK(summary->passed);
  CHECK(summary->stage_seconds.size() == 1);
  CHECK(summary->checks.empty());
  CHECK_FALSE(summary->forecast_seconds.has_value());
  const auto said = [&](std::string_view from, std::string_view to) {
    return Said(report, from, to, ParseDrillSummary);
  };
  CHECK(said("\"proven\"", "\"good\"") == "field \"verdict\" is missing or has the wrong type");
  CHECK(said("\"pass\"", "\"good\"") == "field \"result\" is missing or has the wrong type");
  CHECK(said("\"DrillReport\"", "\"Other\"") == "not a drill report");
}

}  // namespace
}  // namespace etcdrill
