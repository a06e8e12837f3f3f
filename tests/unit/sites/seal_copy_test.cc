// That a manifest at a site stands for a whole copy, whatever fails on the way, and whatever a site
// says and does not do.
#include "sites/seal_copy.h"

#include <filesystem>

#include "objects/directory_objects.h"
#include "sites/delete_copy.h"
#include "sites/records.h"
#include "support/shell.h"
#include "unit/sites/sealing.h"

namespace etcdrill::sites {
namespace {

using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using objects::Lock;
using objects::ObjectInfo;
using objects::ObjectLockMode;
using testing::BytesAt;
using testing::NamesAt;
using testing::ObjectCall;
using testing::ObjectFault;
using testing::SealRehearsal;
using testing::SnapshotBytes;
using testing::TestContext;
using testing::WriteFile;

constexpr objects::Properties kLocking = {.has_locks = true, .has_versions = true};

bool IsBytes(const ObjectInfo& info) { return info.name.starts_with(kSnapshotsFolder); }

TEST_CASE("what is sealed is there, with a manifest that says what is there") {
  for (const Encoding& encoding :
       {Encoding{}, Encoding{true, false}, Encoding{false, true}, Encoding{true, true}}) {
    INFO("zstd " << encoding.zstd << ", age " << encoding.age);
    SealRehearsal test(kLocking);
    const SigningKey key = SigningKey::Make();
    test.request.encoding = encoding;
    test.request.key = key;
    test.request.last_drill = store::DrillLink{"report", "sum"};
    const auto sealed = test.Seal();
    REQUIRE(sealed.ok());
    CHECK(SnapshotOfCopy(sealed->copy) == test.request.manifest.name);
    const auto info = test.memory.Head(sealed->key());
    REQUIRE(info.ok());
    CHECK(info->etag == sealed->etag);
    CHECK(info->version_id == sealed->version_id);
    CHECK(info->metadata.at("nonce") == sealed->nonce);
    CHECK(sealed->recipients.size() == (encoding.age ? 1 : 0));
    CHECK(NamesAt(test.memory, kSnapshotsFolder) == std::vector{sealed->key()});
    test.CheckWhole(*sealed);
    const auto read = ParseCopyRecord(BytesAt(test.memory, ManifestKey(sealed->copy)), sealed->copy,
                                      std::vector{key.verifying_key()});
    REQUIRE(read.ok());
    CHECK(read->trust.ok());
    CHECK(read->record.manifest == test.request.manifest);
    CHECK(read->record.sha256 == sealed->sha256);
    CHECK(read->record.version_id == sealed->version_id);
    CHECK(read->record.writer == test.request.writer);
    CHECK(read->record.last_drill->name == "report");
  }
}

TEST_CASE("progress is told up to the snapshot's size") {
  SealRehearsal test;
  std::vector<uint64_t> told;
  test.request.on_progress = [&](uint64_t done, uint64_t total) {
    CHECK(total == SnapshotBytes().size());
    told.push_back(done);
  };
  REQUIRE(test.Seal().ok());
  REQUIRE_FALSE(told.empty());
  CHECK(std::ranges::is_sorted(told));
  CHECK(told.back() == SnapshotBytes().size());
}

TEST_CASE("a snapshot that is copied twice has two copies, and the site one mark") {
  SealRehearsal test({.has_versions = true});
  REQUIRE(test.Seal().ok());
  const std::string mark = BytesAt(test.memory, "store.json");
  CHECK_THAT(mark, ContainsSubstring("\"cluster\": \"prod\""));
  CHECK_THAT(mark, ContainsSubstring("\"created\": \"2026-11-22T09:00:00Z\""));
  const auto id = ReadSiteId(test.memory);
  REQUIRE(id.ok());
  CHECK(id->size() == 16);
  CHECK_THAT(mark, ContainsSubstring(*id));
  test.clock.SleepFor(1h, {});
  REQUIRE(test.Seal().ok());
  CHECK(test.WholeCopies().size() == 2);
  CHECK(BytesAt(test.memory, "store.json") == mark);
  CHECK(test.VersionsBelow("store.json") == 1);
}

TEST_CASE("`age -d | zstd -d` of a copy in a directory is the snapshot") {
  for (const char* const program : {"/usr/bin/age", "/usr/bin/zstd"})
    if (!std::filesystem::exists(program)) SKIP(program << " is missing");
  SealRehearsal test;
  REQUIRE(test.real.fs().MakeDirs(test.real.Path("site"), kPrivateDirMode).ok());
  const auto directory = objects::MakeDirectoryObjects(test.context, test.real.Path("site"));
  const auto sealed = SealCopy(test.context, *directory, test.request);
  REQUIRE(sealed.ok());
  WriteFile(test.real.Path("key"), test.identity.Text() + "\n");
  REQUIRE(testing::RunShell(test.real, "age -d -i key site/snapshots/" + sealed->copy +
                                           ".db.zst.age | zstd -d > plain && test -s site/" +
                                           ManifestKey(sealed->copy))
              .ok());
  CHECK((testing::ReadFile(test.real.Path("plain")) == SnapshotBytes()));
}

// Every call of a seal fails once, in each way.
TEST_CASE("whichever call fails once, there is one whole copy, or none and nothing of it") {
  const bool is_lost = GENERATE(false, true);
  const Reason reason = GENERATE(Reason::kConnect, Reason::kAccessDenied);
  const bool has_versions = GENERATE(false, true);
  for (uint64_t call = 0;; ++call) {
    INFO("call " << call << ", lost " << is_lost << ", " << InfoOf(reason).name);
    SealRehearsal test({.has_versions = has_versions});
    test.faulty.Inject({{.call = call, .reason = reason, .takes_effect = is_lost}});
    const auto sealed = test.Seal();
    const bool was_reached = test.faulty.calls().size() > call;
    test.faulty.Inject({});
    if (!sealed.ok()) {
      CHECK(Is(sealed, Reason::kAccessDenied));
      test.CheckNothingIsThere();
      REQUIRE(test.Seal().ok());
    }
    CHECK(test.WholeCopies().size() == 1);
    CHECK(NamesAt(test.memory, kSnapshotsFolder).size() == 1);
    if (has_versions) CHECK(test.VersionsBelow(kSnapshotsFolder) == 1);
    if (has_versions) CHECK(test.VersionsBelow(kManifestsFolder) == 1);
    if (!was_reached) break;
    REQUIRE(call < 100);
  }
}

TEST_CASE("whichever call fails once, what is sealed holds the lock that it was promised") {
  const bool is_lost = GENERATE(false, true);
  const Reason reason = GENERATE(Reason::kConnect, Reason::kAccessDenied);
  for (uint64_t call = 0;; ++call) {
    INFO("call " << call << ", lost " << is_lost << ", " << InfoOf(reason).name);
    SealRehearsal test(kLocking);
    test.request.lock = test.LockFor(24h, ObjectLockMode::kGovernance);
    test.site.locks_on_create = false;
    test.faulty.Inject({{.call = call, .reason = reason, .takes_effect = is_lost}});
    const auto sealed = test.Seal();
    const bool was_reached = test.faulty.calls().size() > call;
    const auto copies = test.WholeCopies();
    // A manifest whose lock gets no answer may be locked, and then it stays: its copy is whole.
    CHECK(copies.size() >= (sealed.ok() ? 1 : 0));
    CHECK(copies.size() <= 2);
    for (const CopyRecord& copy : copies)
      CHECK(test.memory.Head(copy.key(), copy.version_id)->lock == test.request.lock);
    if (sealed.ok()) CHECK(test.memory.Head(ManifestKey(sealed->copy))->lock == test.request.lock);
    if (!was_reached) break;
    REQUIRE(call < 100);
  }
}

TEST_CASE("a site that fails from some call on has no manifest of half a copy") {
  const bool is_lost = GENERATE(false, true);
  for (uint64_t call = 0;; ++call) {
    INFO("call " << call << ", lost " << is_lost);
    SealRehearsal test;
    test.faulty.Inject({{.call = call, .takes_effect = is_lost, .lasts = true}});
    const auto sealed = test.Seal();
    const bool was_reached = test.faulty.calls().size() > call;
    test.faulty.Inject({});
    const size_t before = test.WholeCopies().size();
    CHECK(before <= 1);
    if (!was_reached) break;
    CHECK(Is(sealed, Reason::kConnect));
    REQUIRE(test.Seal().ok());
    CHECK(test.WholeCopies().size() == before + 1);
    // What could not be deleted goes with a sweep.
    test.clock.SleepFor(kUnsealedAgeMax + 1h, {});
    REQUIRE(SweepUnsealed(test.context, test.site, test.clock.Now()).ok());
    CHECK(NamesAt(test.memory, kSnapshotsFolder).size() == before + 1);
    CHECK(test.WholeCopies().size() == before + 1);
    REQUIRE(call < 100);
  }
}

TEST_CASE("after a lost answer Head decides, and nothing is uploaded twice") {
  SealRehearsal test;
  REQUIRE(test.Seal().ok());
  std::vector<uint64_t> finishes;
  const auto calls = test.faulty.calls();
  for (size_t i = 0; i < calls.size(); ++i)
    if (calls[i] == ObjectCall::kFinish) finishes.push_back(i);
  REQUIRE(finishes.size() == 3);  // store.json, the bytes, the manifest
  // The second time there is a store.json: its Create, Append and Finish are left out.
  for (const uint64_t finish : {finishes[1] - 3, finishes[2] - 3}) {
    test.faulty.Inject({{.call = finish, .reason = Reason::kTimeout, .takes_effect = true}});
    REQUIRE(test.Seal().ok());
    CHECK(test.faulty.calls().at(finish) == ObjectCall::kFinish);
    CHECK(test.Calls(ObjectCall::kCreate) == 2);
    CHECK(test.Calls(ObjectCall::kDelete) == 0);
  }
  CHECK(test.WholeCopies().size() == 3);
}

TEST_CASE("what may pass is tried three times, and what must be mended once") {
  SealRehearsal test;
  test.site.on_head = [](ObjectInfo& info) { info.size += IsBytes(info) ? 1 : 0; };
  const auto sealed = test.Seal();
  CHECK(Is(sealed, Reason::kIoError));
  CHECK_THAT(std::string(MessageOf(sealed.status())), ContainsSubstring("the site has"));
  CHECK(test.Calls(ObjectCall::kDelete) == 3);
  CHECK(test.clock.passed() > Duration::zero());
  test.CheckNothingIsThere();
  test.faulty.Inject({{.call = 0, .reason = Reason::kCredentials, .lasts = true}});
  CHECK(Is(test.Seal(), Reason::kCredentials));
  CHECK(test.faulty.calls().size() == 1);
}

TEST_CASE("a file that is not what its manifest says is damaged, and is not copied") {
  std::string changed = SnapshotBytes();
  changed[changed.size() / 2] ^= 1;
  for (const std::string& bytes : {changed, changed.substr(1), changed + "x", std::string()}) {
    SealRehearsal test(kLocking);
    test.request.lock = test.LockFor(24h, ObjectLockMode::kCompliance);
    WriteFile(test.request.path, bytes);
    CHECK(Is(test.Seal(), Reason::kDamaged));
    test.CheckNothingIsThere();
  }
}

TEST_CASE("a file that is changed while it goes up is damaged, and leaves nothing") {
  // Longer than what is read at a time, so that there is a rest to change.
  const std::string large(20'000'000, 'x');
  for (const bool is_cut : {false, true}) {
    INFO("cut " << is_cut);
    SealRehearsal test;
    WriteFile(test.request.path, large);
    test.request.manifest = testing::MadeManifest(large);
    test.request.on_progress = [&](uint64_t, uint64_t) {
      WriteFile(test.request.path, is_cut ? "" : std::string(large.size(), 'y'));
    };
    CHECK(Is(test.Seal(), Reason::kDamaged));
    test.CheckNothingIsThere();
  }
}

TEST_CASE("a file that is not there is not found, and that is all") {
  SealRehearsal test;
  test.request.path += ".gone";
  CHECK(Is(test.Seal(), Reason::kNotFound));
  test.CheckNothingIsThere();
}

TEST_CASE("a stop ends a copy, and leaves nothing") {
  SealRehearsal test;
  test.request.on_progress = [&](uint64_t, uint64_t) { test.real.stop().request_stop(); };
  CHECK(IsInterrupted(test.Seal().status()));
  test.CheckNothingIsThere();
}

TEST_CASE("without a recipient nothing is encrypted, and nothing is put there in the clear") {
  SealRehearsal test;
  test.request.recipients.clear();
  CHECK(Is(test.Seal(), Reason::kUsage));
  CHECK(NamesAt(test.memory, "").empty());
}

TEST_CASE("a manifest that does not come back as it was sent is taken back") {
  SealRehearsal test({.has_versions = true});
  int flips = 0;
  test.site.on_get = [&](const std::string& name, std::string& bytes) {
    if (name.starts_with(kManifestsFolder) && flips-- > 0) bytes[bytes.size() / 2] ^= 1;
  };
  flips = 1;
  REQUIRE(test.Seal().ok());
  CHECK(test.WholeCopies().size() == 1);
  CHECK(test.VersionsBelow(kSnapshotsFolder) == 1);
  flips = 100;
  CHECK(Is(test.Seal(), Reason::kIoError));
  CHECK(test.WholeCopies().size() == 1);
  CHECK(test.VersionsBelow(kManifestsFolder) == 1);
}

TEST_CASE("a manifest whose bytes somebody sweeps meanwhile is taken back") {
  SealRehearsal test;
  int sweeps = 0;
  test.site.on_get = [&](const std::string& name, std::string&) {
    if (!name.starts_with(kManifestsFolder) || sweeps-- <= 0) return;
    for (const std::string& bytes : NamesAt(test.memory, kSnapshotsFolder))
      REQUIRE(test.memory.Delete(bytes).ok());
  };
  sweeps = 1;
  const auto sealed = test.Seal();
  REQUIRE(sealed.ok());
  CHECK(test.WholeCopies().size() == 1);
  REQUIRE(DeleteCopy(test.context, test.memory, *sealed).ok());
  sweeps = 100;
  const auto lost = test.Seal();
  CHECK(Is(lost, Reason::kIoError));
  CHECK_THAT(std::string(MessageOf(lost.status())), ContainsSubstring("the site lost it"));
  test.CheckNothingIsThere();
}

TEST_CASE("a manifest that can't be taken back keeps its bytes") {
  SealRehearsal test;
  test.site.on_get = [](const std::string&, std::string& bytes) { bytes[0] ^= 1; };
  test.site.deletes = [](const std::string& name) { return !name.starts_with(kManifestsFolder); };
  CHECK(Is(test.Seal(), Reason::kIoError));
  CHECK(test.WholeCopies().size() == 3);
}

TEST_CASE("a site without metadata is believed by name and size, other metadata are not") {
  SealRehearsal test;
  test.site.on_head = [](ObjectInfo& info) { info.metadata.clear(); };
  REQUIRE(test.Seal().ok());
  CHECK(test.WholeCopies().size() == 1);
  test.site.on_head = [](ObjectInfo& info) {
    if (IsBytes(info)) info.metadata["nonce"] = "00";
  };
  CHECK(Is(test.Seal(), Reason::kIoError));
  test.site.on_head = [](ObjectInfo& info) {
    if (IsBytes(info)) info.metadata = {{"theirs", "1"}};
  };
  CHECK(Is(test.Seal(), Reason::kIoError));
  CHECK(test.WholeCopies().size() == 1);
}

TEST_CASE("a writer who may not look for store.json copies all the same") {
  SealRehearsal test;
  test.faulty.Inject({{.call = 0, .reason = Reason::kAccessDenied}});
  REQUIRE(test.Seal().ok());
  CHECK(test.WholeCopies().size() == 1);
  CHECK(NamesAt(test.memory, "store.json").empty());
}

TEST_CASE("a lock that the site confirms stands in the record") {
  for (const bool at_once : {true, false}) {
    INFO("at once " << at_once);
    SealRehearsal test(kLocking);
    test.request.lock = test.LockFor(720h, ObjectLockMode::kCompliance);
    test.site.locks_on_create = at_once;
    const auto sealed = test.Seal();
    REQUIRE(sealed.ok());
    CHECK(sealed->lock == test.request.lock);
    CHECK(test.memory.Head(sealed->key(), sealed->version_id)->lock == test.request.lock);
    CHECK(test.WholeCopies().front().lock == test.request.lock);
    // The manifest is locked after it was compared.
    CHECK(test.Calls(ObjectCall::kSetLock) == (at_once ? 1 : 2));
  }
}

TEST_CASE("a lock never ends before it should: sites know whole seconds alone") {
  SealRehearsal test(kLocking);
  test.request.lock = test.LockFor(720h, ObjectLockMode::kGovernance);
  test.request.lock->until += 1ns;
  test.site.on_head = [](ObjectInfo& info) {
    if (info.lock.has_value())
      info.lock->until = std::chrono::floor<std::chrono::seconds>(info.lock->until);
  };
  const auto sealed = test.Seal();
  REQUIRE(sealed.ok());
  CHECK(sealed->lock->until >= test.request.lock->until);
}

TEST_CASE("a lock that the site does not hold is told, and the copy is not sealed") {
  SealRehearsal test(kLocking);
  test.request.lock = test.LockFor(720h, ObjectLockMode::kCompliance);
  test.site.locks_on_create = false;
  test.site.locks_later = false;
  const auto sealed = test.Seal();
  CHECK(Is(sealed, Reason::kLockNotApplied));
  CHECK_THAT(std::string(MessageOf(sealed.status())), ContainsSubstring("holds no lock"));
  CHECK_THAT(std::string(MessageOf(sealed.status())), ContainsSubstring("with object lock"));
  CHECK(test.Calls(ObjectCall::kCreate) == 2);  // store.json and one upload: that does not pass
  test.CheckNothingIsThere();
}

TEST_CASE("a lock that is weaker or ends sooner is none, a stronger one will do") {
  SealRehearsal test(kLocking);
  test.request.lock = test.LockFor(720h, ObjectLockMode::kCompliance);
  std::optional<Lock> told;
  test.site.on_head = [&](ObjectInfo& info) {
    if (IsBytes(info)) info.lock = told;
  };
  told = Lock{ObjectLockMode::kGovernance, test.request.lock->until + 1h};
  CHECK(Is(test.Seal(), Reason::kLockNotApplied));
  told = Lock{ObjectLockMode::kCompliance, test.request.lock->until - 1s};
  const auto sealed = test.Seal();
  CHECK(Is(sealed, Reason::kLockNotApplied));
  // In truth the site has locked it, so it can't be taken back.
  CHECK_THAT(std::string(MessageOf(sealed.status())), ContainsSubstring("stays there"));
  CHECK(test.WholeCopies().empty());
  test.request.lock->mode = ObjectLockMode::kGovernance;
  told = Lock{ObjectLockMode::kCompliance, test.request.lock->until + 1h};
  const auto stronger = test.Seal();
  REQUIRE(stronger.ok());
  CHECK(stronger->lock == told);
}

}  // namespace
}  // namespace etcdrill::sites
