// What is made of rclone's answers, the measured oddities among them; and what it is called with.
// The real program has tests/e2e/test_rclone.py.
#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "objects/rclone_objects.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/fake_processes.h"
#include "support/test_context.h"
#include "unit/objects/listed_names.h"

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using testing::FakeClock;
using testing::FakeProcesses;
using testing::FakeRun;
using testing::TestContext;

constexpr WallTime kNow = std::chrono::sys_days(std::chrono::year(2026) / 11 / 27);
constexpr const char* kListing =
    "[\n{\"Path\":\"b.db\",\"Size\":5,\"ModTime\":\"2026-11-27T08:00:00.5Z\",\"IsDir\":false,"
    "\"Metadata\":{\"mtime\":\"x\",\"etcdrillnonce\":\"17\"}},\n"
    "{\"Path\":\"a/c.db\",\"Size\":7,\"ModTime\":\"2026-11-27T08:00:00Z\",\"IsDir\":false},\n"
    "{\"Path\":\"a/c.db\",\"Size\":7,\"ModTime\":\"2026-11-27T08:00:00Z\",\"IsDir\":false}\n]\n";
// A page long, as Azure's library writes them.
constexpr const char* kAzureError =
    "2026/11/28 00:47:15 ERROR : error listing: GET http://h/c\n"
    "2026/11/28 00:47:15 NOTICE: Failed to lsjson: GET http://h/c\n"
    "--------------------------------------------------------------------------------\n"
    "RESPONSE 403: 403 Server failed to authenticate\n"
    "ERROR CODE: AuthorizationFailure\n"
    "--------------------------------------------------------------------------------\n"
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n"
    "<Error>\n"
    "  <Message>Server failed to authenticate\n"
    "RequestId:cd1e2667\n"
    "Time:2026-11-28T00:47:15.794Z</Message>\n"
    "</Error>\n"
    "--------------------------------------------------------------------------------\n";
const FakeRun kEmpty = {.out = "[\n]\n"};
const FakeRun kNoDirectory = {
    .out = "[\n", .err = "error listing: directory not found", .exit_code = 3};

// A store on a program that is a function of the test; `version` it answers itself.
class RcloneWorld {
 public:
  using Program = std::function<FakeRun(const std::vector<std::string>& arguments)>;
  Program program = [](const auto&) { return kEmpty; };
  FakeRun version = {.out = "rclone v1.75.2\n- os/version: debian 12.11 (64 bit)\n"};
  std::string remote = "azure:backups/prod-a";
  std::stop_source stop;
  FakeClock clock{kNow};
  FakeProcesses processes{clock, [this](const ProcessOptions& options) -> Result<FakeRun> {
                            // Behind the arguments that each call has.
                            const auto command = std::ranges::find(options.arguments, "1m");
                            std::vector<std::string> own(command + 1, options.arguments.end());
                            return own.front() == "version" ? version : program(own);
                          }};

  Result<std::unique_ptr<RcloneObjects>> Open() {
    return RcloneObjects::Open({test_.context().fs, clock, test_.context().random, processes,
                                test_.context().log, stop.get_token()},
                               {.program = "/usr/bin/rclone",
                                .config_file = "/etc/rclone.conf",
                                .remote = remote,
                                .scratch_dir = test_.Path("scratch"),
                                .environment = {"HTTPS_PROXY=http://proxy.example"}});
  }
  ObjectStore& store() {
    if (store_ == nullptr) {
      auto opened = Open();
      INFO(opened.status().ToString());
      REQUIRE(opened.ok());
      store_ = *std::move(opened);
    }
    return *store_;
  }
  Result<std::string> Get(const std::string& name, const ByteRange& range) {
    std::string all;
    RETURN_IF_ERROR(store().Get(name, range, [&all](std::string_view piece) {
      all.append(piece);
      return OkStatus();
    }));
    return all;
  }
  Result<std::vector<std::string>> List(const std::string& prefix, const std::string& after = "") {
    return ListedNames(store(), prefix, after);
  }
  std::vector<std::string> LeftInScratch() { return *test_.fs().List(test_.Path("scratch")); }
  FileSystem& fs() { return test_.fs(); }

 private:
  TestContext test_;
  std::unique_ptr<ObjectStore> store_;
};

void CheckError(const Status& status, Reason reason, const std::string& text) {
  REQUIRE_FALSE(status.ok());
  INFO(status.ToString());
  CHECK(InfoOf(ReasonOf(status)).name == InfoOf(reason).name);
  CHECK_THAT(std::string(MessageOf(status)), ContainsSubstring(text));
}

TEST_CASE("rclone has to be 1.63 or newer") {
  RcloneWorld world;
  CHECK(world.Open().ok());
  world.version = {.out = "rclone v1.63.0-beta.1\n"};
  CHECK(world.Open().ok());
  world.version = {.out = "rclone v1.60.1-DEV\n"};
  CheckError(world.Open().status(), Reason::kConfig, "install 1.63 or newer");
  world.version = {.out = "hello\n"};
  CheckError(world.Open().status(), Reason::kConfig, "not an answer of rclone");
}

TEST_CASE("a remote has a name of the config file, and no secrets") {
  for (const char* remote : {":s3,secret_access_key=canary:bucket", "a,token=canary:b", "/mnt/x",
                             "nothing", "dir/with:colon"}) {
    RcloneWorld world;
    world.remote = remote;
    CheckError(world.Open().status(), Reason::kConfig, "write NAME:PATH");
    CHECK(MessageOf(world.Open().status()).find("canary") == std::string::npos);
    CHECK(world.processes.started().empty());
  }
}

TEST_CASE("rclone inherits nothing, and never asks") {
  RcloneWorld world;
  REQUIRE(world.List("").ok());
  const ProcessOptions& options = world.processes.started().back();
  CHECK(std::ranges::count(options.environment, "HTTPS_PROXY=http://proxy.example") == 1);
  CHECK(std::ranges::count(options.environment, "TZ=UTC") == 1);
  CHECK(std::ranges::count(options.arguments, "--ask-password=false") == 1);
  CHECK(options.arguments.back() == "azure:backups/prod-a");
}

TEST_CASE("a listing is sorted, cut to its prefix, and has each name once") {
  RcloneWorld world;
  world.program = [](const auto&) { return FakeRun{.out = kListing}; };
  CHECK(*world.List("") == std::vector<std::string>{"a/c.db", "b.db"});
  CHECK(*world.List("", "a/c.db") == std::vector<std::string>{"b.db"});
  CHECK(*world.List("b") == std::vector<std::string>{"b.db"});
  CHECK(*world.List("x/a/") == std::vector<std::string>{"x/a/a/c.db", "x/a/b.db"});
  CHECK(world.processes.started().back().arguments.back() == "azure:backups/prod-a/x/a/");
}

TEST_CASE("an object that was written over shows, though rclone tells no hash") {
  RcloneWorld world;
  const auto etag = [&](const std::string& size, const std::string& time) {
    world.program = [&](const auto&) {
      return FakeRun{.out = "[\n{\"Path\":\"b.db\",\"Size\":" + size + ",\"ModTime\":\"" + time +
                            "\",\"IsDir\":false}\n]\n"};
    };
    const auto head = world.store().Head("b.db");
    REQUIRE(head.ok());
    return head->etag;
  };
  const std::string sealed = etag("5", "2026-11-27T08:00:00.5Z");
  CHECK_FALSE(sealed.empty());
  CHECK(etag("5", "2026-11-27T09:00:00.500+01:00") == sealed);
  CHECK(etag("5", "2026-11-27T08:00:00.6Z") != sealed);
  CHECK(etag("6", "2026-11-27T08:00:00.5Z") != sealed);
}

TEST_CASE("a listing that was cut is none") {
  RcloneWorld world;
  world.program = [](const auto&) {
    return FakeRun{.out =
                       "[\n{\"Path\":\"b.db\",\"Size\":5,\"ModTime\":\"2026-11-27T08:00:00Z\"},\n"};
  };
  CheckError(world.List("").status(), Reason::kIoError, "not the listing");
  for (const char* line :
       {"{}", "{\"Path\":\"a\",\"Size\":-1,\"ModTime\":\"2026-11-27T08:00:00Z\"}",
        "{\"Path\":\"a\",\"Size\":1,\"ModTime\":\"yesterday\"}", "[[[[", "<html>"}) {
    world.program = [line](const auto&) {
      return FakeRun{.out = std::string("[\n") + line + "\n]\n"};
    };
    INFO(line);
    CheckError(world.List("").status(), Reason::kIoError, "not the listing");
  }
}

TEST_CASE("a folder that is missing is empty, a bucket that is missing is an error") {
  RcloneWorld world;
  world.program = [](const std::vector<std::string>& arguments) {
    return arguments.back() == "azure:backups/prod-a" ? kEmpty : kNoDirectory;
  };
  CHECK(world.List("x/")->empty());
  CheckError(world.store().Head("x/y").status(), Reason::kNotFound, "no such object");
  CHECK(world.store().Delete("x/y").ok());
  world.program = [](const auto&) { return kNoDirectory; };
  CheckError(world.List("x/").status(), Reason::kBucketMissing, "rclone mkdir");
  CheckError(world.store().Head("x/y").status(), Reason::kBucketMissing, "azure:backups/prod-a");
  CheckError(world.store().Delete("x/y"), Reason::kBucketMissing, "rclone mkdir");
  CheckError(world.store().Create("x/y", {}).status(), Reason::kBucketMissing, "rclone mkdir");
}

TEST_CASE("a file is no folder, though rclone lists it as one") {
  RcloneWorld world;
  world.program = [](const auto&) {
    return FakeRun{.err = "CRITICAL: can't limit to single files when using filters: azure:x",
                   .exit_code = 1};
  };
  CheckError(world.store().Head("x/y").status(), Reason::kNotFound, "no such object");
  CHECK(world.List("x/")->empty());
}

TEST_CASE("the bytes of an object are counted") {
  RcloneWorld world;
  FakeRun cat = {.out = "hello"};
  world.program = [&cat](const std::vector<std::string>& arguments) {
    return arguments.front() == "cat" ? cat : FakeRun{.out = kListing};
  };
  CHECK(*world.Get("b.db", {}) == "hello");
  const std::vector<std::string>& called = world.processes.started().back().arguments;
  CHECK(std::vector<std::string>(called.end() - 6, called.end()) ==
        std::vector<std::string>{"cat", "--offset", "0", "--count", "5",
                                 "azure:backups/prod-a/b.db"});
  cat.out = "hell";
  CheckError(world.Get("b.db", {}).status(), Reason::kIoError, "1 of 5 bytes did not come");
  cat.out = "";  // as rclone prints what is not there
  CheckError(world.Get("b.db", {}).status(), Reason::kIoError, "5 of 5 bytes did not come");
  cat.out = "hello!";  // or a folder
  CheckError(world.Get("b.db", {}).status(), Reason::kIoError, "more bytes");
  CheckError(world.Get("none", {}).status(), Reason::kNotFound, "no such object");
  CheckError(world.Get("b.db", {.offset = 3, .size = 3}).status(), Reason::kUsage, "has 5 bytes");
  CHECK(world.Get("b.db", {.offset = 5})->empty());
  cat.out = "hello";
  const Status own = world.store().Get(
      "b.db", {}, [](std::string_view) { return Error(Reason::kNoSpace, "full"); });
  CHECK(MessageOf(own) == "full");
  CheckError(world.store().Get(
                 "b.db", {}, [](std::string_view) { return OkStatus(); }, "1"),
             Reason::kUsage, "no versions");
}

TEST_CASE("what is written is spooled, uploaded whole, and looked at") {
  RcloneWorld world;
  std::string uploaded;
  ptrdiff_t nonces = 0;
  world.program = [&](const std::vector<std::string>& arguments) {
    if (arguments.front() != "copyto") return FakeRun{.out = kListing};
    uploaded = *world.fs().ReadWhole(arguments[arguments.size() - 2], 100);
    nonces += std::ranges::count(arguments, "etcdrillnonce=17");
    return FakeRun{};
  };
  auto writer = world.store().Create("b.db", {.metadata = {{"nonce", "17"}}, .size_max = 5});
  REQUIRE(writer.ok());
  REQUIRE((*writer)->Append("hel").ok());
  REQUIRE((*writer)->Append("lo").ok());
  CHECK(uploaded.empty());
  const auto info = (*writer)->Finish();
  REQUIRE(info.ok());
  CHECK(uploaded == "hello");
  CHECK(nonces == 1);
  CHECK(info->size == 5);
  CHECK(info->metadata == std::map<std::string, std::string>{{"nonce", "17"}});
  CHECK(info->modified == kNow + 8h + 500ms);
  writer->reset();
  CHECK(world.LeftInScratch().empty());

  writer = world.store().Create("b.db", {.size_max = 4});
  REQUIRE((*writer)->Append("hell").ok());
  CheckError((*writer)->Finish().status(), Reason::kIoError, "4 bytes were uploaded, and 5 are");
  writer = world.store().Create("b.db", {.size_max = 4});
  CheckError((*writer)->Append("hello"), Reason::kUsage, "announced");
  CheckError((*writer)->Finish().status(), Reason::kUsage, "announced");
  CheckError(world.store().Create("b.db", {.lock = Lock{}}).status(), Reason::kUsage, "can't lock");
}

TEST_CASE("what rclone says becomes a reason, advice, and no secret") {
  RcloneWorld world;
  struct Case {
    const char* said;
    Reason reason;
    const char* text;
  };
  for (const Case& one : std::vector<Case>{
           {"didn't find section in config file (\"x\")", Reason::kConfig, "listremotes"},
           {"AuthenticationFailed: 403", Reason::kCredentials, "check the keys"},
           {"couldn't fetch token: invalid_grant", Reason::kCredentials, "reconnect"},
           {kAzureError, Reason::kAccessDenied,
            "Failed to lsjson: GET http://h/c | RESPONSE 403: 403 Server failed to authenticate | "
            "ERROR CODE: AuthorizationFailure; give"},
           {"403 Forbidden", Reason::kAccessDenied, "the right to list"},
           {"dial tcp: connection refused", Reason::kConnect, "is down"},
           {"write: no space left on device", Reason::kNoSpace, "make room"},
           {"something else", Reason::kIoError, "rclone exit code 1: something else"}}) {
    world.program = [&one](const auto&) { return FakeRun{.err = one.said, .exit_code = 1}; };
    CheckError(world.List("").status(), one.reason, one.text);
  }
  CHECK(WithoutSecrets("GET https://me:canary@x.example/a?sig=canary: no; ftp://b/c \"d\"") ==
        "GET https://x.example/a no; ftp://b/c \"d\"");
  world.program = [](const auto&) {
    return FakeRun{.err = "PUT \"https://x.example/a?sig=canary\"", .exit_code = 1};
  };
  CHECK(MessageOf(world.List("").status()).find("canary") == std::string::npos);
}

TEST_CASE("rclone that hangs is ended, and so is one when we are to stop") {
  RcloneWorld world;
  world.program = [](const auto&) { return FakeRun{.out = "[\n", .hangs = true}; };
  CheckError(world.List("").status(), Reason::kTimeout, "no sign of it for 5m");
  CHECK(world.clock.passed() >= 5min);
  CHECK(world.processes.stops() == 1);
  world.clock.At(world.clock.passed() + 1s, [&world] { world.stop.request_stop(); });
  CheckError(world.List("").status(), Reason::kInterrupted, "interrupted");
  CHECK(world.processes.stops() == 2);
}

TEST_CASE("a sweep deletes old partial files, and waits for no others") {
  RcloneWorld world;
  std::vector<std::string> deleted;
  world.program = [&deleted](const std::vector<std::string>& arguments) {
    if (arguments.front() == "deletefile") {
      deleted.push_back(arguments.back());
      return FakeRun{.exit_code = 4};  // somebody else was faster
    }
    return FakeRun{.out =
                       "[\n{\"Path\":\"a.db.0123abcd.partial\",\"Size\":5,\"ModTime\":"
                       "\"2026-11-26T08:00:00Z\"},\n{\"Path\":\"b.db.0123abcd.partial\","
                       "\"Size\":5,\"ModTime\":\"2026-11-27T08:00:00Z\"}\n]\n"};
  };
  CHECK(*world.store().Sweep("", kNow) == 1);
  CHECK(deleted == std::vector<std::string>{"azure:backups/prod-a/a.db.0123abcd.partial"});
}

}  // namespace
}  // namespace etcdrill::objects
