// Which file of others is taken, and when.
#include "pipeline/adopt.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <filesystem>

#include "http/gzip.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/small_file_system.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill::pipeline {
namespace {

using etcdrill::testing::FakeClock;
using etcdrill::testing::SmallFileSystem;
using etcdrill::testing::TestContext;
using namespace std::chrono_literals;

struct Folder {
  void Write(const std::string& name, const std::string& content, int64_t modified) {
    etcdrill::testing::WriteFile(test.Path(name), content);
    const timespec times[2] = {{modified, 5}, {modified, 5}};
    REQUIRE(utimensat(AT_FDCWD, test.Path(name).c_str(), times, 0) == 0);
  }
  // Looks once; the name of what is found.
  std::string Find() {
    found = watched->FindNew(adopted);
    return found.has_value() ? BaseName(found->path) : "";
  }
  // The same, and it is adopted; it was `taken` as its time says, unless somebody knows better.
  std::string Adopt(std::optional<WallTime> taken = {}) {
    const std::string name = Find();
    if (!found.has_value()) return name;
    watched->Adopted(*found, taken.value_or(found->info.modified));
    const AdoptedRecord record = {
        .path = found->path,
        .size_bytes = found->info.size,
        .modified = std::chrono::floor<std::chrono::seconds>(found->info.modified),
        .changed = std::chrono::floor<std::chrono::seconds>(found->info.changed)};
    adopted.files.push_back(record);
    adopted.taken = std::max(adopted.taken,
                             std::optional(taken.value_or(std::min(record.modified, clock.Now()))));
    adopted.changed = std::max(adopted.changed, std::optional(record.changed));
    return name;
  }
  void Restart() { watched.emplace(Watch()); }
  ForeignFiles Watch() {
    return {context,
            {test.Path("*.db"), test.Path("*.zip"), test.Path("missing/x")},
            30s,
            test.Path("store")};
  }

  TestContext test;
  FakeClock clock{*ParseRfc3339("2026-11-22T08:00:00Z")};
  Logger log{LogLevel::kDebug, LogFormat::kLogfmt, clock};
  const Context context{test.fs(), clock, test.context().random, test.context().processes, log, {}};
  std::optional<ForeignFiles> watched{Watch()};
  AdoptedFiles adopted;
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

TEST_CASE("of those that lie there at the start only the newest, and later what is new") {
  Folder f;
  f.Write("b.db", "1", 200);
  f.Write("c.db", "1", 100);
  f.Write("d.zip", "1", 300);
  for (const char* name : {".hidden.db", "z.tar.gz", "empty.db"}) f.Write(name, "1", 900);
  f.Write("empty.db", "", 900);
  std::filesystem::create_directory(f.test.Path("dir.db"));
  f.Find();
  f.clock.Suspend(30s);
  CHECK(f.Find() == "d.zip");
  CHECK(f.Adopt() == "d.zip");
  CHECK(f.Adopt().empty());
  f.Write("d.zip", "12", 400);  // another file under its name
  CHECK(f.Find().empty());
  f.clock.Suspend(30s);
  CHECK(f.Adopt() == "d.zip");
  CHECK(f.Adopt().empty());
}

TEST_CASE("a file that is being written is none yet, whatever the pattern takes") {
  Folder f;
  f.watched.emplace(f.context, std::vector{f.test.Path("*")}, 30s, f.test.Path("store"));
  for (const char* name : {".hidden", "x.db.part", "y.tmp"}) f.Write(name, "1", 900);
  f.Write("part.db", "1", 100);
  f.Find();
  f.clock.Suspend(30s);
  CHECK(f.Adopt() == "part.db");
  CHECK(f.Adopt().empty());
}

TEST_CASE("neither a damaged file nor one of another history says how far adoption has come") {
  catalog::Catalog catalog;
  const auto add = [&](int64_t taken) -> Manifest& {
    Manifest& m = catalog.snapshots.emplace_back().manifest;
    m.verdict = Verdict::kProven;
    m.taken = WallTime(std::chrono::seconds(taken));
    m.adopted = {.path = std::to_string(taken), .changed = m.taken};
    return m;
  };
  add(100);
  add(200).other_history = true;
  add(300).verdict = Verdict::kDamaged;
  catalog.snapshots.emplace_back().manifest.taken = WallTime(400s);  // one of ours
  const AdoptedFiles adopted = AdoptedOf(catalog, WallTime(1000s));
  CHECK(adopted.files.size() == 3);
  CHECK(adopted.taken == WallTime(100s));
  CHECK(adopted.changed == WallTime(100s));
}

TEST_CASE("each file that comes alone is adopted, in whatever order their times are") {
  Folder f;
  const int64_t now = f.clock.Now().time_since_epoch() / 1s;
  f.Find();
  const std::vector<int64_t> times =
      GENERATE_REF(std::vector{now + 100, now + 30 * 86400, now + 300, now + 400, now + 500},
                   std::vector{now - 100, now - 30 * 86400, now - 300, now - 400, now - 500},
                   std::vector{now + 9 * 86400, now + 8 * 86400, now - 300, now - 300, now - 300});
  for (size_t i = 0; i < times.size(); ++i) {
    const std::string name = std::to_string(i) + ".db";
    f.Write(name, "1", times[i]);
    CHECK(f.Adopt().empty());
    f.clock.Suspend(30s);
    CHECK(f.Adopt() == name);
    CHECK(f.Adopt().empty());
  }
}

TEST_CASE(
    "of those that come together the newest is adopted, and the others are passed over for good") {
  Folder f;
  f.Find();
  for (const int number : {3, 1, 5, 2, 4})
    f.Write(std::to_string(number) + ".db", "1", 100 * number);
  f.Find();
  f.clock.Suspend(30s);
  CHECK(f.Adopt() == "5.db");
  CHECK(f.Adopt().empty());
  f.Write("0.db", "1", 50);
  f.Find();
  f.clock.Suspend(30s);
  CHECK(f.Adopt() == "0.db");
}

TEST_CASE("one that is older than its time says hides nothing that is younger") {
  Folder f;
  for (const int number : {1, 2, 3, 5}) f.Write(std::to_string(number) + ".db", "1", 100 * number);
  f.Find();
  f.clock.Suspend(30s);
  CHECK(f.Adopt(WallTime(150s)) == "5.db");
  CHECK(f.Adopt() == "3.db");
  CHECK(f.Adopt().empty());
}

TEST_CASE("a newest one that is damaged does not take the turn of those beside it") {
  Folder f;
  f.Write("a.db", "1", 100);
  f.Write("b.db", "1", 200);
  f.Write("c.db", "1", 300);
  f.Find();
  f.clock.Suspend(30s);
  CHECK(f.Find() == "c.db");
  f.watched->Done(*f.found);
  CHECK(f.Adopt() == "b.db");
  CHECK(f.Adopt().empty());
}

TEST_CASE("after a restart what was adopted is known, and what came meanwhile is new") {
  Folder f;
  f.Find();
  const int64_t now = f.clock.Now().time_since_epoch() / 1s;
  f.Write("old.db", "1", 100);
  f.Write("ahead.db", "1", now + 30 * 86400);
  f.Find();
  f.clock.Suspend(30s);
  CHECK(f.Adopt() == "ahead.db");
  const auto after_restart = [&] {
    f.Restart();
    f.Find();
    f.clock.Suspend(30s);
    return f.Adopt();
  };
  CHECK(after_restart().empty());
  f.Write(
      "young.db", "1",
      now + 29);  // older than ahead.db says it is, and than the moment at which that was adopted
  f.adopted.changed = WallTime();  // a store of 0.1.0 does not have it
  CHECK(after_restart().empty());
  // Another one of the same second is no younger.
  f.Write("twin.db", "1", f.adopted.taken->time_since_epoch() / 1s);
  CHECK(after_restart().empty());
  f.Write("younger.db", "1", now + 60);
  CHECK(after_restart() == "younger.db");
  // The system's own clock says that it came later than all that was adopted.
  for (const char* name : {"old.db", "young.db", "twin.db"})
    std::filesystem::remove(f.test.Path(name));
  f.adopted.changed = f.test.clock().Now() - 1h;
  f.Write("lagging.db", "1", 100);
  CHECK(after_restart() == "lagging.db");
}

TEST_CASE("a file is the same by device, inode, size and both times") {
  Folder f;
  f.Find();
  f.Write("a.db", "1", 100);
  f.Find();
  f.clock.Suspend(30s);
  CHECK(f.Adopt() == "a.db");
  f.Write("other", "2", 100);  // same size, same time: cp -p, rsync -t
  std::filesystem::rename(f.test.Path("other"), f.test.Path("a.db"));
  CHECK(f.Adopt().empty());
  f.clock.Suspend(30s);
  CHECK(f.Adopt() == "a.db");
}

TEST_CASE("one that could not be adopted for now is found again once it was quiet again") {
  Folder f;
  f.Find();
  f.Write("a.db", "1", 100);
  f.Find();
  f.clock.Suspend(30s);
  CHECK(f.Find() == "a.db");
  f.watched->TryAgain(*f.found);
  CHECK(f.Find().empty());
  f.clock.Suspend(30s);
  CHECK(f.Adopt() == "a.db");
}

TEST_CASE("an older one that is complete does not wait for a newer one that is not") {
  Folder f;
  f.Write("a.db", "1", 100);
  f.Find();
  f.clock.Suspend(30s);
  f.Write("b.db", "1", 200);
  CHECK(f.Find() == "a.db");
}

TEST_CASE("a directory that can't be listed is told once, and again after it could be") {
  Folder f;
  ForeignFiles files(f.context, {f.test.Path("later/*.db")}, 0s, f.test.Path("store"));
  const auto warnings = [&] {
    files.FindNew({});
    files.FindNew({});
    return f.log.Count(LogLevel::kWarn);
  };
  CHECK(warnings() == 1);
  std::filesystem::create_directory(f.test.Path("later"));
  f.Write("later/a.db", "1", 100);
  CHECK(files.FindNew({})->path == f.test.Path("later/a.db"));
  CHECK(warnings() == 1);
  std::filesystem::remove_all(f.test.Path("later"));
  CHECK(warnings() == 2);
}

TEST_CASE("older files are told once, in one line") {
  Folder f;
  for (const int age : {100, 200, 300}) f.Write(std::to_string(age) + ".db", "1", age);
  f.Find();
  f.clock.Suspend(30s);
  CHECK(f.Adopt() == "300.db");
  CHECK(f.log.Count(LogLevel::kInfo) == 1);
  CHECK(f.Adopt().empty());
  CHECK(f.log.Count(LogLevel::kInfo) == 1);
  // As after a restart: what was adopted says which are older.
  f.Restart();
  f.Find();
  f.clock.Suspend(30s);
  CHECK(f.Adopt().empty());
  CHECK(f.log.Count(LogLevel::kInfo) == 2);
  CHECK(f.Adopt().empty());
  CHECK(f.log.Count(LogLevel::kInfo) == 2);
}

TEST_CASE("a store adopts nothing of its own, by whatever way a pattern leads there") {
  Folder f;
  f.Write("a.db", "1", 100);
  std::filesystem::create_directory_symlink(f.test.dir(), f.test.Path("link"));
  ForeignFiles files(f.context, {f.test.Path("link/*.db")}, 0s, f.test.dir());
  CHECK_FALSE(files.FindNew({}).has_value());
  CHECK_FALSE(files.FindNew({}).has_value());
  CHECK(f.log.Count(LogLevel::kError) == 1);  // told once
  std::filesystem::remove(f.test.Path("link"));
  std::filesystem::create_directory(f.test.Path("link"));
  f.Write("link/b.db", "1", 100);
  CHECK(files.FindNew({})->path == f.test.Path("link/b.db"));
}

TEST_CASE("a copy is as the file, and as old as whoever says the older, but not of the future") {
  Folder f;
  const std::string content(1'000'000, 'x');
  const WallTime in_name = *ParseRfc3339("2026-11-22T07:00:00Z");
  const int64_t written = GENERATE(1795334400, 1795330800 - 3600,
                                   1795330800 + 30 * 86400);  // an hour after and before it
  f.Write("etcd-snapshot-node1-1795330800", content, written);
  f.Write("snapshot.db", content, written);
  const auto info = f.test.fs().Stat(f.test.Path("etcd-snapshot-node1-1795330800"));
  ForeignFile file{f.test.Path("etcd-snapshot-node1-1795330800"), *info};
  const auto copy = ImportFile(f.context, file, f.test.Path("copy.part"));
  REQUIRE(copy.ok());
  CHECK(copy->size_bytes == content.size());
  CHECK(copy->taken == std::min(in_name, info->modified));
  const ForeignFile unnamed{f.test.Path("snapshot.db"),
                            *f.test.fs().Stat(f.test.Path("snapshot.db"))};
  CHECK(ImportFile(f.context, unnamed, f.test.Path("second.part"))->taken ==
        std::min(f.clock.Now(), unnamed.info.modified));
  file.info.size -= 1;  // as it was when one looked
  CHECK(ReasonOf(ImportFile(f.context, file, f.test.Path("other.part")).status()) == Reason::kBusy);
  CHECK_FALSE(f.test.fs().Exists(f.test.Path("other.part")));
}

TEST_CASE("a file that would fill the file system is not copied, however small it is packed") {
  Folder f;
  const SmallFileSystem small(f.test.Path("small"));
  const std::string content(size_t{7} << 20, 'x');
  const bool packed = GENERATE(true, false);
  f.Write("a.db", packed ? http::Gzip(content) : content, 100);
  const ForeignFile file{f.test.Path("a.db"), *f.test.fs().Stat(f.test.Path("a.db"))};
  REQUIRE(ImportFile(f.context, file, small.Path("fits.part")).ok());
  etcdrill::testing::WriteFile(small.Path("other"), std::string(size_t{1} << 20, 'y'));
  const auto copy = ImportFile(f.context, file, small.Path("too-large.part"));
  CHECK(ReasonOf(copy.status()) == Reason::kNoSpace);
  CHECK(f.test.fs().List(f.test.Path("small"))->size() == 1);
}

}  // namespace
}  // namespace etcdrill::pipeline
