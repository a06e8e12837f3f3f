// What only a directory has: other people's files in it, links, a root that may be missing, and
// what a killed writer left.
#include "objects/directory_objects.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

#include "support/catch.h"
#include "support/snapshots.h"
#include "support/test_context.h"
#include "unit/objects/listed_names.h"

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;
using testing::ReadFile;
using testing::TestContext;
using testing::WriteFile;

struct Site {
  Result<ObjectInfo> Put(const std::string& name, std::string_view bytes,
                         const std::string& nonce = "") {
    PutOptions options{.size_max = bytes.size()};
    if (!nonce.empty()) options.metadata["nonce"] = nonce;
    ASSIGN_OR_RETURN(const auto writer, store->Create(name, options));
    RETURN_IF_ERROR(writer->Append(bytes));
    return writer->Finish();
  }
  std::vector<std::string> Names() {
    auto names = ListedNames(*store);
    REQUIRE(names.ok());
    return *std::move(names);
  }
  std::vector<std::string> Files(const std::string& dir = "") {
    return test.fs().List(test.Path(dir)).value();
  }
  WallTime Later() { return test.clock().Now() + 1h; }

  TestContext test;
  std::unique_ptr<ObjectStore> store = MakeDirectoryObjects(test.context(), test.dir());
};

TEST_CASE("an object is a file with its bytes") {
  Site site;
  REQUIRE(site.Put("a/b.db", "bytes").ok());
  CHECK(ReadFile(site.test.Path("a/b.db")) == "bytes");
  CHECK(site.Files("a") == std::vector<std::string>{"b.db"});
  WriteFile(site.test.Path("by-hand"), "brought");
  CHECK(site.Names() == std::vector<std::string>{"a/b.db", "by-hand"});
  CHECK(site.store->Head("by-hand")->size == 7);
}

TEST_CASE("a file that was replaced has another etag, one that was copied with its time has not") {
  Site site;
  const auto put = site.Put("a", "bytes");
  REQUIRE(put.ok());
  std::filesystem::rename(site.test.Path("a"), site.test.Path("b"));
  CHECK(site.store->Head("b")->etag == put->etag);
  ::usleep(20'000);  // more than the kernel's clock for files may be late
  WriteFile(site.test.Path("a"), "other");
  CHECK(site.store->Head("a")->etag != put->etag);
}

TEST_CASE("metadata of other bytes is not told") {
  Site site;
  REQUIRE(site.Put("a", "bytes", "1").ok());
  CHECK(site.store->Head("a")->metadata.at("nonce") == "1");
  ::usleep(20'000);
  WriteFile(site.test.Path("a"), "other");
  CHECK(site.store->Head("a")->metadata.empty());
}

TEST_CASE("damaged metadata is none, and the object stays") {
  Site site;
  REQUIRE(site.Put("a", "bytes", "1").ok());
  const auto files = site.Files();
  REQUIRE(files.size() == 2);
  for (const char* const damage : {"", "{", "[]", "{\"nonce\": 1}", "\xff\xff"}) {
    WriteFile(site.test.Path(files.front()), damage);
    const auto head = site.store->Head("a");
    REQUIRE(head.ok());
    CHECK(head->metadata.empty());
  }
}

TEST_CASE("what is no object is passed over") {
  Site site;
  REQUIRE(site.Put("a/b", "x", "1").ok());
  for (const char* const name : {".hidden", "a/.DS_Store", "with blank", "n\xc3\xa4me"})
    WriteFile(site.test.Path(name), "y");
  for (const char* const dir : {"lost+found", "@eaDir", ".snapshots"}) {
    std::filesystem::create_directory(site.test.Path(dir));
    WriteFile(site.test.Path(dir) + "/file", "y");
  }
  std::filesystem::create_symlink(site.test.Path("a/b"), site.test.Path("link"));
  std::filesystem::create_directory_symlink(".", site.test.Path("loop"));
  REQUIRE(::mkfifo(site.test.Path("fifo").c_str(), 0600) == 0);
  CHECK(site.Names() == std::vector<std::string>{"a/b"});
  for (const char* const name : {"link", "fifo", "a"}) {
    INFO(name);
    CHECK(Is(site.store->Head(name), Reason::kNotFound));
    CHECK(Is(site.store->Get(name, {}, [](std::string_view) { return OkStatus(); }),
             Reason::kNotFound));
    CHECK(site.store->Delete(name).ok());
    CHECK(std::filesystem::exists(site.test.Path(name)));
  }
  const auto before = site.Files();
  CHECK(site.store->Sweep("", site.Later()).value() == 0);
  CHECK(site.Files() == before);
}

TEST_CASE("a root that is missing is told, and never made") {
  Site site;
  const std::string root = site.test.Path("not/mounted");
  const auto store = MakeDirectoryObjects(site.test.context(), root);
  CHECK(Is(store->Create("a/b", {}), Reason::kBucketMissing));
  CHECK(Is(store->Head("a"), Reason::kBucketMissing));
  CHECK(
      Is(store->Get("a", {}, [](std::string_view) { return OkStatus(); }), Reason::kBucketMissing));
  CHECK(Is(store->List("", "", [](const ObjectInfo&) { return OkStatus(); }),
           Reason::kBucketMissing));
  CHECK(Is(store->Delete("a"), Reason::kBucketMissing));
  CHECK(Is(store->Sweep("", site.Later()), Reason::kBucketMissing));
  CHECK_FALSE(site.test.fs().Exists(site.test.Path("not")));
}

TEST_CASE("a directory has no locks and no versions, and does not pretend") {
  Site site;
  REQUIRE(site.Put("a", "x").ok());
  const Lock lock{ObjectLockMode::kCompliance, site.Later()};
  CHECK(Is(site.store->Create("b", {.lock = lock}), Reason::kUsage));
  CHECK(Is(site.store->SetLock("a", "", lock), Reason::kUsage));
  CHECK(Is(site.store->Head("a", "1"), Reason::kUsage));
  CHECK(Is(site.store->Get(
               "a", {}, [](std::string_view) { return OkStatus(); }, "1"),
           Reason::kUsage));
  CHECK(Is(site.store->Delete("a", "1"), Reason::kUsage));
  CHECK(Is(site.store->ListVersions("", [](const ObjectStore::Version&) { return OkStatus(); }),
           Reason::kUsage));
  CHECK(site.Names() == std::vector<std::string>{"a"});
}

TEST_CASE("a sweep takes what dead writers left, below its prefix and old enough") {
  Site site;
  REQUIRE(site.Put("p/a", "x", "1").ok());
  const auto kept = site.Files("p");
  const std::vector<std::string> left = {".new.0123456789abcdef.part", ".a.1-2.meta",
                                         ".gone.5-abc.meta", "..new.5-abc.meta.part"};
  for (const std::string& name : left) WriteFile(site.test.Path("p/" + name), "left");
  for (const char* const name : {".notes.part", ".a.xyz.part", ".x", ".a b.12.part"})
    WriteFile(site.test.Path(std::string("p/") + name), "somebody's");
  const size_t all = site.Files("p").size();
  const auto writer = site.store->Create("p/live", {});
  REQUIRE(writer.ok());

  CHECK(site.store->Sweep("p/", site.test.clock().Now() - 1h).value() == 0);
  CHECK(site.store->Sweep("q", site.Later()).value() == 0);
  CHECK(site.store->Sweep("p/n", site.Later()).value() == 2);
  CHECK(site.store->Sweep("p/", site.Later()).value() == 2);
  CHECK(site.Files("p").size() == all + 1 - left.size());
  for (const std::string& name : left)
    CHECK_FALSE(site.test.fs().Exists(site.test.Path("p/" + name)));
  for (const std::string& name : kept) CHECK(site.test.fs().Exists(site.test.Path("p/" + name)));
  REQUIRE((*writer)->Finish().ok());
  CHECK(site.Names() == std::vector<std::string>{"p/a", "p/live"});
}

TEST_CASE("a deleted object takes its metadata along") {
  Site site;
  REQUIRE(site.Put("p/a", "x", "1").ok());
  REQUIRE(site.store->Delete("p/a").ok());
  CHECK(site.Files("p").empty());
}

}  // namespace
}  // namespace etcdrill::objects
