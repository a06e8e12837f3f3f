// What goes, what stays, and in which order: a copy is there whole or not at all, and nothing that
// may still be one is swept.
#include "sites/delete_copy.h"

#include <memory>
#include <set>

#include "objects/forwarding.h"
#include "unit/sites/sealing.h"

namespace etcdrill::sites {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using objects::ObjectLockMode;
using testing::NamesAt;
using testing::PutAt;
using testing::SealRehearsal;

constexpr objects::Properties kKeepsVersions = {.has_locks = true, .has_versions = true};

std::string UnsealedKey(uint32_t random) {
  return BytesKey(CopyName("prod-00000000000000001234-20261122T080000Z", random), {true, true});
}

size_t SweepNow(SealRehearsal& test) {
  const auto swept = SweepUnsealed(test.context, test.site, test.clock.Now());
  REQUIRE(swept.ok());
  return *swept;
}

TEST_CASE("a sweep takes old bytes without a manifest, and nothing else") {
  SealRehearsal test;
  const auto sealed = test.Seal();
  REQUIRE(sealed.ok());
  PutAt(test.memory, UnsealedKey(1), "left by a killed writer");
  PutAt(test.memory, "snapshots/notes.txt", "somebody's");
  PutAt(test.memory, "snapshots/prod.db", "somebody's");
  PutAt(test.memory, "other/" + UnsealedKey(1), "somebody's");
  test.clock.SleepFor(kUnsealedAgeMax + 1h, {});
  PutAt(test.memory, UnsealedKey(2), "of an upload that goes on");
  auto expected = NamesAt(test.memory, "");
  std::erase(expected, UnsealedKey(1));
  CHECK(SweepNow(test) == 1);
  CHECK(NamesAt(test.memory, "") == expected);
  CHECK(test.WholeCopies().size() == 1);
}

TEST_CASE("bytes that are sealed while a sweep goes on are kept") {
  SealRehearsal test;
  const auto sealed = test.Seal();
  REQUIRE((sealed.ok() && test.Seal().ok()));
  const std::string manifest = testing::BytesAt(test.memory, ManifestKey(sealed->copy));
  REQUIRE(test.memory.Delete(ManifestKey(sealed->copy)).ok());
  test.clock.SleepFor(kUnsealedAgeMax + 1h, {});
  test.site.before_list = [&](const std::string& prefix) {
    if (prefix == kManifestsFolder) PutAt(test.memory, ManifestKey(sealed->copy), manifest);
  };
  CHECK(SweepNow(test) == 0);
  CHECK(test.WholeCopies().size() == 2);
}

TEST_CASE("a listing that lags behind costs no copy its bytes") {
  SealRehearsal test;
  const auto late = test.Seal();
  REQUIRE((late.ok() && test.Seal().ok()));
  test.clock.SleepFor(kUnsealedAgeMax + 1h, {});
  test.site.lists = [&](const std::string& name) { return name != ManifestKey(late->copy); };
  CHECK(SweepNow(test) == 0);
  CHECK(test.WholeCopies().size() == 2);
}

TEST_CASE("bytes may lack a manifest for a week, uploads are given up after a day") {
  class CountingSweeps : public objects::ForwardingObjects {
   public:
    using ForwardingObjects::ForwardingObjects;
    Result<size_t> Sweep(const std::string&, WallTime before) override {
      asked.insert(before);
      return size_t{1};
    }
    std::set<WallTime> asked;
  };
  SealRehearsal test;
  REQUIRE(test.Seal().ok());
  PutAt(test.memory, UnsealedKey(1), "left by a killed writer");
  CountingSweeps site(std::make_unique<testing::FaultyObjects>(test.memory));
  test.clock.SleepFor(kUnsealedAgeMax - 1h, {});
  const auto swept = SweepUnsealed(test.context, site, test.clock.Now());
  CHECK(swept.value() == 5);  // one in each folder
  CHECK(site.asked == std::set{test.clock.Now() - 24h});
  CHECK(NamesAt(test.memory, kSnapshotsFolder).size() == 2);
  test.clock.SleepFor(2h, {});
  CHECK(SweepUnsealed(test.context, site, test.clock.Now()).value() == 6);
  CHECK(test.WholeCopies().size() == 1);
}

TEST_CASE("a folder of manifests that is lost does not cost the bytes") {
  SealRehearsal test;
  size_t left = 0;     // manifests
  uint32_t bytes = 0;  // without one
  bool is_swept = false;
  SECTION("no manifest is there") { bytes = 1; }
  SECTION("most are gone") { left = 3, bytes = 4; }
  SECTION("a few uploads were killed") { left = 1, bytes = 3, is_swept = true; }
  SECTION("many uploads were killed, and more went well") { left = 4, bytes = 4, is_swept = true; }
  for (size_t i = 0; i < left; ++i) REQUIRE(test.Seal().ok());
  for (uint32_t i = 0; i < bytes; ++i) PutAt(test.memory, UnsealedKey(i), "whole, as it seems");
  test.clock.SleepFor(kUnsealedAgeMax + 1h, {});
  const auto swept = SweepUnsealed(test.context, test.site, test.clock.Now());
  CHECK(swept.ok() == is_swept);
  CHECK(NamesAt(test.memory, kSnapshotsFolder).size() == left + (is_swept ? 0 : bytes));
  if (is_swept) return;
  CHECK(Is(swept, Reason::kNotProvable));
  CHECK_THAT(std::string(MessageOf(swept.status())),
             ContainsSubstring(UnsealedKey(0)) && ContainsSubstring("manifests/"));
}

TEST_CASE("bytes whose manifest somebody hid are kept") {
  SealRehearsal test(kKeepsVersions);
  const auto sealed = test.Seal();
  REQUIRE((sealed.ok() && test.Seal().ok()));
  REQUIRE(test.memory.Delete(ManifestKey(sealed->copy)).ok());
  REQUIRE(NamesAt(test.memory, kManifestsFolder).size() == 1);
  test.clock.SleepFor(kUnsealedAgeMax + 1h, {});
  CHECK(SweepNow(test) == 0);
  test.CheckWhole(*sealed);
}

TEST_CASE("bytes stay under a lock, and where nobody may see whether they have a manifest") {
  SealRehearsal test(kKeepsVersions);
  const auto sealed = test.Seal();
  REQUIRE(sealed.ok());
  PutAt(test.memory, UnsealedKey(1), "locked", test.LockFor(24h * 10, ObjectLockMode::kCompliance));
  PutAt(test.memory, UnsealedKey(2), "free");
  test.clock.SleepFor(kUnsealedAgeMax + 1h, {});
  // Five sweeps and two lists, then the first question for a manifest.
  test.faulty.Inject({{.call = 7, .reason = Reason::kAccessDenied}});
  CHECK(SweepNow(test) == 1);
  CHECK(NamesAt(test.memory, kSnapshotsFolder) == std::vector{UnsealedKey(1), sealed->key()});
  test.faulty.Inject({});
  CHECK(SweepNow(test) == 0);
  CHECK(NamesAt(test.memory, kSnapshotsFolder) == std::vector{UnsealedKey(1), sealed->key()});
  test.clock.SleepFor(kUnsealedAgeMax, {});
  CHECK(SweepNow(test) == 1);
  CHECK(test.VersionsBelow(kSnapshotsFolder) == 1);
}

TEST_CASE("a site that does not answer ends a sweep, and nothing was swept by guess") {
  for (uint64_t call = 0;; ++call) {
    INFO("call " << call);
    SealRehearsal test(kKeepsVersions);
    REQUIRE(test.Seal().ok());
    PutAt(test.memory, UnsealedKey(1), "left by a killed writer");
    test.clock.SleepFor(kUnsealedAgeMax + 1h, {});
    test.faulty.Inject({{.call = call}});
    const auto swept = SweepUnsealed(test.context, test.site, test.clock.Now());
    CHECK(test.WholeCopies().size() == 1);
    if (test.faulty.calls().size() <= call) break;
    CHECK(Is(swept, Reason::kConnect));
  }
}

TEST_CASE("nothing stays of a copy that is deleted, of other copies all") {
  for (const bool has_versions : {false, true}) {
    INFO("versions " << has_versions);
    SealRehearsal test({.has_versions = has_versions});
    const auto other = test.Seal();
    const auto sealed = test.Seal();
    REQUIRE((sealed.ok() && other.ok()));
    PutAt(test.memory, ChecksKey(sealed->copy, "w1"), "{}");
    PutAt(test.memory, ChecksKey(sealed->copy, "w2"), "{}");
    PutAt(test.memory, ChecksKey(other->copy, "w1"), "{}");
    if (has_versions) {
      // Written again, and hidden: old versions and a mark.
      PutAt(test.memory, ChecksKey(sealed->copy, "w1"), "{}");
      REQUIRE(test.memory.Delete(ManifestKey(sealed->copy)).ok());
    }
    REQUIRE(DeleteCopy(test.context, test.site, *sealed).ok());
    const std::vector<std::string> expected = {ChecksKey(other->copy, "w1"),
                                               ManifestKey(other->copy), other->key(),
                                               std::string(kStoreKey)};
    CHECK(NamesAt(test.memory, "") == expected);
    if (has_versions) CHECK(test.VersionsBelow("") == expected.size());
    CHECK(DeleteCopy(test.context, test.site, *sealed).ok());
    if (has_versions) CHECK(test.VersionsBelow("") == expected.size());
  }
}

TEST_CASE("a copy under a lock is there whole after it could not be deleted") {
  SealRehearsal test(kKeepsVersions);
  test.request.lock = test.LockFor(24h, ObjectLockMode::kGovernance);
  const auto sealed = test.Seal();
  REQUIRE(sealed.ok());
  const Status refused = DeleteCopy(test.context, test.site, *sealed);
  CHECK(Is(refused, Reason::kAccessDenied));
  CHECK_THAT(std::string(MessageOf(refused)),
             ContainsSubstring("governance") && ContainsSubstring("2026-11-23T09:00:00Z"));
  CHECK(test.WholeCopies().size() == 1);
  test.clock.SleepFor(24h, {});
  CHECK(DeleteCopy(test.context, test.site, *sealed).ok());
  test.CheckNothingIsThere();
}

TEST_CASE("where versions can't be listed, the bytes go by the version of the record") {
  SealRehearsal test(kKeepsVersions);
  const auto sealed = test.Seal();
  REQUIRE(sealed.ok());
  test.site.tells_versions = false;
  REQUIRE(DeleteCopy(test.context, test.site, *sealed).ok());
  CHECK(NamesAt(test.memory, kManifestsFolder).empty());
  CHECK(test.VersionsBelow(kSnapshotsFolder) == 0);
}

TEST_CASE("a deletion that is refused says so") {
  SealRehearsal test;
  const auto sealed = test.Seal();
  REQUIRE((sealed.ok() && test.Seal().ok()));
  test.site.deletes = [](const std::string& name) { return !name.starts_with(kSnapshotsFolder); };
  CHECK(Is(DeleteCopy(test.context, test.site, *sealed), Reason::kAccessDenied));
  CHECK(NamesAt(test.memory, kManifestsFolder).size() == 1);
  test.site.deletes = [](const std::string&) { return true; };
  test.clock.SleepFor(kUnsealedAgeMax + 1h, {});
  CHECK(SweepNow(test) == 1);
  CHECK(NamesAt(test.memory, kSnapshotsFolder).size() == 1);
  CHECK(test.WholeCopies().size() == 1);
}

TEST_CASE("whichever call of a deletion fails, the copy is whole, or has no manifest") {
  const bool is_lost = GENERATE(false, true);
  const bool has_versions = GENERATE(false, true);
  for (uint64_t call = 0;; ++call) {
    INFO("call " << call << ", lost " << is_lost << ", versions " << has_versions);
    SealRehearsal test({.has_versions = has_versions});
    const auto sealed = test.Seal();
    REQUIRE(sealed.ok());
    PutAt(test.memory, ChecksKey(sealed->copy, "w1"), "{}");
    test.faulty.Inject({{.call = call, .takes_effect = is_lost}});
    const Status deleted = DeleteCopy(test.context, test.site, *sealed);
    const bool was_reached = test.faulty.calls().size() > call;
    test.faulty.Inject({});
    CHECK(deleted.ok() == !was_reached);
    CHECK(test.WholeCopies().size() <= 1);  // and looks at each
    CHECK(DeleteCopy(test.context, test.site, *sealed).ok());
    test.CheckNothingIsThere();
    CHECK(NamesAt(test.memory, kChecksFolder).empty());
    if (!was_reached) break;
    REQUIRE(call < 100);
  }
}

}  // namespace
}  // namespace etcdrill::sites
