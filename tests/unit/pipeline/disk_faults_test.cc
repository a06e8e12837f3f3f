// What the pipeline keeps of a source, under every failure of the disk and every power loss.
#include "catalog/follower.h"
#include "pipeline/adopt.h"
#include "pipeline/take_snapshot.h"
#include "support/catch.h"
#include "support/every_fault.h"
#include "support/fake_etcd.h"
#include "support/snapshots.h"

namespace etcdrill::pipeline {
namespace {

using testing::Ending;
using testing::FakeEtcd;
using testing::FakeState;
using testing::Survives;
using testing::UnderEveryFault;
using testing::World;

// With its trailer, as a member streams it.
std::string Snapshot() { return testing::ReadFile(testing::SnapshotPath("e3530-empty")); }

class Source {
 public:
  Source() {
    const std::string database = Snapshot().substr(0, Snapshot().size() - 32);
    etcd_.Set([&](FakeState& s) {
      s.status.member_id = s.status.leader_id = 1;
      s.status.cluster_id = 2;
      s.status.db_size_bytes = static_cast<int64_t>(database.size());
      s.snapshot = testing::GoodSnapshot(database);
    });
  }
  std::unique_ptr<etcd::Client> Client(const Context& context) const {
    auto client = etcd::Client::Create({.endpoints = {etcd_.endpoint()}}, context);
    REQUIRE(client.ok());
    return *std::move(client);
  }

 private:
  FakeEtcd etcd_;
};

TEST_CASE("a snapshot that is saved to a path is there whole, or not at all") {
  const Source source;
  UnderEveryFault(
      {.prepare = [](World& world) { world.Write("/backup/other", "x"); },
       .act =
           [&](World& world) {
             const auto client = source.Client(world.context());
             return SaveSnapshot(world.context(), {*client}, "/backup/s.db").status();
           },
       .check =
           [](World& world, const Ending& ending) {
             if (ending.ok()) CHECK(world.Has("/backup/s.db"));
             if (world.Has("/backup/s.db")) CHECK(world.Read("/backup/s.db") == Snapshot());
             if (!ending.MustBeUndone()) return;
             CHECK(world.disk().Paths() == std::vector<std::string>{"/backup/", "/backup/other"});
           }});
}

TEST_CASE("a file of others is adopted whole, or not at all, and stays as it is") {
  const Source source;
  const auto adopt = [&](World& world) -> Status {
    const auto client = source.Client(world.context());
    ASSIGN_OR_RETURN(const auto store, store::LocalStore::Open(world.context(), "/store"));
    ASSIGN_OR_RETURN(const FileInfo info, world.fs().Stat("/theirs/s.db"));
    const ForeignFile file{.path = "/theirs/s.db", .info = info};
    catalog::Follower catalog(*store, "etcd");
    return AdoptSnapshot(world.context(), {*client, catalog, "etcd"}, file, {}, *store).status();
  };
  UnderEveryFault({.prepare = [](World& world) { world.Write("/theirs/s.db", Snapshot()); },
                   .act = adopt,
                   .check =
                       [&](World& world, const Ending& ending) {
                         CHECK(world.Read("/theirs/s.db") == Snapshot());
                         const auto store = store::LocalStore::Open(world.context(), "/store");
                         REQUIRE(store.ok());
                         REQUIRE((*store)->TakeOwnership().ok());
                         const auto read = catalog::ReadCatalog(world.context(), **store);
                         REQUIRE(read.ok());
                         const std::vector<catalog::CatalogEntry>& list = read->snapshots;
                         if (ending.ok()) CHECK(list.size() == 1);
                         if (ending.MustBeUndone()) CHECK(list.empty());
                         for (const catalog::CatalogEntry& s : list) {
                           CHECK(s.problem.empty());
                           CHECK(world.Read((*store)->SnapshotPath(s.manifest.name)) == Snapshot());
                         }
                         size_t databases = 0;
                         for (const std::string& path : world.disk().Paths()) {
                           CHECK_FALSE(path.ends_with(".part"));
                           databases +=
                               path.starts_with("/store/") && path.ends_with(".db") ? 1 : 0;
                         }
                         CHECK(databases == list.size());
                       }});
}

}  // namespace
}  // namespace etcdrill::pipeline
