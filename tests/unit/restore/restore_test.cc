// Data directories from all real snapshots: sound by our own verifier, the same rows, and nothing left behind on
// failure. That real etcd starts from them is shown by the drill's tests.
#include "restore/restore.h"

#include <sys/stat.h>

#include "format/bbolt/meta.h"
#include "support/catch.h"
#include "support/snapshots.h"
#include "support/test_context.h"
#include "verify/verify.h"

namespace etcdrill::restore {
namespace {

using etcdrill::testing::SnapshotNames;
using etcdrill::testing::SnapshotPath;
using etcdrill::testing::TestContext;

uint32_t ModeOf(const std::string& path) {
  struct stat st {};
  REQUIRE(::stat(path.c_str(), &st) == 0);
  return st.st_mode & 0777;
}

TEST_CASE("a restored database is sound and holds the same rows") {
  TestContext test;
  const std::string name = GENERATE(from_range(SnapshotNames()));
  CAPTURE(name);
  const std::string dir = test.Path("data");
  const auto result = Restore(test.context(), {.snapshot = SnapshotPath(name), .data_dir = dir, .sync = false});
  REQUIRE(result.ok());
  const auto before = verify::Verify(test.context(), {.path = SnapshotPath(name)});
  const auto after = verify::Verify(test.context(), {.path = dir + "/member/snap/db"});
  REQUIRE(before.ok());
  REQUIRE(after.ok());
  for (const Finding& f : after->findings.kept()) UNSCOPED_INFO(f.code << ": " << f.text);
  CHECK(after->levels.structure == verify::LevelResult::kPass);
  CHECK(after->levels.keyspace == verify::LevelResult::kPass);
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
  REQUIRE(Restore(test.context(), {.snapshot = SnapshotPath("e3530-auth"), .data_dir = dir, .drop_auth = true}).ok());
  const auto after = verify::Verify(test.context(), {.path = dir + "/member/snap/db"});
  REQUIRE(after.ok());
  REQUIRE(after->keyspace.has_value());
  CHECK_FALSE(after->keyspace->auth_enabled);
}

TEST_CASE("a failed restore leaves nothing behind") {
  TestContext test;
  const std::string dir = test.Path("data");
  SECTION("a file that is no database") {
    testing::WriteFile(test.Path("garbage.db"), std::string(10'000, 'x'));
    const auto result = Restore(test.context(), {.snapshot = test.Path("garbage.db"), .data_dir = dir});
    REQUIRE_FALSE(result.ok());
    CHECK(ReasonOf(result.status()) == Reason::kDamaged);
    CHECK(test.fs().List(test.dir())->size() == 1);
  }
  SECTION("a missing file") {
    REQUIRE_FALSE(Restore(test.context(), {.snapshot = test.Path("missing.db"), .data_dir = dir}).ok());
    CHECK(test.fs().List(test.dir())->empty());
  }
  SECTION("a cut file") {
    const std::string bytes = testing::ReadFile(SnapshotPath("e3530-compacted"));
    testing::WriteFile(test.Path("cut.db"), bytes.substr(0, bytes.size() / 2));
    REQUIRE_FALSE(Restore(test.context(), {.snapshot = test.Path("cut.db"), .data_dir = dir}).ok());
    CHECK(test.fs().List(test.dir())->size() == 1);
  }
}

TEST_CASE("a target that is not empty is refused and untouched, an empty one is used") {
  TestContext test;
  const std::string dir = test.Path("data");
  REQUIRE(test.fs().MakeDirs(dir, 0755).ok());
  const RestoreOptions options{.snapshot = SnapshotPath("e3530-empty"), .data_dir = dir};
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
