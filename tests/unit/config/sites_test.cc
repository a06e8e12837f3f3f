// Sites in the file: what is read, what is refused with its place, and what is only warned of.
#include "config/sites.h"

#include <chrono>
#include <variant>

#include "config/load.h"
#include "support/catch.h"

namespace etcdrill::config {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;

Result<Config> ParseSites(const std::string& text) {
  return Parse("store:\n  sites:\n" + text, "/etc/etcdrill/c.yaml");
}

std::string ProblemOf(const std::string& text) {
  const auto config = ParseSites(text);
  REQUIRE_FALSE(config.ok());
  CHECK(ReasonOf(config.status()) == Reason::kConfig);
  return std::string(MessageOf(config.status()));
}

std::vector<std::string> WarningsOfSites(const std::string& text) {
  const auto config = ParseSites(text);
  REQUIRE(config.ok());
  std::vector<std::string> warnings;
  WarnOfSites(*config, warnings);
  return warnings;
}

std::string S3(const std::string& keys) {
  return "  - {name: first, s3: {bucket: b" + (keys.empty() ? "" : ", " + keys) + "}}\n";
}

TEST_CASE("a site in a bucket, with all that it can have") {
  const auto config = Parse(R"(
store:
  keep_local: 24
  signing: {key_file: signing.pem, signers_file: signers.pem}
  sites:
    - name: first
      s3:
        {bucket: backups, region: eu-central-1, prefix: prod/a, endpoint: "http://s3:9000",
         addressing: path, ca_file: ca.crt, insecure_skip_verify: true, proxy: "http://p:1",
         timeout: 5m, sse: kms, kms_key_id: k, checksum: md5, put_if_absent: true,
         access_key_id_file: id, secret_access_key_file: secret, session_token_file: token,
         role_arn: arn, role_session_name: session, external_id: x}
      lock: {mode: compliance, for: 30d}
      retention: {last: 3, daily: 30}
      compress: none
      encrypt: {recipients_file: recipients.txt, identity_file: /keys/identity.txt}
      bandwidth: {upload: 10MiB/s, download: 1MiB/s}
      drill: none
      scrub: {period: 60d, rate: 5MiB/s}
)",
                            "/etc/etcdrill/c.yaml");
  REQUIRE(config.ok());
  CHECK(config->keep_local == 24U);
  CHECK(config->signing.key_file == "/etc/etcdrill/signing.pem");
  CHECK(config->signing.signers_file == "/etc/etcdrill/signers.pem");
  REQUIRE(config->sites.size() == 1);
  const SiteConfig& site = config->sites[0];
  CHECK(site.name == "first");
  const auto& s3 = std::get<S3Place>(site.place);
  CHECK(s3.bucket.bucket == "backups");
  CHECK(s3.bucket.region == "eu-central-1");
  CHECK(s3.bucket.prefix == "prod/a");
  CHECK(s3.bucket.endpoint == "http://s3:9000");
  CHECK(s3.bucket.addressing == objects::Addressing::kPath);
  CHECK(s3.bucket.sse == objects::Sse::kKms);
  CHECK(s3.bucket.kms_key_id == "k");
  CHECK(s3.bucket.checksum == objects::Checksum::kMd5);
  CHECK(s3.bucket.put_if_absent);
  CHECK(s3.ca_file == "/etc/etcdrill/ca.crt");
  CHECK_FALSE(s3.verifies_certificates);
  CHECK(s3.proxy == "http://p:1");
  CHECK(s3.stall_max == 5min);
  CHECK(s3.credentials.access_key_id_file == "/etc/etcdrill/id");
  CHECK(s3.credentials.secret_access_key_file == "/etc/etcdrill/secret");
  CHECK(s3.credentials.session_token_file == "/etc/etcdrill/token");
  CHECK(s3.credentials.role_arn == "arn");
  CHECK(s3.credentials.role_session_name == "session");
  CHECK(s3.credentials.external_id == "x");
  CHECK(s3.credentials.region == "eu-central-1");
  REQUIRE(site.lock.has_value());
  CHECK(site.lock->mode == objects::ObjectLockMode::kCompliance);
  CHECK(site.lock->keep == 30 * 24h);
  REQUIRE(site.retention.has_value());
  CHECK(site.retention->last == 3);
  CHECK(site.retention->hourly == 0);
  CHECK(site.retention->daily == 30);
  CHECK_FALSE(site.compress);
  REQUIRE(site.encrypt.has_value());
  CHECK(site.encrypt->recipients_file == "/etc/etcdrill/recipients.txt");
  CHECK(site.encrypt->identity_file == "/keys/identity.txt");
  CHECK(site.bandwidth.sent_per_second == uint64_t{10} << 20);
  CHECK(site.bandwidth.received_per_second == uint64_t{1} << 20);
  CHECK_FALSE(site.drill.has_value());
  CHECK(site.scrub.period == 60 * 24h);
  CHECK(site.scrub.bytes_per_second == uint64_t{5} << 20);
}

TEST_CASE("sites at an rclone remote and in a directory, and what they have by default") {
  const auto config = Parse(R"(
store:
  sites:
    - {name: second, rclone: {remote: "azure:backups/x", config_file: rclone.conf}}
    - {name: third, directory: nas/copies}
drill: {scratch_dir: scratch}
)",
                            "/etc/etcdrill/c.yaml");
  REQUIRE(config.ok());
  REQUIRE(config->sites.size() == 2);
  const auto& rclone = std::get<RclonePlace>(config->sites[0].place);
  CHECK(rclone.remote == "azure:backups/x");
  CHECK(rclone.config_file == "/etc/etcdrill/rclone.conf");
  CHECK(rclone.program == "/usr/bin/rclone");
  CHECK(rclone.scratch_dir == "/etc/etcdrill/scratch/rclone");
  const SiteConfig& third = config->sites[1];
  CHECK(std::get<DirectoryPlace>(third.place).path == "/etc/etcdrill/nas/copies");
  CHECK(third.compress);
  CHECK(third.drill->every == 24h);
  CHECK(third.scrub.period == 30 * 24h);
  CHECK_FALSE(third.lock.has_value());
  CHECK_FALSE(third.retention.has_value());
  CHECK_FALSE(third.encrypt.has_value());
  CHECK_FALSE(config->keep_local.has_value());
}

TEST_CASE("each mistake in a site has its line, and says what would be right") {
  CHECK(ProblemOf("  - {name: first}\n") ==
        "/etc/etcdrill/c.yaml:3:5: each entry of store.sites needs exactly one of s3, rclone and "
        "directory");
  CHECK_THAT(ProblemOf("  - {name: a, s3: {bucket: b}, directory: /x}\n"),
             ContainsSubstring("exactly one of s3, rclone and directory"));
  CHECK_THAT(ProblemOf("  - {name: a, s3: }\n"),
             ContainsSubstring("store.sites.s3 needs a bucket"));
  CHECK_THAT(ProblemOf("  - {directory: /x}\n"), ContainsSubstring("needs a name"));
  for (const char* name : {"First", "a b", "-a", "''", "a.b"}) {
    CHECK_THAT(ProblemOf("  - {name: " + std::string(name) + ", directory: /x}\n"),
               ContainsSubstring("is not a name of a site"));
  }
  CHECK_THAT(ProblemOf("  - {name: " + std::string(41, 'a') + ", directory: /x}\n"),
             ContainsSubstring("up to 40"));
  CHECK_THAT(ProblemOf("  - {name: a, directory: /x}\n  - {name: a, directory: /y}\n"),
             ContainsSubstring("c.yaml:4:5: each entry of store.sites needs a name of its own: a"));
  CHECK_THAT(ProblemOf("  - {name: a, directory: /x, lock: {for: 1d}}\n"),
             ContainsSubstring("store.sites.lock needs s3"));
  CHECK_THAT(ProblemOf("  - {name: a, s3: {bucket: b}, lock: {mode: governance}}\n"),
             ContainsSubstring("store.sites.lock needs for"));
  CHECK_THAT(ProblemOf("  - {name: a, s3: {bucket: b}, lock: {for: 1d, mode: strict}}\n"),
             ContainsSubstring("none of governance, compliance"));
  CHECK_THAT(ProblemOf("  - {name: a, directory: /x, encrypt: {identity_file: i}}\n"),
             ContainsSubstring("needs a recipients_file"));
  CHECK_THAT(ProblemOf("  - {name: a, directory: /x, compress: gzip}\n"),
             ContainsSubstring("neither zstd nor none"));
  CHECK_THAT(ProblemOf("  - {name: a, directory: /x, encript: {}}\n"),
             ContainsSubstring("did you mean encrypt?"));
  CHECK_THAT(ProblemOf("  - {name: a, rclone: {remote: 'a:b'}}\n"),
             ContainsSubstring("needs a config_file"));
  CHECK_THAT(ProblemOf("  - {name: a, rclone: {remote: nothing, config_file: c}}\n"),
             ContainsSubstring("NAME:PATH"));
  CHECK_THAT(std::string(MessageOf(Parse("store: {keep_local: 1}", "c").status())),
             ContainsSubstring("keep_local, but no sites"));
}

TEST_CASE("a bucket that can't be addressed is refused at its key") {
  CHECK_THAT(ProblemOf("  - {name: first, s3: {bucket: a/b}}\n"),
             ContainsSubstring("store.sites.s3.bucket: \"a/b\" is no name of a bucket"));
  for (const char* wrong :
       {"endpoint: 'https://host/path'", "region: 'a b'", "prefix: a//b", "prefix: ../b",
        "addressing: dns", "sse: on", "checksum: none", "timeout: 500ms", "kms_key_id: k",
        "access_key_id_file: a", "session_token_file: a", "web_identity_token_file: t",
        "credentials_dir: d, profile: p"}) {
    CAPTURE(wrong);
    CHECK_THAT(ProblemOf(S3(wrong)), ContainsSubstring("store.sites.s3"));
  }
  for (const char* fine : {"prefix: /a/b/", "prefix: ''", "endpoint: 'host:9000'", "timeout: 1s"}) {
    CAPTURE(fine);
    CHECK(ParseSites(S3(fine)).ok());
  }
}

TEST_CASE("a secret that is written into the file is refused, and not repeated") {
  for (const char* secret :
       {"endpoint: 'https://key:hunter2@host'", "proxy: 'http://u:hunter2@p'"}) {
    CHECK_THAT(ProblemOf(S3(secret)), !ContainsSubstring("hunter2"));
  }
  CHECK_THAT(ProblemOf("  - {name: a, rclone: {remote: ':s3,secret=hunter2:b', config_file: c}}\n"),
             !ContainsSubstring("hunter2"));
}

TEST_CASE("two sites are not at the same place, however it is written") {
  const auto same = [](const std::string& a, const std::string& b) {
    return !ParseSites("  - {name: a, " + a + "}\n  - {name: b, " + b + "}\n").ok();
  };
  CHECK(same("directory: /x/y", "directory: /x//./y/"));
  CHECK(same("directory: x", "directory: /etc/etcdrill/x"));
  CHECK(same("s3: {bucket: b, prefix: p}", "s3: {bucket: b, prefix: p/, addressing: path}"));
  CHECK(same("s3: {bucket: b, endpoint: 'https://h:443'}", "s3: {bucket: b, endpoint: h}"));
  CHECK(same("rclone: {remote: 'a:b', config_file: c}",
             "rclone: {remote: 'a:b', config_file: c, program: /x}"));
  CHECK_FALSE(same("directory: /x", "directory: /xy"));
  CHECK_FALSE(same("s3: {bucket: b, prefix: p}", "s3: {bucket: b, prefix: q}"));
  CHECK_FALSE(same("s3: {bucket: b, endpoint: h}", "s3: {bucket: b, endpoint: i}"));
  CHECK_FALSE(
      same("rclone: {remote: 'a:b', config_file: c}", "rclone: {remote: 'a:b', config_file: d}"));
}

TEST_CASE("a copy in the store's own directory is none") {
  const auto is_refused = [](const std::string& directory) {
    const auto config = Parse(
        "store: {path: /s/snapshots, sites: [{name: a, directory: " + directory + "}]}", "c.yaml");
    if (config.ok()) return false;
    CHECK_THAT(std::string(MessageOf(config.status())), ContainsSubstring("inside each other"));
    return true;
  };
  CHECK(is_refused("/s/snapshots"));
  CHECK(is_refused("/s//snapshots/site"));
  CHECK(is_refused("/s"));
  CHECK_FALSE(is_refused("/s/snapshots2"));
  CHECK_FALSE(is_refused("/t"));
}

TEST_CASE("all problems between sites are told at once, each behind the name of the file") {
  const auto config = Parse(
      "store: {path: /s, adopt: ['/s/*'], sites: [{name: a, directory: /x}, {name: b, directory: "
      "/x}, {name: c, directory: /s}]}",
      "c.yaml");
  REQUIRE_FALSE(config.ok());
  const std::string problem(MessageOf(config.status()));
  CHECK_THAT(problem, ContainsSubstring("c.yaml: store.adopt: "));
  CHECK_THAT(problem, ContainsSubstring("\nc.yaml: store.sites: a and b are at the same place"));
  CHECK_THAT(problem, ContainsSubstring("\nc.yaml: store.sites: the directory of c"));
}

TEST_CASE("a reload changes keys, locks and limits of a site, but not which sites there are") {
  const auto reload = [](const std::string& now, const std::string& wanted) {
    return CheckReloadable(*ParseSites(now), *ParseSites(wanted));
  };
  const std::string two = "  - {name: a, directory: /x}\n  - {name: b, directory: /y}\n";
  CHECK(reload(two, "  - {name: b, directory: /y/}\n  - {name: a, directory: /x}\n").ok());
  CHECK(
      reload(S3("region: r"),
             "  - {name: first, s3: {bucket: b, region: r, credentials_dir: d, timeout: 5m}, lock: "
             "{for: 30d}, encrypt: {recipients_file: f}, drill: none, compress: none}\n")
          .ok());
  for (const std::string& wanted :
       {std::string("  - {name: a, directory: /x}\n"),
        std::string("  - {name: a, directory: /x}\n  - {name: c, directory: /y}\n"),
        std::string("  - {name: a, directory: /y}\n  - {name: b, directory: /x}\n")}) {
    CHECK_THAT(std::string(MessageOf(reload(two, wanted))),
               Catch::Matchers::StartsWith("store.sites cannot change"));
  }
  CHECK_FALSE(reload(S3(""), S3("prefix: other")).ok());
  CHECK_FALSE(reload(S3(""), S3("endpoint: other")).ok());
}

TEST_CASE("what a site hardly means is warned of, by its name") {
  const auto warnings = WarningsOfSites(S3("endpoint: 'http://h', insecure_skip_verify: true"));
  REQUIRE(warnings.size() == 3);
  CHECK_THAT(warnings[0], Catch::Matchers::StartsWith("site first: insecure_skip_verify"));
  CHECK_THAT(warnings[1], ContainsSubstring("http://h is not encrypted"));
  CHECK_THAT(warnings[2], ContainsSubstring("every secret of the cluster"));
  CHECK(WarningsOfSites(S3("sse: aes256")).empty());
  CHECK(WarningsOfSites("  - {name: a, directory: /x}\n").empty());

  const auto encrypted =
      WarningsOfSites("  - {name: a, directory: /x, encrypt: {recipients_file: f}}\n");
  REQUIRE(encrypted.size() == 2);
  CHECK_THAT(encrypted[0], ContainsSubstring("never drilled"));
  CHECK_THAT(encrypted[1], ContainsSubstring("store.signing.key_file"));
  CHECK(WarningsOfSites("  - {name: a, directory: /x, drill: none, encrypt: {recipients_file: f}}\n"
                        "  signing: {key_file: k}\n")
            .empty());
}

TEST_CASE("a lock that outlives the retention, or ends too early, is warned of") {
  const auto warnings = [](const std::string& rest) {
    return WarningsOfSites("  - {name: a, s3: {bucket: b, sse: aes256}, " + rest + "}\n");
  };
  const auto longer = warnings("lock: {for: 30d}, retention: {daily: 7}");
  REQUIRE(longer.size() == 1);
  CHECK_THAT(longer[0],
             ContainsSubstring("lock.for is 30d, but the retention keeps a copy for 7d"));
  const auto shorter = warnings("lock: {for: 25h}, retention: {daily: 7}");
  REQUIRE(shorter.size() == 1);
  CHECK_THAT(shorter[0], ContainsSubstring("objectives.restorable_rpo is 1d2h"));
  CHECK(warnings("lock: {for: 7d}, retention: {daily: 7}").empty());
  // Without numbers nothing goes; and a number of any size is no accident.
  CHECK(warnings("lock: {for: 30d}, retention: {total_size: 1GB}").empty());
  CHECK(warnings("lock: {for: 30d}, retention: {last: 18446744073709551615}").empty());
  // By `last` alone: an hour each, or four where nothing changed.
  CHECK(warnings("lock: {for: 4d}, retention: {last: 24}").empty());
  CHECK(warnings("lock: {for: 5d}, retention: {last: 24}").size() == 1);
  // Without one of its own, that of snapshots counts: four weeks.
  CHECK(warnings("lock: {for: 28d}").empty());
  CHECK(warnings("lock: {for: 29d}").size() == 1);
}

TEST_CASE("the sites of a file that is cut at any byte are never a crash") {
  const std::string text =
      "store:\n  keep_local: 1\n  sites:\n    - {name: a, s3: {bucket: b, prefix: p}, lock: {for: "
      "30d}}\n    - {name: b, rclone: {remote: 'a:b', config_file: c}}\n    - {name: c, directory: "
      "/x}\n";
  for (size_t size = 0; size < text.size(); ++size)
    static_cast<void>(Parse(text.substr(0, size), "c.yaml").ok());
}

}  // namespace
}  // namespace etcdrill::config
