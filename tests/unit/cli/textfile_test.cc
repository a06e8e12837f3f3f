// The file of metrics that a command leaves, under every failure of the disk and every power loss.
#include "cli/textfile_out.h"
#include "support/catch.h"
#include "support/every_fault.h"

namespace etcdrill::cli {
namespace {

using testing::Ending;
using testing::UnderEveryFault;
using testing::World;

constexpr const char* kPath = "/textfiles/etcdrill.prom";
constexpr const char* kLastSuccess = "etcdrill_verify_last_success_timestamp_seconds 1000\n";

Status WriteRun(World& world, double ended, bool passed) {
  return WriteVerifyTextfile(world.context(), kPath,
                             {.ended = ended, .seconds = 1, .passed = passed});
}

TEST_CASE("a textfile is that of the run before or of this one, and forgets nothing") {
  UnderEveryFault({.prepare =
                       [](World& world) {
                         REQUIRE(world.fs().MakeDirs("/textfiles", kPrivateDirMode).ok());
                         REQUIRE(WriteRun(world, 1000, true).ok());
                       },
                   .act = [](World& world) { return WriteRun(world, 2000, false); },
                   .check =
                       [](World& world, const Ending& ending) {
                         using Catch::Matchers::ContainsSubstring;
                         const std::string text = world.Read(kPath);
                         const bool is_new =
                             text.find("last_run_timestamp_seconds 2000\n") != std::string::npos;
                         const bool is_old =
                             text.find("last_run_timestamp_seconds 1000\n") != std::string::npos;
                         CHECK(is_new != is_old);
                         if (ending.ok()) CHECK(is_new);
                         CHECK_THAT(text, ContainsSubstring(kLastSuccess));
                         CHECK_THAT(text, ContainsSubstring(is_new ? "etcdrill_verify_passed 0\n"
                                                                   : "etcdrill_verify_passed 1\n"));
                       }});
}

}  // namespace
}  // namespace etcdrill::cli
