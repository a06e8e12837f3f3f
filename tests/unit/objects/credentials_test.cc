// Each place that keys come from, the order of them, and how long keys are kept. botocore is the
// judge of the order in tests/e2e/test_credentials.py; here is what it can't be asked: a clock that
// jumps, files that are exchanged, servers that answer nonsense.
#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "objects/s3/container_source.h"
#include "objects/s3/credential_chain.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/fake_http_client.h"
#include "support/test_context.h"

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using testing::FakeClock;
using testing::FakeHttpClient;
using testing::TestContext;

constexpr WallTime kStart = std::chrono::sys_days(std::chrono::year(2026) / 11 / 27);
const std::string kSecret = "canary-secret";
const std::string kToken = "canary-token";

HttpResponse Says(int status, std::string body) {
  return {.status = status, .body = std::move(body)};
}

std::string Json(const std::string& id, WallTime end) {
  return R"({"Code":"Success","AccessKeyId":")" + id + R"(","SecretAccessKey":")" + kSecret +
         R"(","Token":")" + kToken + R"(","Expiration":")" + FormatRfc3339(end) + R"("})";
}

std::string StsAnswer(const std::string& action, const std::string& id, WallTime end) {
  return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action +
         "Result><Credentials><AccessKeyId>" + id + "</AccessKeyId><SecretAccessKey>" + kSecret +
         "</SecretAccessKey><SessionToken>" + kToken + "</SessionToken><Expiration>" +
         FormatRfc3339(end) + "</Expiration></Credentials></" + action + "Result></" + action +
         "Response>";
}

// A provider on fakes: nobody answers at the link-local addresses, and STS refuses.
class CredentialsWorld {
 public:
  CredentialsOptions options;
  FakeClock clock{kStart};
  FakeHttpClient direct{[](const auto& asked) -> Result<HttpResponse> {
    return Error(Reason::kTimeout, "{} {}: nobody there", asked.method, asked.url);
  }};
  FakeHttpClient sts{[](const auto&) -> Result<HttpResponse> {
    return Says(403,
                "<ErrorResponse><Error><Code>AccessDenied</Code><Message>Not authorized"
                "</Message></Error></ErrorResponse>");
  }};

  std::string Write(const std::string& name, const std::string& content) {
    const std::string path = test_.Path(name);
    if (test_.fs().Exists(path)) REQUIRE(test_.fs().Unlink(path).ok());
    REQUIRE(test_.fs().MakeDirs(DirName(path), kPrivateDirMode).ok());
    auto file = test_.fs().Create(path, kPrivateFileMode);
    REQUIRE(file.ok());
    REQUIRE((*file)->Append(content).ok());
    return path;
  }
  std::string Path(const std::string& name) const { return test_.Path(name); }

  CredentialsProvider& provider() {
    if (provider_ == nullptr) {
      auto made = MakeCredentials(context_, {direct, sts}, options);
      INFO(made.status().ToString());
      REQUIRE(made.ok());
      provider_ = *std::move(made);
    }
    return *provider_;
  }
  Credentials Current() {
    auto keys = provider().Current();
    INFO(keys.status().ToString());
    REQUIRE(keys.ok());
    return *keys;
  }
  // That there are none, for this reason; no secret is in the message.
  std::string Why(Reason reason = Reason::kCredentials) {
    const auto keys = provider().Current();
    REQUIRE_FALSE(keys.ok());
    const std::string why(MessageOf(keys.status()));
    INFO(why);
    CHECK(InfoOf(ReasonOf(keys.status())).name == InfoOf(reason).name);
    CHECK(why.find("canary") == std::string::npos);
    CHECK(why.find('\n') == std::string::npos);
    return why;
  }

 private:
  TestContext test_;
  std::stop_source stop_;
  Context context_ = testing::WithClock(test_.context(), clock).With(stop_.get_token());
  std::unique_ptr<CredentialsProvider> provider_;
};

void GiveToInstances(CredentialsWorld& world, Duration length) {
  world.direct.SetAnswer([&world, length](const FakeHttpClient::Asked& asked) {
    if (asked.method == "PUT") return Says(200, "the-token");
    if (asked.Header("x-aws-ec2-metadata-token") != "the-token") return Says(401, "");
    if (asked.url.ends_with("/")) return Says(200, "node-role");
    static int count = 0;
    return Says(200, Json("INSTANCE" + std::to_string(++count), world.clock.Now() + length));
  });
}

TEST_CASE("keys of files that the configuration names are used, and those of nobody else") {
  CredentialsWorld world;
  world.options.environment = {{"AWS_ACCESS_KEY_ID", "OTHER"}, {"AWS_SECRET_ACCESS_KEY", "x"}};
  world.options.access_key_id_file = world.Write("id", "AKID\n");
  world.options.secret_access_key_file = world.Write("secret", kSecret + "\n");
  const Credentials keys = world.Current();
  CHECK(keys.access_key_id == "AKID");
  CHECK(keys.secret_access_key == kSecret);
  CHECK(keys.session_token.empty());
  CHECK(keys.source == "file " + world.Path("id"));

  world.Write("id", "NEXT");  // exchanged: counts at once
  CHECK(world.Current().access_key_id == "NEXT");
  world.Write("secret", " \n");
  CHECK_THAT(world.Why(), ContainsSubstring("is empty"));
  world.Write("secret", kSecret + "\nanother line");
  CHECK_THAT(world.Why(), ContainsSubstring("more than one line"));
}

TEST_CASE("a mounted secret may have gardener's names, or AWS's") {
  CredentialsWorld world;
  world.options.credentials_dir = world.Path("mounted");
  CHECK_THAT(world.Why(), ContainsSubstring("accessKeyID, AWS_ACCESS_KEY_ID"));
  world.Write("mounted/accessKeyID", "GARDENER");
  CHECK_THAT(world.Why(), ContainsSubstring("secretAccessKey"));
  world.Write("mounted/secretAccessKey", kSecret);
  CHECK(world.Current().access_key_id == "GARDENER");

  CredentialsWorld other;
  other.options.credentials_dir = other.Path("mounted");
  other.Write("mounted/AWS_ACCESS_KEY_ID", "AWS");
  other.Write("mounted/AWS_SECRET_ACCESS_KEY", kSecret);
  other.Write("mounted/AWS_SESSION_TOKEN", kToken);
  CHECK(other.Current().access_key_id == "AWS");
  CHECK(other.Current().session_token == kToken);
}

TEST_CASE("contradicting settings are refused") {
  CredentialsWorld world;
  const auto reason = [&world](CredentialsOptions options) {
    TestContext test;
    return MakeCredentials(test.context(), {world.direct, world.sts}, std::move(options)).status();
  };
  CHECK(Is(reason({.access_key_id_file = "a"}), Reason::kConfig));
  CHECK(Is(reason({.credentials_dir = "a", .profile = "b"}), Reason::kConfig));
  CHECK(Is(reason({.web_identity_token_file = "a"}), Reason::kConfig));
  CHECK(reason({.credentials_file = "a", .profile = "b"}).ok());
}

TEST_CASE("the environment wins over AWS_PROFILE, and half of it is an error") {
  CredentialsWorld world;
  world.options.environment = {{"AWS_ACCESS_KEY_ID", "ENV"},
                               {"AWS_SECRET_ACCESS_KEY", kSecret},
                               {"AWS_SESSION_TOKEN", kToken},
                               {"AWS_PROFILE", "none"}};
  CHECK(world.Current().access_key_id == "ENV");
  CHECK(world.Current().source == "environment");
  CredentialsWorld half;
  half.options.environment = {{"AWS_ACCESS_KEY_ID", "ENV"}};
  CHECK_THAT(half.Why(), ContainsSubstring("AWS_SECRET_ACCESS_KEY is not"));
}

TEST_CASE("profiles of the shared files") {
  CredentialsWorld world;
  world.options.environment = {
      {"AWS_SHARED_CREDENTIALS_FILE",
       world.Write("credentials",
                   "# comment\n[default]\naws_access_key_id = DEFAULT\n"
                   "AWS_SECRET_ACCESS_KEY=canary-secret\n[b]\n"
                   "aws_access_key_id=B\naws_secret_access_key: canary-b\n")},
      {"AWS_CONFIG_FILE", world.Write("config",
                                      "[default]\nregion = x\ns3 =\n  addressing_style = path\n"
                                      "[profile \"c\"]\naws_access_key_id = C\n"
                                      "aws_secret_access_key = canary-c\n"
                                      "[profile p]\ncredential_process = /bin/canary\n")}};
  const auto with = [&world](const std::string& profile) {
    CredentialsWorld other;
    other.options.environment = world.options.environment;
    other.options.environment["AWS_PROFILE"] = profile;
    return other.provider().Current();
  };
  CHECK(world.Current().access_key_id == "DEFAULT");
  CHECK(world.Current().secret_access_key == kSecret);
  CHECK(with("b")->access_key_id == "B");
  CHECK(with("b")->source == "shared file, profile b");
  CHECK(with("c")->access_key_id == "C");
  CHECK_THAT(std::string(MessageOf(with("p").status())),
             ContainsSubstring("credential_process is not supported"));
  CHECK_THAT(std::string(MessageOf(with("nope").status())),
             ContainsSubstring("there is no profile nope"));

  world.Write("credentials", "[default]\naws_access_key_id=A\ncanary without a sign\n");
  CHECK_THAT(world.Why(), ContainsSubstring("line 3"));
}

TEST_CASE("a profile's role is assumed with the keys of another one") {
  CredentialsWorld world;
  const std::string config = world.Write(
      "config",
      "[profile job]\nrole_arn = arn:aws:iam::1:role/job\nsource_profile = base\n"
      "external_id = 42\nrole_session_name = me\n"
      "[profile base]\naws_access_key_id = BASE\naws_secret_access_key = canary-base\n"
      "[profile a]\nrole_arn = arn:a\nsource_profile = b\n"
      "[profile b]\nrole_arn = arn:b\nsource_profile = a\n"
      "[profile both]\nrole_arn = arn:b\nsource_profile = a\ncredential_source = Environment\n");
  world.options.environment = {
      {"AWS_CONFIG_FILE", config}, {"AWS_PROFILE", "job"}, {"AWS_REGION", "eu-central-1"}};
  world.sts.SetAnswer([&](const auto&) {
    return Says(200, StsAnswer("AssumeRole", "ROLE", world.clock.Now() + 1h));
  });
  const Credentials keys = world.Current();
  CHECK(keys.access_key_id == "ROLE");
  CHECK(keys.session_token == kToken);
  CHECK(keys.end == kStart + 1h);
  CHECK(keys.source == "role arn:aws:iam::1:role/job (by shared file, profile base)");
  REQUIRE(world.sts.asked().size() == 1);
  const auto& asked = world.sts.asked()[0];
  CHECK(asked.url == "https://sts.eu-central-1.amazonaws.com/");
  CHECK_THAT(asked.Header("authorization"),
             ContainsSubstring("Credential=BASE/20261127/eu-central-1/sts/aws4_request"));
  CHECK(asked.body ==
        "Action=AssumeRole&ExternalId=42&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fjob&"
        "RoleSessionName=me&Version=2011-06-15");

  for (const auto& [profile, text] : std::map<std::string, std::string>{
           {"a", "leads in a circle"}, {"both", "either source_profile or credential_source"}}) {
    CredentialsWorld other;
    other.options.environment = {{"AWS_CONFIG_FILE", config}, {"AWS_PROFILE", profile}};
    CHECK_THAT(other.Why(), ContainsSubstring(text));
  }
}

TEST_CASE("a role of the configuration is assumed with whatever keys there are") {
  CredentialsWorld world;
  world.options.environment = {{"AWS_ACCESS_KEY_ID", "ENV"}, {"AWS_SECRET_ACCESS_KEY", kSecret}};
  world.options.role_arn = "arn:role";
  CHECK_THAT(world.Why(), ContainsSubstring("AccessDenied: Not authorized; let the trust policy"));
  CHECK(world.sts.asked().size() == 1);  // it does not help to ask again
}

TEST_CASE("web identity shows the token that the file holds now") {
  CredentialsWorld world;
  world.options.environment = {{"AWS_WEB_IDENTITY_TOKEN_FILE", world.Write("token", "canary-1")},
                               {"AWS_ROLE_ARN", "arn:role"}};
  int calls = 0;
  world.sts.SetAnswer([&](const auto&) {
    return Says(200, StsAnswer("AssumeRoleWithWebIdentity", "WEB" + std::to_string(++calls),
                               world.clock.Now() + 1h));
  });
  CHECK(world.Current().access_key_id == "WEB1");
  CHECK(world.sts.asked()[0].url == "https://sts.amazonaws.com/");
  CHECK(world.sts.asked()[0].Header("authorization").empty());
  CHECK_THAT(world.sts.asked()[0].body, ContainsSubstring("WebIdentityToken=canary-1"));
  CHECK_THAT(world.sts.asked()[0].body, ContainsSubstring("RoleSessionName=etcdrill"));

  world.Write("token", "canary-2");
  world.clock.SleepFor(44min, {});
  CHECK(world.Current().access_key_id == "WEB1");
  world.clock.SleepFor(2min, {});
  CHECK(world.Current().access_key_id == "WEB2");
  CHECK_THAT(world.sts.asked()[1].body, ContainsSubstring("WebIdentityToken=canary-2"));
}

TEST_CASE("what STS says is told, but for the token that it may repeat") {
  CredentialsWorld world;
  world.options.environment = {{"AWS_WEB_IDENTITY_TOKEN_FILE", world.Write("token", "canary-1")}};
  CHECK_THAT(world.Why(), ContainsSubstring("set AWS_ROLE_ARN"));

  CredentialsWorld other;
  other.options.environment = {{"AWS_WEB_IDENTITY_TOKEN_FILE", other.Write("token", "canary-1")},
                               {"AWS_ROLE_ARN", "arn:role"}};
  other.sts.SetAnswer([](const auto&) {
    return Says(400,
                "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>canary-1 "
                "has ended</Message></Error></ErrorResponse>");
  });
  CHECK_THAT(other.Why(), ContainsSubstring("(secret) has ended; what was shown has ended"));
  CHECK(other.sts.asked().size() == 1);
  other.sts.SetAnswer([](const auto&) {
    return Says(400,
                "<ErrorResponse><Error><Code>IDPCommunicationError</Code></Error>"
                "</ErrorResponse>");
  });
  CHECK_THAT(other.Why(Reason::kIoError), ContainsSubstring("IDPCommunicationError"));
  CHECK(other.sts.asked().size() == 4);  // three tries
  other.sts.SetAnswer([](const auto&) { return Says(200, "<html>hello</html>"); });
  CHECK_THAT(other.Why(Reason::kIoError), ContainsSubstring("is this an STS endpoint?"));
}

TEST_CASE("containers show their token to this machine and its link only") {
  CHECK(MayGiveKeys("http://169.254.170.23/v1/credentials"));
  CHECK(MayGiveKeys("http://[fd00:ec2::23]/v1/credentials"));
  CHECK(MayGiveKeys("http://127.0.0.1:8080/x"));
  CHECK(MayGiveKeys("http://[::1]:8080/x"));
  CHECK(MayGiveKeys("http://localhost/x"));
  CHECK(MayGiveKeys("https://keys.example/x"));
  for (const char* url : {"http://keys.example/x", "http://127.0.0.1.keys.example/x",
                          "http://localhost@keys.example/x", "http://169.254.169.254/x",
                          "http://keys.example/?http://localhost/", "http://[fd00:ec2::24]/x",
                          "ftp://localhost/x", "file:///etc/shadow", "localhost", ""}) {
    INFO(url);
    CHECK_FALSE(MayGiveKeys(url));
  }

  CredentialsWorld world;
  world.options.environment = {
      {"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"},
      {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", world.Write("token", "canary-1")}};
  world.direct.SetAnswer([&](const FakeHttpClient::Asked& asked) {
    return asked.Header("authorization") == "canary-1"
               ? Says(200, Json("POD", world.clock.Now() + 6h))
               : Says(401, "no: " + asked.Header("authorization"));
  });
  CHECK(world.Current().access_key_id == "POD");
  CHECK(world.Current().source == "container");
  CHECK(world.direct.asked()[0].time_max == 2s);
  world.Write("token", "canary-2");
  world.provider().Refused();
  CHECK_THAT(world.Why(), ContainsSubstring("401 no: (secret)"));

  CredentialsWorld ecs;
  ecs.options.environment = {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x"}};
  CHECK_THAT(ecs.Why(Reason::kTimeout), ContainsSubstring("GET http://169.254.170.2/v2/x"));
  CHECK(ecs.direct.asked().size() == 3);

  CredentialsWorld far;
  far.options.environment = {{"AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://keys.example/"}};
  CHECK_THAT(far.Why(), ContainsSubstring("is not asked for keys"));
  CHECK(far.direct.asked().empty());
}

TEST_CASE("instances are asked last, for a second, with a token") {
  CredentialsWorld world;
  GiveToInstances(world, 6h);
  CHECK_THAT(world.Current().access_key_id, ContainsSubstring("INSTANCE"));
  CHECK(world.Current().source == "instance, role node-role");
  REQUIRE(world.direct.asked().size() == 3);
  CHECK(world.direct.asked()[0].url == "http://169.254.169.254/latest/api/token");
  CHECK(world.direct.asked()[0].time_max == 1s);

  CredentialsWorld none;
  const std::string why = none.Why();
  CHECK_THAT(why, ContainsSubstring("AWS_ACCESS_KEY_ID is not set"));
  CHECK_THAT(why, ContainsSubstring("hop limit"));
  CredentialsWorld off;
  off.options.environment = {{"AWS_EC2_METADATA_DISABLED", "TRUE"}};
  CHECK_THAT(off.Why(), ContainsSubstring("AWS_EC2_METADATA_DISABLED is true"));
  CHECK(off.direct.asked().empty());

  CredentialsWorld roleless;
  roleless.direct.SetAnswer([](const FakeHttpClient::Asked& asked) {
    return asked.method == "PUT" ? Says(200, "t") : Says(404, "");
  });
  CHECK_THAT(roleless.Why(), ContainsSubstring("attach a role"));
  CredentialsWorld strange;
  strange.direct.SetAnswer([](const FakeHttpClient::Asked& asked) {
    return asked.method == "PUT" ? Says(200, "t") : Says(200, "../../user-data");
  });
  CHECK_THAT(strange.Why(), ContainsSubstring("no name of a role"));
}

TEST_CASE("keys are refreshed from 15 minutes before their end, and must be from 10") {
  CredentialsWorld world;
  GiveToInstances(world, 1h);
  const std::string first = world.Current().access_key_id;
  world.clock.SleepFor(44min, {});
  CHECK(world.Current().access_key_id == first);
  CHECK(world.direct.asked().size() == 3);

  world.direct.SetAnswer(
      [](const auto&) -> Result<HttpResponse> { return Error(Reason::kTimeout, "nobody there"); });
  world.clock.SleepFor(2min, {});  // 14 minutes are left
  CHECK(world.Current().access_key_id == first);
  CHECK(world.direct.asked().size() == 4);
  CHECK(world.Current().access_key_id == first);
  CHECK(world.direct.asked().size() == 4);  // not at each request
  world.clock.SleepFor(31s, {});
  CHECK(world.Current().access_key_id == first);
  CHECK(world.direct.asked().size() == 5);
  world.clock.SleepFor(3min + 30s, {});  // less than 10
  // Who has given keys before is not just absent.
  CHECK_THAT(world.Why(Reason::kTimeout), ContainsSubstring("hop limit"));
  CHECK_THAT(world.Why(Reason::kTimeout), ContainsSubstring("hop limit"));  // each time

  GiveToInstances(world, 1h);
  CHECK(world.Current().access_key_id != first);
}

TEST_CASE("keys that come with little time left are used, but not asked for at each request") {
  CredentialsWorld world;
  GiveToInstances(world, 5min);
  const std::string first = world.Current().access_key_id;
  CHECK(world.Current().access_key_id == first);
  world.clock.SleepFor(31s, {});
  CHECK(world.Current().access_key_id != first);
  GiveToInstances(world, -1min);
  world.clock.SleepFor(31s, {});
  CHECK_THAT(world.Why(), ContainsSubstring("ended at"));
}

TEST_CASE("keys that the store refused are asked for anew, whatever end they have") {
  CredentialsWorld world;
  GiveToInstances(world, 6h);
  const std::string first = world.Current().access_key_id;
  world.provider().Refused();
  CHECK(world.Current().access_key_id != first);
  const size_t asked = world.direct.asked().size();
  world.Current();
  CHECK(world.direct.asked().size() == asked);
  world.provider().Refused();
  world.direct.SetAnswer([](const auto&) { return Says(200, "{\"Code\":\"Failed\"}"); });
  CHECK_THAT(world.Why(), ContainsSubstring("instance: "));
}

}  // namespace
}  // namespace etcdrill::objects
