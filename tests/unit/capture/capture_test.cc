// The snapshot stream against a server that lies: nothing but a whole, right file survives.
#include "capture/capture.h"

#include <chrono>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "support/catch.h"
#include "support/fake_etcd.h"
#include "support/small_file_system.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill::capture {
namespace {

using etcdrill::testing::CutSnapshot;
using etcdrill::testing::FakeEtcd;
using etcdrill::testing::FakeState;
using etcdrill::testing::GoodSnapshot;
using etcdrill::testing::SnapshotScript;
using etcdrill::testing::TestContext;
using namespace std::chrono_literals;

// A database of 200,000 bytes: seven messages and the trailer.
std::string Database() {
  std::string bytes(200'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 % 253);
  return bytes;
}

class CaptureTest {
 public:
  CaptureTest() {
    etcd_.Set([](FakeState& s) {
      s.status.leader_id = 1;
      s.status.member_id = 1;
      s.status.db_size_bytes = 200'000;
      s.snapshot = GoodSnapshot(Database());
    });
  }

  Result<CaptureResult> Capture(std::vector<std::string> endpoints = {}) {
    endpoints.push_back(etcd_.endpoint());
    auto client = etcd::Client::Create({.endpoints = endpoints, .no_progress_timeout = 300ms},
                                       test_.context());
    REQUIRE(client.ok());
    return capture::Capture(test_.context(), {**client, test_.Path(".x.part"), 20s});
  }
  // Captures and expects it to fail without a trace.
  Reason Fails(SnapshotScript script) {
    etcd_.Set([&](FakeState& s) { s.snapshot = std::move(script); });
    const auto result = Capture();
    REQUIRE_FALSE(result.ok());
    INFO(MessageOf(result.status()));
    CHECK(test_.fs().List(test_.dir())->empty());
    CHECK(etcd_.writes() == 0);
    return ReasonOf(result.status());
  }

 protected:
  TestContext test_;
  FakeEtcd etcd_;
};

TEST_CASE_METHOD(CaptureTest, "a whole stream becomes a file with its trailer") {
  auto result = Capture();
  REQUIRE(result.ok());
  REQUIRE(result->file.Commit(test_.Path("x.db")).ok());
  const std::string bytes = testing::ReadFile(test_.Path("x.db"));
  CHECK(bytes.size() == 200'032);
  CHECK(result->size_bytes == bytes.size());
  CHECK(bytes == testing::WithRightTrailer(bytes));
  Sha256 sum;
  sum.Update(bytes);
  CHECK(result->sha256 == Hex(sum.Finish()));
}

TEST_CASE_METHOD(CaptureTest, "a stream that is cut between messages leaves nothing") {
  const size_t size = GENERATE(size_t{32'768}, size_t{65'536}, size_t{196'608}, size_t{200'000});
  CAPTURE(size);
  CHECK(Fails(CutSnapshot(Database(), size)) == Reason::kStreamCut);
}

TEST_CASE_METHOD(CaptureTest, "a message that is shorter than announced leaves nothing") {
  const size_t size = GENERATE(size_t{65'535}, size_t{199'999}, size_t{200'031});
  CAPTURE(size);
  CHECK(Fails(CutSnapshot(Database(), size)) == Reason::kStreamShort);
}

TEST_CASE_METHOD(CaptureTest,
                 "a cut after the trailer, before the end is announced, is still a cut") {
  CHECK(Fails(CutSnapshot(Database(), 200'032)) == Reason::kStreamCut);
}

TEST_CASE_METHOD(CaptureTest, "a stream that ends too early as if all was well") {
  SnapshotScript script = GoodSnapshot(Database());
  script.messages.resize(GENERATE(size_t{0}, size_t{1}, size_t{5}, size_t{7}));
  CHECK(Fails(std::move(script)) == Reason::kStreamShort);
}

TEST_CASE_METHOD(CaptureTest, "a trailer that does not fit") {
  SnapshotScript script = GoodSnapshot(Database());
  script.messages.back().blob[0] ^= 1;
  CHECK(Fails(std::move(script)) == Reason::kTrailerMismatch);
}

TEST_CASE_METHOD(CaptureTest, "a byte that was changed on the way") {
  SnapshotScript script = GoodSnapshot(Database());
  script.messages[3].blob[100] ^= 1;
  CHECK(Fails(std::move(script)) == Reason::kTrailerMismatch);
}

TEST_CASE_METHOD(CaptureTest,
                 "remaining bytes that do not count down, a lost message, a message too many") {
  SnapshotScript script = GoodSnapshot(Database());
  SECTION("remaining stays") {
    script.messages[2].remaining_bytes = script.messages[1].remaining_bytes;
  }
  SECTION("a message is lost") { script.messages.erase(script.messages.begin() + 2); }
  SECTION("a message comes twice") {
    script.messages.insert(script.messages.begin() + 2, script.messages[2]);
  }
  SECTION("something follows the trailer") { script.messages.push_back(script.messages.back()); }
  SECTION("the trailer is too short") { script.messages.back().blob.resize(31); }
  CHECK(Fails(std::move(script)) == Reason::kStreamShort);
}

TEST_CASE_METHOD(CaptureTest, "a stream that makes no progress") {
  SnapshotScript script = GoodSnapshot(Database());
  script.messages.resize(3);
  script.end = GENERATE(SnapshotScript::End::kSilence, SnapshotScript::End::kEndlessEmpty);
  CHECK(Fails(std::move(script)) == Reason::kStreamStalled);
}

TEST_CASE_METHOD(CaptureTest, "a dead endpoint is passed over") {
  const auto result = Capture({"http://127.0.0.1:1"});
  REQUIRE(result.ok());
  CHECK(result->endpoint == etcd_.endpoint());
}

TEST_CASE_METHOD(CaptureTest, "a broken stream is tried again on the next endpoint") {
  FakeEtcd broken;
  broken.Set([](FakeState& s) {
    s.status.leader_id = 1;
    s.snapshot = CutSnapshot(Database(), 50'000);
  });
  const auto result = Capture({broken.endpoint()});
  REQUIRE(result.ok());
  CHECK(result->endpoint == etcd_.endpoint());
  CHECK(result->size_bytes == 200'032);
}

TEST_CASE_METHOD(CaptureTest, "learners and members without a leader are not copied") {
  const bool learner = GENERATE(true, false);
  etcd_.Set([&](FakeState& s) {
    s.status.is_learner = learner;
    s.status.leader_id = learner ? 1 : 0;
  });
  const auto result = Capture();
  REQUIRE_FALSE(result.ok());
  CHECK(ReasonOf(result.status()) == Reason::kEtcdError);
  CHECK(test_.fs().List(test_.dir())->empty());
}

TEST_CASE_METHOD(CaptureTest, "one that refuses is passed over; if all refuse, that is told") {
  FakeEtcd refusing;
  refusing.Set([](FakeState& s) { s.username = "root"; });
  const auto result = Capture({refusing.endpoint()});
  REQUIRE(result.ok());
  CHECK(result->endpoint == etcd_.endpoint());

  etcd_.Set([](FakeState& s) { s.username = "root"; });
  const auto refused = Capture({refusing.endpoint(), "http://127.0.0.1:1"});
  REQUIRE_FALSE(refused.ok());
  CHECK(ReasonOf(refused.status()) == Reason::kAuth);
}

TEST_CASE_METHOD(
    CaptureTest,
    "an endpoint of another cluster is not copied, also when it is the only follower") {
  FakeEtcd other;
  other.Set([](FakeState& s) {
    s.status.cluster_id = 0xb;
    s.status.member_id = 9;
    s.status.leader_id = 8;
    s.snapshot = GoodSnapshot(Database());
  });
  FakeEtcd third;
  third.Set([](FakeState& s) {
    s.status.member_id = 2;
    s.status.leader_id = 0;
  });
  const auto result = Capture({other.endpoint(), third.endpoint()});
  REQUIRE(result.ok());
  CHECK(result->endpoint == etcd_.endpoint());
  REQUIRE(result->remarks.size() == 1);
  CHECK_THAT(result->remarks[0], Catch::Matchers::ContainsSubstring("belongs to cluster b"));
}

TEST_CASE_METHOD(CaptureTest,
                 "a stream that announces far more than the database has is refused at once") {
  SnapshotScript script = GoodSnapshot(Database());
  for (etcd::SnapshotMessage& message : script.messages)
    message.remaining_bytes += uint64_t{1} << 40;
  script.end = SnapshotScript::End::kSilence;  // and would go on
  CHECK(Fails(std::move(script)) == Reason::kStreamTooLarge);
}

TEST_CASE_METHOD(CaptureTest,
                 "a stream that would fill the file system is refused at its first message") {
  const etcdrill::testing::SmallFileSystem small(test_.Path("small"));
  auto client = etcd::Client::Create({.endpoints = {etcd_.endpoint()}}, test_.context());
  REQUIRE(client.ok());
  uint64_t seen = 0;
  const auto take = [&] {
    return capture::Capture(test_.context(),
                            {.client = **client,
                             .temp_path = small.Path(".x.part"),
                             .timeout = 20s,
                             .on_progress = [&](uint64_t received, uint64_t) { seen = received; }});
  };
  SECTION("it fits") { CHECK(take().ok()); }
  SECTION("it is larger than what was free when the member was asked") {
    const uint64_t bytes = GENERATE(uint64_t{20} << 20,
                                    (uint64_t{8} << 20) - 100'000);  // the second: into the reserve
    etcd_.Set([&](FakeState& s) { s.snapshot = GoodSnapshot(std::string(bytes, 'x')); });
    const auto result = take();
    REQUIRE_FALSE(result.ok());
    CHECK(ReasonOf(result.status()) == Reason::kNoSpace);
    CHECK(seen == 0);
    CHECK(test_.fs().List(test_.Path("small"))->empty());
  }
}

TEST_CASE_METHOD(CaptureTest,
                 "a member whose database does not fit is passed over for one that does") {
  FakeEtcd bloated;
  bloated.Set([](FakeState& s) {
    s.status.member_id = 2;
    s.status.leader_id = 1;
    s.status.db_size_bytes = int64_t{1} << 60;
  });
  const auto result = Capture({bloated.endpoint()});
  REQUIRE(result.ok());
  CHECK(result->endpoint == etcd_.endpoint());
}

TEST_CASE_METHOD(CaptureTest, "a database that can't fit is refused before its first byte") {
  etcd_.Set([](FakeState& s) { s.status.db_size_bytes = int64_t{1} << 60; });
  const auto result = Capture();
  REQUIRE_FALSE(result.ok());
  CHECK(ReasonOf(result.status()) == Reason::kNoSpace);
}

}  // namespace
}  // namespace etcdrill::capture
