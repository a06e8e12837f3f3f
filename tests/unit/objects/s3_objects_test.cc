// What S3Objects does about each failure: one test for each row of the table of failures, on a
// store that fails on command.
#include "objects/s3/s3_objects.h"

#include <fmt/format.h>

#include "base/text.h"
#include "objects/s3/upload.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/test_context.h"
#include "unit/objects/fake_s3.h"

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

// Other keys each time they are refused.
class CountedCredentials final : public CredentialsProvider {
 public:
  Result<Credentials> Current() override {
    return Credentials{.access_key_id = fmt::format("KEY{}", refused), .secret_access_key = "top"};
  }
  void Refused() override { ++refused; }
  int refused = 0;
};

struct Site {
  explicit Site(const S3Options& options = {.endpoint = "http://store:9000", .bucket = "b"}) {
    auto made = S3Objects::Make(context, http, credentials, options);
    REQUIRE(made.ok());
    s3 = made->get();
    store = *std::move(made);
  }

  Result<ObjectInfo> Put(const std::string& name, const std::string& bytes) {
    PutOptions options{.metadata = {{"k", "v"}}, .size_max = bytes.size()};
    auto writer = store->Create(name, options);
    REQUIRE(writer.ok());
    RETURN_IF_ERROR((*writer)->Append(bytes));
    return (*writer)->Finish();
  }
  Status Get(const std::string& name, const ByteRange& range = {}) {
    got.clear();
    return store->Get(name, range, [&](std::string_view bytes) {
      got += bytes;
      return OkStatus();
    });
  }
  const std::string& Stored(const std::string& name) { return http.objects.at("/b/" + name).bytes; }

  testing::TestContext seams;
  testing::FakeClock clock{*ParseRfc3339("2026-11-22T08:00:00Z")};
  std::unique_ptr<Random> random = MakeSystemRandom();
  std::unique_ptr<ProcessStarter> processes = MakePosixProcessStarter(clock);
  Logger log{LogLevel::kError, LogFormat::kLogfmt, clock};
  std::stop_source stop;
  Context context{seams.fs(), clock, *random, *processes, log, stop.get_token()};
  FakeS3 http;
  CountedCredentials credentials;
  std::unique_ptr<ObjectStore> store;
  S3Objects* s3 = nullptr;  // the same
  std::string got;
};

std::string Bytes(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 253);
  return bytes;
}

const std::string& Large() {  // three parts
  static const std::string bytes = Bytes((size_t{17} << 20) + 5);
  return bytes;
}

TEST_CASE("what is small goes in one PUT, what is large in parts, and both come back") {
  Site site;
  const size_t size = GENERATE(size_t{0}, size_t{1}, kOnePutMax, kOnePutMax + 1);
  const std::string bytes = Bytes(size);
  const auto info = site.Put("a/b", bytes);
  REQUIRE(info.ok());
  CHECK(info->size == size);
  CHECK(site.Stored("a/b") == bytes);
  CHECK(site.http.Count("PUT", "partNumber=") == (size > kOnePutMax ? 3 : 0));
  CHECK(site.http.uploads.empty());
  REQUIRE(site.Get("a/b").ok());
  CHECK(site.got == bytes);
  const auto head = site.store->Head("a/b");
  REQUIRE(head.ok());
  CHECK(head->metadata.at("k") == "v");
  CHECK(head->size == size);
}

TEST_CASE("the parts are as large as their number allows") {
  CHECK(PartSizeFor(0) == uint64_t{8} << 20);
  CHECK(PartSizeFor(uint64_t{64} << 30) == uint64_t{8} << 20);
  const uint64_t terabyte = uint64_t{1} << 40;
  CHECK((terabyte + PartSizeFor(terabyte) - 1) / PartSizeFor(terabyte) <= 9000);
}

TEST_CASE("a writer that is dropped leaves nothing, and gives up its parts") {
  Site site;
  {
    auto writer = site.store->Create("n", {.size_max = Large().size()});
    REQUIRE((*writer)->Append(Large()).ok());
    CHECK(site.http.uploads.size() == 1);
    SECTION("as it is") {}
    SECTION("when everything is being stopped") { site.stop.request_stop(); }
  }
  CHECK(site.http.uploads.empty());
  CHECK(site.http.objects.empty());
}

TEST_CASE("more than was announced is refused") {
  Site site;
  auto writer = site.store->Create("n", {.size_max = 3});
  CHECK(Is((*writer)->Append("abcd"), Reason::kUsage));
  CHECK(Is((*writer)->Finish(), Reason::kUsage));
  CHECK(site.http.objects.empty());
}

TEST_CASE("a part is sent again from memory") {
  Site site;
  SECTION("cut off") { site.http.Break("PUT", "partNumber=2", FakeS3::Cut(), 3); }
  SECTION("its answer is lost") { site.http.Break("PUT", "partNumber=2", FakeS3::Lost()); }
  SECTION("changed on its way") {
    site.http.Break("PUT", "partNumber=2", FakeS3::Answers(400, "BadDigest"));
  }
  REQUIRE(site.Put("n", Large()).ok());
  CHECK(site.Stored("n") == Large());
}

TEST_CASE("a part that never arrives ends the upload") {
  Site site;
  site.http.Break("PUT", "partNumber=2", FakeS3::Cut(), 1000);
  CHECK(Is(site.Put("n", Large()), Reason::kStreamCut));
  CHECK(site.http.Count("PUT", "partNumber=2") == 8);
  CHECK(site.clock.passed() < 64s);
  CHECK(site.http.uploads.empty());
  CHECK(site.http.objects.empty());
}

TEST_CASE("the answer of complete is lost: a look at the object decides") {
  Site site;
  site.http.Break("POST", "uploadId", FakeS3::Lost());
  REQUIRE(site.Put("n", Large()).ok());
  CHECK(site.http.Count("POST", "uploadId") == 1);
  CHECK(site.http.Count("HEAD") == 1);
  CHECK(site.Stored("n") == Large());
}

TEST_CASE("complete that libcurl sent twice: NoSuchUpload is no failure") {
  Site site;
  site.http.Break("POST", "uploadId", [](FakeS3& fake, const HttpRequest& request) {
    fake.Handle(request);
    return Result<HttpResponse>(fake.Handle(request));
  });
  REQUIRE(site.Put("n", Large()).ok());
}

// As Ceph 16 answers.
TEST_CASE("the ETag that complete does not tell is asked for") {
  Site site;
  site.http.Break(
      "POST", "uploadId=", [](FakeS3& fake, const HttpRequest& request) -> Result<HttpResponse> {
        fake.Handle(request);
        return HttpResponse{200,
                            {},
                            "<CompleteMultipartUploadResult><ETag></ETag>"
                            "</CompleteMultipartUploadResult>"};
      });
  const auto info = site.Put("n", Large());
  REQUIRE(info.ok());
  CHECK(info->etag == site.http.objects.at("/b/n").etag);
  CHECK(info->metadata == std::map<std::string, std::string>{{"k", "v"}});
}

TEST_CASE("an upload that somebody gave up is an error that may pass") {
  Site site;
  site.http.Break("POST", "uploadId", FakeS3::Answers(404, "NoSuchUpload"));
  const auto put = site.Put("n", Large());
  CHECK(Is(put, Reason::kIoError));
  CHECK(site.http.objects.empty());
}

TEST_CASE("the answer of a PUT is lost: a look at the object decides") {
  Site site;
  site.http.Break("PUT", "/b/n", FakeS3::Lost());
  REQUIRE(site.Put("n", "bytes").ok());
  CHECK(site.http.Count("PUT") == 1);
  // Else libcurl would send it again by itself, and a bucket with versions would keep both.
  CHECK(site.http.seen.front().fresh_connection);
}

TEST_CASE("a PUT that is refused because it was there before") {
  Site site({.endpoint = "http://store:9000", .bucket = "b", .put_if_absent = true});
  SECTION("it was ours") {
    site.http.Break("PUT", "/b/n", [](FakeS3& fake, const HttpRequest& request) {
      fake.Handle(request);
      return Result<HttpResponse>(fake.Handle(request));
    });
    CHECK(site.Put("n", "bytes").ok());
  }
  SECTION("it was another's, as large as ours") {
    Site other;
    REQUIRE(site.Put("n", "bytes").ok());
    CHECK(Is(site.Put("n", "BYTES"), Reason::kAlreadyExists));
    CHECK(site.Stored("n") == "bytes");
  }
}

TEST_CASE("without the option, no condition is sent") {
  Site site;
  REQUIRE(site.Put("n", "x").ok());
  CHECK(site.http.seen.front().Header("if-none-match").empty());
}

TEST_CASE("200 with an error in its body is no success") {
  Site site;
  site.http.Break("POST", "uploadId", FakeS3::Answers(200, "InternalError"));
  REQUIRE(site.Put("n", Large()).ok());
  CHECK(site.http.Count("POST", "uploadId") == 2);
  CHECK(site.Stored("n") == Large());
}

TEST_CASE("200 with something else is no success either") {
  Site site;
  site.http.Break("GET", "list-type", FakeS3::AnswersWith({200, {}, "<html>hello</html>"}), 100);
  CHECK(
      Is(site.store->List("", "", [](const ObjectInfo&) { return OkStatus(); }), Reason::kIoError));
}

TEST_CASE("a store that is busy is asked again") {
  Site site;
  const auto [status, code] =
      GENERATE(std::pair(503, "SlowDown"), std::pair(429, "TooManyRequests"),
               std::pair(500, "InternalError"), std::pair(409, "OperationAborted"));
  site.http.Break("PUT", "/b/n", FakeS3::Answers(status, code), 2);
  REQUIRE(site.Put("n", "x").ok());
  CHECK(site.http.Count("PUT") == 3);
}

TEST_CASE("502 with a page of a proxy is asked again, and told as what it is") {
  Site site;
  site.http.Break("HEAD", "/b/n", FakeS3::AnswersWith({502, {}, ""}), 1);
  REQUIRE(site.Put("n", "x").ok());
  CHECK(site.store->Head("n").ok());
  site.http.Break("GET", "/b/n", FakeS3::AnswersWith({502, {}, "<html><br></html>"}), 100);
  const Status got = site.Get("n");
  CHECK(Is(got, Reason::kIoError));
  CHECK_THAT(std::string(MessageOf(got)), ContainsSubstring("not an answer of an object store"));
}

TEST_CASE("a page that says 404 does not make an object absent") {
  Site site;
  site.http.Break("GET", "/b/n", FakeS3::AnswersWith({404, {}, "<html>no such site</html>"}), 100);
  CHECK(Is(site.Get("n"), Reason::kIoError));
  CHECK(Is(site.Get("other"), Reason::kNotFound));
}

TEST_CASE("Retry-After is obeyed, up to a minute") {
  Site site;
  site.http.Break("PUT", "/b/n", FakeS3::Answers(503, "SlowDown", {{"retry-after", "7"}}));
  REQUIRE(site.Put("n", "x").ok());
  CHECK(site.clock.passed() == 7s);
  site.http.Break("PUT", "/b/m", FakeS3::Answers(503, "SlowDown", {{"retry-after", "86400"}}));
  REQUIRE(site.Put("m", "x").ok());
  CHECK(site.clock.passed() == 67s);
}

TEST_CASE("a clock that differs is corrected once") {
  Site site;
  const auto skewed = FakeS3::Answers(403, "RequestTimeTooSkewed", {},
                                      "<ServerTime>2026-11-22T09:30:00Z</ServerTime>");
  site.http.Break("PUT", "/b/n", skewed);
  REQUIRE(site.Put("n", "x").ok());
  CHECK(site.clock.passed() == 0s);
  CHECK(site.s3->learned().clock_correction == 90min);
  CHECK(site.http.seen.back().Header("x-amz-date") == "20261122T093000Z");
  site.http.Break("PUT", "/b/m", skewed, 100);
  CHECK(Is(site.Put("m", "x"), Reason::kCredentials));
  CHECK(site.http.Count("PUT", "/b/m") == 2);
}

TEST_CASE("the time of the answer's head will do as well") {
  Site site;
  site.http.Break(
      "PUT", "/b/n",
      FakeS3::Answers(403, "RequestTimeTooSkewed", {{"date", "Sun, 22 Nov 2026 07:00:00 GMT"}}));
  REQUIRE(site.Put("n", "x").ok());
  CHECK(site.s3->learned().clock_correction == -60min);
}

TEST_CASE("keys that have ended are fetched anew, once, for the same part") {
  const auto [status, code] =
      GENERATE(std::pair(400, "ExpiredToken"), std::pair(403, "InvalidAccessKeyId"),
               std::pair(400, "InvalidToken"));
  Site site;
  site.http.Break("PUT", "partNumber=2", FakeS3::Answers(status, code));
  REQUIRE(site.Put("n", Large()).ok());
  CHECK(site.credentials.refused == 1);
  CHECK(site.Stored("n") == Large());
  CHECK_THAT(std::string(site.http.seen.back().Header("authorization")),
             ContainsSubstring("Credential=KEY1/"));
  site.http.Break("PUT", "/b/m", FakeS3::Answers(status, code), 100);
  CHECK(Is(site.Put("m", "x"), Reason::kCredentials));
  CHECK(site.http.Count("PUT", "/b/m") == 2);
}

TEST_CASE("a HEAD whose error has no body is explained by a GET") {
  Site site;
  REQUIRE(site.Put("n", "x").ok());
  site.http.Break("HEAD", "/b/n", FakeS3::AnswersWith({400, {}, ""}));
  site.http.Break("GET", "/b/n", FakeS3::Answers(400, "ExpiredToken"));
  CHECK(site.store->Head("n").ok());
  CHECK(site.credentials.refused == 1);
}

TEST_CASE("a HEAD that fails where a GET does not is sent again") {
  Site site;
  REQUIRE(site.Put("n", "x").ok());
  site.http.Break("HEAD", "/b/n", FakeS3::AnswersWith({403, {}, ""}));
  CHECK(site.store->Head("n").ok());
  CHECK(site.http.Count("HEAD") == 2);
}

TEST_CASE("a wrong secret is told with who asked, where and for what, and not tried again") {
  Site site;
  site.http.Break("PUT", "/b/n", FakeS3::Answers(403, "SignatureDoesNotMatch"), 100);
  const auto put = site.Put("n", "x");
  CHECK(Is(put, Reason::kCredentials));
  CHECK(site.http.Count("PUT") == 1);
  const std::string text(MessageOf(put.status()));
  for (const char* part : {"s3://b/n", "KEY0", "us-east-1", "store:9000"})
    CHECK_THAT(text, ContainsSubstring(part));
  CHECK(text.find("top") == std::string::npos);
}

TEST_CASE("another region is learnt once, and kept") {
  const auto answer = GENERATE(
      FakeS3::Answers(301, "PermanentRedirect", {{"x-amz-bucket-region", "eu-west-1"}}),
      FakeS3::Answers(400, "AuthorizationHeaderMalformed", {}, "<Region>eu-west-1</Region>"),
      FakeS3::Answers(307, "TemporaryRedirect",
                      {{"x-amz-bucket-region", "eu-west-1"}, {"location", "https://elsewhere/"}}));
  Site site;
  site.http.Break("PUT", "/b/n", answer);
  REQUIRE(site.Put("n", "x").ok());
  CHECK(site.s3->learned().region == "eu-west-1");
  REQUIRE(site.Put("m", "x").ok());
  CHECK_THAT(std::string(site.http.seen.back().Header("authorization")),
             ContainsSubstring("/eu-west-1/s3/"));
  CHECK(site.http.seen.back().Header("host") == "store:9000");
  CHECK(site.http.Count("PUT", "/b/m") == 1);
}

TEST_CASE("a HEAD is told the region, too") {
  Site site;
  REQUIRE(site.Put("n", "x").ok());
  site.http.Break("HEAD", "/b/n",
                  FakeS3::AnswersWith({301, {{"x-amz-bucket-region", "eu-west-1"}}, ""}));
  CHECK(site.store->Head("n").ok());
}

TEST_CASE("a region that is none is not followed") {
  Site site;
  site.http.Break(
      "PUT", "/b/n",
      FakeS3::Answers(301, "PermanentRedirect", {{"x-amz-bucket-region", "evil.com/x"}}), 100);
  CHECK(Is(site.Put("n", "x"), Reason::kUsage));
  CHECK(site.http.Count("PUT") == 1);
}

TEST_CASE("a bucket that is missing is not a missing object") {
  Site site;
  CHECK(Is(site.store->Head("n"), Reason::kNotFound));
  site.http.Break("HEAD", "/b", FakeS3::AnswersWith({404, {}, ""}), 2);
  CHECK(Is(site.store->Head("n"), Reason::kBucketMissing));
  site.http.Break("GET", "/b", FakeS3::Answers(404, "NoSuchBucket"));
  CHECK(Is(site.Get("n"), Reason::kBucketMissing));
}

TEST_CASE("no right is told at once") {
  Site site;
  site.http.Break("GET", "list-type", FakeS3::Answers(403, "AccessDenied"));
  CHECK(Is(site.store->List("", "", [](const ObjectInfo&) { return OkStatus(); }),
           Reason::kAccessDenied));
  site.http.Break("DELETE", "", FakeS3::Answers(403, "AccessDenied"));
  CHECK(Is(site.store->Delete("n"), Reason::kAccessDenied));
  CHECK(site.http.seen.size() == 2);
}

TEST_CASE("a full bucket is told at once") {
  const auto [status, code] = GENERATE(std::pair(507, ""), std::pair(403, "QuotaExceeded"));
  Site site;
  site.http.Break("PUT", "", FakeS3::Answers(status, code), 100);
  CHECK(Is(site.Put("n", "x"), Reason::kNoSpace));
  CHECK(site.http.Count("PUT") == 1);
}

TEST_CASE("a body that ends early goes on where it ended, if the object is the same") {
  Site site;
  const std::string bytes = Bytes(10'000);
  REQUIRE(site.Put("n", bytes).ok());
  site.http.Break("GET", "/b/n", FakeS3::Short(4000));
  SECTION("it is") {
    REQUIRE(site.Get("n").ok());
    CHECK(site.got == bytes);
    CHECK(site.http.seen.back().Header("range") == "bytes=4000-9999");
    CHECK_FALSE(site.http.seen.back().Header("if-match").empty());
  }
  SECTION("a range of it") {
    REQUIRE(site.Get("n", {.offset = 1000, .size = 8000}).ok());
    CHECK(site.got == bytes.substr(1000, 8000));
  }
  SECTION("it is another one") {
    site.http.Break("GET", "/b/n", [](FakeS3& fake, const HttpRequest& request) {
      fake.objects["/b/n"].etag = "other";
      return Result<HttpResponse>(fake.Handle(request));
    });
    CHECK(Is(site.Get("n"), Reason::kIoError));
    CHECK(site.got.size() == 4000);
  }
  SECTION("the store knows neither ranges nor conditions") {
    site.http.Break("GET", "/b/n", [](FakeS3& fake, const HttpRequest& request) {
      HttpRequest whole = request;
      whole.headers.clear();
      return FakeS3::Deliver(request, fake.Handle(whole));
    });
    REQUIRE(site.Get("n").ok());
    CHECK(site.got == bytes);
  }
  SECTION("and it ends early for ever") {
    site.http.Break("GET", "/b/n", FakeS3::Short(0), 100);
    CHECK(Is(site.Get("n"), Reason::kStreamShort));
    CHECK(site.http.Count("GET") == 4);
  }
}

TEST_CASE("what a store says of a range is believed, not its status") {
  Site site;
  const std::string bytes = Bytes(10'000);
  REQUIRE(site.Put("n", bytes).ok());
  SECTION("200 with Content-Range") {
    site.http.Break("GET", "/b/n", [](FakeS3& fake, const HttpRequest& request) {
      HttpResponse answer = fake.Handle(request);
      answer.status = 200;
      return FakeS3::Deliver(request, std::move(answer));
    });
    REQUIRE(site.Get("n", {.offset = 100, .size = 50}).ok());
    CHECK(site.got == bytes.substr(100, 50));
  }
  SECTION("206 without") {
    site.http.Break("GET", "/b/n", FakeS3::AnswersWith({206, {}, bytes}));
    CHECK(Is(site.Get("n", {.offset = 100, .size = 50}), Reason::kIoError));
    CHECK(site.got.empty());
  }
  SECTION("the whole object") {
    site.http.Break("GET", "/b/n", [](FakeS3& fake, const HttpRequest& request) {
      HttpRequest whole = request;
      whole.headers.clear();
      return FakeS3::Deliver(request, fake.Handle(whole));
    });
    REQUIRE(site.Get("n", {.offset = 100, .size = 50}).ok());
    CHECK(site.got == bytes.substr(100, 50));
  }
}

TEST_CASE("the lock of an old version is asked for, where HEAD does not tell it") {
  Site site;
  REQUIRE(site.Put("n", "x").ok());
  site.http.Break("GET", "retention=&versionId=V",
                  FakeS3::AnswersWith({200,
                                       {},
                                       "<ObjectLockRetention><Mode>GOVERNANCE</Mode>"
                                       "<RetainUntilDate>2026-12-22T08:00:00Z</RetainUntilDate>"
                                       "</ObjectLockRetention>"}));
  const auto head = site.store->Head("n", "V");
  REQUIRE(head.ok());
  CHECK(head->lock == Lock{ObjectLockMode::kGovernance, *ParseRfc3339("2026-12-22T08:00:00Z")});
}

TEST_CASE("a version is asked for by its name, and so is what a cut answer left out") {
  Site site;
  const std::string bytes = Bytes(10'000);
  REQUIRE(site.Put("n", bytes).ok());
  site.http.Break("GET", "/b/n?versionId=V", FakeS3::Short(4000));
  std::string got;
  const auto sink = [&](std::string_view piece) {
    got += piece;
    return OkStatus();
  };
  REQUIRE(site.store->Get("n", {}, sink, "V").ok());
  CHECK(got == bytes);
  CHECK(site.http.Count("GET", "/b/n?versionId=V") == 2);
  CHECK(site.http.Count("GET") == 2);
}

TEST_CASE("ranges at the end and behind it") {
  Site site;
  REQUIRE(site.Put("n", "0123456789").ok());
  CHECK(site.Get("n", {.offset = 10}).ok());
  CHECK(site.got.empty());
  CHECK(site.Get("n", {.offset = 3, .size = 0}).ok());
  CHECK(site.Get("n", {.offset = 9, .size = 1}).ok());
  CHECK(site.got == "9");
  CHECK(Is(site.Get("n", {.offset = 9, .size = 2}), Reason::kUsage));
  CHECK(site.got.empty());
  CHECK(Is(site.Get("n", {.offset = 11}), Reason::kUsage));
  CHECK(Is(site.Get("n", {.offset = 11, .size = 1}), Reason::kUsage));
  CHECK(Is(site.Get("n", {.offset = 1, .size = UINT64_MAX}), Reason::kUsage));
}

TEST_CASE("the sink's own error comes back as it is") {
  Site site;
  REQUIRE(site.Put("n", Bytes(5000)).ok());
  int calls = 0;
  const Status got = site.store->Get("n", {}, [&](std::string_view) {
    ++calls;
    return Error(Reason::kNoSpace, "my disk");
  });
  CHECK(Is(got, Reason::kNoSpace));
  CHECK(MessageOf(got) == "my disk");
  CHECK(calls == 1);
  CHECK(site.http.Count("GET") == 1);
}

TEST_CASE("a stop ends the pauses") {
  Site site;
  site.http.Break("HEAD", "/b/n", FakeS3::Answers(503, "SlowDown", {{"retry-after", "60"}}), 100);
  site.clock.At(10s, [&] { site.stop.request_stop(); });
  CHECK(IsInterrupted(site.store->Head("n").status()));
  CHECK(site.clock.passed() == 10s);
}

TEST_CASE("keys are asked for as in a URL, and read as the store says") {
  Site site({.endpoint = "http://store:9000", .bucket = "b", .prefix = "/p/"});
  const auto names = [&](const std::string& page) {
    site.http.Break("GET", "list-type", FakeS3::AnswersWith({200, {}, page}));
    std::vector<std::string> listed;
    const Status status = site.store->List("", "", [&](const ObjectInfo& object) {
      listed.push_back(object.name);
      return OkStatus();
    });
    CHECK(status.ok());
    return listed;
  };
  const std::string contents = "<Contents><Key>p/a%2Bb+c</Key></Contents></ListBucketResult>";
  CHECK(names("<ListBucketResult><EncodingType>url</EncodingType>" + contents) ==
        std::vector<std::string>{"a+b c"});
  CHECK(names("<ListBucketResult><EncodingType></EncodingType>" + contents) ==
        std::vector<std::string>{"a%2Bb+c"});
  CHECK_THAT(site.http.seen.back().target, ContainsSubstring("prefix=p%2F"));
}

TEST_CASE("a listing goes on with the token, and not for ever") {
  Site site;
  const std::string page =
      "<ListBucketResult><IsTruncated>true</IsTruncated>"
      "<NextContinuationToken>odd/+=</NextContinuationToken>"
      "<Contents><Key>a</Key></Contents></ListBucketResult>";
  std::vector<std::string> listed;
  const auto visit = [&](const ObjectInfo& object) {
    listed.push_back(object.name);
    return OkStatus();
  };
  site.http.Break("GET", "list-type", FakeS3::AnswersWith({200, {}, page}));
  site.http.Break("GET", "continuation-token=odd%2F%2B%3D",
                  FakeS3::AnswersWith({200,
                                       {},
                                       "<ListBucketResult><Contents><Key>b</Key></Contents>"
                                       "</ListBucketResult>"}));
  REQUIRE(site.store->List("", "", visit).ok());
  CHECK(listed == std::vector<std::string>{"a", "b"});
  site.http.Break("GET", "list-type", FakeS3::AnswersWith({200, {}, page}), 100);
  CHECK(Is(site.store->List("", "", visit), Reason::kIoError));
}

TEST_CASE("what a lock and the store's own encryption ask for is sent, in parts and in one") {
  Site site(
      {.endpoint = "http://store:9000", .bucket = "b", .sse = Sse::kKms, .kms_key_id = "the-key"});
  const Lock lock{ObjectLockMode::kCompliance, *ParseRfc3339("2026-12-22T08:00:00Z")};
  for (const size_t size : {size_t{1}, Large().size()}) {
    site.http.seen.clear();
    auto writer = site.store->Create("n", {.lock = lock, .size_max = size});
    REQUIRE((*writer)->Append(std::string_view(Large()).substr(0, size)).ok());
    REQUIRE((*writer)->Finish().ok());
    const FakeS3::Seen& first = site.http.seen.front();
    CHECK(first.Header("x-amz-object-lock-mode") == "COMPLIANCE");
    CHECK(first.Header("x-amz-object-lock-retain-until-date") == "2026-12-22T08:00:00Z");
    CHECK(first.Header("x-amz-server-side-encryption") == "aws:kms");
    CHECK(first.Header("x-amz-server-side-encryption-aws-kms-key-id") == "the-key");
    const auto head = site.store->Head("n");
    REQUIRE(head.ok());
    CHECK(head->lock == lock);
  }
}

TEST_CASE("each body has a sum that the store keeps") {
  const Checksum checksum = GENERATE(Checksum::kSha256, Checksum::kMd5);
  Site site({.endpoint = "http://store:9000", .bucket = "b", .checksum = checksum});
  REQUIRE(site.Put("n", "abc").ok());
  const FakeS3::Seen& put = site.http.seen.front();
  const bool is_md5 = checksum == Checksum::kMd5;
  CHECK(put.Header("content-md5") == (is_md5 ? "kAFQmDzST7DWlj99KOF/cg==" : ""));
  CHECK(put.Header("x-amz-checksum-sha256") ==
        (is_md5 ? "" : "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="));
}

TEST_CASE("uploads that somebody left are given up, young ones are not") {
  Site site;
  site.http.uploads["OLD"] = {};
  site.http.uploads["NEW"] = {};
  site.http.Break("GET", "uploads=",
                  FakeS3::AnswersWith({200,
                                       {},
                                       "<ListMultipartUploadsResult>"
                                       "<Upload><Key>a</Key><UploadId>OLD</UploadId>"
                                       "<Initiated>2026-11-20T08:00:00.000Z</Initiated></Upload>"
                                       "<Upload><Key>b</Key><UploadId>NEW</UploadId>"
                                       "<Initiated>2026-11-22T07:59:00.000Z</Initiated></Upload>"
                                       "</ListMultipartUploadsResult>"}));
  const auto swept = site.store->Sweep("", site.clock.Now() - 24h);
  REQUIRE(swept.ok());
  CHECK(*swept == 1);
  CHECK(site.http.uploads.contains("NEW"));
  CHECK_FALSE(site.http.uploads.contains("OLD"));
}

TEST_CASE("an upload that ends at any of its requests leaves nothing visible, and nothing open") {
  for (int last = 1;; ++last) {
    CAPTURE(last);
    Site site;
    int left = last;
    for (const char* method : {"POST", "PUT"})
      site.http.Break(
          method, "",
          [&](FakeS3& fake, const HttpRequest& request) -> Result<HttpResponse> {
            if (--left > 0) return fake.Handle(request);
            return Error(Reason::kTls, "the end");  // that does not pass
          },
          1000);
    const bool done = site.Put("n", Large()).ok();
    CHECK(site.http.uploads.empty());
    CHECK(site.http.objects.size() == (done ? 1 : 0));
    if (done) {
      CHECK(last == 6);
      break;
    }
  }
}

TEST_CASE("where a bucket is") {
  const auto at = [](S3Options options, const char* region = "eu-west-1") {
    if (options.bucket.empty()) options.bucket = "b";
    const auto address = S3AddressOf(options, region);
    return address.ok() ? fmt::format("{}://{}{}", address->scheme, address->host, address->root)
                        : fmt::format("{}", MessageOf(address.status()));
  };
  CHECK(at({}) == "https://b.s3.eu-west-1.amazonaws.com/");
  CHECK(at({}, "cn-north-1") == "https://b.s3.cn-north-1.amazonaws.com.cn/");
  CHECK(at({.bucket = "b.c"}) == "https://s3.eu-west-1.amazonaws.com/b.c/");
  CHECK(at({.addressing = Addressing::kPath}) == "https://s3.eu-west-1.amazonaws.com/b/");
  CHECK(at({.endpoint = "minio.local:9000"}) == "https://minio.local:9000/b/");
  CHECK(at({.endpoint = "http://[::1]:9000/"}) == "http://[::1]:9000/b/");
  CHECK(at({.endpoint = "https://h:443"}) == "https://h/b/");
  CHECK(at({.endpoint = "http://h:443"}) == "http://h:443/b/");
  CHECK(at({.endpoint = "http://h", .addressing = Addressing::kVirtual}) == "http://b.h/");
  for (const char* endpoint : {"ftp://h", "http://h/path", "http://", "http://u@h", "h h"})
    CHECK_THAT(at({.endpoint = endpoint}), ContainsSubstring("no endpoint"));
  CHECK_THAT(at({.bucket = "a/b"}), ContainsSubstring("no name of a bucket"));
}

}  // namespace
}  // namespace etcdrill::objects
