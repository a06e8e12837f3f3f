// Files of others that compare with no member, because the source has compacted beyond them.
#include "crosscheck/other_history.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "catalog/follower.h"
#include "etcd/roll_call.h"
#include "pipeline/adopt.h"
#include "store/names.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/fake_etcd.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"
#include "support/test_context.h"
#include "verify/verify.h"

namespace etcdrill::pipeline {
namespace {

using etcdrill::testing::FakeClock;
using etcdrill::testing::FakeEtcd;
using etcdrill::testing::FakeState;
using etcdrill::testing::TestContext;
using namespace std::chrono_literals;

etcd::RollCall Roll(const std::vector<uint64_t>& listed, const std::vector<uint64_t>& answering) {
  etcd::RollCall roll{.cluster_id = 7, .membership = etcd::Membership{.cluster_id = 7}};
  for (const uint64_t id : listed) roll.membership->members.push_back({.id = id});
  for (const uint64_t id : answering) {
    roll.entries.push_back({.status = etcd::MemberStatus{.cluster_id = 7, .member_id = id}});
  }
  return roll;
}

TEST_CASE("a file none of whose members is, or was, of the source is of another history") {
  const etcd::RollCall roll = Roll({1, 2, 0xabc}, {1, 2});
  CHECK(crosscheck::FindOtherMembers(roll, {.file = {4, 5}}) ==
        "the file names the members 4, 5, the cluster has 1, 2, abc: no member is in both");
  CHECK(crosscheck::FindOtherMembers(roll, {.file = {4, 0xabc}}).empty());
  CHECK(crosscheck::FindOtherMembers(roll, {.file = {4, 5}, .store = {{7, {5}}}})
            .empty());  // all were replaced since
  CHECK(crosscheck::FindOtherMembers(Roll({1}, {1, 4}), {.file = {4}})
            .empty());  // was removed, and still answers
  CHECK_FALSE(crosscheck::FindOtherMembers(roll, {.file = {4}, .store = {{8, {4}}}})
                  .empty());  // of before a restore
  CHECK(crosscheck::FindOtherMembers(roll, {.file = {}, .store = {{7, {5}}}}).empty());
  etcd::RollCall other = Roll({1}, {1});
  other.entries.push_back({.status = etcd::MemberStatus{.cluster_id = 8, .member_id = 4}});
  CHECK_FALSE(crosscheck::FindOtherMembers(other, {.file = {4}}).empty());
}

TEST_CASE("where the members of the source are not known, nothing is") {
  etcd::RollCall roll = Roll({1}, {1});
  roll.outcome = Error(Reason::kEtcdError, "nobody");
  CHECK(crosscheck::FindOtherMembers(roll, {.file = {4}}).empty());
  roll = Roll({1}, {1});
  roll.membership.reset();
  CHECK(crosscheck::FindOtherMembers(roll, {.file = {4}}).empty());
}

TEST_CASE("of many members nine are named") {
  crosscheck::MemberIds ids;
  for (uint64_t id = 2; id < 100; ++id) ids.file.insert(id);
  CHECK(crosscheck::FindOtherMembers(Roll({1}, {}), ids) ==
        "the file names the members 2, 3, 4, 5, 6, 7, 8, 9, a, 89 more, the cluster has 1: "
        "no member is in both");
}

TEST_CASE("the members that a store tells of are those of each cluster id under this name") {
  catalog::Catalog catalog;
  catalog.snapshots.resize(4);
  const auto set = [&](size_t i, const char* cluster, const char* cluster_id, const char* taken_of,
                       const char* compared_with) {
    Manifest& m = catalog.snapshots[i].manifest;
    m.cluster = cluster;
    m.cluster_id = cluster_id;
    m.member_id = taken_of;
    m.receipt = {{.member_id = compared_with}, {.error = "down"}};
  };
  set(0, "prod", "7", "1", "2");
  set(1, "prod", "8", "3", "3");
  set(2, "dev", "7", "4", "4");
  set(3, "prod", "", "", "5");
  CHECK(crosscheck::MembersOf(catalog, "prod") ==
        crosscheck::MembersByCluster{{7, {1, 2}}, {8, {3}}});
}

// A source that has compacted beyond revision 128, which is that of the file.
class AdoptTest {
 public:
  AdoptTest() {
    SetMember(kMember);
    auto client = etcd::Client::Create({.endpoints = {source_.endpoint()}}, context_);
    REQUIRE(client.ok());
    client_ = *std::move(client);
    auto store = store::LocalStore::Open(context_, test_.Path("store"));
    REQUIRE(store.ok());
    store_ = *std::move(store);
    REQUIRE(store_->TakeOwnership().ok());
    catalog_.emplace(*store_, "prod");
    etcdrill::testing::WriteFile(
        file_, etcdrill::testing::ReadFile(etcdrill::testing::SnapshotPath("e3530-compacted")));
  }
  ~AdoptTest() { close(log_fd_); }

 protected:
  static constexpr uint64_t kMember = 0xa682d36596fe312a;  // that the file names

  void Write(std::string_view snapshot) const {
    etcdrill::testing::WriteFile(
        file_, etcdrill::testing::ReadFile(etcdrill::testing::SnapshotPath(snapshot)));
  }
  void SetMember(uint64_t id) {
    source_.Set([id](FakeState& s) {
      s.status = {.cluster_id = 7,
                  .member_id = id,
                  .revision = 500,
                  .db_size_bytes = 1000,
                  .leader_id = id};
      s.membership = {.cluster_id = 7, .members = {{.id = id}}};
      s.hash_kv = {.cluster_id = 7,
                   .member_id = id,
                   .hash = 1,
                   .compact_revision = 400,
                   .hash_revision = 128};
      s.count = 165;
    });
  }
  SnapshotOutcome Take(const crosscheck::HeadHistory& heads, WallTime modified) {
    const int64_t seconds = modified.time_since_epoch() / 1s;
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    REQUIRE(utimensat(AT_FDCWD, file_.c_str(), times, 0) == 0);
    const ForeignFile file{.path = file_, .info = *test_.fs().Stat(file_)};
    auto outcome = AdoptSnapshot(context_, {*client_, *catalog_, "prod"}, file, heads, *store_);
    REQUIRE(outcome.ok());
    return *std::move(outcome);
  }
  Manifest Adopt(const crosscheck::HeadHistory& heads, WallTime modified) {
    const SnapshotOutcome outcome = Take(heads, modified);
    CHECK(outcome.verdict.ok());
    return outcome.manifest;
  }
  // One of our own, of the source if `cluster_id` is 7.
  Manifest Keep(std::string_view snapshot, WallTime taken, std::string_view cluster_id = "7",
                Continuity lineage = Continuity::kContinues) {
    const std::string bytes =
        etcdrill::testing::ReadFile(etcdrill::testing::SnapshotPath(snapshot));
    auto file = DurableFile::Create(test_.fs(), store_->StagingPath());
    REQUIRE(file->Append(bytes).ok());
    const auto report =
        verify::Verify(context_, etcdrill::testing::OpenFile(context_, file->temp_path()), {});
    const mvcc::HashKv& hashkv = report->keyspace->hashkv;
    Manifest m{.cluster = kept_as_, .place = ++place_, .taken = taken, .size_bytes = bytes.size()};
    m.revision = hashkv.revision;
    m.compact_revision = hashkv.compact_revision;
    m.hashkv = hashkv.hash;
    m.live_keys = report->keyspace->live_keys;
    m.name = store::SnapshotName(m.cluster, m.revision, taken);
    m.sha256 = report->sha256;
    m.verdict = Verdict::kProven;
    m.cluster_id = cluster_id;
    m.member_id = "a682d36596fe312a";
    m.lineage = {.result = lineage};
    REQUIRE(store_->Seal(*file, m).ok());
    return m;
  }
  crosscheck::HeadHistory Saw(MonotonicTime when) const {
    crosscheck::HeadHistory heads;
    heads.Saw(when, etcd::CallRoll(*client_, std::nullopt),
              [] { return Error(Reason::kTimeout, ""); });
    return heads;
  }
  std::string Log() const { return etcdrill::testing::ReadFile(test_.Path("log")); }

  TestContext test_;
  FakeClock clock_{*ParseRfc3339("2026-11-22T08:00:00Z")};
  const std::string file_ = test_.Path("theirs.db");
  const int log_fd_ = open(test_.Path("log").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  Logger log_{LogLevel::kWarn, LogFormat::kLogfmt, clock_, log_fd_};
  const Context context_{test_.fs(), clock_, test_.context().random, test_.context().processes,
                         log_,       {}};
  FakeEtcd source_;
  std::unique_ptr<etcd::Client> client_;
  std::unique_ptr<store::LocalStore> store_;
  std::optional<catalog::Follower> catalog_;
  uint64_t place_ = 0;
  std::string kept_as_ = "prod";
};

TEST_CASE_METHOD(
    AdoptTest, "a compacted file of other members is of another history, and keeps its own time") {
  SetMember(5);
  const crosscheck::HeadHistory heads = Saw(clock_.Monotonic());
  clock_.Suspend(24h);
  const Manifest m = Adopt(heads, clock_.Now());
  CHECK(m.other_history);
  REQUIRE(m.lineage.has_value());
  CHECK(m.lineage->result == Continuity::kDiverged);
  CHECK(m.lineage->text ==
        "the file names the members a682d36596fe312a, the cluster has 5: no member is in both");
  CHECK(m.taken == clock_.Now());
  CHECK(Log().empty());
}

TEST_CASE_METHOD(
    AdoptTest, "a file of members that were all replaced is of ours, where the store knows them") {
  source_.Set([](FakeState& s) {
    s.hash_kv.hash = 1796282936;  // the file's own
    s.hash_kv.compact_revision = 54;
  });
  CHECK(Adopt({}, clock_.Now()).cluster_id == "7");
  SetMember(5);
  source_.Set([](FakeState& s) { s.deny_range = true; });  // nobody counts its keys
  Write("e3530-nocompact");
  const Manifest m = Adopt({}, clock_.Now() - 1h);
  CHECK(m.receipt.front().result == Comparison::kNotComparable);
  CHECK_FALSE(m.other_history);
}

TEST_CASE_METHOD(AdoptTest,
                 "a member that was outvoted does not say whose a file is, and vouches for none") {
  const auto answer = [&](uint32_t hash) {
    source_.Set([&](FakeState& s) {
      s.membership.members = {{.id = kMember}, {.id = 5}};
      s.hash_kv.hash = hash;
      s.hash_kv.compact_revision = 54;
    });
  };
  const auto suspect = [&](int64_t differed_at) {
    REQUIRE(store_
                ->UpdateSuspects([&](std::vector<store::Suspect>& suspects) {
                  suspects = {{.cluster = "prod",
                               .member_id = etcd::IdText(kMember),
                               .revision = 300,
                               .first_revision = differed_at,
                               .outvoted = true}};
                })
                .ok());
  };
  SECTION("it differs") {
    answer(5);
    SECTION("and is believed") { CHECK(Adopt({}, clock_.Now()).other_history); }
    SECTION("and is not") {
      suspect(GENERATE(100, 128, 200));
      const Manifest m = Adopt({}, clock_.Now());
      CHECK_FALSE(m.other_history);
      CHECK(m.receipt.front().result == Comparison::kDiffers);
      CHECK(m.receipt.front().outvoted);
    }
  }
  SECTION("it holds the same, and nobody else answers") {
    answer(1796282936);  // the file's own
    suspect(128);
    const SnapshotOutcome outcome = Take({}, clock_.Now());
    CHECK(ReasonOf(outcome.verdict) == Reason::kMembersDisagree);
    CHECK(outcome.manifest.verdict == Verdict::kDamaged);
  }
  SECTION("it held the same before it differed") {
    answer(1796282936);
    suspect(129);
    CHECK_FALSE(Adopt({}, clock_.Now()).receipt.front().outvoted);
  }
}

TEST_CASE_METHOD(AdoptTest, "an endpoint that is silent is in the receipt, with the reason") {
  client_ =
      etcd::Client::Create({.endpoints = {source_.endpoint(), "http://127.0.0.1:1"}}, context_)
          .value();
  const Manifest m = Adopt({}, clock_.Now());
  REQUIRE(m.receipt.size() == 2);
  CHECK(m.receipt[0].error.empty());
  CHECK(m.receipt[1].error.find("127.0.0.1:1") != std::string::npos);
  CHECK(m.receipt[1].result == Comparison::kNotComparable);
}

TEST_CASE_METHOD(AdoptTest,
                 "a late file of before a restore with a new token is of another history") {
  Keep("e3530-nocompact", clock_.Now());
  clock_.Suspend(1h);
  SetMember(5);
  source_.Set([](FakeState& s) {
    s.status.cluster_id = s.membership.cluster_id = s.hash_kv.cluster_id = 8;
  });
  const Manifest m = Adopt({}, clock_.Now());
  CHECK(m.other_history);
  REQUIRE(m.lineage.has_value());
  CHECK(m.lineage->text.starts_with("the file names the members a682d36596fe312a"));
}

TEST_CASE_METHOD(AdoptTest,
                 "a file beyond the source's raft log is of before a restore with the same token") {
  constexpr uint64_t kIndex = 176;  // of the last entry in the file
  enum class Source { kRestored, kGoesOn, kOnlyLags, kSilent };
  const Source source =
      GENERATE(Source::kRestored, Source::kGoesOn, Source::kOnlyLags, Source::kSilent);
  CAPTURE(source);
  source_.Set([&](FakeState& s) {
    s.status.raft_applied_index = source == Source::kGoesOn ? kIndex : 30;
    s.deny_range = source == Source::kSilent;
    if (source == Source::kOnlyLags) s.index_after_range = kIndex;
  });
  const Manifest m = Adopt({}, clock_.Now());
  CHECK(m.other_history == (source == Source::kRestored));
  if (!m.other_history) return;
  CHECK(m.lineage->text ==
        "the file ends at entry 176 of its raft log, the cluster is at entry 30: the cluster "
        "was restored or recreated since");
}

TEST_CASE_METHOD(AdoptTest,
                 "an old file with a young time is as old as the source's step beyond it") {
  clock_.Suspend(1h);
  const WallTime passed = clock_.Now();
  const crosscheck::HeadHistory heads = Saw(clock_.Monotonic());
  clock_.Suspend(24h);
  const bool clock_is_set = GENERATE(false, true);
  if (clock_is_set) clock_.Jump(240h);  // what was measured before is not older for it
  const Manifest m = Adopt(heads, clock_.Now() - 1min);
  CHECK_FALSE(m.other_history);
  CHECK(m.taken == (clock_is_set ? passed + 240h : passed));
  CHECK(m.name == store::SnapshotName("prod", 128, m.taken));
  CHECK(Log().find("adopted file time corrected") != std::string::npos);
  CHECK(Log().find("revision=128") != std::string::npos);
  CHECK(AdoptedOf(*catalog::ReadCatalog(context_, *store_, "prod"), clock_.Now()).taken == m.taken);
}

TEST_CASE_METHOD(AdoptTest,
                 "several old files that are copied keep their order, and names of their own") {
  const WallTime passed = clock_.Now();
  const crosscheck::HeadHistory heads = Saw(clock_.Monotonic());
  clock_.Suspend(24h);
  CHECK(Adopt(heads, clock_.Now()).taken == passed);
  const std::string file = etcdrill::testing::ReadFile(file_);
  etcdrill::testing::WriteFile(
      file_, file.substr(0, file.size() - 32));  // other bytes of the same revision
  const ForeignFile same{.path = file_, .info = *test_.fs().Stat(file_)};
  const auto second = AdoptSnapshot(context_, {*client_, *catalog_, "prod"}, same, heads, *store_);
  REQUIRE(second.ok());
  CHECK(second->manifest.taken == passed - 1s);
  Write("e3530-empty");
  source_.Set([](FakeState& s) { s.deny_range = true; });
  CHECK(Adopt(heads, clock_.Now()).taken == passed - 1s);  // older than both
  const auto catalog = catalog::ReadCatalog(context_, *store_, "prod");
  REQUIRE(catalog->Newest(clock_.Now()) != nullptr);
  CHECK(catalog->Newest(clock_.Now())->manifest.revision == 128);
}

TEST_CASE_METHOD(AdoptTest,
                 "a file with an old time is as young as the source's way to its revision") {
  source_.Set([](FakeState& s) {
    s.status.revision = 100;
    s.hash_kv.hash = 1796282936;  // the file's own
    s.hash_kv.compact_revision = 54;
  });
  const crosscheck::HeadHistory heads = Saw(clock_.Monotonic());
  const WallTime seen = clock_.Now();
  source_.Set([](FakeState& s) { s.status.revision = 128; });
  const bool confirmed = GENERATE(true, false);
  if (!confirmed) source_.Set([](FakeState& s) { s.hash_kv.compact_revision = 400; });
  clock_.Suspend(10s);
  const Manifest m = Adopt(heads, seen - 5h);
  CHECK(m.taken == (confirmed ? seen : seen - 5h));
  CHECK(Log().empty() != confirmed);
}

TEST_CASE_METHOD(AdoptTest,
                 "a file of the revision and second of a stored one has a name of its own") {
  const Manifest stored = Keep("e3530-compacted", clock_.Now());
  const std::string file = etcdrill::testing::ReadFile(file_);
  etcdrill::testing::WriteFile(file_, file.substr(0, file.size() - 32));  // other bytes
  const timespec times[2] = {{stored.taken.time_since_epoch() / 1s, 0},
                             {stored.taken.time_since_epoch() / 1s, 0}};
  REQUIRE(utimensat(AT_FDCWD, file_.c_str(), times, 0) == 0);
  const ForeignFile same{.path = file_, .info = *test_.fs().Stat(file_)};
  const auto outcome = AdoptSnapshot(context_, {*client_, *catalog_, "prod"}, same, {}, *store_);
  REQUIRE(outcome.ok());
  CHECK(outcome->manifest.taken == stored.taken - 1s);
  // Another process is about to take the next one.
  const std::string next = store::SnapshotName("prod", stored.revision, stored.taken - 2s);
  etcdrill::testing::WriteFile(store_->SnapshotPath(next), "x");
  etcdrill::testing::WriteFile(file_, file.substr(0, file.size() - 32) + std::string(32, 'x'));
  REQUIRE(utimensat(AT_FDCWD, file_.c_str(), times, 0) == 0);
  const ForeignFile third{.path = file_, .info = *test_.fs().Stat(file_)};
  CHECK(ReasonOf(
            AdoptSnapshot(context_, {*client_, *catalog_, "prod"}, third, {}, *store_).status()) ==
        Reason::kBusy);
}

TEST_CASE_METHOD(AdoptTest, "a source that was restored since it was seen bounds nothing") {
  source_.Set([](FakeState& s) { s.status.revision = 1000; });
  const crosscheck::HeadHistory heads = Saw(clock_.Monotonic());
  SetMember(kMember);
  clock_.Suspend(24h);
  CHECK(Adopt(heads, clock_.Now()).taken == clock_.Now());
}

TEST_CASE_METHOD(AdoptTest,
                 "a file that took its time to be written is as old as its data, and no news") {
  const WallTime passed = clock_.Now();
  const crosscheck::HeadHistory heads = Saw(clock_.Monotonic());
  clock_.Suspend(5min);
  CHECK(Adopt(heads, clock_.Now()).taken == passed);
  CHECK(Log().empty());
}

TEST_CASE_METHOD(AdoptTest,
                 "a file that comes late is no younger than a snapshot of a higher revision") {
  const Manifest before = Keep("e3530-nocompact", clock_.Now());
  clock_.Suspend(1h);
  const Manifest ours = Keep("e3530-alarm", clock_.Now());
  clock_.Suspend(11min);
  const Manifest m = Adopt({}, clock_.Now());
  CHECK_FALSE(m.other_history);
  CHECK(m.taken == ours.taken);
  REQUIRE(m.lineage.has_value());
  CHECK(m.lineage->older == before.name);
  CHECK(m.lineage->result == Continuity::kContinues);
  CHECK(catalog::ReadCatalog(context_, *store_, "prod")->Newest(clock_.Now())->manifest.name ==
        ours.name);
}

TEST_CASE_METHOD(AdoptTest,
                 "a snapshot of before a restore, or of another cluster, makes no file old") {
  enum class Why { kOtherCluster, kOtherName, kSourceIsBelow, kWentBackSince };
  const Why why =
      GENERATE(Why::kOtherCluster, Why::kOtherName, Why::kSourceIsBelow, Why::kWentBackSince);
  CAPTURE(why);
  if (why == Why::kOtherName) kept_as_ = "dev";
  Keep("e3530-alarm", clock_.Now(), why == Why::kOtherCluster ? "8" : "7");
  clock_.Suspend(10min);
  if (why == Why::kSourceIsBelow) source_.Set([](FakeState& s) { s.status.revision = 200; });
  if (why == Why::kWentBackSince) Keep("e3530-nocompact", clock_.Now(), "7", Continuity::kDiverged);
  clock_.Suspend(10min);
  const Manifest m = Adopt({}, clock_.Now());
  CHECK(m.taken == clock_.Now());
}

TEST_CASE_METHOD(AdoptTest,
                 "a late file that a later snapshot does not continue is of another history") {
  const Manifest other = Keep("e3516-compacted", clock_.Now());
  clock_.Suspend(1h);
  const Manifest m = Adopt({}, clock_.Now());
  CHECK(m.other_history);
  REQUIRE(m.lineage.has_value());
  CHECK(m.lineage->text.starts_with(other.name +
                                    " does not continue this snapshot: at revision 128"));
}

TEST_CASE_METHOD(AdoptTest,
                 "a time that is old already stays, and so does one of a source that nobody saw") {
  const bool seen = GENERATE(false, true);
  const crosscheck::HeadHistory heads = seen ? Saw(clock_.Monotonic()) : crosscheck::HeadHistory();
  clock_.Suspend(24h);
  const WallTime modified = seen ? clock_.Now() - 48h : clock_.Now();
  CHECK(Adopt(heads, modified).taken == modified);
  CHECK(Log().empty());
}

}  // namespace
}  // namespace etcdrill::pipeline
