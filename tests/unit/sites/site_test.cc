// A site from its configuration: its objects, and keys that are read when they are needed.
#include "sites/site.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include "support/catch.h"
#include "support/test_context.h"

namespace etcdrill::sites {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

// Variables of the environment, for as long as it lives.
class Variables {
 public:
  explicit Variables(std::map<std::string, std::string> values) : values_(std::move(values)) {
    for (const auto& [name, value] : values_) setenv(name.c_str(), value.c_str(), 1);
  }
  Variables(const Variables&) = delete;
  Variables& operator=(const Variables&) = delete;
  ~Variables() {
    for (const auto& [name, value] : values_) unsetenv(name.c_str());
  }

 private:
  const std::map<std::string, std::string> values_;
};

struct SiteScene {
  SiteScene() {
    std::filesystem::create_directory(test.Path("copies"));
    config.name = "first";
    config.place = config::DirectoryPlace{test.Path("copies")};
  }
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(test.Path(name)) << text;
    return test.Path(name);
  }
  Result<std::unique_ptr<Site>> Open() {
    return Site::Open(test.context(), config, signing, meter);
  }

  testing::TestContext test;
  config::SiteConfig config;
  config::SigningConfig signing;
  objects::Meter meter;
};

std::string TextOf(const Status& status) { return std::string(MessageOf(status)); }

TEST_CASE("a site in a directory takes objects, gives them back, and counts both") {
  SiteScene scene;
  const auto site = scene.Open();
  REQUIRE(site.ok());
  objects::ObjectStore& objects = (*site)->objects();
  CHECK(objects.address() == scene.test.Path("copies"));
  auto writer = objects.Create("snapshots/a.db", {.size_max = 5});
  REQUIRE(writer.ok());
  REQUIRE((*writer)->Append("bytes").ok());
  REQUIRE((*writer)->Finish().ok());
  CHECK(scene.test.fs().ReadWhole(scene.test.Path("copies/snapshots/a.db"), 100).value() ==
        "bytes");
  std::string got;
  REQUIRE(objects
              .Get("snapshots/a.db", {},
                   [&got](std::string_view piece) {
                     got.append(piece);
                     return OkStatus();
                   })
              .ok());
  CHECK(got == "bytes");
  const objects::Traffic traffic = scene.meter.Read();
  CHECK(traffic.calls.at(objects::Operation::kPut) == 1);
  CHECK(traffic.bytes_sent == 5);
  CHECK(traffic.bytes_received == 5);
  CHECK((*site)->Credentials().value() == std::nullopt);
  CHECK((*site)->CredentialsEnd() == std::nullopt);
  CHECK((*site)->encoding() == Encoding{.zstd = true, .age = false});
  CHECK((*site)->Recipients().value().empty());
}

TEST_CASE("a disk that is not mounted is no reason not to open its site") {
  SiteScene scene;
  scene.config.place = config::DirectoryPlace{scene.test.Path("nothing")};
  const auto site = scene.Open();
  REQUIRE(site.ok());
  CHECK(Is((*site)->objects().Create("a", {}), Reason::kBucketMissing));
}

TEST_CASE("recipients and identities are read when they are needed") {
  SiteScene scene;
  const AgeIdentity first = AgeIdentity::Make();
  const AgeIdentity second = AgeIdentity::Make();
  scene.config.encrypt = {
      .recipients_file = scene.Write("recipients", first.recipient().Text() + "\n"),
      .identity_file = scene.Write("identity", first.Text() + "\n")};
  const auto site = scene.Open();
  REQUIRE(site.ok());
  CHECK((*site)->encoding().age);
  CHECK((*site)->Recipients().value() == std::vector{first.recipient()});
  CHECK((*site)->Identities().value().front().recipient() == first.recipient());

  scene.Write("recipients",
              first.recipient().Text() + "\n# in the safe\n" + second.recipient().Text() + "\n");
  scene.Write("identity", second.Text() + "\n");
  CHECK((*site)->Recipients().value() == std::vector{first.recipient(), second.recipient()});
  CHECK((*site)->Identities().value().front().recipient() == second.recipient());
}

TEST_CASE("an error of a key file names the key and the file, and no secret") {
  SiteScene scene;
  const std::string secret = AgeIdentity::Make().Text();
  scene.config.encrypt = {.recipients_file = scene.Write("recipients", secret),
                          .identity_file = scene.test.Path("nothing")};
  scene.signing = {.key_file = scene.Write("key", secret), .signers_file = ""};
  const auto site = scene.Open();
  REQUIRE(site.ok());
  const Status recipients = (*site)->Recipients().status();
  CHECK(Is(recipients, Reason::kConfig));
  CHECK_THAT(TextOf(recipients),
             StartsWith("encrypt.recipients_file: " + scene.test.Path("recipients") + ": line 1"));
  CHECK_THAT(TextOf(recipients), !ContainsSubstring(secret));
  const Status identities = (*site)->Identities().status();
  CHECK(Is(identities, Reason::kNotFound));
  CHECK_THAT(TextOf(identities), StartsWith("encrypt.identity_file: "));
  const Status signing = (*site)->Signing().status();
  CHECK(Is(signing, Reason::kConfig));
  CHECK_THAT(TextOf(signing), StartsWith("store.signing.key_file: "));
  CHECK_THAT(TextOf(signing), !ContainsSubstring(secret));
  CHECK(Is((*site)->Signers(), Reason::kConfig));
}

TEST_CASE("without an identity the copies of a site can't be opened, and it says so") {
  SiteScene scene;
  scene.config.encrypt = {.recipients_file = scene.Write("r", ""), .identity_file = ""};
  const auto site = scene.Open();
  REQUIRE(site.ok());
  const Status identities = (*site)->Identities().status();
  CHECK(Is(identities, Reason::kNoIdentity));
  CHECK_THAT(TextOf(identities), ContainsSubstring("identity_file"));
}

TEST_CASE("the signatures that count are those of the file, and our own") {
  SiteScene scene;
  CHECK((*scene.Open())->Signers().value().empty());
  CHECK_FALSE((*scene.Open())->Signing().value().has_value());
  const SigningKey own = SigningKey::Make();
  const SigningKey other = SigningKey::Make();
  scene.signing.signers_file = scene.Write("signers", other.verifying_key().Pem());
  CHECK((*scene.Open())->Signers().value().size() == 1);
  scene.signing.key_file = scene.Write("key", own.Pem());
  const auto site = scene.Open();
  REQUIRE(site.ok());
  const auto signers = (*site)->Signers();
  REQUIRE(signers.ok());
  REQUIRE(signers->size() == 2);
  CHECK(signers->at(0).Id() == other.verifying_key().Id());
  CHECK(signers->at(1).Id() == own.verifying_key().Id());
  CHECK(own.verifying_key().Verifies("x", (*site)->Signing().value()->Sign("x")));
}

TEST_CASE("the keys of a bucket come from files that may change") {
  SiteScene scene;
  config::S3Place place = {.bucket = {.bucket = "b", .prefix = "p"}};
  place.credentials.access_key_id_file = scene.Write("id", "id-1\n");
  place.credentials.secret_access_key_file = scene.Write("secret", "hunter2\n");
  scene.config.place = place;
  const auto site = scene.Open();
  REQUIRE(site.ok());
  CHECK((*site)->objects().address() == "s3://b/p");
  CHECK((*site)->Credentials().value()->access_key_id == "id-1");
  scene.Write("id", "id-2\n");
  CHECK((*site)->Credentials().value()->access_key_id == "id-2");
  CHECK((*site)->CredentialsEnd() == std::nullopt);
  std::filesystem::remove(scene.test.Path("id"));
  const Status missing = (*site)->Credentials().status();
  CHECK(Is(missing, Reason::kCredentials));
  CHECK_THAT(TextOf(missing), ContainsSubstring(scene.test.Path("id")));
}

TEST_CASE("where the configuration names no keys, those of the environment count, with their end") {
  SiteScene scene;
  scene.config.place = config::S3Place{.bucket = {.bucket = "b"}};
  const Variables variables({{"AWS_ACCESS_KEY_ID", "from-environment"},
                             {"AWS_SECRET_ACCESS_KEY", "hunter2"},
                             {"AWS_CREDENTIAL_EXPIRATION", "2100-01-02T03:04:05Z"}});
  const auto site = scene.Open();
  REQUIRE(site.ok());
  CHECK((*site)->CredentialsEnd() == std::nullopt);
  CHECK((*site)->Credentials().value()->access_key_id == "from-environment");
  REQUIRE((*site)->CredentialsEnd().has_value());
  CHECK(FormatRfc3339(*(*site)->CredentialsEnd()) == "2100-01-02T03:04:05Z");
}

TEST_CASE("the environment says where a bucket is only if the configuration does not") {
  SiteScene scene;
  config::S3Place place = {.bucket = {.bucket = "b"}};
  scene.config.place = place;
  const Variables variables({{"AWS_ENDPOINT_URL_S3", "https://host/path"}, {"AWS_REGION", "a b"}});
  const auto site = scene.Open();
  REQUIRE(Is(site, Reason::kConfig));
  CHECK_THAT(TextOf(site.status()), ContainsSubstring("AWS_"));
  place.bucket.endpoint = "https://host";
  place.bucket.region = "eu-central-1";
  scene.config.place = place;
  CHECK(scene.Open().ok());
}

TEST_CASE("a site whose rclone is missing is not opened, and the program is named") {
  SiteScene scene;
  scene.config.place = config::RclonePlace{.remote = "a:b",
                                           .config_file = scene.Write("rclone.conf", ""),
                                           .program = scene.test.Path("no-rclone"),
                                           .scratch_dir = scene.test.Path("scratch")};
  const auto site = scene.Open();
  CHECK(Is(site, Reason::kConfig));
  CHECK_THAT(TextOf(site.status()), ContainsSubstring(scene.test.Path("no-rclone")));
}

}  // namespace
}  // namespace etcdrill::sites
