// Rows for people are cut; what is judged is not.
#include "sidecar/status_rows.h"

#include "support/catch.h"

namespace etcdrill::sidecar {
namespace {

TEST_CASE("the last drill of the newest is known behind any number of drills of older ones") {
  catalog::Catalog catalog;
  CHECK_FALSE(ToHistory(catalog).last_of_newest.has_value());
  const auto add = [&](bool newest, const char* error) {
    DrillSummary& drill = catalog.drills.emplace_back();
    drill.newest = newest;
    drill.error = error;
  };
  add(true, "the first");
  add(true, "the second");
  for (size_t i = 0; i <= report::kDrillRowsMax; ++i) add(false, "an older one");
  const report::History history = ToHistory(catalog);
  CHECK(history.drills.size() == report::kDrillRowsMax);
  REQUIRE(history.last_of_newest.has_value());
  CHECK(history.last_of_newest->error == "the second");
}

}  // namespace
}  // namespace etcdrill::sidecar
