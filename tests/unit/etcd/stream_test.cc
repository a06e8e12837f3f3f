// Snapshot streams that break, stall and are given up, from a fake and from a real etcd that is
// killed or stopped.
#include <chrono>
#include <thread>

#include "etcd/client.h"
#include "etcd/snapshot_stream.h"
#include "support/catch.h"
#include "support/etcd_cluster.h"
#include "support/fake_etcd.h"

namespace etcdrill::etcd {
namespace {

using namespace std::chrono_literals;
using testing::CutSnapshot;
using testing::EtcdCluster;
using testing::FakeEtcd;
using testing::FakeState;
using testing::SnapshotScript;
using testing::TestContext;

constexpr Duration kNoProgress = 300ms;
const std::string kDatabase(100'000, 'd');  // NOLINT(cert-err58-cpp)

struct Received {
  uint64_t bytes = 0;
  Status end;
};

Received ReadAll(SnapshotStream& stream) {
  Received received;
  while (true) {
    const Result<std::optional<SnapshotMessage>> message = stream.Next();
    received.end = message.status();
    if (!message.ok() || !message->has_value()) return received;
    received.bytes += (*message)->blob.size();
  }
}

std::unique_ptr<Client> Connect(TestContext& test, std::string endpoint,
                                Duration no_progress = 10s) {
  ConnectionOptions options;
  options.endpoints = {std::move(endpoint)};
  options.no_progress_timeout = no_progress;
  auto client = Client::Create(options, test.context());
  REQUIRE(client.ok());
  return *std::move(client);
}

// What comes of a scripted stream.
Received Play(TestContext& test, const SnapshotScript& script, Duration no_progress = 10s) {
  FakeEtcd fake;
  fake.Set([&](FakeState& state) { state.snapshot = script; });
  const std::unique_ptr<Client> client = Connect(test, fake.endpoint(), no_progress);
  Received received = ReadAll(**client->endpoints()[0].Snapshot());
  const bool failed = !received.end.ok();
  CHECK(client->counts().failures[static_cast<size_t>(Method::kSnapshot)] == (failed ? 1U : 0U));
  CHECK(fake.writes() == 0);
  return received;
}

TEST_CASE("a good stream comes whole") {
  TestContext test;
  const Received received = Play(test, testing::GoodSnapshot(kDatabase));
  CHECK(received.end.ok());
  CHECK(received.bytes == kDatabase.size() + 32);
}

TEST_CASE("a stream that breaks off is cut, wherever it breaks, even after its last byte") {
  TestContext test;
  const size_t size =
      GENERATE(as<size_t>{}, 1, 32 * 1024, 32 * 1024 + 1, 100'000, 100'031, 100'032);
  const Received received = Play(test, CutSnapshot(kDatabase, size));
  CHECK(received.bytes == size);
  REQUIRE_FALSE(received.end.ok());
  CHECK(ReasonOf(received.end) == Reason::kStreamCut);
}

TEST_CASE("a stream that never begins has the reason of its call") {
  TestContext test;
  const Received received = Play(test, CutSnapshot(kDatabase, 0));
  REQUIRE_FALSE(received.end.ok());
  CHECK(ReasonOf(received.end) == Reason::kEtcdError);
}

TEST_CASE("a stream that ends early with OK just ends: its meaning is for others to judge") {
  TestContext test;
  SnapshotScript script = CutSnapshot(kDatabase, 50'000);
  script.end = SnapshotScript::End::kOk;
  const Received received = Play(test, script);
  CHECK(received.end.ok());
  CHECK(received.bytes == 50'000);
}

TEST_CASE("silence and endless empty messages are stalls") {
  TestContext test;
  SnapshotScript script = CutSnapshot(kDatabase, GENERATE(as<size_t>{}, 0, 50'000));
  script.end = GENERATE(SnapshotScript::End::kSilence, SnapshotScript::End::kEndlessEmpty);
  const Stopwatch watch(test.clock());
  const Received received = Play(test, script, kNoProgress);
  REQUIRE_FALSE(received.end.ok());
  CHECK(ReasonOf(received.end) == Reason::kStreamStalled);
  CHECK(watch.Elapsed() > kNoProgress - 50ms);
  CHECK(watch.Elapsed() < kNoProgress + 2s);
}

TEST_CASE("the time its reader spends elsewhere is no stall") {
  TestContext test;
  FakeEtcd fake;
  fake.Set([](FakeState& state) { state.snapshot = testing::GoodSnapshot(kDatabase); });
  const std::unique_ptr<Client> client = Connect(test, fake.endpoint(), kNoProgress);
  const auto stream = *client->endpoints()[0].Snapshot();
  REQUIRE(stream->Next().ok());
  std::this_thread::sleep_for(2 * kNoProgress);
  CHECK(ReadAll(*stream).end.ok());
}

TEST_CASE("a message larger than the limit is refused by name") {
  TestContext test;
  SnapshotScript script;
  script.messages.push_back({std::string(17 << 20, 'x'), 0, ""});
  const Received received = Play(test, script);
  REQUIRE_FALSE(received.end.ok());
  CHECK(ReasonOf(received.end) == Reason::kEtcdError);
  CHECK_THAT(std::string(MessageOf(received.end)),
             Catch::Matchers::ContainsSubstring("larger than max"));
}

TEST_CASE("a stop request interrupts a silent stream at once") {
  TestContext test;
  FakeEtcd fake;
  fake.Set([](FakeState& state) { state.snapshot.end = SnapshotScript::End::kSilence; });
  ConnectionOptions options;
  options.endpoints = {fake.endpoint()};
  auto client = Client::Create(options, test.context());
  REQUIRE(client.ok());
  const auto stream = *(*client)->endpoints()[0].Snapshot();
  std::jthread stopper([&] {
    while (fake.open_snapshots() == 0) std::this_thread::sleep_for(1ms);
    test.stop().request_stop();
  });
  const Stopwatch watch(test.clock());
  const Status end = ReadAll(*stream).end;
  REQUIRE_FALSE(end.ok());
  CHECK(ReasonOf(end) == Reason::kInterrupted);
  CHECK(watch.Elapsed() < 1s);
}

TEST_CASE("a stream that is given up is cancelled, so that the member does not go on sending") {
  TestContext test;
  FakeEtcd fake;
  fake.Set([](FakeState& state) {
    state.snapshot = testing::GoodSnapshot(kDatabase);
    state.snapshot.end = SnapshotScript::End::kEndlessEmpty;
  });
  const std::unique_ptr<Client> client = Connect(test, fake.endpoint());
  {
    const auto stream = *client->endpoints()[0].Snapshot();
    REQUIRE(stream->Next().ok());
    CHECK(fake.open_snapshots() == 1);
  }
  const Stopwatch watch(test.clock());
  while (fake.open_snapshots() != 0 && watch.Elapsed() < 2s) std::this_thread::sleep_for(1ms);
  CHECK(fake.open_snapshots() == 0);
}

// More than flow control lets a server send to a reader that does not read.
constexpr size_t kMuch = 24 << 20;

TEST_CASE("a real etcd that is stopped in mid-stream stalls it") {
  TestContext test;
  EtcdCluster cluster(test, {});
  cluster.Fill(kMuch);
  const std::unique_ptr<Client> client = Connect(test, cluster.endpoints()[0], 2s);
  const auto stream = *client->endpoints()[0].Snapshot();
  REQUIRE(stream->Next().ok());
  cluster.Pause(0);
  const Received received = ReadAll(*stream);
  cluster.Resume(0);
  REQUIRE_FALSE(received.end.ok());
  CHECK(ReasonOf(received.end) == Reason::kStreamStalled);
}

TEST_CASE("a real etcd that is killed in mid-stream cuts it") {
  TestContext test;
  EtcdCluster cluster(test, {});
  cluster.Fill(kMuch);
  const std::unique_ptr<Client> client = Connect(test, cluster.endpoints()[0]);
  const auto stream = *client->endpoints()[0].Snapshot();
  REQUIRE(stream->Next().ok());
  cluster.Stop(0, 0s);
  const Received received = ReadAll(*stream);
  REQUIRE_FALSE(received.end.ok());
  CHECK(ReasonOf(received.end) == Reason::kStreamCut);
}

}  // namespace
}  // namespace etcdrill::etcd
