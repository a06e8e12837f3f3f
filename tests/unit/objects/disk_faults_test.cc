// A directory as a site under every failure of the disk and every power loss: an object is what it
// was or what it should be, with the metadata of that, and nothing half-made is seen.
#include "objects/directory_objects.h"
#include "support/catch.h"
#include "support/every_fault.h"
#include "unit/objects/listed_names.h"

namespace etcdrill::objects {
namespace {

using testing::Ending;
using testing::Survives;
using testing::UnderEveryFault;
using testing::World;

constexpr const char* kRoot = "/mnt/site";
constexpr const char* kName = "prod/a.db";

// Of which the bytes tell the nonce.
Status Put(World& world, std::string_view nonce) {
  const auto store = MakeDirectoryObjects(world.context(), kRoot);
  const std::string bytes = "the bytes of " + std::string(nonce);
  ASSIGN_OR_RETURN(const auto writer,
                   store->Create(kName, {.metadata = {{"nonce", std::string(nonce)}},
                                         .size_max = bytes.size()}));
  RETURN_IF_ERROR(writer->Append(bytes.substr(0, 4)));
  RETURN_IF_ERROR(writer->Append(bytes.substr(4)));
  return writer->Finish().status();
}

// What a new process finds: the nonce of the object, "" if there is none. The object is whole, and
// so is what a listing says of it.
std::string Found(World& world) {
  const auto store = MakeDirectoryObjects(world.context(), kRoot);
  const auto names = ListedNames(*store);
  REQUIRE(names.ok());
  const auto head = store->Head(kName);
  if (!head.ok()) {
    CHECK(Is(head, Reason::kNotFound));
    CHECK(names->empty());
    return "";
  }
  CHECK(*names == std::vector<std::string>{kName});
  REQUIRE(head->metadata.contains("nonce"));
  const std::string nonce = head->metadata.at("nonce");
  CHECK(world.Read(std::string(kRoot) + "/" + kName) == "the bytes of " + nonce);
  return nonce;
}

// Files of the folder of the object.
size_t FilesIn(World& world) {
  const auto folder = world.disk().Find(std::string(kRoot) + "/prod");
  return folder == nullptr ? 0 : folder->entries.size();
}

void CheckSwept(World& world, size_t files_max) {
  const auto store = MakeDirectoryObjects(world.context(), kRoot);
  const auto swept = store->Sweep("", world.context().clock.Now());
  INFO(swept.status().ToString());
  CHECK(swept.ok());
  CHECK(FilesIn(world) <= files_max);
}

void MakeRoot(World& world) {
  REQUIRE(world.fs().MakeDirs(kRoot, kPrivateDirMode).ok());
  for (const char* const dir : {"/", "/mnt"}) REQUIRE(world.fs().SyncDir(dir).ok());
}

TEST_CASE("a new object is there whole with its metadata, or not at all") {
  UnderEveryFault({.prepare = MakeRoot,
                   .act = [](World& world) { return Put(world, "new"); },
                   .check =
                       [](World& world, const Ending& ending) {
                         const std::string found = Found(world);
                         if (ending.ok()) CHECK(found == "new");
                         CHECK((found.empty() || found == "new"));
                         if (ending.MustBeUndone() && found.empty()) CHECK(FilesIn(world) == 0);
                         CheckSwept(world, found.empty() ? 0 : 2);
                         CHECK(Found(world) == found);
                       }});
}

TEST_CASE("an object that is written again is the old one or the new one") {
  UnderEveryFault({.prepare =
                       [](World& world) {
                         MakeRoot(world);
                         REQUIRE(Put(world, "old").ok());
                       },
                   .act = [](World& world) { return Put(world, "new"); },
                   .check =
                       [](World& world, const Ending& ending) {
                         const std::string found = Found(world);
                         if (ending.ok()) CHECK(found == "new");
                         CHECK((found == "old" || found == "new"));
                         CheckSwept(world, 2);
                         CHECK(Found(world) == found);
                       }});
}

TEST_CASE("a deleted object is gone, or is there whole") {
  UnderEveryFault(
      {.prepare =
           [](World& world) {
             MakeRoot(world);
             REQUIRE(Put(world, "old").ok());
           },
       .act =
           [](World& world) { return MakeDirectoryObjects(world.context(), kRoot)->Delete(kName); },
       .check =
           [](World& world, const Ending& ending) {
             const auto store = MakeDirectoryObjects(world.context(), kRoot);
             if (ending.ok()) CHECK(Is(store->Head(kName), Reason::kNotFound));
             const auto head = store->Head(kName);
             if (head.ok()) {
               CHECK(world.Read(std::string(kRoot) + "/" + kName) == "the bytes of old");
             }
             CheckSwept(world, head.ok() ? 2 : 0);
           }});
}

TEST_CASE("a writer that is given up leaves nothing, unless the disk keeps it") {
  UnderEveryFault({.prepare = MakeRoot,
                   .act = [](World& world) -> Status {
                     const auto store = MakeDirectoryObjects(world.context(), kRoot);
                     ASSIGN_OR_RETURN(const auto writer, store->Create(kName, {.size_max = 100}));
                     return writer->Append("half");
                   },
                   .check =
                       [](World& world, const Ending& ending) {
                         if (ending.sound && ending.survives == Survives::kAll)
                           CHECK(FilesIn(world) == 0);
                         CHECK(Found(world).empty());
                         CheckSwept(world, 0);
                       }});
}

}  // namespace
}  // namespace etcdrill::objects
