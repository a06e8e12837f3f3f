// What is posted is done, on threads that stay. The thread sanitizer runs these, too.
#include "sidecar/pool.h"

#include <atomic>
#include <chrono>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "support/catch.h"

namespace etcdrill::sidecar {
namespace {

using namespace std::chrono_literals;

TEST_CASE("all that is posted is done, also what waits when the pool ends") {
  std::atomic<int> done = 0;
  {
    Pool pool(2);
    std::vector<std::jthread> posting;
    for (int i = 0; i < 4; ++i) {
      posting.emplace_back([&] {
        for (int n = 0; n < 500; ++n) pool.Post([&] { ++done; });
      });
    }
  }
  CHECK(done == 2000);
}

TEST_CASE("so many run at a time, and no more") {
  std::atomic<int> inside = 0;
  std::atomic<int> most = 0;
  {
    std::latch all_in(3);  // it would hang if one of the first three had to wait
    Pool pool(3);
    for (int n = 0; n < 30; ++n) {
      pool.Post([&, n] {
        const int now = ++inside;
        for (int before = most; before < now && !most.compare_exchange_weak(before, now);) {
        }
        if (n < 3) all_in.arrive_and_wait();
        --inside;
      });
    }
  }
  CHECK(most == 3);
}

TEST_CASE("the same threads do all, whenever it comes") {
  std::set<std::thread::id> threads;
  std::atomic<int> done = 0;
  Pool pool(2);
  for (int n = 0; n < 20; ++n) {
    pool.Post([&] {
      threads.insert(std::this_thread::get_id());  // one at a time, as each is waited for
      ++done;
      done.notify_one();
    });
    done.wait(n);
  }
  CHECK(threads.size() <= 2);
}

}  // namespace
}  // namespace etcdrill::sidecar
