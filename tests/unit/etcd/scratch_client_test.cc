// The drill's way of starting etcd: unix sockets only, in its own directory.
#include "etcd/scratch_client.h"

#include <chrono>

#include "etcd/health.h"
#include "support/catch.h"
#include "support/test_context.h"

namespace etcdrill::etcd {
namespace {

using namespace std::chrono_literals;
using testing::TestContext;

TEST_CASE("a scratch etcd on a unix socket takes writes") {
  TestContext test;
  ScratchOptions options;
  options.socket_path = test.Path("client.sock:0");
  auto scratch = ScratchClient::Create(options, test.context());
  REQUIRE(scratch.ok());
  const ScratchClient& client = **scratch;
  CHECK(ReasonOf(client.Put("k", "v")) == Reason::kConnect);

  const auto etcd = test.context().processes.Start(
      {ETCDRILL_ETCD_DIR "/3.5/etcd",
       {"--listen-client-urls", "unix://client.sock:0", "--advertise-client-urls",
        "unix://client.sock:0", "--listen-peer-urls", "unix://peer.sock:0",
        "--quota-backend-bytes=100000"},
       {"PATH=/bin"},
       test.dir(),
       false});
  REQUIRE(etcd.ok());
  const Stopwatch watch(test.clock());
  while (!ProbeHealth(client.endpoint(), test.clock()).healthy && watch.Elapsed() < 20s) {
    test.clock().SleepFor(10ms, {});
  }
  INFO((*etcd)->OutputTail());

  CHECK(client.Put("k", "v").ok());
  RangeQuery query;
  query.key = "k";
  REQUIRE(client.endpoint().Range(query).ok());
  CHECK(client.endpoint().Range(query)->kvs.at(0).value == "v");
  CHECK(client.Delete("k").value() == 1);
  CHECK(client.Delete("k").value() == 0);

  // A full database raises an alarm; disarmed, it is gone.
  while (client.Put("big", std::string(100'000, 'x')).ok()) {
  }
  const Result<std::vector<Alarm>> alarms = client.endpoint().Alarms();
  REQUIRE(alarms.ok());
  REQUIRE(alarms->size() == 1);
  CHECK(alarms->at(0).type == AlarmType::kNoSpace);
  CHECK(client.DisarmAlarm(alarms->at(0)).ok());
  CHECK(client.endpoint().Alarms()->empty());
}

}  // namespace
}  // namespace etcdrill::etcd
