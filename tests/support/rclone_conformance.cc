// The promises of a store (unit/objects/conformance.h), asked of the real rclone. Program, config
// file, remote and scratch directory come from tests/e2e/test_rclone.py, in the environment.
#include <cstdlib>
#include <string>
#include <vector>

#include "objects/rclone_objects.h"
#include "support/catch.h"
#include "support/test_context.h"
#include "unit/objects/conformance.h"

namespace etcdrill::objects {
namespace {

std::string Given(const char* name) {
  const char* value = std::getenv(name);
  REQUIRE(value != nullptr);
  return value;
}

TEST_CASE("rclone keeps what a store promises") {
  testing::TestContext test;
  auto store = RcloneObjects::Open(test.context(), {.program = Given("RCLONE_PROGRAM"),
                                                    .config_file = Given("RCLONE_CONFIG_FILE"),
                                                    .remote = Given("RCLONE_REMOTE"),
                                                    .scratch_dir = test.Path("scratch")});
  INFO(store.status().ToString());
  REQUIRE(store.ok());
  // Each name costs three processes, each range two.
  CheckConformance(**store, {.names = 24, .ranges = 8, .rounds = 2});
  const auto left = test.fs().List(test.Path("scratch"));
  CHECK(left.value_or(std::vector<std::string>()).empty());  // where anything was written at all
}

}  // namespace
}  // namespace etcdrill::objects
