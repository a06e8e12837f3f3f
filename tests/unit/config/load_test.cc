// Strictness: everything that yaml-cpp would swallow is an error with its place.
#include "config/load.h"

#include <algorithm>
#include <chrono>

#include "support/catch.h"
#include "support/snapshots.h"

namespace etcdrill::config {
namespace {

using namespace std::chrono_literals;

std::string Problem(std::string_view text) {
  const auto config = Parse(text, "/etc/etcdrill/c.yaml");
  REQUIRE_FALSE(config.ok());
  CHECK(ReasonOf(config.status()) == Reason::kConfig);
  return std::string(MessageOf(config.status()));
}

TEST_CASE("the example that is shipped is valid, and its paths are relative to it") {
  const auto config =
      Parse(etcdrill::testing::ReadFile(ETCDRILL_SOURCE_DIR "/deploy/systemd/etcdrill.yaml"),
            "/etc/etcdrill/c.yaml");
  REQUIRE(config.ok());
  CHECK(config->cluster.tls.ca_file == "/etc/etcdrill/pki/ca.crt");
  CHECK(config->store_path == "/var/lib/etcdrill/snapshots");
  CHECK(config->drill.schedule->every == 6h);
  CHECK(config->objectives.restorable_rpo == 26h);
}

TEST_CASE("an empty file means all defaults") {
  const auto config = Parse("", "c.yaml");
  REQUIRE(config.ok());
  CHECK(config->snapshot.schedule->every == 1h);
  CHECK(config->web.listen == "127.0.0.1:9379");
}

TEST_CASE("every kind of mistake has its line") {
  CHECK(Problem("snapshot: {shedule: \"@every 1h\"}") ==
        "/etc/etcdrill/c.yaml:1:12: snapshot.shedule is not a key; did you mean schedule?");
  CHECK(Problem("log:\n  level: info\n  level: warn\n") ==
        "/etc/etcdrill/c.yaml:3:3: log.level is set twice");
  CHECK_THAT(Problem("drill:\n  timeout: 30\n"),
             Catch::Matchers::StartsWith(
                 "/etc/etcdrill/c.yaml:2:12: drill.timeout: \"30\" is not a duration"));
  CHECK_THAT(Problem("snapshot: {schedule: hourly}"),
             Catch::Matchers::ContainsSubstring("@every 1h"));
  CHECK_THAT(Problem("snapshot: {schedule: \"@every 0s\"}"),
             Catch::Matchers::ContainsSubstring("greater than 0"));
  CHECK_THAT(Problem("cluster: {endpoints: []}"),
             Catch::Matchers::ContainsSubstring("at least one"));
  CHECK_THAT(Problem("cluster: {endpoints: one}"),
             Catch::Matchers::ContainsSubstring("must be a list"));
  CHECK_THAT(Problem("cluster: [a]"), Catch::Matchers::ContainsSubstring("must be a mapping"));
  CHECK_THAT(Problem("cluster: {name: a/b}"), Catch::Matchers::ContainsSubstring("file names"));
  CHECK_THAT(Problem("log: {level: loud}"),
             Catch::Matchers::ContainsSubstring("debug, info, warn, error"));
  CHECK_THAT(Problem("a: 1\n---\nb: 2\n"),
             Catch::Matchers::ContainsSubstring("second YAML document"));
  CHECK_THAT(Problem("a: [b"), Catch::Matchers::StartsWith("/etc/etcdrill/c.yaml:"));
}

TEST_CASE("the name that a key had in 0.1.0 is read with a warning that has its place") {
  const auto config = Parse("objectives:\n  verified_rpo: 3h\n", "/etc/etcdrill/c.yaml");
  REQUIRE(config.ok());
  CHECK(config->objectives.restorable_rpo == 3h);
  CHECK(config->warnings ==
        std::vector<std::string>{"/etc/etcdrill/c.yaml:2:3: objectives.verified_rpo is deprecated, "
                                 "use objectives.restorable_rpo: 0.3 rejects the old name"});
  CHECK(Parse("objectives: {restorable_rpo: 3h}", "c.yaml")->warnings.empty());
  CHECK(Problem("objectives: {verified_rpo: 3h, restorable_rpo: 3h}") ==
        "/etc/etcdrill/c.yaml:1:14: objectives.verified_rpo is the old name of "
        "objectives.restorable_rpo, which is also set");
  CHECK_THAT(Problem("objectives: {verified_rpo: 3}"),
             Catch::Matchers::StartsWith(
                 "/etc/etcdrill/c.yaml:1:28: objectives.verified_rpo: \"3\" is not a duration"));
  CHECK_THAT(Problem("objectives: {verifed_rpo: 3h}"),  // what is misspelt is not taken for it
             Catch::Matchers::ContainsSubstring("known keys: rpo, restorable_rpo, rto"));
}

TEST_CASE("zero is a jitter, and no other duration") {
  const auto config = Parse("snapshot: {jitter: 0s}\ndrill: {jitter: 0s}", "c.yaml");
  REQUIRE(config.ok());
  CHECK(config->snapshot.jitter == 0s);
  CHECK_THAT(Problem("snapshot: {timeout: 0s}"),
             Catch::Matchers::ContainsSubstring("greater than 0"));
}

TEST_CASE("the etcd binaries, the sample and the assertions of a drill") {
  const auto config = Parse(R"(
drill:
  etcd: {binaries: {"3.5": /opt/etcd-3.5, "3.6": bin/etcd-3.6}, memory_limit: 2GiB}
  sample: {newest: always, older: 1/3}
  history: {max_key_loss: 20%, max_prefix_loss: 70%}
  assertions:
    - {prefix: /registry/pods/, min_keys: 1}
    - {key: /registry/namespaces/kube-system, exists: true}
    - {key: /a, equals: b}
    - {key: /a, matches: "^b$"}
)",
                            "/etc/etcdrill/c.yaml");
  REQUIRE(config.ok());
  CHECK(config->drill.etcd_binaries ==
        std::vector<std::string>{"/opt/etcd-3.5", "/etc/etcdrill/bin/etcd-3.6"});
  CHECK(config->drill.sample.older_parts == 3);
  CHECK(config->drill.etcd_memory_limit == uint64_t{2} << 30);
  CHECK(config->drill.history.key_loss_max == 0.2);
  CHECK(config->drill.history.prefix_loss_max == 0.7);
  CHECK_THAT(Problem("drill: {history: {max_key_loss: 101%}}"),
             Catch::Matchers::ContainsSubstring("0% to 100%"));
  REQUIRE(config->drill.assertions.size() == 4);
  CHECK(config->drill.assertions[0].min_keys == 1);
  CHECK(config->drill.assertions[1].exists == true);
  CHECK(config->drill.assertions[2].equals == "b");
  CHECK(config->drill.assertions[3].matches == "^b$");
  CHECK(Parse("drill: {sample: {older: none}}", "c")->drill.sample.older_parts == 0);

  const auto assertion = [](std::string_view entry) {
    return Problem("drill: {assertions: [" + std::string(entry) + "]}");
  };
  CHECK_THAT(assertion("{min_keys: 1}"),
             Catch::Matchers::EndsWith("names either a prefix or a key"));
  CHECK_THAT(assertion("{prefix: a, key: b, exists: true}"),
             Catch::Matchers::EndsWith("names either a prefix or a key"));
  CHECK_THAT(assertion("{prefix: a}"),
             Catch::Matchers::EndsWith("min_keys, max_keys or both with a prefix"));
  CHECK_THAT(assertion("{key: a, min_keys: 1}"),
             Catch::Matchers::EndsWith("exists, equals or matches with a key"));
  CHECK_THAT(assertion("{prefix: a, min_keys: 2, max_keys: 1}"),
             Catch::Matchers::EndsWith("more min_keys than max_keys"));
  CHECK_THAT(assertion("{key: a, exists: false, equals: b}"),
             Catch::Matchers::EndsWith("must not exist"));
  CHECK_THAT(assertion("{key: a, matches: \"(\"}"), Catch::Matchers::ContainsSubstring("missing"));
  CHECK_THAT(assertion("{key: a, exists: maybe}"),
             Catch::Matchers::ContainsSubstring("neither true nor false"));
  CHECK_THAT(assertion("{prefix: a, min_keys: -1}"),
             Catch::Matchers::ContainsSubstring("not a number"));
  CHECK_THAT(Problem("drill: {sample: {older: 0.5}}"),
             Catch::Matchers::ContainsSubstring("such as 1/7"));
  CHECK_THAT(Problem("drill: {sample: {newest: never}}"),
             Catch::Matchers::ContainsSubstring("always"));
}

TEST_CASE("retention: a section that is given stands for itself") {
  CHECK(Parse("", "c")->snapshot.retention.last == 24);
  CHECK(Parse("snapshot: {timeout: 1m}", "c")->snapshot.retention.weekly == 4);
  const auto config =
      Parse("snapshot: {retention: {last: 3, daily: 2, total_size: 10GiB, quarantine: 2d}}", "c")
          ->snapshot.retention;
  CHECK(config.last == 3);
  CHECK(config.hourly == 0);
  CHECK(config.daily == 2);
  CHECK(config.total_size == uint64_t{10} << 30);
  CHECK(config.quarantine == 48h);
  CHECK_FALSE(Parse("snapshot: {retention: {}}", "c")->snapshot.retention.counts());
  CHECK_THAT(Problem("snapshot: {retention: {last: many}}"),
             Catch::Matchers::ContainsSubstring("not a number"));
  CHECK_THAT(Problem("snapshot: {retention: {total_size: 10}}"),
             Catch::Matchers::ContainsSubstring("512MiB"));
  CHECK_THAT(Problem("snapshot: {retention: {lasts: 1}}"),
             Catch::Matchers::ContainsSubstring("mean last?"));
}

TEST_CASE("all problems are told in one pass") {
  const std::string problem =
      Problem("snapshot: {schedule: x}\ndrill: {timeout: y}\nlog: {level: z}\n");
  CHECK(std::count(problem.begin(), problem.end(), '\n') == 2);
}

TEST_CASE("who takes the snapshots") {
  CHECK(Parse("", "c")->snapshot.when == When::kAlways);
  CHECK(Parse("snapshot: {when: member-is-leader}", "c")->snapshot.when == When::kMemberIsLeader);
  CHECK_THAT(Problem("snapshot: {when: leader}"),
             Catch::Matchers::ContainsSubstring("always or member-is-leader"));
}

TEST_CASE("anchors, aliases and great depths are refused before a tree is made of them") {
  CHECK(Problem("cluster: &a {name: x}\nstore: *a\n") ==
        "/etc/etcdrill/c.yaml:1:10: anchors are not supported\n"
        "/etc/etcdrill/c.yaml:2:8: aliases are not supported. Write the value out");
  CHECK_THAT(Problem("a: &a [*a, *a]"), Catch::Matchers::ContainsSubstring("aliases are not"));
  CHECK_THAT(Problem("log: {level: &x info}"),
             Catch::Matchers::ContainsSubstring("anchors are not"));
  std::string deep = "a: ";
  for (int i = 0; i < 17; ++i) deep += "[";
  CHECK_THAT(Problem(deep + std::string(17, ']')),
             Catch::Matchers::ContainsSubstring("nested too deeply"));
  CHECK_FALSE(Problem("a: " + std::string(500'000, '[')).empty());
}

TEST_CASE("endpoints: what the flag takes, and no more") {
  const auto endpoints = [](std::string_view list) {
    return Parse("cluster: {endpoints: " + std::string(list) + "}", "c")->cluster.endpoints;
  };
  CHECK(endpoints("['https://h:2379/', 'HTTPS://h:2379']") ==
        std::vector<std::string>{"https://h:2379/", "HTTPS://h:2379"});
  CHECK(endpoints("['', ' a:1 , b:2', '[::1]:3,']") ==
        std::vector<std::string>{"a:1", "b:2", "[::1]:3"});
  for (const char* wrong : {"http://::1:2379", "a", "a:0", "a:1,b", "http://a:1/x"}) {
    CHECK_THAT(Problem("cluster: {endpoints: ['" + std::string(wrong) + "']}"),
               Catch::Matchers::ContainsSubstring("c.yaml:1:23: cluster.endpoints: ") &&
                   Catch::Matchers::ContainsSubstring("is not a valid client URL"));
  }
  CHECK_THAT(Problem("cluster: {endpoints: ['', ' ,']}"),
             Catch::Matchers::ContainsSubstring("all of them are empty"));
}

TEST_CASE("paths that are no paths") {
  const std::string key = GENERATE(
      "cluster: {tls: {ca_file: %}}", "cluster: {tls: {cert_file: %}}",
      "cluster: {tls: {key_file: %}}", "cluster: {auth: {password_file: %}}", "store: {path: %}",
      "store: {adopt: [%]}", "drill: {scratch_dir: %}", "drill: {etcd: {binary: %}}",
      "drill: {etcd: {binaries: {a: %}}}", "web: {config_file: %}");
  CAPTURE(key);
  const auto with = [&](std::string_view path) {
    std::string text = key;
    return text.replace(text.find('%'), 1, path);
  };
  CHECK(Parse(with("a/~b"), "c").ok());
  CHECK_THAT(Problem(with("\"/a\\0b\"")), Catch::Matchers::ContainsSubstring("NUL character"));
  CHECK_THAT(Problem(with("~/a")), Catch::Matchers::ContainsSubstring("~ is not expanded"));
  CHECK_THAT(Problem(with("\"~\"")), Catch::Matchers::ContainsSubstring("~ is not expanded"));
  const bool needed =
      key.find("path: %") != std::string::npos || key.find("scratch") != std::string::npos ||
      key.find("binaries") != std::string::npos || key.find("adopt") != std::string::npos;
  CHECK(Parse(with("''"), "c").ok() == !needed);
}

TEST_CASE(
    "a NUL is refused where the system or TLS would stop reading, and allowed in what etcd holds") {
  CHECK_THAT(Problem("cluster: {name: \"a\\0\"}"),
             Catch::Matchers::ContainsSubstring("cluster.name"));
  CHECK_THAT(Problem("cluster: {endpoints: [\"a\\0:1\"]}"),
             Catch::Matchers::ContainsSubstring("NUL character"));
  CHECK_THAT(Problem("cluster: {tls: {server_name: \"a\\0\"}}"),
             Catch::Matchers::ContainsSubstring("NUL character"));
  CHECK_THAT(Problem("web: {listen: \"a\\0:1\"}"),
             Catch::Matchers::ContainsSubstring("web.listen"));
  CHECK(Parse("drill: {assertions: [{key: \"a\\0b\", equals: \"\\0\"}]}", "c").ok());
}

TEST_CASE("a store does not adopt itself") {
  for (const char* pattern :
       {"/s/snapshots/*.db", "/s//snapshots/./*.db", "/s/x/../snapshots/drills/*"}) {
    CHECK_THAT(Problem("store: {path: /s/snapshots/, adopt: ['" + std::string(pattern) + "']}"),
               Catch::Matchers::ContainsSubstring("inside the store"));
  }
  CHECK_THAT(Problem("store: {path: a, adopt: ['../etcdrill/a/*.db']}"),
             Catch::Matchers::ContainsSubstring("inside the store"));
  CHECK(Parse("store: {path: /s/snapshots, adopt: ['/s/*.db', '/s/snapshots2/*.db']}", "c").ok());
}

TEST_CASE("problems hold no control characters") {
  CHECK_THAT(Problem("\"a\\x1b[31m\": 1"),
             Catch::Matchers::ContainsSubstring("a\\x1b[31m is not a key"));
}

TEST_CASE("what a reload can't change is named") {
  const auto problem = [](const char* now, const char* wanted) {
    return std::string(MessageOf(CheckReloadable(*Parse(now, "c"), *Parse(wanted, "c"))));
  };
  CHECK(CheckReloadable(*Parse("", "c"), *Parse("snapshot: {schedule: none}", "c")).ok());
  for (const auto& [key, text] : {std::pair("cluster.name", "cluster: {name: x}"),
                                  {"store.path", "store: {path: /x}"},
                                  {"snapshot.when", "snapshot: {when: member-is-leader}"},
                                  {"web.listen", "web: {listen: ':1'}"},
                                  {"web.config_file", "web: {config_file: x}"},
                                  {"web.enable_lifecycle", "web: {enable_lifecycle: true}"},
                                  {"log.format", "log: {format: json}"}}) {
    CHECK(problem("", text).starts_with(std::string(key) + " cannot change"));
    CHECK(CheckReloadable(*Parse(text, "c"), *Parse(text, "c")).ok());
  }
  CHECK(problem("log: {format: json}", "web: {listen: ':1'}")
            .starts_with("web.listen, log.format cannot change"));
}

TEST_CASE("a file cut at any byte is a configuration or an error, never a crash") {
  const std::string text =
      etcdrill::testing::ReadFile(ETCDRILL_SOURCE_DIR "/deploy/systemd/etcdrill.yaml");
  for (size_t size = 0; size < text.size(); ++size) {
    const auto config = Parse(std::string_view(text).substr(0, size), "c.yaml");
    if (!config.ok()) CHECK(ReasonOf(config.status()) == Reason::kConfig);
  }
}

}  // namespace
}  // namespace etcdrill::config
