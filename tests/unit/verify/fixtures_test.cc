// The verifier against what real tools and real servers said about 30 real snapshots.
#include <nlohmann/json.hpp>

#include "support/catch.h"
#include "support/open_snapshot.h"
#include "support/snapshots.h"
#include "support/test_context.h"
#include "verify/verify.h"

namespace etcdrill {
namespace {

using etcdrill::testing::OpenFile;
using etcdrill::testing::VerifyFile;
using testing::SnapshotNames;
using testing::SnapshotPath;
using testing::TestContext;

nlohmann::json Facts(std::string_view name) {
  return nlohmann::json::parse(testing::ReadFile(testing::SnapshotFactsPath(name)));
}

TEST_CASE("every real snapshot is proven, with the sums of the official tools") {
  TestContext test;
  const std::string name = GENERATE(from_range(SnapshotNames()));
  CAPTURE(name);
  const auto facts = Facts(name);
  const auto report = VerifyFile(test.context(), SnapshotPath(name));
  REQUIRE(report.ok());
  for (const Finding& f : report->findings.kept()) UNSCOPED_INFO(f.code << ": " << f.text);
  CHECK(report->findings.errors() == 0);
  CHECK(report->verdict() == Verdict::kProven);
  CHECK(report->sha256 == facts["sha256"]);
  REQUIRE(report->keyspace.has_value());
  CHECK(report->keyspace->hash == facts["status"]["hash"]);
  CHECK(report->keyspace->newest_row == facts["status"]["revision"]);
  CHECK(report->keyspace->total_bytes == facts["status"]["totalSize"]);
  // totalKey changed its meaning in 3.6.
  const bool new_tool = name.starts_with("e36") || name.starts_with("e37");
  CHECK((new_tool ? report->keyspace->live_keys : report->keyspace->total_keys) ==
        facts["status"]["totalKey"]);
  if (facts.contains("live_keys")) CHECK(report->keyspace->live_keys == facts["live_keys"]);
  CHECK(report->keyspace->auth_enabled == name.ends_with("-auth"));
  CHECK((report->keyspace->alarms == std::vector<std::string>{"NOSPACE"}) ==
        name.ends_with("-alarm"));
}

TEST_CASE("HashKV of a file equals the live server's at every revision that was asked") {
  TestContext test;
  const std::string name = GENERATE(from_range(SnapshotNames()));
  CAPTURE(name);
  const auto facts = Facts(name);
  for (const auto& answer : facts["hashkv"]) {
    CAPTURE(answer.dump());
    const auto hashkv =
        verify::HashKvOf(test.context(), OpenFile(test.context(), SnapshotPath(name)),
                         answer["asked"], answer["compact_revision"]);
    if (!hashkv.ok()) {
      // A server answers from a cache of its last compactions, with an older compact revision; a
      // file can't.
      CHECK(ReasonOf(hashkv.status()) == Reason::kUsage);
      CHECK(answer["compact_revision"] <
            verify::HashKvOf(test.context(), OpenFile(test.context(), SnapshotPath(name)), 0, {})
                ->compact_revision);
      continue;
    }
    CHECK(hashkv->hash == answer["hash"]);
  }
}

}  // namespace
}  // namespace etcdrill
