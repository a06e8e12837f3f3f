// S3Objects on a server that somebody else has started (tests/e2e/test_s3.py): a program of its
// own, since ctest has no server. The environment says where:
//   ETCDRILL_S3_ENDPOINT, _BUCKET, _KEY, _SECRET; _PREFIX, _CA_FILE, _ADDRESSING, _REGION,
//   _PUT_IF_ABSENT; _ROLE, which is assumed at the endpoint with these keys; and what single tests
//   read.
// The bucket has versions and object lock, but for the tests tagged [transfer].
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "objects/s3/credential_chain.h"
#include "objects/s3/s3_objects.h"
#include "support/catch.h"
#include "support/test_context.h"
#include "unit/objects/conformance.h"

namespace etcdrill::objects {
namespace {

std::string Variable(const char* name) {
  const char* const value = std::getenv((std::string("ETCDRILL_S3_") + name).c_str());
  return value == nullptr ? "" : value;
}

// A store at the server, with connections of its own.
struct Site {
  Site() {
    S3Options options{.endpoint = Variable("ENDPOINT"),
                      .bucket = Variable("BUCKET"),
                      .region = Variable("REGION"),
                      .prefix = Variable("PREFIX"),
                      .put_if_absent = !Variable("PUT_IF_ABSENT").empty()};
    auto keys = MakeCredentials(test.context(), {*http, *http},
                                {.role_arn = Variable("ROLE"),
                                 .environment = {{"AWS_ACCESS_KEY_ID", Variable("KEY")},
                                                 {"AWS_SECRET_ACCESS_KEY", Variable("SECRET")},
                                                 {"AWS_ENDPOINT_URL_STS", options.endpoint}}});
    REQUIRE(keys.ok());
    credentials = *std::move(keys);
    options.addressing = FromName<Addressing>(Variable("ADDRESSING")).value_or(Addressing::kAuto);
    auto made = S3Objects::Make(test.context(), *http, *credentials, options);
    REQUIRE(made.ok());
    s3 = made->get();
    store = *std::move(made);
  }

  Status Put(const std::string& name, std::string_view bytes) {
    ASSIGN_OR_RETURN(const auto writer, store->Create(name, {.size_max = bytes.size()}));
    RETURN_IF_ERROR(writer->Append(bytes));
    return writer->Finish().status();
  }
  Result<std::string> Get(const std::string& name, const ByteRange& range = {}) {
    std::string got;
    RETURN_IF_ERROR(store->Get(name, range, [&](std::string_view bytes) {
      got += bytes;
      return OkStatus();
    }));
    return got;
  }

  etcdrill::testing::TestContext test;
  std::unique_ptr<HttpClient> http =
      MakeHttpClient({.ca_file = Variable("CA_FILE"), .stall_max = std::chrono::seconds(2)});
  std::unique_ptr<CredentialsProvider> credentials;
  std::unique_ptr<ObjectStore> store;
  S3Objects* s3 = nullptr;  // the same
};

std::string Bytes(size_t size) {
  std::string bytes(size, '\0');
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 253);
  return bytes;
}

// Two parts and a bit.
const std::string& Large() {
  static const std::string bytes = Bytes((size_t{17} << 20) + 5);
  return bytes;
}

TEST_CASE("S3 keeps what a store promises", "[conformance]") {
  Site site;
  CheckConformance(*site.store);
}

// What test_s3.py breaks on the way must not be seen here.
TEST_CASE("objects go up and come back", "[transfer]") {
  Site site;
  const auto is_ok = [](const Status& status) {
    INFO(status.ToString());
    REQUIRE(status.ok());
  };
  is_ok(site.Put("small", "some bytes"));
  is_ok(site.Put("large", Large()));
  const auto head = site.store->Head("large");
  is_ok(head.status());
  CHECK(head->size == Large().size());
  const auto whole = site.Get("large");
  is_ok(whole.status());
  CHECK((*whole == Large()));  // not to be shown
  const auto part = site.Get("large", {.offset = 1'000'000, .size = 3'000'000});
  is_ok(part.status());
  CHECK((*part == Large().substr(1'000'000, 3'000'000)));
  std::vector<std::string> listed;
  is_ok(site.store->List("", "", [&](const ObjectInfo& object) {
    listed.push_back(object.name);
    return OkStatus();
  }));
  CHECK(listed == std::vector<std::string>{"large", "small"});
  is_ok(site.store->Delete("large"));
  is_ok(site.store->Delete("small"));
  // Nothing is left open.
  CHECK(site.store->Sweep("", WallTime::max()).value_or(99) == 0);
  if (const std::string region = Variable("EXPECTED_REGION"); !region.empty())
    CHECK(site.s3->learned().region == region);
}

TEST_CASE("one object goes up, and nothing is looked at", "[.][put]") {
  Site site;
  REQUIRE(site.Put("large", Large()).ok());
}

// A hash would tell; the transport does not.
TEST_CASE("bytes that change on their way come through as they are", "[.][flip]") {
  Site site;
  REQUIRE(site.Put("large", Large()).ok());
  const auto changed = site.Get("large");
  REQUIRE(changed.ok());
  CHECK((*changed != Large()));
  CHECK(changed->size() == Large().size());
  Site again;
  CHECK((again.Get("large").value_or("") == Large()));
}

// What a program that was killed has left, and nothing else, is given up.
TEST_CASE("uploads that nobody goes on with are given up", "[.][sweep]") {
  Site site;
  CHECK(site.store->Sweep("", WallTime::max()).value_or(99) ==
        static_cast<size_t>(std::stoul(Variable("EXPECTED_SWEEP"))));
  CHECK(site.store->Sweep("", WallTime::max()).value_or(99) == 0);
}

// Whether the lock that an upload in parts asked for is there differs from server to server; one
// that is set afterwards must be.
TEST_CASE("an upload in parts is locked, at the latest afterwards", "[.][lock]") {
  Site site;
  const auto until = std::chrono::floor<std::chrono::seconds>(MakeSystemClock()->Now());
  const Lock lock{ObjectLockMode::kCompliance, until + std::chrono::minutes(30)};
  const auto writer = site.store->Create("large", {.lock = lock, .size_max = Large().size()});
  REQUIRE(writer.ok());
  REQUIRE((*writer)->Append(Large()).ok());
  const auto put = (*writer)->Finish();
  REQUIRE(put.ok());
  const auto head = site.store->Head("large");
  REQUIRE(head.ok());
  CHECK(head->version_id == put->version_id);
  std::cout << "lock: " << (head->lock == lock ? "applied" : "not applied") << "\n";
  const Status later = site.store->SetLock("large", head->version_id, lock);
  INFO(later.ToString());
  REQUIRE(later.ok());
  CHECK(site.store->Head("large")->lock == lock);
  CHECK(Is(site.store->Delete("large", head->version_id), Reason::kAccessDenied));
  CHECK((site.Get("large").value_or("") == Large()));
}

// What keys without the right are told, for a test to look at: `list: REASON`, `delete: REASON`.
TEST_CASE("what the keys may not do is told, and nothing else fails", "[.][rights]") {
  Site site;
  REQUIRE(site.Put("a", "x").ok());
  CHECK(site.Get("a").value_or("") == "x");
  const auto told = [](const char* what, const Status& status) {
    std::cout << what << ": " << InfoOf(ReasonOf(status)).name << "\n";
  };
  told("list", site.store->List("", "", [](const ObjectInfo&) { return OkStatus(); }));
  told("missing", site.store->Head("nothing-here").status());
  told("delete", site.store->Delete("a"));
}

// For a comparison with another signer: the headers of a request, and how it is addressed.
TEST_CASE("a request is signed", "[.][sign]") {
  Query query;
  const std::string text = Variable("QUERY");
  for (const std::string_view pair : Split(text, '&')) {
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos)
      query.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  const std::string method = Variable("METHOD");
  const std::string path = EncodePath(Variable("PATH"));
  const std::string encoded = EncodeQuery(query);
  const std::string hash = Hex(Sha256Of("body"));
  const HttpHeaders headers = Sign(
      {method,
       path,
       encoded,
       {{"host", "store:9000"}, {"x-amz-content-sha256", hash}, {"x-amz-meta-a", "b   c"}},
       hash},
      {.access_key_id = "AKID", .secret_access_key = "SECRET", .session_token = Variable("TOKEN")},
      {.region = "eu-west-1"}, MakeSystemClock()->Now());
  std::cout << "target: " << path << (encoded.empty() ? "" : "?") << encoded << "\n";
  for (const auto& [name, value] : headers) std::cout << name << ": " << value << "\n";
}

// The error that a person reads, for test_s3.py to look at.
void TellWhy(const Status& put) {
  REQUIRE_FALSE(put.ok());
  std::cout << "told: " << InfoOf(ReasonOf(put)).name << ": " << MessageOf(put) << "\n";
}

TEST_CASE("what is configured wrongly is told", "[.][wrong]") {
  Site site;
  TellWhy(site.Put("x", "x"));
}

TEST_CASE("so is what ends an upload in parts", "[.][wrong-large]") {
  Site site;
  TellWhy(site.Put("large", Large()));
}

}  // namespace
}  // namespace etcdrill::objects
