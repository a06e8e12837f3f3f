// Ids and WAL bytes against those of the official tool (docs/dev/formats.md §10).
#include "restore/membership.h"

#include "base/bytes.h"
#include "format/wal/wal.h"
#include "proto/walpb.pb.h"
#include "support/catch.h"

namespace etcdrill::restore {
namespace {

MembershipOptions ThreeMembers() {
  return {.name = "m1",
          .initial_cluster =
              "m1=http://127.0.0.1:24411,m2=http://127.0.0.1:24421,m3=http://127.0.0.1:24431",
          .token = "tok-1",
          .advertise_peer_urls = {"http://127.0.0.1:24411"}};
}

TEST_CASE("ids of three members are etcd's") {
  const auto cluster = MakeCluster(ThreeMembers());
  REQUIRE(cluster.ok());
  CHECK(cluster->id == 0x2cd3e50015b0efd1);
  CHECK(cluster->own_id == 0x36e9af811919250);
  REQUIRE(cluster->members.size() == 3);
  CHECK(cluster->members[0].id == 0x36e9af811919250);
  CHECK(cluster->members[1].id == 0x12b8cbbba9604b39);
  CHECK(cluster->members[2].id == 0xd043f5b2ab9cdfaf);
}

TEST_CASE("the token is part of the ids") {
  MembershipOptions options{.name = "m",
                            .initial_cluster = "m=http://127.0.0.1:24501",
                            .token = "tok-1",
                            .advertise_peer_urls = {"http://127.0.0.1:24501"}};
  auto cluster = MakeCluster(options);
  REQUIRE(cluster.ok());
  CHECK(cluster->own_id == 0x2ee90d961a102527);
  CHECK(cluster->id == 0xf5d7300388c90e9a);
  options.token = "etcd-cluster";
  cluster = MakeCluster(options);
  REQUIRE(cluster.ok());
  CHECK(cluster->own_id == 0xb2dc88b3914d12bc);
}

TEST_CASE("the first WAL segment is the official tool's, byte for byte") {
  const auto cluster = MakeCluster(ThreeMembers());
  REQUIRE(cluster.ok());
  wal::InitialCluster initial{cluster->id, cluster->own_id, {}};
  for (const NewMember& member : cluster->members)
    initial.members.push_back({member.id, member.ToJson()});
  const std::string segment = wal::FirstSegment(initial);
  CHECK(segment.size() == 536);
  const std::vector<uint32_t> crcs = {0,          0x3ffabc34, 0xe8f08e5a, 0x5056e9ed,
                                      0x503da26d, 0xfbe0594f, 0x053f22b2, 0x70ba7d80};
  const std::vector<size_t> lengths = {4, 30, 14, 109, 110, 112, 23, 49};
  size_t at = 0;
  for (size_t i = 0; i < crcs.size(); ++i) {
    const uint64_t length = LoadLE64(&segment[at]) & 0x00ffffffffffffff;
    CHECK(length == lengths[i]);
    walpb::Record record;
    REQUIRE(record.ParseFromArray(&segment[at + 8], static_cast<int>(length)));
    CHECK(record.crc() == crcs[i]);
    at += 8 + (length + 7) / 8 * 8;
  }
  CHECK(at == segment.size());
}

TEST_CASE("lists are read as etcdutl reads them, and give its ids") {
  MembershipOptions options = ThreeMembers();
  options.initial_cluster =
      ",m1= HTTP://127.0.0.1:24411 ,,m2=http://127.0.0.1:24421,m3=Http://127.0.0.1:24431,";
  options.advertise_peer_urls = {" HTTP://127.0.0.1:24411"};
  const auto cluster = MakeCluster(options);
  REQUIRE(cluster.ok());
  CHECK(cluster->id == 0x2cd3e50015b0efd1);
  CHECK(cluster->members[0].peer_urls == std::vector<std::string>{"http://127.0.0.1:24411"});
  options.initial_cluster = "m1=http://127.0.0.1:24411, m2=http://127.0.0.1:24421";
  const auto with_blank = MakeCluster(options);
  REQUIRE(with_blank.ok());
  CHECK(with_blank->members[0].name + with_blank->members[1].name ==
        "m1 m2");  // the blank is the name's, there as here
}

TEST_CASE("a name that is not UTF-8 can't stand in etcd's JSON") {
  MembershipOptions options = ThreeMembers();
  options.name = "m\xff";
  options.initial_cluster = "m\xff=http://127.0.0.1:24411";
  const auto cluster = MakeCluster(options);
  REQUIRE_FALSE(cluster.ok());
  CHECK(ReasonOf(cluster.status()) == Reason::kUsage);
  CHECK_THAT(std::string(MessageOf(cluster.status())),
             Catch::Matchers::ContainsSubstring("m\\xff\" is not UTF-8"));
}

TEST_CASE("options that contradict each other are refused with the flag to change") {
  MembershipOptions options = ThreeMembers();
  std::string expected;
  SECTION("name") {
    options.name = "m9";
    expected = "--name";
  }
  SECTION("URLs") {
    options.advertise_peer_urls = {"http://127.0.0.1:1"};
    expected = "--initial-advertise-peer-urls";
  }
  SECTION("duplicate URL") {
    options.initial_cluster = "m1=http://127.0.0.1:24411,m2=http://127.0.0.1:24411";
    expected = "--initial-cluster";
  }
  SECTION("not a URL") {
    options.initial_cluster = GENERATE("m1", "m1=", "=http://a:1", "m1=127.0.0.1:24411",
                                       "m1=http://a", "m1=http://a:1/x", "m1=http://::1:2380");
    expected = "--initial-cluster";
  }
  const auto cluster = MakeCluster(options);
  REQUIRE_FALSE(cluster.ok());
  CHECK(ReasonOf(cluster.status()) == Reason::kUsage);
  CHECK_THAT(std::string(MessageOf(cluster.status())),
             Catch::Matchers::ContainsSubstring(expected));
}

}  // namespace
}  // namespace etcdrill::restore
