// One run of a task at a time, whoever asks for it. The thread sanitizer runs these, too: what they
// prove beyond the counts is that nothing is shared without a lock.
#include "sidecar/task.h"

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "unit/sidecar/scene.h"

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;
using testing::Scene;

class TestTask final : public Task {
 public:
  TestTask(Scene& s, std::function<void(Occasion)> what,
           std::optional<report::Task> name = std::nullopt)
      : Task(s.state, s.metrics, name), what_(std::move(what)) {}
  void Run(const Context&, const Generation&, Occasion why) override { what_(why); }

 private:
  const std::function<void(Occasion)> what_;
};

TEST_CASE("runs that many threads ask for never overlap, and each is told to have ended") {
  Scene s;
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  std::atomic<int> started = 0;
  std::atomic<int> ended = 0;
  int runs = 0;  // of the run that goes on
  const auto generation = s.Generate();
  TestTask task(s, [&](Occasion) {
    most = std::max<int>(most, ++inside);
    ++runs;
    --inside;
  });
  {
    Pool pool(4);
    std::vector<std::jthread> asking;
    for (int i = 0; i < 4; ++i) {
      asking.emplace_back([&] {
        for (int n = 0; n < 500; ++n) {
          if (task.Start(pool, s.test.context(), generation, Occasion::kAsked, [&] { ++ended; }))
            ++started;
        }
      });
    }
  }
  CHECK(most == 1);
  CHECK(runs > 0);
  CHECK(runs == started);
  CHECK(ended == started);
}

TEST_CASE("a request that meets a run is refused, and after the end each is") {
  Scene s;
  std::stop_source release;
  std::atomic<bool> done = false;
  TestTask task(s, [&](Occasion) {
    while (!release.stop_requested()) std::this_thread::sleep_for(1ms);
    done = true;
  });
  Pool pool(2);
  const auto start = [&] {
    return task.Start(pool, s.test.context(), s.Generate(), Occasion::kDue, [] {});
  };
  CHECK(task.IsFree());
  REQUIRE(start());
  CHECK_FALSE(task.IsFree());
  CHECK_FALSE(start());
  std::jthread releasing([&] {
    std::this_thread::sleep_for(20ms);
    release.request_stop();
  });
  task.Close();
  CHECK(done);
  CHECK_FALSE(task.IsFree());
  CHECK_FALSE(start());
}

TEST_CASE("what a run holds is gone when the next one may begin") {
  Scene s;
  TestTask task(s, [](Occasion) {});
  Pool pool(1);
  auto generation = s.Generate();
  const std::weak_ptr<Generation> held = generation;
  REQUIRE(task.Start(pool, s.test.context(), std::move(generation), Occasion::kDue, [] {}));
  task.Close();
  CHECK(held.expired());
}

TEST_CASE("the metrics tell of runs that were due or asked for, not of looks") {
  Scene s;
  TestTask task(
      s, [](Occasion) {}, report::Task::kDrill);
  std::atomic<int> ended = 0;
  Pool pool(1);
  const auto run = [&](Occasion why) {
    const int before = ended;
    const auto end = [&] {
      ++ended;
      ended.notify_one();
    };
    REQUIRE(task.Start(pool, s.test.context(), s.Generate(), why, end));
    ended.wait(before);
    return s.metrics.activity()[report::Task::kDrill].last_run.has_value();
  };
  CHECK_FALSE(run(Occasion::kLook));
  CHECK(run(Occasion::kAsked));
  CHECK_FALSE(s.metrics.activity()[report::Task::kDrill].runs);
}

}  // namespace
}  // namespace etcdrill::sidecar
