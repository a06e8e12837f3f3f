// What is told, and what was told before.
#include "base/status.h"
#include "sidecar/decisions.h"
#include "support/catch.h"

namespace etcdrill::sidecar {
namespace {

using Kind = EndpointNews::Kind;
using etcd::Standing;

etcd::RollCall RollOf(Standing standing, const std::string& remark) {
  etcd::RollCall roll;
  roll.entries.push_back({.endpoint = 0, .address = "a", .standing = Standing::kMember});
  roll.entries.push_back({.endpoint = 1, .address = "b", .standing = standing, .remark = remark});
  return roll;
}

etcd::RollCall Torn(const std::string& why) {
  etcd::RollCall roll = RollOf(Standing::kOtherCluster, "of x");
  roll.outcome = Error(Reason::kOtherCluster, why);
  return roll;
}

TEST_CASE("each endpoint is told of once, until it changes") {
  ToldEndpoints told;
  const auto news = [&](Standing standing, const std::string& remark) {
    std::vector<Kind> kinds;
    for (const EndpointNews& item : told.NewsOf(RollOf(standing, remark))) {
      CHECK(item.address == "b");
      CHECK(item.why == remark);
      kinds.push_back(item.kind);
    }
    return kinds;
  };
  using Kinds = std::vector<Kind>;
  CHECK(news(Standing::kMember, "").empty());
  CHECK(news(Standing::kSecondName, "is a") == Kinds{Kind::kSecondName});
  CHECK(news(Standing::kSecondName, "is a").empty());
  CHECK(news(Standing::kOtherCluster, "of x") == Kinds{Kind::kNotOurs});
  CHECK(news(Standing::kSilent, "").empty());  // it may be of x still
  CHECK(news(Standing::kOtherCluster, "of x").empty());
  CHECK(news(Standing::kRemoved, "gone") == Kinds{Kind::kNotOurs});
  CHECK(news(Standing::kMember, "") == Kinds{Kind::kMemberAgain});
  CHECK(news(Standing::kMember, "").empty());
}

TEST_CASE("where nobody can tell which cluster is ours, that is one line for all") {
  ToldEndpoints told;
  const auto first = told.NewsOf(Torn("a or b"));
  REQUIRE(first.size() == 1);
  CHECK(first[0].kind == Kind::kTorn);
  CHECK(first[0].why == "a or b");
  CHECK(told.NewsOf(Torn("a or b")).empty());
  CHECK(told.NewsOf(Torn("a or c")).size() == 1);
  CHECK(told.NewsOf(RollOf(Standing::kOtherCluster, "of x")).size() == 1);
  CHECK(told.NewsOf(Torn("a or c")).size() == 1);  // once more
}

TEST_CASE("a warning is told when the snapshot before did not have it") {
  std::set<std::string> told;
  const auto fresh = [&](std::vector<std::string_view> codes) {
    std::vector<Finding> findings = {{.code = "e", .severity = Severity::kError, .text = "error"}};
    int number = 0;
    for (const std::string_view code : codes) {
      findings.push_back(
          {.code = code, .severity = Severity::kWarning, .text = std::to_string(number++)});
    }
    std::string all;
    for (const Finding& finding : NewWarnings(findings, told))
      all += std::string(finding.code) + finding.text;
    return all;
  };
  CHECK(fresh({"x", "x", "y"}) == "x0y2");  // the first of each
  CHECK(fresh({"x", "y"}).empty());
  CHECK(fresh({"y", "z"}) == "z1");
  CHECK(fresh({"x"}) == "x0");
  CHECK(fresh({}).empty());
  CHECK(fresh({"x"}) == "x0");
}

}  // namespace
}  // namespace etcdrill::sidecar
