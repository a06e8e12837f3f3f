// One text and the reason `tls` for each way in which a TLS connection can go wrong, against a real
// etcd.
#include <filesystem>

#include "etcd/client.h"
#include "support/catch.h"
#include "support/etcd_cluster.h"

namespace etcdrill::etcd {
namespace {

using Catch::Matchers::ContainsSubstring;
using testing::ClusterOptions;
using testing::EtcdCluster;
using testing::TestContext;

EtcdCluster TlsCluster(TestContext& test, std::string server_certificate = "server") {
  ClusterOptions options;
  options.tls = true;
  options.server_certificate = std::move(server_certificate);
  return EtcdCluster(test, options);
}

// The error of one call, or of the options themselves.
Status Try(TestContext& test, const ConnectionOptions& options) {
  auto client = Client::Create(options, test.context());
  return client.ok() ? (*client)->endpoints()[0].Status().status() : client.status();
}

void CheckFails(TestContext& test, const ConnectionOptions& options, Reason reason,
                const std::string& text) {
  const Status status = Try(test, options);
  REQUIRE_FALSE(status.ok());
  CHECK(InfoOf(ReasonOf(status)).name == InfoOf(reason).name);
  CHECK_THAT(std::string(MessageOf(status)), ContainsSubstring(text));
}

TEST_CASE("mutual TLS works, and each thing that is wrong with it is named") {
  TestContext test;
  const EtcdCluster cluster = TlsCluster(test);
  const ConnectionOptions right = cluster.connection();
  CHECK(Try(test, right).ok());

  ConnectionOptions options = right;
  options.ca_file = cluster.certificate("other-ca.crt");
  CheckFails(test, options, Reason::kTls, "not signed by the configured CA");
  options.ca_file = "";  // the authorities of the system
  CheckFails(test, options, Reason::kTls, "not signed by the configured CA");
  options.insecure_skip_verify = true;
  CHECK(Try(test, options).ok());

  options = right;
  options.cert_file = options.key_file = "";
  CheckFails(test, options, Reason::kTls, "Configure a client certificate");
  options.cert_file = cluster.certificate("other-ca.crt");
  options.key_file = cluster.certificate("other-ca.key");
  CheckFails(test, options, Reason::kTls, "Configure a client certificate");
  options.key_file = cluster.certificate("client.key");
  CheckFails(test, options, Reason::kTls, "do not match");

  options = right;
  options.server_name = "etcd.example";
  CheckFails(test, options, Reason::kTls, "another name");

  options = right;
  options.endpoints[0].replace(0, 5, "http");
  CheckFails(test, options, Reason::kConnect, "Try https://");
}

TEST_CASE("a server with another name than its address is accepted by server_name only") {
  TestContext test;
  const EtcdCluster cluster = TlsCluster(test, "named");
  ConnectionOptions options = cluster.connection();
  CHECK(Try(test, options).ok());
  options.server_name = "";
  CheckFails(test, options, Reason::kTls, "another name");
}

TEST_CASE("TLS on a plaintext port is named") {
  TestContext test;
  const EtcdCluster cluster(test, {});
  ConnectionOptions options = cluster.connection();
  options.endpoints[0].replace(0, 4, "https");
  CheckFails(test, options, Reason::kTls, "plaintext port");
}

TEST_CASE("certificate files are looked at before anything is connected") {
  TestContext test;
  const std::string certs = test.Path("certs");
  testing::MakeCertificates(test, certs);
  const auto write = [&](const std::string& name, const std::string& text) {
    REQUIRE((*test.fs().Create(test.Path(name), kPrivateFileMode))->Append(text).ok());
    return test.Path(name);
  };
  ConnectionOptions options;
  options.endpoints = {"127.0.0.1:1"};
  options.ca_file = certs + "/none.crt";
  CheckFails(test, options, Reason::kTls, "none.crt");
  options.ca_file = certs + "/ca.key";
  CheckFails(test, options, Reason::kTls, "no complete PEM block");
  const std::string whole = *test.fs().ReadWhole(certs + "/ca.crt", 1 << 20);
  options.ca_file = write("cut.crt", whole.substr(0, whole.size() / 2));
  CheckFails(test, options, Reason::kTls, "no complete PEM block");
  options.ca_file = write("cut2.crt", whole + whole.substr(0, whole.size() / 2));
  CheckFails(test, options, Reason::kTls, "no complete PEM block");
  options.ca_file = "";
  options.cert_file = certs + "/client.crt";
  CheckFails(test, options, Reason::kUsage, "both");
  options.key_file = write(
      "locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\n-----END ENCRYPTED PRIVATE KEY-----\n");
  CheckFails(test, options, Reason::kTls, "passphrase");
  options.key_file =
      write("locked-old.key",
            "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n"
            "-----END EC PRIVATE KEY-----\n");
  CheckFails(test, options, Reason::kTls, "passphrase");
}

TEST_CASE("what people note in a PEM file says nothing of its blocks") {
  TestContext test;
  const std::string certs = test.Path("certs");
  testing::MakeCertificates(test, certs);
  ConnectionOptions options;
  options.endpoints = {"127.0.0.1:1"};
  const auto annotated = [&](const std::string& name) {
    const std::string text =
        "# the ENCRYPTED one is in the vault\n" + *test.fs().ReadWhole(certs + "/" + name, 1 << 20);
    REQUIRE((*test.fs().Create(test.Path(name), kPrivateFileMode))->Append(text).ok());
    return test.Path(name);
  };
  options.ca_file = annotated("ca.crt");
  options.cert_file = annotated("client.crt");
  options.key_file = annotated("client.key");
  CHECK(Client::Create(options, test.context()).ok());
}

TEST_CASE("certificate files that change are used by the next call; half a pair is not") {
  TestContext test;
  const EtcdCluster cluster = TlsCluster(test);
  ConnectionOptions options = cluster.connection();
  const auto install = [&](const std::string& name, const std::string& as) {
    std::filesystem::copy_file(cluster.certificate(name), test.Path(as),
                               std::filesystem::copy_options::overwrite_existing);
    return test.Path(as);
  };
  options.cert_file = install("client.crt", "used.crt");
  options.key_file = install("client.key", "used.key");
  options.ca_file = install("ca.crt", "used-ca.crt");
  auto client = Client::Create(options, test.context());
  REQUIRE(client.ok());
  const Endpoint& endpoint = (*client)->endpoints()[0];
  CHECK(endpoint.Status().ok());

  std::filesystem::resize_file(options.cert_file, 100);
  CHECK(endpoint.Status().ok());
  install("client.crt", "used.crt");
  install("other-ca.crt", "used-ca.crt");
  CHECK(ReasonOf(endpoint.Status().status()) == Reason::kTls);
  install("ca.crt", "used-ca.crt");
  CHECK(endpoint.Status().ok());
}

}  // namespace
}  // namespace etcdrill::etcd
