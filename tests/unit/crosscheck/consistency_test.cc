// The judgement on what members say of their data.
#include "crosscheck/member_consistency.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/fake_etcd.h"
#include "support/test_context.h"

namespace etcdrill::crosscheck {
namespace {

using capture::ReceiptEntry;

ReceiptEntry Answer(const char* endpoint, uint32_t hash, int64_t compact_revision) {
  return {.endpoint = endpoint, .hash = hash, .compact_revision = compact_revision};
}

Consistency Judge(std::vector<ReceiptEntry> members) {
  Consistency round{.revision = 90, .members = std::move(members)};
  JudgeConsistency(round);
  return round;
}

TEST_CASE("members are compared where they are compacted alike") {
  const ReceiptEntry a = Answer("a", 1, 50);
  const ReceiptEntry b = Answer("b", 1, 50);
  const ReceiptEntry other = Answer("c", 2, 50);
  const ReceiptEntry further = Answer("d", 9, 60);
  const ReceiptEntry down{.endpoint = "e", .error = "down"};
  CHECK(Judge({a, b}).equal == true);
  CHECK(Judge({a, b, further, down}).equal == true);
  CHECK(Judge({a, b, further, down}).text == "2 of 4 members have HashKV 00000001 at revision 90");
  CHECK(Judge({a, other, b}).equal == false);
  CHECK(Judge({a, other, b}).text ==
        "at revision 90 compacted at 50 HashKV is 00000001 on a b, 00000002 on c");
  CHECK_FALSE(Judge({a}).equal.has_value());
  CHECK_FALSE(Judge({a, further, down}).equal.has_value());
  CHECK_FALSE(Judge({}).equal.has_value());
  // The number of keys compares however they are compacted, and where the hashes are equal.
  ReceiptEntry few = further;
  ReceiptEntry many = a;
  few.live_keys = 1;
  many.live_keys = 9;
  CHECK(Judge({many, few}).equal == false);
  CHECK(Judge({many, few, b}).text == "at revision 90 the number of keys is 9 on a, 1 on d");
  CHECK(Judge({b, many, few}).equal == false);  // b counts nothing, and hides nothing
  few.live_keys = 9;
  CHECK(Judge({many, b, few}).equal == true);
  const ReceiptEntry further_other = Answer("f", 8, 60);
  CHECK(Judge({a, b, further, further_other}).equal == false);
}

ReceiptEntry AnswerOf(const char* version, uint32_t hash, int64_t live_keys,
                      int64_t compact_revision = 50) {
  return {.endpoint = version,
          .etcd_version = version,
          .hash = hash,
          .revision = 90,
          .compact_revision = compact_revision,
          .live_keys = live_keys};
}

TEST_CASE("a member that is silent hides nobody behind it, and who can't be told is asked again") {
  testing::TestContext test;
  testing::FakeClock clock{WallTime()};
  const Context context{test.fs(),          clock, test.context().random, test.context().processes,
                        test.context().log, {}};
  testing::FakeEtcd members[2];
  const auto set = [&](uint64_t id, uint32_t hash, int64_t compact_revision) {
    members[id - 1].Set([=](testing::FakeState& s) {
      s.status = {.cluster_id = 7, .member_id = id, .revision = 90, .leader_id = 1};
      s.membership = {.cluster_id = 7, .members = {{.id = 1}, {.id = 2}}};
      s.hash_kv = {.cluster_id = 7,
                   .member_id = id,
                   .hash = hash,
                   .compact_revision = compact_revision,
                   .hash_revision = 90};
    });
  };
  const auto client = etcd::Client::Create(
      {.endpoints = {"http://127.0.0.1:1", members[0].endpoint(), members[1].endpoint()}}, context);
  REQUIRE(client.ok());
  set(1, 5, 50);
  set(2, 5, 50);
  Consistency round = CompareMembers(context, **client, std::nullopt);
  CHECK(round.equal == true);
  CHECK(round.revision == 90);
  CHECK(clock.passed() == Duration::zero());
  set(2, 5, 60);
  round = CompareMembers(context, **client, std::nullopt);
  CHECK_FALSE(round.equal.has_value());
  CHECK(clock.passed() == std::chrono::seconds(2));  // three rounds

  // One member alone compares with nobody, so it hashes nothing.
  const auto one = etcd::Client::Create({.endpoints = {members[0].endpoint()}}, context);
  round = CompareMembers(context, **one, std::nullopt);
  CHECK(round.alone);
  CHECK(round.members.empty());
  CHECK(SidesOf(round).empty());
  CHECK(clock.passed() == std::chrono::seconds(2));
}

TEST_CASE("hashes by the two rules of etcd are no disagreement, where the rules can differ") {
  CHECK_FALSE(Judge({AnswerOf("3.4.23", 1, 2), AnswerOf("3.5.30", 2, 2)}).equal.has_value());
  CHECK_FALSE(Judge({AnswerOf("3.5.15", 1, 2), AnswerOf("3.5.15", 1, 2), AnswerOf("3.5.16", 2, 2)})
                  .equal.has_value());
  CHECK(Judge({AnswerOf("3.4.23", 1, 2), AnswerOf("3.5.30", 1, 2)}).equal == true);
  // Two of one rule differ, and so one of them is corrupt.
  CHECK(
      Judge({AnswerOf("3.4.23", 1, 2), AnswerOf("3.5.30", 2, 2), AnswerOf("3.5.30", 3, 2)}).equal ==
      false);
  CHECK(Judge({AnswerOf("3.4.34", 1, 2), AnswerOf("3.6.0", 2, 2)}).equal == false);
  CHECK(Judge({AnswerOf("3.4.23", 1, 2), AnswerOf("3.5.15", 2, 2)}).equal == false);
  CHECK(Judge({AnswerOf("", 1, 2), AnswerOf("3.6.0", 2, 2)}).equal == false);
  // One transaction can't have put so many, but it can be the one that the members are compacted
  // at.
  CHECK_FALSE(Judge({AnswerOf("3.4.23", 1, 128), AnswerOf("3.5.30", 2, 128)}).equal.has_value());
  CHECK(Judge({AnswerOf("3.4.23", 1, 129), AnswerOf("3.5.30", 2, 129)}).equal == false);
  // Of others that are compacted alike it says nothing.
  CHECK(Judge({AnswerOf("3.4.23", 1, 2), AnswerOf("3.5.30", 2, 2), AnswerOf("3.5.30", 5, 2, 60),
               AnswerOf("3.6.0", 6, 2, 60)})
            .equal == false);
  CHECK(Judge({AnswerOf("3.4.23", 1, 2, 40), AnswerOf("3.4.23", 1, 2, 40), AnswerOf("3.4.23", 1, 2),
               AnswerOf("3.5.30", 2, 2)})
            .equal == true);
  ReceiptEntry uncounted = AnswerOf("3.5.30", 1, 0);
  uncounted.live_keys.reset();
  CHECK_FALSE(Judge({uncounted, AnswerOf("3.5.30", 2, 0)}).equal.has_value());
  CHECK_FALSE(
      Judge({AnswerOf("3.4.23", 1, 129, 90), AnswerOf("3.5.30", 2, 129, 90)}).equal.has_value());
}

}  // namespace
}  // namespace etcdrill::crosscheck
