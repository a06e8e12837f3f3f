// What is counted, and how fast it goes.
#include <memory>
#include <utility>
#include <vector>

#include "objects/limited.h"
#include "objects/metered.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/faulty_objects.h"
#include "support/memory_objects.h"
#include "support/test_context.h"

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;
using testing::FakeClock;
using testing::FaultyObjects;
using testing::MemoryObjects;
using testing::TestContext;

Status Put(ObjectStore& store, const std::string& name, std::string_view bytes) {
  ASSIGN_OR_RETURN(const auto writer, store.Create(name, {.size_max = bytes.size()}));
  RETURN_IF_ERROR(writer->Append(bytes));
  return writer->Finish().status();
}

struct Metering {
  Metering() {
    auto owned = std::make_unique<FaultyObjects>(memory);
    faulty = owned.get();
    store = Metered(std::move(owned), meter);
  }

  TestContext test;
  MemoryObjects memory{test.clock(), {.has_locks = true, .has_versions = true}};
  FaultyObjects* faulty = nullptr;
  Meter meter;
  std::unique_ptr<ObjectStore> store;
};

TEST_CASE("each call counts, and the bytes in both directions") {
  Metering m;
  REQUIRE(Put(*m.store, "a", std::string(1000, 'x')).ok());
  REQUIRE(Put(*m.store, "b", "y").ok());
  const ByteSink sink = [](std::string_view) { return OkStatus(); };
  REQUIRE(m.store->Get("a", {.offset = 900}, sink).ok());
  REQUIRE(m.store->Head("a").ok());
  REQUIRE(m.store->Head("b").ok());
  const auto visit = [](const auto&) { return OkStatus(); };
  REQUIRE(m.store->List("", "", visit).ok());
  REQUIRE(m.store->ListVersions("", visit).ok());
  REQUIRE(m.store->SetLock("a", "", {ObjectLockMode::kGovernance, m.test.clock().Now() + 1h}).ok());
  REQUIRE(m.store->Delete("b").ok());
  REQUIRE(m.store->Sweep("", {}).ok());
  using enum Operation;
  CHECK(m.meter.Read() == Traffic{.calls = {{kPut, 2},
                                            {kGet, 1},
                                            {kHead, 2},
                                            {kList, 1},
                                            {kDelete, 1},
                                            {kSetLock, 1},
                                            {kListVersions, 1},
                                            {kSweep, 1}},
                                  .failures = {},
                                  .bytes_sent = 1001,
                                  .bytes_received = 100});
}

TEST_CASE("failures count by their reason, but answers and the caller's own errors do not") {
  Metering m;
  REQUIRE(Put(*m.store, "a", "x").ok());
  using Failures = std::map<Reason, uint64_t>;
  CHECK_FALSE(m.store->Head("missing").ok());
  const auto refuse = [](const auto&) { return Error(Reason::kDamaged, "the caller's"); };
  CHECK_FALSE(m.store->Get("a", {}, refuse).ok());
  CHECK_FALSE(m.store->List("", "", refuse).ok());
  CHECK_FALSE(m.store->ListVersions("", refuse).ok());
  m.faulty->Inject({{.call = 0, .reason = Reason::kInterrupted}});
  CHECK_FALSE(m.store->Head("a").ok());
  CHECK(m.meter.Read().failures.empty());
  CHECK(m.meter.Read().bytes_received == 0);  // nobody took them

  for (const Reason reason : {Reason::kTimeout, Reason::kTimeout, Reason::kConnect}) {
    m.faulty->Inject({{.call = 0, .reason = reason}});
    CHECK_FALSE(m.store->Head("a").ok());
  }
  CHECK(m.meter.Read().failures == Failures{{Reason::kConnect, 1}, {Reason::kTimeout, 2}});
  m.faulty->Inject({{.call = 0, .reason = Reason::kAccessDenied}});
  CHECK_FALSE(m.store->List("", "", [](const auto&) { return OkStatus(); }).ok());
  CHECK(m.meter.Read().failures.at(Reason::kAccessDenied) == 1);
}

TEST_CASE("a put that fails counts once, wherever it does") {
  for (uint64_t call = 0; call < 3; ++call) {
    Metering m;
    m.faulty->Inject({{.call = call}});
    const auto writer = m.store->Create("a", {.size_max = 1});
    if (writer.ok()) {
      (*writer)->Append("x").IgnoreError();
      CHECK_FALSE((*writer)->Finish().ok());
    }
    CHECK(m.meter.Read().failures == std::map<Reason, uint64_t>{{Reason::kConnect, 1}});
    CHECK(m.meter.Read().calls.at(Operation::kPut) == 1);
  }
}

struct Limiting {
  explicit Limiting(const Bandwidth& bandwidth) {
    store = Limited(std::make_unique<MemoryObjects>(clock), context, bandwidth);
  }
  // How long it takes.
  Duration Put(const std::string& name, std::string_view bytes) {
    const Duration before = clock.passed();
    REQUIRE(objects::Put(*store, name, bytes).ok());
    return clock.passed() - before;
  }
  Duration Get(const std::string& name) {
    const Duration before = clock.passed();
    REQUIRE(store->Get(name, {}, [](std::string_view) { return OkStatus(); }).ok());
    return clock.passed() - before;
  }

  TestContext real;
  FakeClock clock{*ParseRfc3339("2026-11-22T08:00:00Z")};
  std::stop_source stop;
  Context context = testing::WithClock(real.context(), clock).With(stop.get_token());
  std::unique_ptr<ObjectStore> store;
};

TEST_CASE("bytes go as fast as they may, after a second's worth at once") {
  Limiting up({.sent_per_second = 1'000'000});
  CHECK(up.Put("a", std::string(10'000'000, 'x')) == 9s);
  CHECK(up.Put("b", std::string(3'000'000, 'x')) == 3s);  // the bucket is empty
  CHECK(up.Get("a") == 0s);                               // the other direction is free
  up.clock.Suspend(500ms);
  CHECK(up.Put("c", std::string(2'000'000, 'x')) == 1500ms);
  up.clock.Suspend(1h);  // more than a second's worth is never saved
  CHECK(up.Put("d", std::string(2'000'000, 'x')) == 1s);

  Limiting down({.received_per_second = 500'000});
  CHECK(down.Put("a", std::string(2'000'000, 'x')) == 0s);
  CHECK(down.Get("a") == 3s);
}

TEST_CASE("all bytes come, and in their order") {
  Limiting both({.sent_per_second = 1'000'000, .received_per_second = 1'000'000});
  std::string bytes(300'001, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 % 251);
  both.Put("a", bytes);
  std::string got;
  REQUIRE(both.store
              ->Get("a", {},
                    [&](std::string_view piece) {
                      got += piece;
                      return OkStatus();
                    })
              .ok());
  CHECK((got == bytes));
}

TEST_CASE("a stop ends the wait, and the object does not become visible in part") {
  Limiting up({.sent_per_second = 1'000'000});
  up.clock.At(3s, [&] { up.stop.request_stop(); });
  const auto writer = up.store->Create("a", {.size_max = 10'000'000});
  REQUIRE(writer.ok());
  CHECK(IsInterrupted((*writer)->Append(std::string(10'000'000, 'x'))));
  CHECK(up.clock.passed() == 3s);
  CHECK(IsInterrupted((*writer)->Finish().status()));
  CHECK(Is(up.store->Head("a"), Reason::kNotFound));
}

}  // namespace
}  // namespace etcdrill::objects
