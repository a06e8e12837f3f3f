// What is written durably, under every failure of the disk and every power loss.
#include "io/durable_file.h"
#include "io/scratch_dir.h"
#include "support/catch.h"
#include "support/every_fault.h"

namespace etcdrill {
namespace {

using testing::Ending;
using testing::Survives;
using testing::UnderEveryFault;
using testing::World;

TEST_CASE("a file that is replaced is the old one or the new one") {
  UnderEveryFault(
      {.prepare = [](World& world) { world.Write("/dir/f", "old"); },
       .act = [](World& world) { return WriteFileDurably(world.fs(), "/dir/f", "new content"); },
       .check =
           [](World& world, const Ending& ending) {
             const std::string content = world.Read("/dir/f");
             if (ending.ok()) CHECK(content == "new content");
             CHECK((content == "old" || content == "new content"));
             if (!ending.lasts && ending.survives == Survives::kAll) {
               CHECK_FALSE(world.Has("/dir/.f.part"));
             }
             // What is left in the way of the next writer, it removes.
             CHECK(WriteFileDurably(world.fs(), "/dir/f", "next").ok());
             CHECK(world.disk().Paths() == std::vector<std::string>{"/dir/", "/dir/f"});
           }});
}

TEST_CASE("a new file is there whole, or not at all") {
  UnderEveryFault(
      {.prepare = [](World& world) { world.Write("/dir/other", "x"); },
       .act = [](World& world) -> Status {
         ASSIGN_OR_RETURN(DurableFile file, DurableFile::Create(world.fs(), "/dir/.f.part"));
         RETURN_IF_ERROR(file.Append("some "));
         RETURN_IF_ERROR(file.Append("bytes"));
         return file.Commit("/dir/f");
       },
       .check =
           [](World& world, const Ending& ending) {
             if (ending.ok()) CHECK(world.Has("/dir/f"));
             if (world.Has("/dir/f")) CHECK(world.Read("/dir/f") == "some bytes");
             if (!ending.MustBeUndone()) return;
             CHECK(world.disk().Paths() == std::vector<std::string>{"/dir/", "/dir/other"});
           }});
}

TEST_CASE("directories that were made durably outlive a power loss") {
  UnderEveryFault({.act = [](World& world) { return MakeDirsDurably(world.fs(), "/a/b/c"); },
                   .check =
                       [](World& world, const Ending& ending) {
                         if (ending.ok()) CHECK(world.Has("/a/b/c"));
                         CHECK(MakeDirsDurably(world.fs(), "/a/b/c").ok());
                       }});
}

TEST_CASE("scratch that can't be made, filled or removed is removed by the next") {
  UnderEveryFault({.act = [](World& world) -> Status {
                     ASSIGN_OR_RETURN(const auto scratch,
                                      ScratchDir::Create(world.context(), "/scratch"));
                     ASSIGN_OR_RETURN(const auto file,
                                      world.fs().Create(scratch->path() + "/f", kPrivateFileMode));
                     RETURN_IF_ERROR(file->Append("x"));
                     return scratch->Remove();
                   },
                   .check =
                       [](World& world, const Ending& ending) {
                         if (ending.ok() && ending.survives == Survives::kAll) {
                           CHECK(world.disk().Paths() == std::vector<std::string>{"/scratch/"});
                         }
                         ScratchDir::Sweep(world.context(), "/scratch");
                         for (const std::string& path : world.disk().Paths())
                           CHECK(path == "/scratch/");
                       }});
}

}  // namespace
}  // namespace etcdrill
