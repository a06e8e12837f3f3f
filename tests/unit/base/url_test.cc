// Addresses as people write them. What etcd's own tools say of the same is in
// tests/e2e/test_addresses.py.
#include "base/url.h"

#include "support/catch.h"

namespace etcdrill {
namespace {

using Kind = HostPort::Kind;

struct Row {
  std::string text;
  Scheme scheme;
  Kind kind;
  std::string host;
  uint16_t port;
};

TEST_CASE("client URLs in every form that etcdctl takes") {
  const Row row = GENERATE(values<Row>({
      {"https://10.0.0.1:2379", Scheme::kHttps, Kind::kIpv4, "10.0.0.1", 2379},
      {"http://etcd:2379/", Scheme::kHttp, Kind::kName, "etcd", 2379},
      {"HTTPS://etcd:2379", Scheme::kHttps, Kind::kName, "etcd", 2379},
      {" Http://etcd:2379/ ", Scheme::kHttp, Kind::kName, "etcd", 2379},
      {"\tetcd-0.etcd_x.svc:02379\n", Scheme::kNone, Kind::kName, "etcd-0.etcd_x.svc", 2379},
      {"[fd00::1]:2379", Scheme::kNone, Kind::kIpv6, "fd00::1", 2379},
      {"[fe80::1%eth0]:2379", Scheme::kNone, Kind::kIpv6, "fe80::1%eth0", 2379},
      {"https://[fe80::1%25eth0]:2379", Scheme::kHttps, Kind::kIpv6, "fe80::1%eth0", 2379},
  }));
  CAPTURE(row.text);
  const auto url = ParseClientUrl(row.text);
  REQUIRE(url.ok());
  CHECK(url->scheme == row.scheme);
  CHECK(url->at.kind == row.kind);
  CHECK(url->at.host == row.host);
  CHECK(url->at.port == row.port);
}

TEST_CASE("a URL keeps its text, but for blanks around it and capitals in the scheme") {
  CHECK(ParseClientUrl(" HTTP://Etcd:2379/ ")->text == "http://Etcd:2379/");
  CHECK(ParsePeerUrl("HTTPS://H:2380 ")->text == "https://H:2380");
  CHECK(ParseClientUrl("UNIX:///run/E.sock")->text == "unix:///run/E.sock");
  CHECK(ParseClientUrl("unix:///run/E.sock")->path == "/run/E.sock");
  CHECK(ParsePeerUrl("unix://a.peer:0")->path == "a.peer:0");
}

TEST_CASE("what is no URL is refused, with what is wrong and how to write one") {
  const std::string text =
      GENERATE("", " ", "etcd", "etcd:", "etcd:65536", "etcd:-1", "etcd:+1", "etcd:2379x",
               "etcd: 2379", "https://", "://a:1", ":2379", "http://:2379", "::1:2379",
               "http://::1:2379", "1:2:3", "[::1]", "[::1", "::1]:1", "[]:1", "[etcd]:2379",
               "[127.0.0.1]:1", "[::1%]:1", "[::1%e t]:1", "a b:1", "http://user@etcd:2379",
               "etcd:2379?x", "http://etcd:2379/v3", "http://etcd:2379//", "ftp://etcd:2379",
               "http:etcd:2379", "\xc3\xa4:1", "a\x1b[31m:1", "unix://", "unix:///\xff", "a,b:1");
  CAPTURE(text);
  for (const Status& status : {ParseClientUrl(text).status(), ParsePeerUrl(text).status()}) {
    REQUIRE_FALSE(status.ok());
    CHECK(ReasonOf(status) == Reason::kUsage);
    CHECK_THAT(
        std::string(MessageOf(status)),
        Catch::Matchers::Matches("\"[^\"\x1b]*\" is not a valid .* URL: .*\\. Write http.*"));
  }
}

TEST_CASE("NUL is refused wherever it stands") {
  for (const std::string_view text :
       {std::string_view("http://a\0b:1", 12), std::string_view("unix:///a\0b", 11),
        std::string_view("[::1\0]:1", 8), std::string_view("a:1\0", 4)}) {
    CHECK_FALSE(ParseClientUrl(text).ok());
    CHECK_FALSE(ParsePeerUrl(text).ok());
    CHECK_FALSE(ParseListenAddress(text).ok());
  }
}

TEST_CASE("what only one of them takes") {
  CHECK_FALSE(ParseClientUrl("etcd:0").ok());
  CHECK_FALSE(ParseClientUrl("etcd:2379/").ok());  // etcdctl takes the slash behind a URL only
  CHECK_FALSE(ParseClientUrl("unixs:///run/e").ok());
  CHECK_FALSE(ParseClientUrl("unix://run/e").ok());
  CHECK_FALSE(ParsePeerUrl("etcd:2380").ok());
  CHECK_FALSE(ParsePeerUrl("http://etcd:2380/").ok());
  CHECK(ParsePeerUrl("http://etcd:0").ok());
  CHECK(ParsePeerUrl("unixs:///run/e").ok());
}

TEST_CASE("addresses to listen on") {
  CHECK(ParseListenAddress(":9379")->kind == Kind::kAll);
  CHECK(ParseListenAddress("127.0.0.1:0")->port == 0);
  CHECK(ParseListenAddress("[::]:9379")->host == "::");
  CHECK(ParseListenAddress("localhost:9379")->kind == Kind::kName);
  CHECK(ParseListenAddress("[fe80::1%eth0]:9379")->host == "fe80::1%eth0");
  const std::string text =
      GENERATE("", ":", "9379", "::1:9379", "http://a:1", "a:http", "a b:1", " :9379", ":99999");
  CAPTURE(text);
  const auto refused = ParseListenAddress(text);
  REQUIRE_FALSE(refused.ok());
  CHECK_THAT(std::string(MessageOf(refused.status())),
             Catch::Matchers::ContainsSubstring("[::1]:9379 or :9379"));
}

TEST_CASE("lists: blanks around items do not count, empty items are passed over") {
  CHECK(SplitList("a:1,b:2") == std::vector<std::string>{"a:1", "b:2"});
  CHECK(SplitList(" a:1 ,, b:2 ,") == std::vector<std::string>{"a:1", "b:2"});
  CHECK(SplitList("").empty());
  CHECK(SplitList(" , ,").empty());
}

}  // namespace
}  // namespace etcdrill
