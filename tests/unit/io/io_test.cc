// Files that appear whole or not at all, children that never outlive us, scratch that goes.
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <utility>

#include "io/durable_file.h"
#include "io/memory.h"
#include "io/scratch_dir.h"
#include "support/catch.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill {
namespace {

using namespace std::chrono_literals;
using testing::TestContext;

TEST_CASE("a durable file is visible after Commit only") {
  TestContext test;
  const std::string target = test.Path("f");
  {
    auto file = DurableFile::Create(test.fs(), test.Path(".f.part"));
    REQUIRE(file.ok());
    REQUIRE(file->Append("hello").ok());
    CHECK_FALSE(test.fs().Exists(target));
    REQUIRE(file->Commit(target).ok());
  }
  CHECK(testing::ReadFile(target) == "hello");
  CHECK(*test.fs().List(test.dir()) == std::vector<std::string>{"f"});
}

TEST_CASE("an uncommitted durable file leaves nothing") {
  TestContext test;
  {
    auto file = DurableFile::Create(test.fs(), test.Path(".f.part"));
    REQUIRE(file.ok());
    DurableFile moved = *std::move(file);
    REQUIRE(moved.Append("hello").ok());
  }
  CHECK(test.fs().List(test.dir())->empty());
}

TEST_CASE("two that write one file at a time do not mix") {
  TestContext test;
  const std::string path = test.Path("f");
  {
    auto first = DurableFile::Create(test.fs(), test.Path(".f.part"));
    REQUIRE(first->Append("half").ok());
    CHECK(ReasonOf(WriteFileDurably(test.fs(), path, "second")) == Reason::kBusy);
    REQUIRE(first->Append(" and half").ok());
    REQUIRE(first->Replace(path).ok());
    CHECK(testing::ReadFile(path) == "half and half");
  }
  testing::WriteFile(test.Path(".f.part"), "left by one that was killed");
  REQUIRE(WriteFileDurably(test.fs(), path, "third").ok());
  CHECK(testing::ReadFile(path) == "third");
  CHECK(*test.fs().List(test.dir()) == std::vector<std::string>{"f"});
}

TEST_CASE("a copy equals its source, also when it does not fill a block") {
  TestContext test;
  const size_t size = GENERATE(size_t{0}, size_t{5}, size_t{4096}, size_t{3'000'001});
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 % 251);
  testing::WriteFile(test.Path("a"), bytes);
  const auto source = test.fs().OpenForReading(test.Path("a"));
  REQUIRE(source.ok());
  auto copy = test.fs().Create(test.Path("b"), kPrivateFileMode);
  REQUIRE(copy.ok());
  const size_t half = size / 2;
  REQUIRE((*copy)->AppendFrom(**source, 0, half).ok());
  REQUIRE((*copy)->AppendFrom(**source, half, size - half).ok());
  REQUIRE((*copy)->AppendFrom(**source, 0, 0).ok());
  REQUIRE((*copy)->Append("tail").ok());
  CHECK(testing::ReadFile(test.Path("b")) == bytes + "tail");
}

TEST_CASE("what is not a regular file is refused, and does not hang") {
  TestContext test;
  REQUIRE(mkfifo(test.Path("fifo").c_str(), 0600) == 0);
  CHECK(ReasonOf(test.fs().OpenForReading(test.Path("fifo")).status()) == Reason::kUsage);
  CHECK(ReasonOf(test.fs().OpenForReading(test.dir()).status()) == Reason::kUsage);
}

TEST_CASE("a file that is shortened while it is read is an error with the offset") {
  TestContext test;
  testing::WriteFile(test.Path("f"), std::string(100, 'x'));
  const auto file = test.fs().OpenForReading(test.Path("f"));
  REQUIRE(file.ok());
  testing::WriteFile(test.Path("f"), "short");
  std::string buffer(100, '\0');
  const Status status = (*file)->Read(0, buffer);
  REQUIRE_FALSE(status.ok());
  CHECK(ReasonOf(status) == Reason::kIoError);
  CHECK_THAT(std::string(MessageOf(status)), Catch::Matchers::ContainsSubstring("ends at byte 5"));
}

TEST_CASE("a file that was written to is another one, whatever time it was given afterwards") {
  TestContext test;
  const std::string path = test.Path("f");
  testing::WriteFile(path, "sound");
  const auto before = test.fs().Stat(path);
  REQUIRE(before.ok());
  CHECK(before->IsSameFile(*test.fs().Stat(path)));
  test.clock().SleepFor(20ms, {});  // a file system's clock ticks every few ms
  const auto set_back = [](const std::string& what, const FileInfo& to) {
    const auto since_1970 = to.modified.time_since_epoch();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(since_1970);
    const timespec time = {seconds.count(), (since_1970 - seconds).count()};
    const timespec times[] = {time, time};
    REQUIRE(utimensat(AT_FDCWD, what.c_str(), times, 0) == 0);
  };
  SECTION("in place") {
    testing::WriteFile(path, "wrong");
    set_back(path, *before);
  }
  SECTION("another under its name") {
    testing::WriteFile(test.Path("g"), "wrong");
    set_back(test.Path("g"), *before);
    REQUIRE(test.fs().Rename(test.Path("g"), path).ok());
  }
  const auto after = test.fs().Stat(path);
  REQUIRE(after.ok());
  CHECK(after->size == before->size);
  CHECK(after->modified == before->modified);
  CHECK_FALSE(after->IsSameFile(*before));
}

TEST_CASE("a directory stays locked under its next name") {
  TestContext test;
  REQUIRE(test.fs().MakeDirs(test.Path("a"), kPrivateDirMode).ok());
  auto first = test.fs().LockExisting(test.Path("a"));
  REQUIRE(first.ok());
  REQUIRE(test.fs().Rename(test.Path("a"), test.Path("b")).ok());
  CHECK(ReasonOf(test.fs().LockExisting(test.Path("b")).status()) == Reason::kBusy);
  first->reset();
  CHECK(test.fs().LockExisting(test.Path("b")).ok());
}

TEST_CASE("a lock guards a file, not its name") {
  TestContext test;
  const std::string path = test.Path("lock");
  const auto first = test.fs().Lock(path);
  REQUIRE(first.ok());
  CHECK((*first)->Guards(path));
  REQUIRE(test.fs().Unlink(path).ok());
  CHECK_FALSE((*first)->Guards(path));
  const auto second = test.fs().Lock(path);
  REQUIRE(second.ok());
  CHECK_FALSE((*first)->Guards(path));
  CHECK((*second)->Guards(path));
}

TEST_CASE("one place has one resolved path") {
  TestContext test;
  const std::string root = *test.fs().Resolve(test.dir());
  REQUIRE(test.fs().MakeDirs(test.Path("real/dir"), kPrivateDirMode).ok());
  REQUIRE(symlink("real", test.Path("link").c_str()) == 0);
  const auto resolve = [&](const std::string& path) { return *test.fs().Resolve(test.Path(path)); };
  CHECK(resolve("real/dir") == root + "/real/dir");
  CHECK(resolve("link/dir/") == root + "/real/dir");
  CHECK(resolve("./real/../link/dir") == root + "/real/dir");
  CHECK(resolve("link/new/deep/../x") == root + "/real/new/x");
  CHECK(resolve("new/../new/./x") == root + "/new/x");
  CHECK(*test.fs().Resolve("not-here/x") == *test.fs().Resolve(".") + "/not-here/x");
  CHECK_FALSE(test.fs().Resolve("").ok());
}

TEST_CASE("a link that leads nowhere is named, and where it leads") {
  TestContext test;
  REQUIRE(symlink("/no/such/disk", test.Path("link").c_str()) == 0);
  const std::string path = test.Path("link") + GENERATE("", "/below", "/below/it");
  for (const Status& status :
       {test.fs().Resolve(path).status(), test.fs().MakeDirs(path, kPrivateDirMode),
        MakeDirsDurably(test.fs(), path)}) {
    REQUIRE_FALSE(status.ok());
    CHECK(ReasonOf(status) == Reason::kNotFound);
    CHECK_THAT(std::string(MessageOf(status)),
               Catch::Matchers::ContainsSubstring(
                   "link is a link to /no/such/disk, which does not exist"));
  }
}

TEST_CASE("a file system without inodes says so, and not that it is full") {
  TestContext test;
  const std::string dir = test.Path("disk");
  REQUIRE(test.fs().MakeDirs(dir, kPrivateDirMode).ok());
  if (mount("tmpfs", dir.c_str(), "tmpfs", 0, "size=1m,nr_inodes=3") != 0)
    SKIP("only root can mount");
  Status full = OkStatus();
  for (int i = 0; i < 9 && full.ok(); ++i)
    full = test.fs().Create(JoinPath(dir, std::to_string(i)), 0600).status();
  const Status no_dir = test.fs().MakeDirs(JoinPath(dir, "d"), kPrivateDirMode);
  REQUIRE(umount(dir.c_str()) == 0);
  for (const Status& status : {full, no_dir}) {
    REQUIRE_FALSE(status.ok());
    CHECK(ReasonOf(status) == Reason::kNoSpace);
    CHECK_THAT(std::string(MessageOf(status)),
               Catch::Matchers::ContainsSubstring("no inodes left"));
  }
}

TEST_CASE("what can't be looked at is not taken for absent") {
  TestContext test;
  const std::string too_long(300, 'x');
  CHECK_FALSE(*test.fs().IsThere(test.Path("f")));
  testing::WriteFile(test.Path("f"), "");
  CHECK(*test.fs().IsThere(test.Path("f")));
  CHECK_FALSE(*test.fs().IsThere(test.Path("f/below")));
  CHECK_FALSE(test.fs().IsThere(test.Path(too_long)).ok());
}

TEST_CASE("a lock is held by one at a time") {
  TestContext test;
  auto first = test.fs().Lock(test.Path("lock"));
  REQUIRE(first.ok());
  CHECK(ReasonOf(test.fs().Lock(test.Path("lock")).status()) == Reason::kBusy);
  first->reset();
  CHECK(test.fs().Lock(test.Path("lock")).ok());
}

TEST_CASE("a shared lock is held by many, or by nobody") {
  TestContext test;
  auto first = test.fs().Lock(test.Path("lock"), LockMode::kShared);
  auto second = test.fs().LockExisting(test.Path("lock"), LockMode::kShared);
  REQUIRE(first.ok());
  REQUIRE(second.ok());
  first->reset();
  CHECK(ReasonOf(test.fs().Lock(test.Path("lock")).status()) == Reason::kBusy);
  second->reset();
  first = test.fs().Lock(test.Path("lock"));
  REQUIRE(first.ok());
  CHECK(ReasonOf(test.fs().Lock(test.Path("lock"), LockMode::kShared).status()) == Reason::kBusy);
  CHECK(ReasonOf(test.fs().LockExisting(test.Path("none")).status()) == Reason::kNotFound);
  CHECK_FALSE(test.fs().Exists(test.Path("none")));
}

ProcessOptions Shell(std::string script) {
  return {.program = "/bin/sh", .arguments = {"-c", std::move(script)}};
}

TEST_CASE("a child's output and exit code are known") {
  TestContext test;
  const auto output =
      RunToEnd(test.context().processes, test.clock(), Shell("echo out; echo err >&2"), 10s, {});
  REQUIRE(output.ok());
  CHECK(*output == "out\nerr\n");
  const auto failed = RunToEnd(test.context().processes, test.clock(), Shell("exit 7"), 10s, {});
  CHECK_THAT(std::string(MessageOf(failed.status())),
             Catch::Matchers::ContainsSubstring("exit code 7"));
}

TEST_CASE("a child runs with nothing but what it is given") {
  TestContext test;
  ProcessOptions options = Shell("env; pwd; ls /proc/self/fd | wc -l");
  options.environment = {"A=1"};
  options.working_dir = test.dir();
  const auto output = RunToEnd(test.context().processes, test.clock(), options, 10s, {});
  REQUIRE(output.ok());
  CHECK_THAT(*output, Catch::Matchers::ContainsSubstring("A=1\n"));
  CHECK_THAT(*output, Catch::Matchers::ContainsSubstring(test.dir()));
  CHECK_THAT(*output, !Catch::Matchers::ContainsSubstring("HOME="));
  CHECK_THAT(*output,
             Catch::Matchers::EndsWith("4\n"));  // stdin, stdout, stderr and ls's own directory
}

TEST_CASE("only the tail of a flood is kept, and it does not block the child") {
  TestContext test;
  const auto output = RunToEnd(test.context().processes, test.clock(),
                               Shell("head -c 3000000 /dev/zero; echo end"), 20s, {});
  REQUIRE(output.ok());
  CHECK(output->size() == Process::kOutputTailBytes);
  CHECK(output->ends_with("end\n"));
}

TEST_CASE("a child's stdout is read to its end, apart from its stderr") {
  TestContext test;
  ProcessOptions options = Shell("echo oops >&2; head -c 3000000 /dev/zero; echo end; exit 3");
  options.reads_stdout = true;
  auto process = test.context().processes.Start(options);
  REQUIRE(process.ok());
  std::string all;
  while (true) {
    const auto piece = (*process)->ReadStdout(10s);
    REQUIRE(piece.ok());
    if (!piece->has_value()) break;
    all += **piece;
  }
  CHECK(all.size() == 3000004);
  CHECK(all.ends_with("end\n"));
  CHECK((*process)->Stop(10s).exit_code == 3);
  CHECK((*process)->OutputTail() == "oops\n");
}

TEST_CASE("a child that prints nothing is waited for no longer than asked") {
  TestContext test;
  ProcessOptions options = Shell("sleep 1000");
  options.reads_stdout = true;
  auto process = test.context().processes.Start(options);
  REQUIRE(process.ok());
  const auto piece = (*process)->ReadStdout(10ms);
  REQUIRE(piece.ok());
  REQUIRE(piece->has_value());
  CHECK((*piece)->empty());
}

TEST_CASE("stopping ends a child that ignores SIGTERM, and its grandchild") {
  TestContext test;
  const std::string pid_file = test.Path("grandchild");
  auto process = test.context().processes.Start(
      Shell("trap '' TERM; sleep 1000 & echo $! > " + pid_file + "; while :; do sleep 1; done"));
  REQUIRE(process.ok());
  while (!test.fs().Exists(pid_file) || testing::ReadFile(pid_file).empty())
    test.clock().SleepFor(5ms, {});
  const int grandchild = std::stoi(testing::ReadFile(pid_file));
  const ProcessExit exit = (*process)->Stop(100ms);
  CHECK(exit.signal == SIGKILL);
  for (int i = 0; i < 200 && kill(grandchild, 0) == 0; ++i) {
    // It may stay a zombie until whoever adopted it looks.
    const std::string stat = testing::ReadFile("/proc/" + std::to_string(grandchild) + "/stat");
    if (stat.find(") Z ") != std::string::npos) return;
    test.clock().SleepFor(10ms, {});
  }
  CHECK(kill(grandchild, 0) != 0);
}

TEST_CASE("a program that is not there is an error of the start") {
  TestContext test;
  const auto process = test.context().processes.Start({.program = test.Path("missing")});
  REQUIRE_FALSE(process.ok());
  CHECK(ReasonOf(process.status()) == Reason::kNotFound);
}

TEST_CASE("what is kept of scratch has its new name, and the rest of its life") {
  TestContext test;
  {
    const auto scratch = ScratchDir::Create(test.context(), test.dir(), ".x-");
    REQUIRE(scratch.ok());
    testing::WriteFile((*scratch)->path() + "/file", "x");
    REQUIRE_FALSE((*scratch)->KeepAs(test.Path("no/such/dir")).ok());
    REQUIRE((*scratch)->KeepAs(test.Path("kept")).ok());
  }
  CHECK(*test.fs().List(test.dir()) == std::vector<std::string>{"kept"});
  CHECK(testing::ReadFile(test.Path("kept/file")) == "x");
}

TEST_CASE("scratch goes with its owner, and what a killed one left goes with the next") {
  TestContext test;
  std::string left;
  {
    const auto scratch = ScratchDir::Create(test.context(), test.Path("scratch"));
    REQUIRE(scratch.ok());
    testing::WriteFile((*scratch)->path() + "/file", "x");
    left = (*scratch)->path() + "0";
    REQUIRE(test.fs().MakeDirs(left, kPrivateDirMode).ok());  // no lock: its owner is dead

    const auto other = ScratchDir::Create(test.context(), test.Path("scratch"));
    REQUIRE(other.ok());
    CHECK_FALSE(test.fs().Exists(left));
    CHECK(test.fs().Exists((*scratch)->path() + "/file"));  // this one is alive
  }
  CHECK(test.fs().List(test.Path("scratch"))->empty());
}

TEST_CASE("available memory is what the machine has, or less in a control group") {
  CHECK(AvailableMemory().ok());
  TestContext test;
  const std::string root = test.dir() + "/";
  const auto write = [&](const std::string& path, const std::string& text) {
    REQUIRE(test.fs().MakeDirs(DirName(root + path), 0700).ok());
    testing::WriteFile(root + path, text);
  };
  CHECK_FALSE(AvailableMemory(root).ok());
  write("proc/meminfo", "MemTotal:       16000 kB\nMemAvailable:    8000 kB\n");
  CHECK(*AvailableMemory(root) == 8000u * 1024);
  SECTION("version 2") {
    write("proc/self/cgroup", "0::/pod\n");
    write("sys/fs/cgroup/pod/memory.max", "max\n");
    write("sys/fs/cgroup/pod/memory.current", "1000000\n");
    CHECK(*AvailableMemory(root) == 8000u * 1024);
    write("sys/fs/cgroup/pod/memory.max", "3000000\n");
    CHECK(*AvailableMemory(root) == 2'000'000);
    write("sys/fs/cgroup/pod/memory.stat", "anon 1\ninactive_file 400000\n");
    CHECK(*AvailableMemory(root) == 2'400'000);
    write("sys/fs/cgroup/pod/memory.current", "9000000\n");
    CHECK(*AvailableMemory(root) == 0);
  }
  SECTION("version 1, seen from inside of a container") {
    write("proc/self/cgroup", "5:memory:/of/the/host\n");
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", "3000000\n");
    write("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000000\n");
    CHECK(*AvailableMemory(root) == 2'000'000);
  }
}

}  // namespace
}  // namespace etcdrill
