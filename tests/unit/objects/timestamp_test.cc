// Times as servers and rclone write them.
#include "objects/timestamp.h"

#include <chrono>

#include "support/catch.h"

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;

TEST_CASE("times with fractions and offsets are read, and nothing else is") {
  const WallTime time = *ParseRfc3339("2026-11-27T20:15:13Z");
  CHECK(ParseTimestamp("2026-11-27T20:15:13Z") == time);
  CHECK(ParseTimestamp("2026-11-27T20:15:13.5Z") == time + 500ms);
  CHECK(ParseTimestamp("2026-11-27T20:15:13.868479043Z") == time + 868479043ns);
  CHECK(ParseTimestamp("2026-11-27T20:15:13.8684790439999Z") == time + 868479043ns);
  CHECK(ParseTimestamp("2026-11-27T21:15:13+01:00") == time);
  CHECK(ParseTimestamp("2026-11-27T14:45:13.25-05:30") == time + 250ms);
  for (const char* text :
       {"", "Z", "2026-11-27T20:15:13", "2026-11-27T20:15:13.Z", "2026-11-27",
        "2026-11-27T20:15:13.5", "2026-11-27T20:15:13+0100", "2026-11-27T20:15:13+1:000",
        "2026-11-27T20:15:13Zx", "2026-11-27 20:15:13Z", "1969-11-27T20:15:13Z"}) {
    INFO(text);
    CHECK_FALSE(ParseTimestamp(text).has_value());
  }
}

}  // namespace
}  // namespace etcdrill::objects
