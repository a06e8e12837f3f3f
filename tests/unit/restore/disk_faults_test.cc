// A restore under every failure of the disk and every power loss: a whole data directory, or none.
#include <map>

#include "restore/restore.h"
#include "support/catch.h"
#include "support/every_fault.h"
#include "support/open_snapshot.h"

namespace etcdrill::restore {
namespace {

using testing::Ending;
using testing::Survives;
using testing::UnderEveryFault;
using testing::World;

// `dir` and what is below it, with the size and the content of each file.
std::map<std::string, std::string> Tree(World& world, const std::string& dir) {
  std::map<std::string, std::string> tree;
  for (const std::string& path : world.disk().Paths()) {
    if (!path.starts_with(dir + "/")) continue;
    const auto inode = world.disk().Find(path);
    tree[path] =
        path.ends_with("/") ? "" : std::to_string(inode->content.size) + ":" + inode->content.bytes;
  }
  return tree;
}

TEST_CASE("a data directory is there whole, or not at all") {
  const std::string wal_dir = GENERATE("", "/disk/wal", "/data/etcd/member/wal");
  const bool empty_dir = GENERATE(false, true);
  CAPTURE(wal_dir, empty_dir);
  const bool apart = wal_dir == "/disk/wal";
  const auto restore = [&](World& world) -> Status {
    ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(world.context(), "/backup/s.db"));
    return Restore(world.context(),
                   {.snapshot = image, .data_dir = "/data/etcd", .wal_dir = wal_dir})
        .status();
  };
  const std::string bytes = testing::ReadFile(testing::SnapshotPath("e3530-empty"));
  const auto prepare = [&](World& world) {
    world.Write("/backup/s.db", bytes);
    REQUIRE(world.fs().MakeDirs(empty_dir ? "/data/etcd" : "/data", kPrivateDirMode).ok());
    REQUIRE(world.fs().MakeDirs("/disk", kPrivateDirMode).ok());
  };
  World sound;
  prepare(sound);
  REQUIRE(restore(sound).ok());
  const auto data = Tree(sound, "/data/etcd/member");
  const auto wal = Tree(sound, "/disk");
  REQUIRE(data.size() >= (apart ? 4U : 6U));
  REQUIRE(wal.size() == (apart ? 3U : 1U));

  UnderEveryFault(
      {.prepare = prepare, .act = restore, .check = [&](World& world, const Ending& ending) {
         const bool restored = world.Has("/data/etcd/member");
         const bool has_wal = apart && world.Has("/disk/wal");
         CHECK((!ending.ok() || restored));
         CHECK_FALSE((ending.MustBeUndone() && (restored || has_wal)));
         if (restored) CHECK(Tree(world, "/data/etcd/member") == data);
         if (apart && (restored || has_wal))
           CHECK(Tree(world, "/disk/wal") == Tree(sound, "/disk/wal"));
         CHECK(world.Read("/backup/s.db") == bytes);
         if (restored) return;
         // What was left in the way, if anything, the next restore removes; but for a
         // whole WAL.
         if (has_wal) REQUIRE(world.fs().RemoveAll("/disk/wal").ok());
         REQUIRE(restore(world).ok());
         CHECK(Tree(world, "/data") == Tree(sound, "/data"));
         CHECK(Tree(world, "/disk") == wal);
       }});
}

}  // namespace
}  // namespace etcdrill::restore
