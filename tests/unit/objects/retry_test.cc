// Which failures are tried again, for how long, and that nothing comes twice or from two objects.
#include "objects/retry.h"

#include <memory>
#include <numeric>
#include <utility>
#include <vector>

#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/faulty_objects.h"
#include "support/memory_objects.h"
#include "support/test_context.h"
#include "unit/objects/listed_names.h"

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;
using testing::FakeClock;
using testing::FaultyObjects;
using testing::MemoryObjects;
using testing::ObjectCall;
using testing::ObjectFault;
using testing::TestContext;

// Always the same number, of which a wait is the remainder.
class FixedRandom final : public Random {
 public:
  uint64_t Next() override { return next; }
  uint64_t next = 0;
};

struct Rehearsal {
  explicit Rehearsal(const RetryLimits& limits = {}, Properties properties = {})
      : memory(clock, properties) {
    auto owned = std::make_unique<FaultyObjects>(memory);
    faulty = owned.get();
    store = WithRetries(std::move(owned), context, limits);
  }

  void Put(const std::string& name, std::string_view bytes) {
    const auto writer = memory.Create(name, {.size_max = bytes.size()});
    REQUIRE(writer.ok());
    REQUIRE((*writer)->Append(bytes).ok());
    REQUIRE((*writer)->Finish().ok());
  }
  Status Get(const std::string& name, const ByteRange& range = {}) {
    got.clear();
    return store->Get(name, range, [this](std::string_view bytes) {
      got += bytes;
      return OkStatus();
    });
  }
  size_t Calls(ObjectCall call) const {
    const auto calls = faulty->calls();
    return static_cast<size_t>(std::ranges::count(calls, call));
  }

  TestContext real;
  FakeClock clock{*ParseRfc3339("2026-11-22T08:00:00Z")};
  FixedRandom random;
  std::stop_source stop;
  Context context{real.fs(),          clock,           random, real.context().processes,
                  real.context().log, stop.get_token()};
  MemoryObjects memory;
  FaultyObjects* faulty = nullptr;
  std::unique_ptr<ObjectStore> store;
  std::string got;
};

// Longer than what is collected, of bytes that tell where they stood.
std::string LongBytes() {
  std::string bytes(3'000'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 % 251);
  return bytes;
}

TEST_CASE("what may pass is tried again, and other things are not") {
  Rehearsal test;
  test.Put("a", "x");
  for (const Reason reason : {Reason::kConnect, Reason::kTimeout, Reason::kIoError}) {
    test.faulty->Inject({{.call = 0, .reason = reason}, {.call = 1, .reason = reason}});
    CHECK(test.store->Head("a").ok());
    CHECK(test.faulty->calls().size() == 3);
  }
  for (const Reason reason : {Reason::kNotFound, Reason::kCredentials, Reason::kBucketMissing,
                              Reason::kAccessDenied, Reason::kUsage, Reason::kNoSpace, Reason::kTls,
                              Reason::kDamaged, Reason::kInterrupted, Reason::kInternal}) {
    test.faulty->Inject({{.call = 0, .reason = reason}});
    const Status failed = test.store->Head("a").status();
    CHECK(Is(failed, reason));
    CHECK(MessageOf(failed) == "injected");
    CHECK(test.faulty->calls().size() == 1);
  }
}

TEST_CASE("the bound of the waits doubles from half a second to twenty") {
  Rehearsal test;
  Backoff backoff(test.context, {});
  const Status failure = Error(Reason::kConnect, "injected");
  std::vector<Duration> waits;
  const auto wait = [&] {
    const Duration before = test.clock.passed();
    REQUIRE(backoff.Wait(failure).ok());
    waits.push_back(test.clock.passed() - before);
  };
  const std::vector<Duration> bounds = {500ms, 1s, 2s, 4s, 8s, 16s, 20s, 20s};
  for (const Duration bound : bounds) {
    test.random.next = static_cast<uint64_t>(bound.count());
    wait();
  }
  CHECK(waits == bounds);
  test.random.next = 20'000'000'001;  // one more than the bound: the remainder
  waits.clear();
  wait();
  CHECK(waits.front() == 0ns);
  backoff.Progressed();
  test.random.next = 1'100'000'000;  // below the bound before, not now
  wait();
  CHECK(waits.back() < 500ms);
}

TEST_CASE("one gives up when nothing has moved for long enough, and says so") {
  Rehearsal test({.give_up_after = 60s});
  test.random.next = 20'000'000'000;  // the remainder by 500 ms + 1 ns, and so on: some wait each
  test.faulty->Inject({{.call = 0, .reason = Reason::kTimeout, .lasts = true}});
  const Status failed = test.store->Head("a").status();
  CHECK(Is(failed, Reason::kTimeout));
  INFO(failed.ToString());
  CHECK(MessageOf(failed).starts_with("tried "));
  CHECK(test.clock.passed() <= 60s);
  CHECK(test.clock.passed() > 40s);
  CHECK(test.faulty->calls().size() > 4);
}

TEST_CASE("a try that took longer than all patience is followed by a second one") {
  Rehearsal test({.give_up_after = 10s});
  Backoff backoff(test.context, {.give_up_after = 10s});
  test.clock.Suspend(1h);
  CHECK(backoff.Wait(Error(Reason::kTimeout, "injected")).ok());
  test.clock.Suspend(1h);
  CHECK(Is(backoff.Wait(Error(Reason::kTimeout, "injected")), Reason::kTimeout));
}

TEST_CASE("without patience there is one try, and its error comes as it is") {
  Rehearsal test({.give_up_after = 0s});
  test.random.next = 1;
  test.faulty->Inject({{.call = 0, .lasts = true}});
  CHECK(MessageOf(test.store->Head("a").status()) == "injected");
  CHECK(test.faulty->calls().size() == 1);
}

TEST_CASE("a server that says when to come back is obeyed, up to a minute") {
  Rehearsal test;
  test.Put("a", "x");
  test.faulty->Inject({{.call = 0, .retry_after = 7s}});
  REQUIRE(test.store->Head("a").ok());
  CHECK(test.clock.passed() == 7s);
  test.faulty->Inject({{.call = 0, .retry_after = 1h}});
  REQUIRE(test.store->Head("a").ok());
  CHECK(test.clock.passed() == 67s);
}

TEST_CASE("what a server said survives what is added on the way up") {
  const Status error = Annotate(WithRetryAfter(Error(Reason::kConnect, "slow down"), 3s), "put a");
  CHECK(MessageOf(error) == "put a: slow down");
  CHECK(RetryAfterOf(error) == 3s);
  CHECK_FALSE(RetryAfterOf(Error(Reason::kConnect, "x")).has_value());
  CHECK_FALSE(RetryAfterOf(OkStatus()).has_value());
}

TEST_CASE("a stop ends the waiting") {
  Rehearsal test;
  test.random.next = 400'000'000;
  test.clock.At(100ms, [&] { test.stop.request_stop(); });
  test.faulty->Inject({{.call = 0, .lasts = true}});
  CHECK(IsInterrupted(test.store->Head("a").status()));
  CHECK(test.faulty->calls().size() == 1);
}

TEST_CASE("a get that broke off goes on behind what it has delivered") {
  Rehearsal test;
  const std::string bytes = LongBytes();
  test.Put("a", bytes);
  for (const ByteRange& range : {ByteRange{}, ByteRange{.offset = 11, .size = 2'500'000}}) {
    const std::string expected = bytes.substr(range.offset, range.size.value_or(bytes.size()));
    // Calls: Head, Get, Head, Get, Head, Get, Head.
    test.faulty->Inject({{.call = 1, .delivered = 1'000'000}, {.call = 3, .delivered = 700'001}});
    const Status status = test.Get("a", range);
    INFO(status.ToString());
    REQUIRE(status.ok());
    CHECK((test.got == expected));
    CHECK(test.Calls(ObjectCall::kGet) == 3);
  }
}

TEST_CASE("a get whose last answer was lost has all, and nothing twice") {
  Rehearsal test;
  const std::string bytes = LongBytes();
  test.Put("a", bytes);
  test.faulty->Inject({{.call = 1, .takes_effect = true}});
  REQUIRE(test.Get("a").ok());
  CHECK((test.got == bytes));
}

TEST_CASE("a get does not go on in another object") {
  Rehearsal test;
  const std::string bytes = LongBytes();
  test.Put("a", bytes);
  const std::string other(bytes.size(), 'o');
  SECTION("that came while one waited") {
    test.random.next = 300'000'000;
    test.clock.At(100ms, [&] { test.Put("a", other); });
    test.faulty->Inject({{.call = 1, .delivered = 1'000'000}});
    CHECK(Is(test.Get("a"), Reason::kIoError));
    CHECK((test.got == bytes.substr(0, 1'000'000)));
    CHECK(test.Calls(ObjectCall::kGet) == 1);
  }
  SECTION("that came after one looked") {
    test.faulty->Inject({{.call = 1, .delivered = 1'000'000}});
    bool replaced = false;
    const Status status = test.store->Get("a", {}, [&](std::string_view) {
      // The second Get has begun.
      if (test.Calls(ObjectCall::kGet) == 2 && !std::exchange(replaced, true)) test.Put("a", other);
      return OkStatus();
    });
    CHECK(Is(status, Reason::kIoError));
    CHECK(replaced);
  }
}

TEST_CASE("a get that moves never runs out of patience") {
  Rehearsal test({.give_up_after = 1s});
  const std::string bytes = LongBytes();
  test.Put("a", bytes);
  test.random.next = 500'000'000;
  std::vector<ObjectFault> faults;
  for (uint64_t i = 0; i < 20; ++i) faults.push_back({.call = 1 + 2 * i, .delivered = 100'000});
  test.faulty->Inject(faults);
  REQUIRE(test.Get("a").ok());
  CHECK((test.got == bytes));
  CHECK(test.clock.passed() == 10s);
}

TEST_CASE("a short range is collected, and handed over once") {
  Rehearsal test;
  const std::string bytes = LongBytes();
  test.Put("a", bytes);
  test.faulty->Inject({{.call = 0, .delivered = 70'000}});
  int calls = 0;
  std::string got;
  REQUIRE(test.store
              ->Get("a", {.offset = 5, .size = 1'000'000},
                    [&](std::string_view piece) {
                      ++calls;
                      got += piece;
                      return OkStatus();
                    })
              .ok());
  CHECK(calls == 1);
  CHECK((got == bytes.substr(5, 1'000'000)));
  CHECK(test.Calls(ObjectCall::kHead) == 0);
  CHECK(test.Calls(ObjectCall::kGet) == 2);
}

TEST_CASE("the error of a sink is no reason to try again") {
  Rehearsal test;
  test.Put("a", LongBytes());
  const std::optional<uint64_t> size = GENERATE(std::optional<uint64_t>(), uint64_t{100});
  test.faulty->Inject({});
  const Status status = test.store->Get("a", {.size = size}, [](std::string_view) {
    return Error(Reason::kConnect, "the sink's own words");
  });
  CHECK(MessageOf(status) == "the sink's own words");
  CHECK(test.Calls(ObjectCall::kGet) == 1);
}

TEST_CASE("a listing that broke off goes on behind the last name") {
  Rehearsal test;
  for (const char* const name : {"p/a", "p/b", "p/c", "p/d", "q"}) test.Put(name, "x");
  test.faulty->Inject({{.call = 0, .delivered = 2}, {.call = 1, .delivered = 1}});
  const auto names = ListedNames(*test.store, "p/");
  REQUIRE(names.ok());
  CHECK(*names == std::vector<std::string>{"p/a", "p/b", "p/c", "p/d"});
  CHECK(test.faulty->calls().size() == 3);
}

TEST_CASE("a listing that moves never runs out of patience") {
  Rehearsal test({.give_up_after = 1s});
  test.random.next = 500'000'000;
  std::vector<ObjectFault> faults;
  for (uint64_t i = 0; i < 20; ++i) {
    test.Put(std::string(1, static_cast<char>('a' + i)), "x");
    faults.push_back({.call = i, .delivered = 1});
  }
  test.faulty->Inject(faults);
  int visited = 0;
  REQUIRE(test.store
              ->List("", "",
                     [&](const ObjectInfo&) {
                       ++visited;
                       return OkStatus();
                     })
              .ok());
  CHECK(visited == 20);
  CHECK(test.clock.passed() == 10s);
}

TEST_CASE("a get of a version goes on in that version") {
  Rehearsal test({}, {.has_locks = false, .has_versions = true});
  const std::string bytes = LongBytes();
  test.Put("a", bytes);
  const auto first = test.memory.Head("a");
  REQUIRE(first.ok());
  test.Put("a", std::string(bytes.size(), 'o'));
  test.faulty->Inject({{.call = 1, .delivered = 1'000'000}});
  const auto sink = [&](std::string_view piece) {
    test.got += piece;
    return OkStatus();
  };
  REQUIRE(test.store->Get("a", {}, sink, first->version_id).ok());
  CHECK((test.got == bytes));
}

TEST_CASE("versions are told once each, however often they were asked for") {
  Rehearsal test({}, {.has_locks = false, .has_versions = true});
  for (int i = 0; i < 3; ++i) test.Put("a", "x");
  test.faulty->Inject({{.call = 0, .delivered = 2}, {.call = 1, .takes_effect = true}});
  int versions = 0;
  REQUIRE(test.store
              ->ListVersions("a",
                             [&](const ObjectStore::Version&) {
                               ++versions;
                               return OkStatus();
                             })
              .ok());
  CHECK(versions == 3);
}

TEST_CASE("a delete whose answer was lost is done") {
  Rehearsal test;
  test.Put("a", "x");
  test.faulty->Inject({{.call = 0, .takes_effect = true}});
  CHECK(test.store->Delete("a").ok());
  CHECK(test.Calls(ObjectCall::kDelete) == 2);
  CHECK(Is(test.memory.Head("a"), Reason::kNotFound));
}

TEST_CASE("a put is not repeated: its caller asks Head, and has the bytes") {
  Rehearsal test;
  const auto put = [&]() -> Status {
    ASSIGN_OR_RETURN(const auto writer, test.store->Create("a", {.size_max = 1}));
    RETURN_IF_ERROR(writer->Append("x"));
    return writer->Finish().status();
  };
  for (uint64_t call = 0; call < 3; ++call) {
    test.faulty->Inject({{.call = call}});
    CHECK(Is(put(), Reason::kConnect));
    CHECK(test.faulty->calls().size() == call + 1);
    CHECK(Is(test.memory.Head("a"), Reason::kNotFound));
  }
  test.faulty->Inject({{.call = 2, .takes_effect = true}});
  CHECK(Is(put(), Reason::kConnect));
  CHECK(test.store->Head("a").ok());  // only the answer was lost
}

}  // namespace
}  // namespace etcdrill::objects
