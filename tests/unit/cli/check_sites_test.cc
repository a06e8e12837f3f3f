// `check config` looks at what sites name, and asks none of them.
#include "cli/check_sites.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "crypto/age/keys.h"
#include "crypto/signature.h"
#include "support/catch.h"
#include "support/test_context.h"

namespace etcdrill::cli {
namespace {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

struct SitesScene {
  std::string Write(const std::string& name, const std::string& text) const {
    std::ofstream(test.Path(name)) << text;
    return test.Path(name);
  }
  // The same site, in a bucket whose keys are there.
  config::S3Place Bucket() const {
    config::S3Place place = {.bucket = {.bucket = "b"}};
    place.credentials.access_key_id_file = Write("id", "x");
    place.credentials.secret_access_key_file = Write("secret", "y");
    return place;
  }
  SiteRemarks Check(config::SiteConfig site) {
    site.name = "first";
    config.sites = {std::move(site)};
    return CheckSites(test.context(), config);
  }
  std::string ProblemOf(const config::SiteConfig& site) {
    const SiteRemarks remarks = Check(site);
    REQUIRE(remarks.problems.size() == 1);
    CHECK_THAT(remarks.problems[0], StartsWith("site first: "));
    return remarks.problems[0];
  }

  etcdrill::testing::TestContext test;
  config::Config config;
};

TEST_CASE("a site whose files are all there has no problem") {
  SitesScene scene;
  const AgeIdentity daily = AgeIdentity::Make();
  const AgeIdentity safe = AgeIdentity::Make();
  config::SiteConfig site = {.place = scene.Bucket()};
  site.encrypt = {.recipients_file = scene.Write(
                      "r", daily.recipient().Text() + "\n" + safe.recipient().Text() + "\n"),
                  .identity_file = scene.Write("i", daily.Text())};
  scene.config.signing.key_file = scene.Write("key", SigningKey::Make().Pem());
  const SiteRemarks remarks = scene.Check(site);
  CHECK(remarks.problems.empty());
  CHECK(remarks.warnings.empty());
}

TEST_CASE("each file of a site that can't be used is named") {
  SitesScene scene;
  config::SiteConfig site = {.place = scene.Bucket()};
  std::filesystem::remove(scene.test.Path("secret"));
  CHECK_THAT(scene.ProblemOf(site), ContainsSubstring("secret_access_key_file"));

  config::S3Place place = {.bucket = {.bucket = "b"}};
  place.credentials.credentials_dir = scene.test.Path("nothing");
  CHECK_THAT(scene.ProblemOf({.place = place}), ContainsSubstring("credentials_dir"));
  place.credentials = {.credentials_file = scene.Write("shared", "[other]\n"), .profile = "mine"};
  CHECK_THAT(scene.ProblemOf({.place = place}), ContainsSubstring("mine"));

  place = scene.Bucket();
  place.ca_file = scene.Write("ca", "nonsense");
  CHECK_THAT(scene.ProblemOf({.place = place}), ContainsSubstring("no certificate"));

  site.place = config::DirectoryPlace{scene.test.Path("nothing")};
  CHECK_THAT(scene.ProblemOf(site), ContainsSubstring("directory"));
  site.place = config::DirectoryPlace{scene.Write("file", "")};
  CHECK_THAT(scene.ProblemOf(site), ContainsSubstring("is not a directory"));

  site.place = config::DirectoryPlace{scene.test.dir()};
  site.encrypt = {.recipients_file = scene.Write("r", "nobody"), .identity_file = ""};
  CHECK_THAT(scene.ProblemOf(site), ContainsSubstring("encrypt.recipients_file"));
  site.encrypt.reset();
  scene.config.signing.signers_file = scene.Write("signers", "nobody");
  CHECK_THAT(scene.ProblemOf(site), ContainsSubstring("store.signing.signers_file"));
}

TEST_CASE("copies that only one key opens, or none that is here, are warned of") {
  SitesScene scene;
  const AgeIdentity daily = AgeIdentity::Make();
  config::SiteConfig site = {.place = config::DirectoryPlace{scene.test.dir()}};
  site.encrypt = {.recipients_file = scene.Write("r", daily.recipient().Text()),
                  .identity_file = scene.Write("i", AgeIdentity::Make().Text())};
  const SiteRemarks remarks = scene.Check(site);
  CHECK(remarks.problems.empty());
  REQUIRE(remarks.warnings.size() == 2);
  CHECK_THAT(remarks.warnings[0], ContainsSubstring("one recipient"));
  CHECK_THAT(remarks.warnings[1], ContainsSubstring("cannot be opened here"));
}

}  // namespace
}  // namespace etcdrill::cli
