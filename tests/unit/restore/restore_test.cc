// Data directories from all real snapshots: sound by our own verifier, the same rows, and nothing
// left behind on failure. That real etcd starts from them is shown by the drill's tests.
#include "restore/restore.h"

#include <sys/stat.h>
#include <unistd.h>

#include "format/bbolt/meta.h"
#include "format/mvcc/buckets.h"
#include "restore/database.h"
#include "restore/staged_dir.h"
#include "support/catch.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"
#include "support/test_context.h"
#include "verify/verify.h"

namespace etcdrill::restore {
namespace {

using etcdrill::testing::OpenFile;
using etcdrill::testing::SnapshotNames;
using etcdrill::testing::SnapshotPath;
using etcdrill::testing::TestContext;
using etcdrill::testing::VerifyFile;

uint32_t ModeOf(const std::string& path) {
  struct stat st {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  return st.st_mode & 0777;
}

TEST_CASE(
    "which etcd a snapshot is of: the cluster version, else the storage version, else what there "
    "is") {
  const auto minor = [](const std::string& storage, const std::string& cluster, bool term = true) {
    bbolt::BucketContent meta_bucket;
    bbolt::BucketContent cluster_bucket;
    if (term) meta_bucket[std::string(mvcc::kTermKey)] = "12345678";
    if (!storage.empty()) meta_bucket[std::string(mvcc::kStorageVersionKey)] = storage;
    if (!cluster.empty()) cluster_bucket[std::string(mvcc::kClusterVersionKey)] = cluster;
    return MinorOfSnapshot(meta_bucket, cluster_bucket);
  };
  CHECK(*minor("", "", false) == 4);
  CHECK(*minor("", "3.4.0", false) == 4);
  CHECK(*minor("", "3.5.0") == 5);
  CHECK(*minor("3.6.0", "") == 6);
  CHECK(*minor("", "3.6.0") == 6);
  CHECK(*minor("3.6.0", "3.7.0") == 7);
  CHECK(*minor("3.6.0", "3.5.0") == 5);  // left over from before a downgrade
  CHECK(*minor("3.8.0", "3.8.0") == 8);
  CHECK(*minor("x", "3.") == 5);
  for (const auto& unknown : {minor("4.0.0", "3.7.0"), minor("", "4.0.0")}) {
    REQUIRE_FALSE(unknown.ok());
    CHECK(ReasonOf(unknown.status()) == Reason::kEtcdVersion);
  }
}

TEST_CASE("a restored database is sound and holds the same rows") {
  TestContext test;
  const std::string name = GENERATE(from_range(SnapshotNames()));
  CAPTURE(name);
  const std::string dir = test.Path("data");
  const auto result = Restore(
      test.context(),
      {.snapshot = OpenFile(test.context(), SnapshotPath(name)), .data_dir = dir, .sync = false});
  REQUIRE(result.ok());
  const auto before = VerifyFile(test.context(), SnapshotPath(name));
  const auto after = VerifyFile(test.context(), dir + "/member/snap/db");
  REQUIRE(before.ok());
  REQUIRE(after.ok());
  for (const Finding& f : after->findings.kept()) UNSCOPED_INFO(f.code << ": " << f.text);
  CHECK(after->levels[Level::kStructure] == LevelResult::kPass);
  CHECK(after->levels[Level::kKeyspace] == LevelResult::kPass);
  REQUIRE(after->keyspace.has_value());
  CHECK(after->keyspace->hashkv.hash == before->keyspace->hashkv.hash);
  CHECK(after->keyspace->live_keys == before->keyspace->live_keys);
  CHECK(after->keyspace->alarms == before->keyspace->alarms);
  CHECK(after->keyspace->auth_enabled == before->keyspace->auth_enabled);
  REQUIRE(after->keyspace->members.size() == 1);
  CHECK(after->keyspace->members[0].id == result->member_id);
  CHECK(ModeOf(dir) == 0700);
  CHECK(ModeOf(dir + "/member/snap/db") == 0600);
  CHECK(ModeOf(dir + "/member/wal/0000000000000000-0000000000000000.wal") == 0600);
}

TEST_CASE("authentication can be switched off in the copy") {
  TestContext test;
  const std::string dir = test.Path("data");
  REQUIRE(Restore(test.context(), {.snapshot = OpenFile(test.context(), SnapshotPath("e3530-auth")),
                                   .data_dir = dir,
                                   .policy = {.drop_auth = true}})
              .ok());
  const auto after = VerifyFile(test.context(), dir + "/member/snap/db");
  REQUIRE(after.ok());
  REQUIRE(after->keyspace.has_value());
  CHECK_FALSE(after->keyspace->auth_enabled);
}

TEST_CASE("what a killed restore left is swept, a running one is not") {
  TestContext test;
  const std::string dir = test.Path(GENERATE("data", "new/deep/data", "exists"));
  if (dir.ends_with("exists")) REQUIRE(test.fs().MakeDirs(dir, 0755).ok());
  auto running = StagedDir::Create(test.context(), dir + "/member");
  REQUIRE(running.ok());
  const std::string alive = running->PathOf(dir + "/member");
  REQUIRE(test.fs().MakeDirs(alive + "/snap", kPrivateDirMode).ok());
  const std::string parent = *StagingParent(test.fs(), dir + "/member");
  const std::string dead =
      alive.substr(0, alive.find(".restoring-")) + ".restoring-0123456789abcdef";
  REQUIRE(test.fs().MakeDirs(dead + "/member/snap", kPrivateDirMode).ok());
  const std::string foreign = JoinPath(parent, ".other.restoring-0123456789abcdef");
  if (!dir.ends_with("exists")) REQUIRE(test.fs().MakeDirs(foreign, kPrivateDirMode).ok());

  const Result<RestoreResult> result =
      Restore(test.context(), {.snapshot = OpenFile(test.context(), SnapshotPath("e3530-empty")),
                               .data_dir = dir,
                               .sync = false});
  CHECK_FALSE(test.fs().Exists(dead));
  CHECK(test.fs().Exists(alive + "/snap"));
  CHECK(result.ok());
  CHECK_FALSE(running->Commit(false).ok());  // the other one was first
  if (!dir.ends_with("exists")) CHECK(test.fs().Exists(foreign));
}

TEST_CASE("a WAL directory of its own may lie anywhere, and is refused if it exists") {
  TestContext test;
  const snapshot::Image image = OpenFile(test.context(), SnapshotPath("e3530-empty"));
  RestoreOptions options{.snapshot = image, .data_dir = test.Path("data"), .sync = false};
  SECTION("elsewhere") { options.wal_dir = test.Path("on/another/wal"); }
  SECTION("inside the data directory") { options.wal_dir = test.Path("data/wal"); }
  SECTION("where it is anyway") { options.wal_dir = test.Path("data/member/wal"); }
  REQUIRE(Restore(test.context(), options).ok());
  CHECK(test.fs().List(options.wal_dir)->size() == 1);
  CHECK(test.fs().List(test.Path("data/member/snap"))->size() == 2);
  const auto again = Restore(test.context(), options);
  REQUIRE_FALSE(again.ok());
  CHECK(ReasonOf(again.status()) == Reason::kAlreadyExists);
}

TEST_CASE("one place under two names is one place") {
  TestContext test;
  REQUIRE(test.fs().MakeDirs(test.Path("disk"), kPrivateDirMode).ok());
  REQUIRE(::symlink("disk", test.Path("link").c_str()) == 0);
  const auto [data, wal] = GENERATE(table<std::string, std::string>({
      {"link/data", "disk/data/member/wal"},
      {"disk/data", "link/data/member/wal"},
      {"disk/data", "disk/../disk/data/member/wal"},
      {"disk/./data", "disk/data/../data/member/wal"},
      {"link", "disk/member/wal"},
      {"disk", "link/member/wal"},
  }));
  CAPTURE(data, wal);
  const RestoreOptions options{.snapshot = OpenFile(test.context(), SnapshotPath("e3530-empty")),
                               .data_dir = test.Path(data),
                               .wal_dir = test.Path(wal),
                               .sync = false};
  const auto result = Restore(test.context(), options);
  INFO(result.status());
  REQUIRE(result.ok());
  const std::string member = test.Path(data) + "/member";
  CHECK(*test.fs().List(member) == std::vector<std::string>{"snap", "wal"});
  CHECK(test.fs().List(member + "/wal")->size() == 1);
  CHECK(test.fs().List(test.Path("disk"))->size() == 1);
}

TEST_CASE("a target that is a link to nowhere is named, and nothing is made") {
  TestContext test;
  REQUIRE(::symlink("/no/such/disk", test.Path("link").c_str()) == 0);
  RestoreOptions options{.snapshot = OpenFile(test.context(), SnapshotPath("e3530-empty")),
                         .data_dir = test.Path("data"),
                         .sync = false};
  const std::string flag = GENERATE("data-dir", "wal-dir");
  (flag == "data-dir" ? options.data_dir : options.wal_dir) =
      test.Path(GENERATE("link", "link/below"));
  const auto result = Restore(test.context(), options);
  REQUIRE_FALSE(result.ok());
  CHECK_THAT(
      std::string(MessageOf(result.status())),
      Catch::Matchers::ContainsSubstring("--" + flag + " ") &&
          Catch::Matchers::ContainsSubstring("is a link to /no/such/disk, which does not exist"));
  CHECK(*test.fs().List(test.dir()) == std::vector<std::string>{"link"});
}

TEST_CASE("nothing becomes visible before the proof, or without it") {
  TestContext test;
  const snapshot::Image image = OpenFile(test.context(), SnapshotPath("e3530-compacted"));
  RestoreOptions options{.snapshot = image, .data_dir = test.Path("data"), .sync = false};
  const bool sound = GENERATE(true, false);
  bool visible = true;
  options.proof = [&] {
    visible = test.fs().Exists(options.data_dir);
    return sound ? OkStatus() : Error(Reason::kDamaged, "no good");
  };
  const auto result = Restore(test.context(), options);
  CHECK_FALSE(visible);
  CHECK(result.ok() == sound);
  CHECK(test.fs().List(test.dir())->size() == (sound ? 1 : 0));
}

TEST_CASE("a restore that is interrupted leaves nothing") {
  TestContext test;
  test.stop().request_stop();
  const auto result = Restore(
      test.context(), {.snapshot = OpenFile(test.context(), SnapshotPath("e3530-compacted")),
                       .data_dir = test.Path("data")});
  REQUIRE_FALSE(result.ok());
  CHECK(ReasonOf(result.status()) == Reason::kInterrupted);
  CHECK(test.fs().List(test.dir())->empty());
}

TEST_CASE("a stage that is revoked, or whose place is taken, leaves nothing") {
  TestContext test;
  {
    auto staged = StagedDir::Create(test.context(), test.Path("a/b"));
    REQUIRE(staged.ok());
    CHECK(staged->Covers(test.Path("a/b")));
    CHECK(staged->Covers(test.Path("a/c")));
    CHECK_FALSE(staged->Covers(test.Path("ab")));
    REQUIRE(test.fs().MakeDirs(staged->PathOf(test.Path("a/b")), kPrivateDirMode).ok());
    SECTION("revoked") {
      REQUIRE(staged->Commit(true).ok());
      CHECK(test.fs().Exists(test.Path("a/b")));
      staged->Revoke();
    }
    SECTION("never committed") {}
  }
  CHECK(test.fs().List(test.dir())->empty());
}

TEST_CASE("the revision is raised above what was compacted away") {
  TestContext test;
  const auto [name, expected] =
      GENERATE(table<std::string, int64_t>({{"e3530-compacted", 128 + 1000},
                                            {"e3530-empty", 1000},
                                            {"e36-compacted-at-head", 129 + 1000}}));
  const std::string dir = test.Path("data");
  REQUIRE(Restore(test.context(), {.snapshot = OpenFile(test.context(), SnapshotPath(name)),
                                   .data_dir = dir,
                                   .policy = {.bump_revision = 1000}})
              .ok());
  const auto after = VerifyFile(test.context(), dir + "/member/snap/db");
  REQUIRE(after.ok());
  for (const Finding& f : after->findings.kept()) UNSCOPED_INFO(f.code << ": " << f.text);
  REQUIRE(after->levels[Level::kKeyspace] == LevelResult::kPass);
  CHECK(after->keyspace->bumped);
  CHECK(after->keyspace->hashkv.revision == expected);
  CHECK(after->keyspace->hashkv.compact_revision == expected);
}

TEST_CASE("what the policy drops is gone, and said") {
  TestContext test;
  const std::string dir = test.Path("data");
  const auto restore = [&](std::string_view snapshot, Policy policy) {
    return Restore(test.context(), {.snapshot = OpenFile(test.context(), SnapshotPath(snapshot)),
                                    .data_dir = dir,
                                    .policy = std::move(policy),
                                    .sync = false});
  };
  const auto keyspace = [&] {
    const auto report = VerifyFile(test.context(), dir + "/member/snap/db");
    REQUIRE(report.ok());
    REQUIRE(report->levels[Level::kKeyspace] == LevelResult::kPass);
    return *report->keyspace;
  };
  SECTION("alarms") {
    const auto result = restore("e36-alarm", {.clear_alarms = true});
    REQUIRE(result.ok());
    CHECK(result->warnings.size() == 1);
    CHECK(keyspace().alarms.empty());
  }
  SECTION("nothing to drop") {
    const auto result =
        restore("e36-compacted", {.clear_alarms = true, .drop_auth = true, .etcd_version = "3.7"});
    REQUIRE(result.ok());
    CHECK(result->warnings.empty());
    CHECK(keyspace().storage_version == "3.6.0");
  }
  SECTION("a newer version") {
    const auto refused = restore("e37-compacted", {.etcd_version = "3.6.14"});
    REQUIRE_FALSE(refused.ok());
    CHECK(ReasonOf(refused.status()) == Reason::kEtcdVersion);
    CHECK(test.fs().List(test.dir())->empty());
    const auto result =
        restore("e37-compacted", {.etcd_version = "3.6.14", .allow_downgrade = true});
    REQUIRE(result.ok());
    CHECK(result->warnings.size() == 1);
    CHECK(keyspace().storage_version.empty());
    CHECK(keyspace().cluster_version.empty());
  }
  SECTION("term and confState follow the version") {
    REQUIRE(restore("e34-compacted", {.etcd_version = "3.5"}).ok());
    CHECK(keyspace().term == 1);
  }
  SECTION("not a version") {
    const auto result = restore("e34-compacted",
                                {.etcd_version = GENERATE("3", "3.", "3.3", "3.8", "4.0", "3.5x")});
    REQUIRE_FALSE(result.ok());
    CHECK(ReasonOf(result.status()) == Reason::kUsage);
  }
}

TEST_CASE("a failed restore leaves nothing behind") {
  TestContext test;
  const std::string dir = test.Path("data");
  SECTION("a file that is no database") {
    const bool text = GENERATE(false, true);  // which is no damaged snapshot, but none
    testing::WriteFile(test.Path("garbage.db"), std::string(10'000, text ? 'x' : '\x8a'));
    const auto result =
        Restore(test.context(),
                {.snapshot = OpenFile(test.context(), test.Path("garbage.db")), .data_dir = dir});
    REQUIRE_FALSE(result.ok());
    CHECK(ReasonOf(result.status()) == (text ? Reason::kNotProvable : Reason::kDamaged));
    CHECK(test.fs().List(test.dir())->size() == 1);
  }
  SECTION("a missing file") {
    REQUIRE_FALSE(snapshot::Image::Open(test.context(), test.Path("missing.db")).ok());
    CHECK(test.fs().List(test.dir())->empty());
  }
  SECTION("a cut file") {
    const std::string bytes = testing::ReadFile(SnapshotPath("e3530-compacted"));
    testing::WriteFile(test.Path("cut.db"), bytes.substr(0, bytes.size() / 2));
    REQUIRE_FALSE(
        Restore(test.context(),
                {.snapshot = OpenFile(test.context(), test.Path("cut.db")), .data_dir = dir})
            .ok());
    CHECK(test.fs().List(test.dir())->size() == 1);
  }
}

TEST_CASE("a target that is not empty is refused and untouched, an empty one is used") {
  TestContext test;
  const std::string dir = test.Path("data");
  REQUIRE(test.fs().MakeDirs(dir, 0755).ok());
  const snapshot::Image image = OpenFile(test.context(), SnapshotPath("e3530-empty"));
  const RestoreOptions options{.snapshot = image, .data_dir = dir};
  SECTION("not empty") {
    testing::WriteFile(dir + "/keep", "me");
    const auto result = Restore(test.context(), options);
    REQUIRE_FALSE(result.ok());
    CHECK(ReasonOf(result.status()) == Reason::kAlreadyExists);
    CHECK(*test.fs().List(dir) == std::vector<std::string>{"keep"});
  }
  SECTION("empty") { CHECK(Restore(test.context(), options).ok()); }
}

}  // namespace
}  // namespace etcdrill::restore
