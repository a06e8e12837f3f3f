#include "etcd/address.h"

#include "support/catch.h"

namespace etcdrill::etcd {
namespace {

struct Row {
  std::string text;
  std::string target;
  bool tls;
};

TEST_CASE("endpoints are read in every form that etcdctl takes") {
  const Row row = GENERATE(values<Row>({
      {"https://10.0.0.1:2379", "ipv4:10.0.0.1:2379", true},
      {"http://10.0.0.1:2379", "ipv4:10.0.0.1:2379", false},
      {"http://10.0.0.1:2379/", "ipv4:10.0.0.1:2379", false},
      {"10.0.0.1:2379", "ipv4:10.0.0.1:2379", false},
      {"https://[fd00::1]:2379", "ipv6:%5Bfd00::1%5D:2379", true},
      {"https://etcd-0.etcd.svc:2379", "dns:///etcd-0.etcd.svc:2379", true},
      {"HTTPS://[fe80::1%25eth0]:2379", "ipv6:%5Bfe80::1%25eth0%5D:2379", true},
      {"https://[::ffff:127.0.0.1]:2379", "ipv4:127.0.0.1:2379",
       true},  // as Go: the certificate names 127.0.0.1
      {"unix:///run/etcd/client.sock:0", "unix:/run/etcd/client.sock:0", false},
  }));
  const Result<Address> address = ParseAddress(row.text, false);
  REQUIRE(address.ok());
  CHECK(address->target == row.target);
  CHECK(address->tls == row.tls);
}

TEST_CASE("a bare host and port is TLS if anything about TLS is configured") {
  CHECK(ParseAddress("10.0.0.1:2379", true)->tls);
  CHECK_FALSE(ParseAddress("http://10.0.0.1:2379", true)->tls);
}

TEST_CASE("what is no endpoint is refused, and said how to write one") {
  const std::string text =
      GENERATE("", "etcd", "etcd:", "etcd:0", "etcd:65536", "etcd:2379x", "https://", ":2379",
               "fd00::1:2379", "[fd00::1]", "[etcd]:2379", "etcd 0:2379", "http://user@etcd:2379",
               "http://etcd:2379/v3", "ftp://etcd:2379", "unix://client.sock:0");
  const Result<Address> address = ParseAddress(text, false);
  REQUIRE_FALSE(address.ok());
  CHECK(ReasonOf(address.status()) == Reason::kUsage);
  CHECK_THAT(std::string(MessageOf(address.status())),
             Catch::Matchers::ContainsSubstring("https://HOST:PORT"));
}

}  // namespace
}  // namespace etcdrill::etcd
