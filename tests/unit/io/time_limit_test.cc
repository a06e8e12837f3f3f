// A time limit ends work as a stop does, tells the two apart, and costs nobody a wait who was done
// before.
#include "io/time_limit.h"

#include <chrono>

#include "support/catch.h"
#include "support/test_context.h"

namespace etcdrill {
namespace {

using namespace std::chrono_literals;
using testing::TestContext;

constexpr Duration kForever = 1h;

TEST_CASE("when the time is up, waits under the inner context end") {
  TestContext test;
  const MonotonicTime began = test.clock().Monotonic();
  const TimeLimit limit(test.context(), 30ms);
  CHECK(limit.deadline() >= began + 30ms);
  CHECK_FALSE(test.clock().SleepFor(kForever, limit.context().stop));
  CHECK(test.clock().Monotonic() >= limit.deadline());
  CHECK(limit.over());
  CHECK_FALSE(test.context().stop.stop_requested());
}

TEST_CASE("a stop request comes through, and is not the end of the time") {
  TestContext test;
  const TimeLimit limit(test.context(), kForever);
  test.stop().request_stop();
  CHECK_FALSE(test.clock().SleepFor(kForever, limit.context().stop));
  CHECK_FALSE(limit.over());
}

TEST_CASE("a stop that was requested before counts, too") {
  TestContext test;
  test.stop().request_stop();
  const TimeLimit limit(test.context(), kForever);
  CHECK(limit.context().stop.stop_requested());
  CHECK_FALSE(limit.over());
}

TEST_CASE("work that is done in time waits for nothing") {
  TestContext test;
  const Stopwatch watch(test.clock());
  { const TimeLimit limit(test.context(), kForever); }
  CHECK(watch.Seconds() < 5);
  CHECK_FALSE(test.context().stop.stop_requested());
}

}  // namespace
}  // namespace etcdrill
