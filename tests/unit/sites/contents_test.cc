// A site tells what it holds: what is proven of its copies, what others did to them, and nothing
// that is green only because nobody looked.
#include "sites/contents.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <utility>

#include "objects/directory_objects.h"
#include "objects/forwarding.h"
#include "objects/metered.h"
#include "proof/checks.h"
#include "support/fake_clock.h"
#include "support/faulty_objects.h"
#include "support/test_context.h"
#include "unit/sites/made_copies.h"

namespace etcdrill::sites {
namespace {

using namespace std::chrono_literals;
using objects::Operation;
using testing::FakeClock;
using testing::FaultyObjects;
using testing::MemoryObjects;
using testing::TestContext;

constexpr const char* kWriter = "host-00000001";
constexpr const char* kOther = "other-00000002";

// What is put goes to `memory`; what is read goes through a meter, and may fail.
struct SiteInMemory {
  explicit SiteInMemory(const std::string& cluster = "", objects::Properties properties = {})
      : memory(clock, properties) {
    auto owned = std::make_unique<FaultyObjects>(memory);
    faulty = owned.get();
    store = Metered(std::move(owned), meter);
    follower = std::make_unique<SiteFollower>(*store, cluster);
  }

  std::shared_ptr<const Contents> Read() {
    const auto contents = follower->Refresh(context, known);
    INFO(contents.status().ToString());
    REQUIRE(contents.ok());
    return *contents;
  }
  // With the bytes.
  std::shared_ptr<const Contents> ReadAll() {
    if (follower->Now() == nullptr) Read();
    return Read();
  }
  void PutChecks(const CopyRecord& record, const Checks& checks, const char* writer = kWriter) {
    PutAt(memory, ChecksKey(record.copy, writer), Dump(ToJson(checks)));
  }
  uint64_t Calls(Operation operation) { return meter.Read().calls[operation]; }

  TestContext real;
  FakeClock clock{MadeAt(100'000)};
  Context context = testing::WithClock(real.context(), clock);
  MemoryObjects memory;
  FaultyObjects* faulty = nullptr;
  objects::Meter meter;
  std::unique_ptr<objects::ObjectStore> store;
  std::vector<VerifyingKey> known;
  std::unique_ptr<SiteFollower> follower;
};

const catalog::CatalogEntry& EntryIn(const Contents& contents, const CopyRecord& record) {
  const auto at = std::ranges::find_if(
      contents.catalog.snapshots,
      [&](const catalog::CatalogEntry& entry) { return entry.manifest.name == record.copy; });
  REQUIRE(at != contents.catalog.snapshots.end());
  return *at;
}

SnapshotState StateIn(const Contents& contents, const CopyRecord& record) {
  return EntryIn(contents, record).state;
}

// Null if no copy of this snapshot is usable.
const CopyRecord* CopyOf(const Contents& contents, std::string_view snapshot) {
  const auto usable = contents.UsableCopies();
  const auto at = usable.find(snapshot);
  return at != usable.end() ? &contents.records.at(at->second->manifest.name) : nullptr;
}

std::vector<Oddity> Oddities(const Contents& contents) {
  std::vector<Oddity> oddities;
  for (const SiteFinding& finding : contents.findings) oddities.push_back(finding.oddity);
  return oddities;
}

std::vector<std::string> CopiesIn(const Contents& contents) {
  std::vector<std::string> copies;
  for (const catalog::CatalogEntry& entry : contents.catalog.snapshots)
    copies.push_back(entry.manifest.name);
  return copies;
}

TEST_CASE("a site that is empty holds nothing") {
  SiteInMemory site;
  CHECK(site.follower->Now() == nullptr);
  const auto contents = site.ReadAll();
  CHECK(contents->catalog.HoldsNone());
  CHECK(contents->findings.empty());
  CHECK(contents->bytes == 0);
  CHECK(CopyOf(*contents, "a") == nullptr);
  CHECK(site.follower->Now() == contents);
}

TEST_CASE("copies are read as they were sealed, under the name of the copy") {
  SiteInMemory site("a");
  const CopyRecord first = Seal(site.memory, MadeManifest(1));
  const CopyRecord second = Seal(site.memory, MadeManifest(2));
  Seal(site.memory, MadeManifest(3, {.cluster = "b"}), {.cluster = "b"});
  PutAt(site.memory, "manifests/notes.txt", "somebody's");
  PutAt(site.memory, "writers/host-00000001.json", "{}");
  const auto contents = site.ReadAll();
  CHECK(CopiesIn(*contents) == std::vector{first.copy, second.copy});
  CHECK(contents->records.size() == 2);
  CHECK(contents->records.at(first.copy).manifest.name == first.manifest.name);
  CHECK(contents->catalog.of_others == 1);
  CHECK(StateIn(*contents, first) == SnapshotState::kUntested);
  CHECK(EntryIn(*contents, first).IsProven());
  CHECK(CopyOf(*contents, second.manifest.name)->copy == second.copy);
  CHECK(contents->findings.empty());
  CHECK(contents->bytes == first.size_bytes + second.size_bytes);
  REQUIRE(contents->writers.size() == 1);
  CHECK(contents->writers.front().name == kWriter);
  CHECK(contents->writers.front().last_seen == site.clock.Now());
}

TEST_CASE("a round reads what is new, and nothing twice") {
  SiteInMemory site;
  constexpr int64_t kCopies = 50;
  CopyRecord last;
  for (int64_t i = 1; i <= kCopies; ++i) last = Seal(site.memory, MadeManifest(i));
  PutDrill(site.memory, {.drilled = last.copy, .finished = MadeAt(1000)});
  site.PutChecks(last, {.hashed = MadeAt(900)});
  site.Read();
  CHECK(site.Calls(Operation::kGet) == kCopies + 2);
  CHECK(site.Calls(Operation::kList) == 4);  // the bytes wait
  CHECK(site.Calls(Operation::kHead) == 0);
  site.Read();
  CHECK(site.Calls(Operation::kGet) == kCopies + 2);
  CHECK(site.Calls(Operation::kList) == 9);
  site.PutChecks(last, {.hashed = MadeAt(2000)});
  Seal(site.memory, MadeManifest(kCopies + 1));
  CHECK(EntryIn(*site.Read(), last).checks.hashed == MadeAt(2000));
  CHECK(site.Calls(Operation::kGet) == kCopies + 4);
  CHECK(site.Calls(Operation::kHead) == 0);
}

TEST_CASE("an error leaves what is known as it was, and the next round goes on") {
  SiteInMemory site;
  const CopyRecord first = Seal(site.memory, MadeManifest(1));
  const auto before = site.Read();
  Seal(site.memory, MadeManifest(2));
  for (uint64_t call = 0; call < 5; ++call) {
    site.faulty->Inject({{.call = call, .reason = Reason::kTimeout, .lasts = true}});
    CHECK(Is(site.follower->Refresh(site.context, {}), Reason::kTimeout));
    CHECK(site.follower->Now() == before);
  }
  site.faulty->Inject({});
  CHECK(site.Read()->records.size() == 2);
  CHECK(site.Calls(Operation::kGet) == 3);  // each manifest once, but for the call that failed
}

TEST_CASE("what should be a manifest and is none is named, and hides no other") {
  SiteInMemory site("a");
  const CopyRecord right = Seal(site.memory, MadeManifest(1));
  const CopyRecord other = Seal(site.memory, MadeManifest(2));
  const std::string of_first = BytesAt(site.memory, ManifestKey(right.copy));
  std::string text;
  SECTION("cut") { text = of_first.substr(0, of_first.size() / 2); }
  SECTION("of another copy") { text = of_first; }
  SECTION("empty") { text = ""; }
  PutAt(site.memory, ManifestKey(other.copy), text);
  const auto contents = site.ReadAll();
  CHECK(CopiesIn(*contents) == std::vector{right.copy});
  REQUIRE(contents->catalog.lost.size() == 1);
  CHECK(contents->catalog.lost.front().name == other.copy);
  CHECK(Oddities(*contents) == std::vector{Oddity::kUnreadable});
  CHECK(contents->unsealed == 0);  // its bytes have a manifest
  const uint64_t gets = site.Calls(Operation::kGet);
  site.Read();
  CHECK(site.Calls(Operation::kGet) == gets);
}

TEST_CASE("a manifest that may not be read is asked for again, and hides no other") {
  SiteInMemory site;
  const CopyRecord right = Seal(site.memory, MadeManifest(1));
  site.faulty->Inject({{.call = 1, .reason = Reason::kAccessDenied}});  // List, Get
  const auto denied = site.Read();
  CHECK(denied->records.empty());
  CHECK(Oddities(*denied) == std::vector{Oddity::kUnreadable});
  CHECK(site.Read()->records.contains(right.copy));
}

TEST_CASE("a manifest that no known key signed is not used, whatever is said of it") {
  SiteInMemory site;
  const SigningKey ours = SigningKey::Make();
  const SigningKey theirs = SigningKey::Make();
  const CopyRecord right = Seal(site.memory, MadeManifest(1), {.key = ours});
  const CopyRecord forged = Seal(site.memory, MadeManifest(2), {.key = theirs});
  const CopyRecord unsigned_one = Seal(site.memory, MadeManifest(3));
  for (const CopyRecord& record : {right, forged, unsigned_one}) {
    PutDrill(
        site.memory,
        {.drilled = record.copy, .finished = MadeAt(50'000), .sha256 = record.manifest.sha256});
  }
  site.known = {ours.verifying_key()};
  const auto contents = site.ReadAll();
  CHECK(StateIn(*contents, right) == SnapshotState::kRestorable);
  for (const CopyRecord& record : {forged, unsigned_one}) {
    CHECK(StateIn(*contents, record) == SnapshotState::kUnreadable);
    CHECK_FALSE(EntryIn(*contents, record).problem.empty());
    CHECK(CopyOf(*contents, record.manifest.name) == nullptr);
  }
  CHECK(Oddities(*contents) == std::vector(2, Oddity::kUntrusted));
  CHECK(contents->catalog.Newest(site.clock.Now())->manifest.name == right.copy);
  // The key becomes a known one.
  site.known.push_back(theirs.verifying_key());
  CHECK(StateIn(*site.Read(), forged) == SnapshotState::kRestorable);
}

TEST_CASE("bytes are looked at from the second round on, and that is said") {
  SiteInMemory site;
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  REQUIRE(site.memory.Delete(record.key()).ok());
  const auto first = site.Read();
  CHECK_FALSE(first->looked_at_bytes);
  CHECK(first->bytes == record.size_bytes);  // as the manifest says
  const auto second = site.Read();
  CHECK(second->looked_at_bytes);
  CHECK(second->bytes == 0);
  CHECK(StateIn(*second, record) == SnapshotState::kUnreadable);
  CHECK(EntryIn(*second, record).problem.find("is gone") != std::string::npos);
  CHECK(Oddities(*second) == std::vector{Oddity::kVanished});
  CHECK(second->findings.front().key == record.key());
  CHECK(CopyOf(*second, record.manifest.name) == nullptr);
  const uint64_t heads = site.Calls(Operation::kHead);
  CHECK(Oddities(*site.Read()) == std::vector{Oddity::kVanished});
  CHECK(site.Calls(Operation::kHead) == heads);  // nobody asks again
  PutAt(site.memory, record.key(), Packed({}));
  CHECK(site.Read()->findings.empty());  // it came back
}

TEST_CASE("bytes of which the site says that they are others") {
  SiteInMemory site;
  const CopyRecord one = Seal(site.memory, MadeManifest(1));
  const CopyRecord two = Seal(site.memory, MadeManifest(2, {.plain = "the Bytes of a snapshot"}),
                              {.plain = "the Bytes of a snapshot"});
  REQUIRE(one.size_bytes == two.size_bytes);
  SECTION("another size is damage") {
    PutAt(site.memory, one.key(), Packed({}).substr(0, 10));
    const auto contents = site.ReadAll();
    CHECK(StateIn(*contents, one) == SnapshotState::kDamaged);
    CHECK(Oddities(*contents) == std::vector{Oddity::kOverwritten});
  }
  SECTION("swapped: nobody knows before they are hashed") {
    const std::string bytes = BytesAt(site.memory, one.key());
    PutAt(site.memory, one.key(), BytesAt(site.memory, two.key()));
    PutAt(site.memory, two.key(), bytes);
    const auto contents = site.ReadAll();
    CHECK(Oddities(*contents) == std::vector(2, Oddity::kOverwritten));
    for (const CopyRecord& record : {one, two}) {
      CHECK(StateIn(*contents, record) == SnapshotState::kUnreadable);
      CHECK(EntryIn(*contents, record).problem.find("etag") != std::string::npos);
    }
    // A hash from before says nothing, nor one from the future; one from later does.
    site.PutChecks(one, {.hashed = site.clock.Now() - 1h});
    CHECK(StateIn(*site.Read(), one) == SnapshotState::kUnreadable);
    site.PutChecks(one, {.hashed = site.clock.Now() + 100h});
    CHECK(StateIn(*site.Read(), one) == SnapshotState::kUnreadable);
    const WallTime later = site.clock.Now() + 1h;
    site.PutChecks(one, {.hashed = later});
    site.clock.Jump(2h);
    CHECK(StateIn(*site.Read(), one) == SnapshotState::kUntested);
    CHECK(StateIn(*site.Read(), two) == SnapshotState::kUnreadable);
  }
}

// Hides names from listings, as servers do whose listings lag; and lets something happen when they
// are asked for.
class LaggingObjects final : public objects::ForwardingObjects {
 public:
  using ForwardingObjects::ForwardingObjects;
  Status List(const std::string& prefix, const std::string& after, const Visit& visit) override {
    if (prefix == kSnapshotsFolder && before_bytes) before_bytes();
    return inner().List(prefix, after, [&](const objects::ObjectInfo& object) {
      objects::ObjectInfo told = object;
      lie(told);
      return object.name == hidden ? OkStatus() : visit(told);
    });
  }
  std::function<void(objects::ObjectInfo&)> lie = [](auto&) {};
  std::string hidden;
  std::function<void()> before_bytes;
};

TEST_CASE("what only looks gone is not called so") {
  TestContext test;
  auto owned = std::make_unique<MemoryObjects>(test.clock());
  MemoryObjects& memory = *owned;
  LaggingObjects site(std::move(owned));
  const CopyRecord first = Seal(memory, MadeManifest(1));
  const CopyRecord second = Seal(memory, MadeManifest(2));
  SiteFollower follower(site, "");
  REQUIRE(follower.Refresh(test.context(), {}).ok());
  SECTION("the listing lags behind") {
    site.hidden = first.key();
    const auto contents = follower.Refresh(test.context(), {});
    REQUIRE(contents.ok());
    CHECK((*contents)->findings.empty());
    CHECK((*contents)->bytes == first.size_bytes + second.size_bytes);
  }
  SECTION("the listing shows an older state") {
    for (const bool same_size : {true, false}) {
      site.lie = [&](objects::ObjectInfo& info) {
        if (info.name != first.key()) return;
        info.etag = "of before";
        if (!same_size) info.size = 3;
      };
      const auto contents = follower.Refresh(test.context(), {});
      REQUIRE(contents.ok());
      CHECK((*contents)->findings.empty());
      CHECK((*contents)->bytes == first.size_bytes + second.size_bytes);
    }
  }
  SECTION("another writer deletes the copy right now") {
    for (const char* const writer : {kWriter, kOther}) PutAt(memory, WriterKey(writer), "{}");
    site.before_bytes = [&] {
      REQUIRE(memory.Delete(ManifestKey(first.copy)).ok());
      REQUIRE(memory.Delete(first.key()).ok());
    };
    const auto contents = follower.Refresh(test.context(), {});
    REQUIRE(contents.ok());
    CHECK((*contents)->findings.empty());
    CHECK(CopiesIn(**contents) == std::vector{second.copy});
  }
  SECTION("somebody seals one right now") {
    site.before_bytes = [&] { Seal(memory, MadeManifest(3)); };
    const auto contents = follower.Refresh(test.context(), {});
    REQUIRE(contents.ok());
    CHECK((*contents)->findings.empty());
    CHECK((*contents)->records.size() == 2);
    CHECK((*contents)->unsealed == 1);  // as far as the manifests were listed
  }
}

TEST_CASE("a listing that shows much amiss is believed by and by") {
  SiteInMemory site;
  std::vector<CopyRecord> copies;
  for (int64_t i = 1; i <= 50; ++i) copies.push_back(Seal(site.memory, MadeManifest(i)));
  const auto lose_all = [&] {
    for (const CopyRecord& record : copies) REQUIRE(site.memory.Delete(record.key()).ok());
  };
  SECTION("at the first look all are asked for: nothing is known of them") {
    lose_all();
    const auto contents = site.ReadAll();
    CHECK(contents->findings.size() == 50);
    CHECK(contents->in_doubt == 0);
  }
  SECTION("later a few each round; the others stay as they were known, and in doubt") {
    CHECK(site.ReadAll()->in_doubt == 0);
    lose_all();
    for (const auto& [found, in_doubt] :
         std::vector<std::pair<size_t, size_t>>{{20, 30}, {40, 10}, {50, 0}, {50, 0}}) {
      const auto contents = site.Read();
      CHECK(contents->findings.size() == found);
      CHECK(contents->in_doubt == in_doubt);
      CHECK(contents->bytes == in_doubt * copies.front().size_bytes);
    }
    CHECK(site.Calls(Operation::kHead) == 100);  // of the bytes and of the manifest
  }
}

TEST_CASE("bytes without a manifest are counted, those of others are not") {
  SiteInMemory site("a");
  Seal(site.memory, MadeManifest(1));
  for (const char* const cluster : {"a", "b"}) {
    const Manifest manifest = MadeManifest(2, {.cluster = cluster});
    PutAt(site.memory, BytesKey(CopyName(manifest.name, 7), {.zstd = true}), "half");
  }
  PutAt(site.memory, "snapshots/notes.txt", "somebody's");
  const auto contents = site.ReadAll();
  CHECK(contents->unsealed == 1);
  CHECK(contents->findings.empty());
}

TEST_CASE("the newest finding of all writers counts") {
  SiteInMemory site;
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  Checks damaged;
  damaged.FoundDamaged(MadeAt(20'000), "a bit");
  site.PutChecks(record, damaged, kOther);
  CHECK(StateIn(*site.Read(), record) == SnapshotState::kDamaged);
  SECTION("found right before: the damage stands") {
    site.PutChecks(record, {.confirmed = MadeAt(500), .hashed = MadeAt(10'000)});
    const auto contents = site.Read();
    CHECK(StateIn(*contents, record) == SnapshotState::kDamaged);
    CHECK(EntryIn(*contents, record).damaged_since == MadeAt(20'000));
    CHECK(EntryIn(*contents, record).checks.hashed == MadeAt(10'000));
    CHECK(EntryIn(*contents, record).checks.confirmed == MadeAt(500));
    CHECK(EntryIn(*contents, record).checks.damage == "a bit");
  }
  SECTION("found right later by another one") {
    site.PutChecks(record, {.hashed = MadeAt(30'000)});
    CHECK(StateIn(*site.Read(), record) == SnapshotState::kUntested);
  }
  SECTION("found right a little later: two clocks don't tell which was first") {
    site.PutChecks(record, {.hashed = MadeAt(20'000 + 299)});
    CHECK(StateIn(*site.Read(), record) == SnapshotState::kDamaged);
    site.PutChecks(record, {.hashed = MadeAt(20'000 + 301)});
    CHECK(StateIn(*site.Read(), record) == SnapshotState::kUntested);
  }
  SECTION("found right in the future: a clock lies") {
    site.PutChecks(record, {.hashed = site.clock.Now() + 1h});
    CHECK(StateIn(*site.Read(), record) == SnapshotState::kDamaged);
  }
}

TEST_CASE("what one writer found can't be read: it may be damage, and the others still count") {
  SiteInMemory site;
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  const auto of_writer = [&] { return Oddities(*site.follower->Now()); };
  site.PutChecks(record, {.confirmed = MadeAt(600), .hashed = site.clock.Now() - 1h}, kOther);
  PutAt(site.memory, ChecksKey(record.copy, kWriter), "{");
  SECTION("nobody has read the bytes since") {
    const auto contents = site.Read();
    CHECK(StateIn(*contents, record) == SnapshotState::kUnreadable);
    CHECK(EntryIn(*contents, record).problem.find(kWriter) != std::string::npos);
    CHECK(of_writer() == std::vector{Oddity::kUnreadable});
    CHECK(contents->findings.front().key == ChecksKey(record.copy, kWriter));
  }
  SECTION("somebody has, and they are right") {
    site.clock.Jump(1h);
    site.PutChecks(record, {.confirmed = MadeAt(600), .hashed = site.clock.Now()}, kOther);
    const auto contents = site.Read();
    CHECK(StateIn(*contents, record) == SnapshotState::kUntested);
    CHECK(EntryIn(*contents, record).checks.confirmed == MadeAt(600));
    CHECK(of_writer() == std::vector{Oddity::kUnreadable});
  }
  SECTION("they are damaged anyway, as another one says") {
    Checks damaged;
    damaged.FoundDamaged(MadeAt(20'000), "a bit");
    site.PutChecks(record, damaged, kOther);
    CHECK(StateIn(*site.Read(), record) == SnapshotState::kDamaged);
  }
  SECTION("it is the junk of somebody who never wrote anything else here") {
    REQUIRE(site.memory.Delete(ChecksKey(record.copy, kWriter)).ok());
    PutAt(site.memory, ChecksKey(record.copy, "junk-00000003"), "{");
    CHECK(StateIn(*site.Read(), record) == SnapshotState::kUntested);
    CHECK(of_writer() == std::vector{Oddity::kUnreadable});
    // Of one who does, it may be more.
    PutAt(site.memory, "writers/junk-00000003.json", "{}");
    CHECK(StateIn(*site.Read(), record) == SnapshotState::kUnreadable);
  }
}

TEST_CASE("only a drill that fetched the copy makes it restorable") {
  SiteInMemory site;
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  const std::string& sha256 = record.manifest.sha256;
  PutDrill(site.memory,
           {.drilled = record.manifest.name, .finished = MadeAt(1000), .sha256 = sha256});
  PutDrill(site.memory, {.drilled = CopyName(record.manifest.name, 99),  // at another site
                         .finished = MadeAt(1001),
                         .sha256 = sha256});
  const auto local = site.Read();
  CHECK(StateIn(*local, record) == SnapshotState::kUntested);
  CHECK(local->catalog.drills.empty());
  const std::string report =
      PutDrill(site.memory, {.drilled = record.copy, .finished = MadeAt(2000), .sha256 = sha256});
  const auto contents = site.Read();
  CHECK(StateIn(*contents, record) == SnapshotState::kRestorable);
  REQUIRE(contents->catalog.drills.size() == 1);
  CHECK(contents->catalog.drills.front().name == report);
  CHECK(EntryIn(*contents, record).last_drill->name == report);
}

TEST_CASE("content that a drill found damaged is damaged wherever its bytes lie") {
  SiteInMemory site;
  const MadeCopy other{.plain = "other bytes"};
  const CopyRecord one = Seal(site.memory, MadeManifest(1), {}, 1);
  const CopyRecord again = Seal(site.memory, MadeManifest(1), {.writer = kOther}, 2);
  const CopyRecord another = Seal(site.memory, MadeManifest(2, other), other);
  MadeDrill drill{.drilled = one.manifest.name,
                  .finished = MadeAt(5000),
                  .verdict = Verdict::kDamaged,
                  .sha256 = one.manifest.sha256};
  for (const CopyRecord& record : {one, again, another}) {
    PutDrill(site.memory,
             {.drilled = record.copy, .finished = MadeAt(4000), .sha256 = record.manifest.sha256});
  }
  SECTION("the local file's") {
    const std::string report = PutDrill(site.memory, drill);
    const auto contents = site.Read();
    CHECK(StateIn(*contents, one) == SnapshotState::kDamaged);
    CHECK(StateIn(*contents, again) == SnapshotState::kDamaged);
    CHECK(StateIn(*contents, another) == SnapshotState::kRestorable);
    CHECK(EntryIn(*contents, one).damaging_drill->name == report);
    CHECK(EntryIn(*contents, one).damaged_since == MadeAt(5000));
    CHECK(contents->catalog.drills.size() == 3);  // those that ran here
  }
  SECTION("but not if its writer looked into it since, and it was none") {
    const std::string report = PutDrill(site.memory, drill);
    site.PutChecks(again, {.answered = report}, kOther);  // another one's word
    CHECK(StateIn(*site.Read(), one) == SnapshotState::kDamaged);
    site.PutChecks(again, {.answered = report});
    const auto contents = site.Read();
    for (const CopyRecord& record : {one, again})
      CHECK(StateIn(*contents, record) == SnapshotState::kRestorable);
  }
  SECTION("but not what is wrong with the local file alone") {
    drill.read_them = false;
    PutDrill(site.memory, drill);
    CHECK(StateIn(*site.Read(), one) == SnapshotState::kRestorable);
  }
  SECTION("nor with another file under its name") {
    drill.sha256 = Hex(Sha256Of("another"));
    PutDrill(site.memory, drill);
    CHECK(StateIn(*site.Read(), one) == SnapshotState::kRestorable);
  }
  SECTION("a newer one that told nothing does not hide it") {
    PutDrill(site.memory, drill);
    drill.finished = MadeAt(6000);
    drill.verdict = Verdict::kNotProvable;
    PutDrill(site.memory, drill);
    PutAt(site.memory, DrillKey(kWriter, one.manifest.name + "-" + FormatCompactUtc(MadeAt(7000))),
          "{");
    CHECK(StateIn(*site.Read(), one) == SnapshotState::kDamaged);
  }
  SECTION("a newer one that passed takes it back") {
    PutDrill(site.memory, drill);
    drill.finished = MadeAt(6000);
    drill.verdict = Verdict::kProven;
    PutDrill(site.memory, drill);
    CHECK(StateIn(*site.Read(), one) == SnapshotState::kRestorable);
    CHECK(site.Calls(Operation::kGet) == 3 + 3 + 1);  // and nobody reads the older one
  }
  SECTION("one copy's") {
    drill.drilled = again.copy;
    drill.writer = kOther;
    PutDrill(site.memory, drill);
    const auto contents = site.Read();
    CHECK(StateIn(*contents, again) == SnapshotState::kDamaged);
    CHECK(StateIn(*contents, one) == SnapshotState::kDamaged);
    CHECK(contents->catalog.drills.size() == 4);
  }
}

TEST_CASE("a report that can't be read hides no failure") {
  SiteInMemory site;
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  PutDrill(site.memory, {.drilled = record.copy, .finished = MadeAt(1000)});
  CHECK(StateIn(*site.Read(), record) == SnapshotState::kRestorable);
  const std::string name = record.copy + "-" + FormatCompactUtc(MadeAt(2000));
  SECTION("broken") { PutAt(site.memory, DrillKey(kWriter, name), "{"); }
  SECTION("of another snapshot") {
    const std::string other =
        PutDrill(site.memory, {.drilled = record.manifest.name, .finished = MadeAt(3000)});
    PutAt(site.memory, DrillKey(kWriter, name), BytesAt(site.memory, DrillKey(kWriter, other)));
  }
  const auto contents = site.Read();
  CHECK(StateIn(*contents, record) == SnapshotState::kUntested);
  CHECK_FALSE(contents->catalog.drills.back().readable);
  CHECK(contents->catalog.drills.back().finished == MadeAt(2000));
}

TEST_CASE("of two copies of a snapshot the newer one counts, if it is usable") {
  SiteInMemory site;
  const CopyRecord older = Seal(site.memory, MadeManifest(1), {}, 9);
  site.clock.Jump(1h);
  const CopyRecord newer = Seal(site.memory, MadeManifest(1), {}, 2);
  CHECK(CopyOf(*site.Read(), older.manifest.name)->copy == newer.copy);
  REQUIRE(site.memory.Delete(newer.key()).ok());
  CHECK(CopyOf(*site.Read(), older.manifest.name)->copy == older.copy);
  CHECK(CopyOf(*site.Read(), "a") == nullptr);
}

TEST_CASE("the order is that of sealing; a clock that was ahead makes nothing newer") {
  SiteInMemory site;
  Manifest ahead = MadeManifest(1);
  ahead.taken = MadeAt(100'000'000);
  ahead.name = store::SnapshotName("a", 1, ahead.taken);
  const CopyRecord future = Seal(site.memory, ahead);
  const CopyRecord second = Seal(site.memory, MadeManifest(2));
  // Another store counts its places from one.
  Manifest of_other = MadeManifest(3);
  of_other.place = 1;
  const CopyRecord third = Seal(site.memory, of_other, {.writer = kOther});
  const CopyRecord fourth = Seal(site.memory, MadeManifest(4));
  const auto contents = site.Read();
  CHECK(CopiesIn(*contents) == std::vector{future.copy, second.copy, third.copy, fourth.copy});
  CHECK(contents->catalog.Newest(site.clock.Now())->manifest.name == fourth.copy);
}

TEST_CASE("drills of two writers go by time, those of one by their order") {
  SiteInMemory site;
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  const std::string& sha256 = record.manifest.sha256;
  MadeDrill drill{.drilled = record.copy, .finished = MadeAt(3000), .sha256 = sha256};
  PutDrill(site.memory, drill);
  drill.writer = kOther;
  drill.verdict = Verdict::kDamaged;
  SECTION("damaged later") {
    drill.finished = MadeAt(4000);
    PutDrill(site.memory, drill);
    CHECK(StateIn(*site.Read(), record) == SnapshotState::kDamaged);
  }
  SECTION("damaged before") {
    drill.finished = MadeAt(2000);
    PutDrill(site.memory, drill);
    CHECK(StateIn(*site.Read(), record) == SnapshotState::kRestorable);
  }
}

TEST_CASE("a manifest that is written over does not count") {
  SiteInMemory site;
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  const std::string text = BytesAt(site.memory, ManifestKey(record.copy));
  site.Read();
  CopyRecord forged = record;
  forged.sha256 = Hex(Sha256Of("other bytes"));
  PutAt(site.memory, ManifestKey(record.copy), CopyRecordJson(forged, {}));
  const auto contents = site.Read();
  CHECK(contents->records.at(record.copy).sha256 == record.sha256);
  CHECK(Oddities(*contents) == std::vector{Oddity::kNewVersion});
  CHECK(contents->findings.front().key == ManifestKey(record.copy));
}

TEST_CASE("where there are versions, what others hid or wrote over shows") {
  SiteInMemory site("a", {.has_locks = true, .has_versions = true});
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  const CopyRecord untouched = Seal(site.memory, MadeManifest(2));
  const auto look = [&] {
    site.ReadAll();
    const Status looked = site.follower->LookAtVersions(site.context);
    INFO(looked.ToString());
    REQUIRE(looked.ok());
    return site.follower->Now();
  };
  CHECK(look()->findings.empty());
  SECTION("hidden bytes, which can be fetched all the same") {
    REQUIRE(site.memory.Delete(record.key()).ok());
    const auto contents = look();
    CHECK(Oddities(*contents) == std::vector{Oddity::kHidden});
    CHECK(contents->findings.front().key == record.key());
    CHECK(StateIn(*contents, record) == SnapshotState::kUntested);
    CHECK(contents->bytes == record.size_bytes + untouched.size_bytes);
  }
  SECTION("a hidden manifest") {
    REQUIRE(site.memory.Delete(ManifestKey(record.copy)).ok());
    const auto contents = look();
    CHECK(Oddities(*contents) == std::vector{Oddity::kHidden});
    CHECK(contents->findings.front().copy == record.copy);
    CHECK(Oddities(*site.Read()) == std::vector{Oddity::kHidden});  // from then on
    CHECK(StateIn(*contents, record) == SnapshotState::kUntested);
  }
  SECTION("other bytes over a copy, which can be fetched all the same") {
    PutAt(site.memory, record.key(), "other bytes");
    const auto contents = look();
    CHECK(Oddities(*contents) == std::vector{Oddity::kNewVersion});
    CHECK(StateIn(*contents, record) == SnapshotState::kUntested);
  }
  SECTION("and the version that was sealed is gone") {
    PutAt(site.memory, record.key(), "other bytes");
    REQUIRE(site.memory.Delete(record.key(), record.version_id).ok());
    const auto contents = look();
    CHECK(Oddities(*contents) == std::vector{Oddity::kOverwritten, Oddity::kNewVersion});
    CHECK(StateIn(*contents, record) == SnapshotState::kDamaged);
  }
  SECTION("the same bytes once more are an answer that was lost") {
    PutAt(site.memory, record.key(), BytesAt(site.memory, record.key()));
    PutAt(site.memory, ManifestKey(record.copy), BytesAt(site.memory, ManifestKey(record.copy)));
    CHECK(look()->findings.empty());
  }
  SECTION("what was deleted with all its versions is nothing") {
    for (const std::string& key : {ManifestKey(record.copy), record.key()}) {
      const auto head = site.memory.Head(key);
      REQUIRE(head.ok());
      REQUIRE(site.memory.Delete(key, head->version_id).ok());
    }
    site.follower->Forget(record.copy);
    CHECK(look()->findings.empty());
  }
}

TEST_CASE("of a manifest that was written over the first version counts, also after a restart") {
  SiteInMemory site("", {.has_versions = true});
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  CopyRecord forged = record;
  forged.sha256 = Hex(Sha256Of("other bytes"));
  site.clock.Jump(1s);
  PutAt(site.memory, ManifestKey(record.copy), CopyRecordJson(forged, {}));
  CHECK(site.Read()->records.at(record.copy).sha256 == forged.sha256);
  REQUIRE(site.follower->LookAtVersions(site.context).ok());
  const auto contents = site.Read();
  CHECK(contents->records.at(record.copy).sha256 == record.sha256);
  CHECK(Oddities(*contents) == std::vector{Oddity::kNewVersion});
  site.known = {SigningKey::Make().verifying_key()};  // all are read again
  CHECK(site.Read()->records.at(record.copy).sha256 == record.sha256);
}

TEST_CASE("a manifest that was hidden before anybody looked is read by its first version") {
  SiteInMemory site("", {.has_versions = true});
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  Seal(site.memory, MadeManifest(2));
  Checks damaged;
  damaged.FoundDamaged(MadeAt(20'000), "a bit");
  site.PutChecks(record, damaged);
  bool junk = false;
  SECTION("hidden") {}
  SECTION("hidden, after junk was written over it") { junk = true; }
  site.clock.Jump(1s);
  if (junk) PutAt(site.memory, ManifestKey(record.copy), "junk");
  REQUIRE(site.memory.Delete(ManifestKey(record.copy)).ok());
  REQUIRE(site.memory.Delete(record.key()).ok());
  CHECK_FALSE(site.Read()->records.contains(record.copy));
  REQUIRE(site.follower->LookAtVersions(site.context).ok());
  const auto contents = site.Read();
  REQUIRE(contents->records.contains(record.copy));
  CHECK(contents->records.at(record.copy).version_id == record.version_id);
  CHECK(StateIn(*contents, record) == SnapshotState::kDamaged);  // as was found of it
  CHECK(Oddities(*contents) == std::vector(2, Oddity::kHidden));
  // It is not read again and again, and goes when its versions do.
  const uint64_t gets = site.Calls(Operation::kGet);
  REQUIRE(site.follower->LookAtVersions(site.context).ok());
  site.Read();
  CHECK(site.Calls(Operation::kGet) == gets);
  site.follower->Forget(record.copy);
  const auto after = site.Read();
  CHECK_FALSE(after->records.contains(record.copy));
}

TEST_CASE("junk over a manifest, before anybody looked, does not take the copy") {
  SiteInMemory site("", {.has_versions = true});
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  site.clock.Jump(1s);
  PutAt(site.memory, ManifestKey(record.copy), "junk");
  CHECK(site.Read()->catalog.lost.size() == 1);
  REQUIRE(site.follower->LookAtVersions(site.context).ok());
  const auto contents = site.Read();
  CHECK(CopyOf(*contents, record.manifest.name) != nullptr);
  CHECK(contents->catalog.lost.empty());
  CHECK(Oddities(*contents) == std::vector{Oddity::kNewVersion});
}

TEST_CASE("a known manifest that leaves the listing is looked for in that round") {
  SiteInMemory site("", {.has_versions = true});
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  Checks damaged;
  damaged.FoundDamaged(MadeAt(20'000), "a bit");
  site.PutChecks(record, damaged);
  site.ReadAll();
  CHECK(site.Calls(Operation::kListVersions) == 0);
  REQUIRE(site.memory.Delete(ManifestKey(record.copy)).ok());
  const auto contents = site.Read();
  CHECK(StateIn(*contents, record) == SnapshotState::kDamaged);
  CHECK(Oddities(*contents) == std::vector{Oddity::kHidden});
  const uint64_t looks = site.Calls(Operation::kListVersions);
  CHECK(Oddities(*site.Read()) == std::vector{Oddity::kHidden});
  CHECK(site.Calls(Operation::kListVersions) == looks);  // once
}

TEST_CASE("a copy that is gone wholly, and that nobody here deleted, is told of") {
  SiteInMemory site;
  const CopyRecord record = Seal(site.memory, MadeManifest(1));
  Seal(site.memory, MadeManifest(2));
  PutAt(site.memory, WriterKey(kWriter), "{}");
  site.ReadAll();
  const auto take = [&] {
    REQUIRE(site.memory.Delete(ManifestKey(record.copy)).ok());
    REQUIRE(site.memory.Delete(record.key()).ok());
  };
  SECTION("it is a finding for as long as it stays away") {
    take();
    const auto contents = site.Read();
    REQUIRE(Oddities(*contents) == std::vector{Oddity::kVanished});
    CHECK(contents->findings.front().copy == record.copy);
    CHECK(contents->findings.front().key == record.key());
    CHECK(contents->findings.front().text ==
          "manifest and bytes are gone, and this sidecar did not delete them");
    const uint64_t heads = site.Calls(Operation::kHead);
    CHECK(Oddities(*site.Read()) == std::vector{Oddity::kVanished});
    CHECK(site.Calls(Operation::kHead) == heads);
    PutAt(site.memory, WriterKey(kOther), "{}");  // whoever comes later did not do it
    CHECK(Oddities(*site.Read()) == std::vector{Oddity::kVanished});
    Seal(site.memory, MadeManifest(1));
    CHECK(site.Read()->findings.empty());
  }
  SECTION("the manifest goes first, the bytes a round later") {
    REQUIRE(site.memory.Delete(ManifestKey(record.copy)).ok());
    CHECK(site.Read()->findings.empty());
    REQUIRE(site.memory.Delete(record.key()).ok());
    CHECK(Oddities(*site.Read()) == std::vector{Oddity::kVanished});
  }
  SECTION("we deleted it") {
    take();
    site.follower->Forget(record.copy);
    CHECK(site.Read()->findings.empty());
  }
  SECTION("another writer may have") {
    PutAt(site.memory, WriterKey(kOther), "{}");
    take();
    CHECK(site.Read()->findings.empty());
  }
}

// Flips a bit in the first answers to Get.
class FlippingObjects final : public objects::ForwardingObjects {
 public:
  using ForwardingObjects::ForwardingObjects;
  Status Get(const std::string& name, const objects::ByteRange& range, const ByteSink& sink,
             const std::string& version_id) override {
    const bool flip = flips > 0;
    if (flip) --flips;
    return inner().Get(
        name, range,
        [&](std::string_view bytes) {
          std::string told(bytes);
          const size_t at = told.find(broken);
          if (flip && at != std::string::npos) told[at] ^= 1;
          return sink(told);
        },
        version_id);
  }
  int flips = 0;
  std::string broken;
};

TEST_CASE("a bit that flips once on the way makes no manifest untrusted or unreadable") {
  TestContext test;
  auto owned = std::make_unique<MemoryObjects>(test.clock());
  MemoryObjects& memory = *owned;
  FlippingObjects site(std::move(owned));
  const SigningKey key = SigningKey::Make();
  const CopyRecord record = Seal(memory, MadeManifest(1), {.key = key});
  Oddity said = Oddity::kUnreadable;
  SECTION("in what is signed") {
    site.broken = record.sha256;
    said = Oddity::kUntrusted;
  }
  SECTION("in the document") { site.broken = "{"; }
  SECTION("in the name of the copy") { site.broken = record.copy; }
  for (const int flips : {1, 2}) {
    site.flips = flips;
    SiteFollower follower(site, "");
    const auto contents = follower.Refresh(test.context(), {key.verifying_key()});
    REQUIRE(contents.ok());
    CHECK(Oddities(**contents) == (flips == 1 ? std::vector<Oddity>{} : std::vector{said}));
    CHECK((CopyOf(**contents, record.manifest.name) != nullptr) == (flips == 1));
  }
}

TEST_CASE("a lock that was promised is asked for once a day") {
  SiteInMemory site("", {.has_locks = true, .has_versions = true});
  const objects::Lock lock{objects::ObjectLockMode::kGovernance, site.clock.Now() + 240h};
  const CopyRecord held = Seal(site.memory, MadeManifest(1), {.lock = lock});
  const CopyRecord lifted = Seal(site.memory, MadeManifest(2), {.lock = lock});
  const objects::Lock over{objects::ObjectLockMode::kGovernance, site.clock.Now() - 1h};
  Seal(site.memory, MadeManifest(3), {.lock = over});
  const objects::Lock longer{objects::ObjectLockMode::kCompliance, lock.until + 24h};
  const auto lock_manifest = [&](const CopyRecord& record) {
    const auto there = site.memory.Head(ManifestKey(record.copy));
    REQUIRE(there.ok());
    REQUIRE(site.memory.SetLock(there->name, there->version_id, lock).ok());
  };
  lock_manifest(held);
  REQUIRE(site.memory.SetLock(held.key(), held.version_id, longer).ok());  // as we extend it
  CHECK(site.follower->LookAtVersions(site.context).ok());                 // knows of none yet
  site.Read();
  REQUIRE(site.follower->LookAtVersions(site.context).ok());
  CHECK(site.Calls(Operation::kHead) == 4);  // the bytes and the manifest
  const auto contents = site.follower->Now();
  CHECK(Oddities(*contents) == std::vector(2, Oddity::kLockMissing));
  CHECK(contents->findings.front().key == ManifestKey(lifted.copy));
  CHECK(contents->findings.back().key == lifted.key());
  CHECK(contents->findings.back().copy == lifted.copy);
  site.clock.Suspend(23h);
  REQUIRE(site.follower->LookAtVersions(site.context).ok());
  CHECK(site.Calls(Operation::kHead) == 4);
  REQUIRE(site.memory.SetLock(lifted.key(), lifted.version_id, lock).ok());
  lock_manifest(lifted);
  site.clock.Suspend(2h);
  REQUIRE(site.follower->LookAtLocks(site.context).ok());
  CHECK(site.Calls(Operation::kHead) == 8);
  CHECK(site.follower->Now()->findings.empty());
}

TEST_CASE("of many locks the newest are looked at first, and all have their turn") {
  SiteInMemory site("", {.has_locks = true, .has_versions = true});
  const objects::Lock lock{objects::ObjectLockMode::kGovernance, site.clock.Now() + 2400h};
  std::vector<CopyRecord> copies;  // no manifest of them is locked
  for (int64_t i = 1; i <= 250; ++i) {
    site.clock.Suspend(1s);
    copies.push_back(Seal(site.memory, MadeManifest(i), {.lock = lock}));
    REQUIRE(site.memory.SetLock(copies.back().key(), copies.back().version_id, lock).ok());
  }
  site.Read();
  const auto found = [&] {
    REQUIRE(site.follower->LookAtLocks(site.context).ok());
    std::set<std::string> names;
    for (const SiteFinding& finding : site.follower->Now()->findings) names.insert(finding.copy);
    return names;
  };
  const auto first = found();
  CHECK(site.Calls(Operation::kHead) == 200);
  CHECK(first.size() == 100);
  CHECK(first.contains(copies[249].copy));
  CHECK(first.contains(copies[150].copy));
  CHECK_FALSE(first.contains(copies[149].copy));
  // Whoever looks only once a day sees the newest each day, and the others in turn.
  for (int day = 0; day < 3; ++day) {
    site.clock.Suspend(25h);
    const uint64_t before = site.Calls(Operation::kHead);
    found();
    CHECK(site.Calls(Operation::kHead) == before + 200);
  }
  CHECK(found().size() == 250);
}

TEST_CASE("a directory is read like a bucket") {
  TestContext test;
  const auto site = objects::MakeDirectoryObjects(test.context(), test.dir());
  const CopyRecord record = Seal(*site, MadeManifest(1));
  SiteFollower follower(*site, "a");
  REQUIRE(follower.Refresh(test.context(), {}).ok());
  const auto contents = follower.Refresh(test.context(), {});
  REQUIRE(contents.ok());
  CHECK((*contents)->findings.empty());
  CHECK(CopyOf(**contents, record.manifest.name) != nullptr);
  CHECK(follower.LookAtVersions(test.context()).ok());
}

}  // namespace
}  // namespace etcdrill::sites
