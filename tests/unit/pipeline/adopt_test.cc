// Which file of others is taken, and when.
#include "pipeline/adopt.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill::pipeline {
namespace {

using etcdrill::testing::FakeClock;
using etcdrill::testing::TestContext;
using namespace std::chrono_literals;

struct Folder {
  void Write(const std::string& name, const std::string& content, int64_t modified) {
    etcdrill::testing::WriteFile(test.Path(name), content);
    const timespec times[2] = {{modified, 5}, {modified, 5}};
    REQUIRE(utimensat(AT_FDCWD, test.Path(name).c_str(), times, 0) == 0);
  }
  // Looks once; the name of what is found.
  std::string Find(std::optional<int64_t> after = std::nullopt) {
    found = files.FindNew(after.has_value() ? std::optional(WallTime(std::chrono::seconds(*after))) : std::nullopt);
    return found.has_value() ? BaseName(found->path) : "";
  }

  TestContext test;
  FakeClock clock{*ParseRfc3339("2026-11-22T08:00:00Z")};
  const Context context{test.fs(), clock, test.context().random, test.context().processes, test.context().log, {}};
  ForeignFiles files{context, {test.Path("*.db"), test.Path("*.zip"), test.Path("missing/x")}, 30s};
  std::optional<ForeignFile> found;
};

TEST_CASE("a file counts once it has been quiet for long enough") {
  Folder f;
  CHECK(f.Find().empty());
  f.Write("a.db", "1", 100);
  CHECK(f.Find().empty());
  f.clock.Suspend(29s);
  CHECK(f.Find().empty());
  f.Write("a.db", "12", 100);  // grows, within one second
  f.clock.Suspend(29s);
  CHECK(f.Find().empty());
  f.clock.Suspend(29s);
  CHECK(f.Find().empty());
  f.clock.Suspend(1s);
  CHECK(f.Find() == "a.db");
}

TEST_CASE("the newest file that is later than the last one") {
  Folder f;
  f.Write("b.db", "1", 200);
  f.Write("c.db", "1", 100);
  f.Write("d.zip", "1", 300);
  for (const char* name : {".hidden.db", "x.db.part", "y.tmp", "z.tar.gz", "empty.db"}) f.Write(name, "1", 900);
  f.Write("empty.db", "", 900);
  std::filesystem::create_directory(f.test.Path("dir.db"));
  f.Find();
  f.clock.Suspend(30s);
  CHECK(f.Find() == "d.zip");
  CHECK(f.Find(299) == "d.zip");
  CHECK(f.Find(300).empty());  // of the same second: that one
  f.Find();
  f.files.Ignore(*f.found);
  CHECK(f.Find().empty());
  f.Write("d.zip", "12", 400);  // another file under its name
  CHECK(f.Find(300).empty());
  f.clock.Suspend(30s);
  CHECK(f.Find(300) == "d.zip");
}

TEST_CASE("an older one that is complete does not wait for a newer one that is not") {
  Folder f;
  f.Write("a.db", "1", 100);
  f.Find();
  f.clock.Suspend(30s);
  f.Write("b.db", "1", 200);
  CHECK(f.Find() == "a.db");
}

TEST_CASE("a copy is as the file, and as old as whoever says the older") {
  Folder f;
  const std::string content(1'000'000, 'x');
  const WallTime in_name = *ParseRfc3339("2026-11-22T07:00:00Z");
  const int64_t written = GENERATE(1795334400, 1795330800 - 3600);  // an hour after and an hour before that
  f.Write("etcd-snapshot-node1-1795330800", content, written);
  const auto info = f.test.fs().Stat(f.test.Path("etcd-snapshot-node1-1795330800"));
  ForeignFile file{f.test.Path("etcd-snapshot-node1-1795330800"), info->size, info->modified};
  const auto copy = ImportFile(f.context, file, f.test.Path("copy.part"));
  REQUIRE(copy.ok());
  CHECK(copy->size_bytes == content.size());
  CHECK(copy->taken == std::min(in_name, info->modified));
  file.size -= 1;  // as it was when one looked
  CHECK(ReasonOf(ImportFile(f.context, file, f.test.Path("other.part")).status()) == Reason::kBusy);
  CHECK_FALSE(f.test.fs().Exists(f.test.Path("other.part")));
}

}  // namespace
}  // namespace etcdrill::pipeline
