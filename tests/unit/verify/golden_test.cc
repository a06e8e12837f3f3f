// The verifier against real etcd servers once more, at the moments that are hard: a compaction
// under way, members that come, are promoted and go, restores, odd pages. tests/golden/make made
// the files and wrote down what the servers said.
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "proof/finding_codes.h"
#include "support/catch.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"
#include "support/test_context.h"
#include "verify/verify.h"

namespace etcdrill {
namespace {

using etcdrill::testing::OpenFile;
using etcdrill::testing::VerifyFile;
using testing::TestContext;
using Codes = std::set<std::string_view>;

std::vector<std::string> GoldenPaths() {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(ETCDRILL_GOLDEN_DATA)) {
    if (entry.path().extension() == ".db") paths.push_back(entry.path().string());
  }
  std::sort(paths.begin(), paths.end());
  REQUIRE(paths.size() >= 69);
  return paths;
}

struct Golden {
  explicit Golden(std::filesystem::path file)
      : path(file),
        version(file.stem().string().substr(0, file.stem().string().find('-'))),
        moment(file.stem().string().substr(version.size() + 1)),
        facts(nlohmann::json::parse(testing::ReadFile(file.replace_extension(".json")))) {}

  // Taken after a promotion, by a version that does not store it.
  bool PromotionLost() const {
    return version == "e3516" &&
           (moment == "promoted" || moment == "follower" || moment == "removed");
  }
  // Restored by 3.4's tool, which leaves the old member in the file; 3.5.26 and later clean up.
  bool HasZombie() const {
    return moment == "restored" || (version == "e3516" && moment == "zombie");
  }
  // 3.5.16 never adds to what it stored of a member at first.
  bool Unpublished() const {
    return version == "e3516" && moment != "upgraded" && moment != "zombie";
  }

  const std::string path;
  const std::string version;
  const std::string moment;
  const nlohmann::json facts;
};

// Everything that has to be said of the file, and nothing beyond it is.
Codes Expected(const Golden& golden) {
  Codes codes = {codes::kRestoresWithLeases};
  if (golden.facts["pending"]) codes.insert(codes::kCompactionPending);
  if (!golden.facts["trailer"]) codes.insert(codes::kTrailerMissing);
  if (golden.moment == "auth-roles") codes.insert(codes::kRestoresWithAuth);
  if (golden.Unpublished()) codes.insert(codes::kMemberUnpublished);
  if (golden.PromotionLost()) codes.insert(codes::kMemberPromotionLost);
  // Without raft's configuration, which 3.4 does not store, only a name that is there twice gives a
  // zombie away.
  if (golden.HasZombie())
    codes.insert(golden.version == "e34" ? codes::kMembersOdd : codes::kMemberZombie);
  if (golden.facts["live_keys"] == 0) codes.insert(codes::kNoKeys);
  return codes;
}

TEST_CASE(
    "every golden snapshot is proven, with the sums of the official tools, and nothing false is "
    "said of it") {
  TestContext test;
  const Golden golden(GENERATE(from_range(GoldenPaths())));
  CAPTURE(golden.path);
  const auto report = VerifyFile(test.context(), golden.path);
  REQUIRE(report.ok());
  Codes found;
  for (const Finding& f : report->findings.kept()) {
    UNSCOPED_INFO(f.code << ": " << f.text);
    found.insert(f.code);
  }
  CHECK(found == Expected(golden));
  CHECK(report->findings.errors() == 0);
  CHECK(report->verdict() == (golden.facts["trailer"] ? Verdict::kProven : Verdict::kNotProvable));
  CHECK(report->sha256 == golden.facts["sha256"]);
  REQUIRE(report->keyspace.has_value());
  const auto& status = golden.facts["status"];
  CHECK(report->keyspace->hash == status["hash"]);
  CHECK(report->keyspace->newest_row == status["revision"]);
  CHECK(report->keyspace->total_bytes == status["totalSize"]);
  // totalKey changed its meaning in 3.6.
  const bool new_tool = golden.version == "e36" || golden.version == "e37";
  const verify::Keyspace& keyspace = *report->keyspace;
  CHECK((new_tool ? keyspace.live_keys + (keyspace.bumped ? 1 : 0) : keyspace.total_keys) ==
        status["totalKey"]);
  CHECK(report->keyspace->bumped == (golden.moment == "bumped"));
  CHECK(keyspace.live_keys == golden.facts["live_keys"]);
}

TEST_CASE("HashKV of a golden file equals the live server's at every revision that was asked") {
  TestContext test;
  const Golden golden(GENERATE(from_range(GoldenPaths())));
  for (const auto& answer : golden.facts["hashkv"]) {
    CAPTURE(golden.path, answer.dump());
    const auto own = verify::HashKvOf(test.context(), OpenFile(test.context(), golden.path),
                                      answer["asked"], {});
    REQUIRE(own.ok());
    CHECK(own->hash == answer["hash"]);
    CHECK(own->compact_revision == answer["compact_revision"]);
  }
}

TEST_CASE("the members of a golden file are those that the server named") {
  TestContext test;
  const Golden golden(GENERATE(from_range(GoldenPaths())));
  CAPTURE(golden.path);
  const auto report = VerifyFile(test.context(), golden.path);
  REQUIRE(report.ok());
  std::map<std::string, bool> stored;  // id, learner
  for (const verify::MemberRecord& member : report->keyspace->members) {
    stored.emplace(fmt::format("{:x}", member.id), member.is_learner);
  }
  CHECK(stored.size() == golden.facts["members"].size() + (golden.HasZombie() ? 1 : 0));
  uint64_t lost = 0;
  for (const auto& member : golden.facts["members"]) {
    const auto found = stored.find(member["id"].get<std::string>());
    REQUIRE(found != stored.end());
    lost += found->second != member["learner"] ? 1 : 0;
  }
  CHECK(lost == (golden.PromotionLost() ? 1 : 0));
}

}  // namespace
}  // namespace etcdrill
