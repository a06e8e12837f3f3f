// The self-test passes with the real verifier, and fails by name with one that misses a class.
#include "verify/selftest.h"

#include "support/catch.h"
#include "support/test_context.h"
#include "verify/verify.h"

namespace etcdrill::verify {
namespace {

using etcdrill::testing::TestContext;

TEST_CASE("every damage of every class is detected") {
  TestContext test;
  const auto sample = MakeSampleSnapshot(test.context(), test.dir());
  REQUIRE(sample.ok());
  const auto rows =
      RunSelftest(*sample, DamageClassesOf(*sample), FileVerifier(test.context(), test.dir()));
  REQUIRE(rows.ok());
  CHECK(rows->size() >= 14);
  for (const SelftestRow& row : *rows) {
    CAPTURE(row.name);
    CHECK(row.tries > 0);
    CHECK(row.detected == row.tries);
  }
  CHECK(JudgeSelftest(*rows).ok());
}

TEST_CASE("each damage changes something") {
  TestContext test;
  const auto sample = MakeSampleSnapshot(test.context(), test.dir());
  REQUIRE(sample.ok());
  for (const DamageClass& c : DamageClassesOf(*sample)) {
    CAPTURE(c.name);
    for (const Damage& damage : c.damages) CHECK(damage(*sample) != *sample);
  }
}

TEST_CASE("a verifier that misses a class fails the self-test, and the class is named") {
  TestContext test;
  const auto sample = MakeSampleSnapshot(test.context(), test.dir());
  REQUIRE(sample.ok());
  const std::vector<DamageClass> classes = DamageClassesOf(*sample);
  const auto judge = [&](const Verifier& verifier) {
    return JudgeSelftest(*RunSelftest(*sample, classes, verifier));
  };
  SECTION("all damage is detected") {
    CHECK(judge([&](std::string_view s) {
            return s == *sample ? Verdict::kProven : Verdict::kDamaged;
          }).ok());
  }
  SECTION("a trailer that nobody looks at") {
    const std::string_view body = std::string_view(*sample).substr(0, sample->size() - 32);
    const Status status = judge([&](std::string_view s) {
      return s.size() == sample->size() && s.starts_with(body) ? Verdict::kProven
                                                               : Verdict::kDamaged;
    });
    REQUIRE_FALSE(status.ok());
    CHECK(ExitCodeOf(status) == ExitCode::kFailed);
    CHECK_THAT(std::string(MessageOf(status)),
               Catch::Matchers::ContainsSubstring("trailer (0 of 32 detected)"));
  }
  SECTION("not provable is not detected") {
    const Status status = judge([&](std::string_view s) {
      return s == *sample                ? Verdict::kProven
             : s.size() < sample->size() ? Verdict::kNotProvable
                                         : Verdict::kDamaged;
    });
    REQUIRE_FALSE(status.ok());
    CHECK_THAT(std::string(MessageOf(status)), Catch::Matchers::ContainsSubstring("truncation"));
  }
  SECTION("one that calls everything damaged") {
    const Status status = judge([](std::string_view) { return Verdict::kDamaged; });
    REQUIRE_FALSE(status.ok());
    CHECK_THAT(std::string(MessageOf(status)),
               Catch::Matchers::ContainsSubstring("no damage (0 of 1 detected)"));
  }
}

}  // namespace
}  // namespace etcdrill::verify
