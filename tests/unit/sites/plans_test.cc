// Tables: what a store and a site hold, the rules, and what is copied, deleted and locked.
#include "sites/plans.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "sites/order.h"
#include "support/catch.h"

namespace etcdrill::sites {
namespace {

using namespace std::chrono_literals;
using catalog::CatalogEntry;
using catalog::Fate;

const WallTime kSunday = *ParseRfc3339("2026-11-22T12:00:00Z");
constexpr Duration kDay = 24h;
constexpr uint64_t kMiB = uint64_t{1} << 20;

// A store, built snapshot by snapshot, the oldest first. Kinds: p proven, v restorable, n adopted
// and not provable, f damaged, g gone for now, o of another history.
class MadeStore {
 public:
  MadeStore& With(char kind, Duration age, const std::string& name) {
    CatalogEntry& entry = catalog_.snapshots.emplace_back();
    Manifest& m = entry.manifest;
    m.name = name;
    m.sha256 = "sha of " + name;
    m.place = ++place_;
    m.taken = kSunday - age;
    m.size_bytes = 100 * kMiB;
    m.verdict = kind == 'n' ? Verdict::kNotProvable : Verdict::kProven;
    if (kind == 'n') m.adopted = AdoptedRecord{.path = "/b/" + name};
    m.other_history = kind == 'o';
    entry.state = StateOf(kind);
    if (kind == 'f') entry.damaged_since = kSunday - 1h;
    return *this;
  }
  catalog::Catalog& catalog() { return catalog_; }
  const Manifest& Of(std::string_view name) const {
    return std::ranges::find(
               catalog_.snapshots, name,
               [](const CatalogEntry& e) { return std::string_view(e.manifest.name); })
        ->manifest;
  }
  static SnapshotState StateOf(char kind) {
    return kind == 'v'   ? SnapshotState::kRestorable
           : kind == 'f' ? SnapshotState::kDamaged
           : kind == 'g' ? SnapshotState::kUnreadable
                         : SnapshotState::kUntested;
  }

 private:
  catalog::Catalog catalog_;
  uint64_t place_ = 0;
};

// Adds a copy, in the state of `kind`, and gives its entry.
CatalogEntry& AddCopy(Contents& site, const Manifest& manifest, char kind = 'p',
                      const std::string& writer = "host-1") {
  const std::string copy = manifest.name + "-" + std::to_string(10000000 + site.records.size());
  CopyRecord& record = site.records[copy];
  record.manifest = manifest;
  record.copy = copy;
  record.writer = writer;
  record.size_bytes = manifest.size_bytes / 5;
  CatalogEntry& entry = site.catalog.snapshots.emplace_back();
  entry.manifest = manifest;
  entry.manifest.name = copy;
  entry.state = MadeStore::StateOf(kind);
  if (kind == 'f') entry.damaged_since = kSunday - 1h;
  return entry;
}
CopyRecord& RecordOf(Contents& site, const CatalogEntry& entry) {
  return site.records.at(entry.manifest.name);
}

std::string Names(const std::vector<const CatalogEntry*>& entries) {
  std::string names;
  for (const CatalogEntry* entry : entries)
    names += (names.empty() ? "" : " ") + entry->manifest.name;
  return names;
}

std::string Names(const std::set<std::string>& set) {
  std::string names;
  for (const std::string& name : set) names += (names.empty() ? "" : " ") + name;
  return names;
}

// What stays and what goes, as "a:newest b:surplus", in the order of sealing.
std::string Fates(const Contents& site, const config::Retention& rules, WallTime now = kSunday) {
  std::string fates;
  for (const CopyDecision& d : PlanSiteRetention(site, rules, now)) {
    fates += (fates.empty() ? "" : " ") + d.copy->manifest.name + ":" +
             (d.which.empty() ? std::string(NameOf(d.fate)) : d.which);
  }
  return fates;
}

MadeStore FiveHours() {
  MadeStore store;
  return store.With('p', 5h, "a")
      .With('p', 4h, "b")
      .With('p', 3h, "c")
      .With('p', 2h, "d")
      .With('p', 1h, "e");
}

// What the tests mark as read back by this process.
std::set<std::string> HashedIn(const Contents& site) {
  std::set<std::string> names;
  for (const CatalogEntry& entry : site.catalog.snapshots) {
    if (entry.checks.hashed.has_value()) names.insert(entry.manifest.name);
  }
  return names;
}

TEST_CASE("a site gets what it lacks and would keep, the oldest first") {
  MadeStore store = FiveHours();
  Contents site{.looked_at_bytes = true};
  CHECK(Names(PlanCopies(store.catalog(), site, {.last = 9}, kSunday)) == "a b c d e");
  CHECK(Names(PlanCopies(store.catalog(), site, {}, kSunday)) == "a b c d e");
  CHECK(Names(PlanCopies(store.catalog(), site, {.last = 2}, kSunday)) == "d e");
  AddCopy(site, store.Of("a"));
  AddCopy(site, store.Of("d"));
  CHECK(Names(PlanCopies(store.catalog(), site, {.last = 9}, kSunday)) == "b c e");
  CHECK(Names(PlanCopies(store.catalog(), site, {.last = 3}, kSunday)) == "c e");
  CHECK(Names(PlanCopies({}, site, {.last = 3}, kSunday)).empty());
}

TEST_CASE("what a site keeps longer than the store takes its place in the numbers") {
  MadeStore store;
  store.With('p', 1h, "new");
  MadeStore before;
  before.With('p', 9 * kDay, "old").With('p', 8 * kDay, "older");
  Contents site{.looked_at_bytes = true};
  AddCopy(site, before.Of("old"));
  CHECK(Names(PlanCopies(store.catalog(), site, {.last = 1}, kSunday)) == "new");
}

TEST_CASE("what is not sound here is not copied") {
  MadeStore store;
  store.With('f', 6h, "damaged")
      .With('g', 5h, "gone")
      .With('o', 4h, "foreign")
      .With('n', 3h, "adopted")
      .With('v', 2h, "drilled");
  CHECK(Names(PlanCopies(store.catalog(), {}, {}, kSunday)) == "adopted drilled");
  // Unproven, and not adopted: a manifest of a later version, or one that somebody changed.
  store.catalog().snapshots[3].manifest.adopted.reset();
  CHECK(Names(PlanCopies(store.catalog(), {}, {}, kSunday)) == "drilled");
}

TEST_CASE("what is adopted and not provable is copied within its quarantine") {
  MadeStore store;
  store.With('n', 9 * kDay, "old").With('n', 3h, "young").With('p', 1h, "proven");
  CHECK(Names(PlanCopies(store.catalog(), {}, {.last = 9}, kSunday)) == "young proven");
}

TEST_CASE("a copy that is not usable is made again, and stays for somebody to look at") {
  MadeStore store = FiveHours();
  Contents site{.looked_at_bytes = true};
  for (const char* name : {"a", "b", "c", "d", "e"}) AddCopy(site, store.Of(name));
  site.catalog.snapshots[1].state = SnapshotState::kDamaged;
  site.catalog.snapshots[1].damaged_since = kSunday - 1h;
  site.catalog.snapshots[2].state = SnapshotState::kUnreadable;
  CHECK(Names(PlanCopies(store.catalog(), site, {.last = 9}, kSunday)) == "b c");
  AddCopy(site, store.Of("b"));
  AddCopy(site, store.Of("c"));
  CHECK(PlanCopies(store.catalog(), site, {.last = 9}, kSunday).empty());
  CHECK(Fates(site, {.last = 9}) ==
        "a:last b:quarantine b:last c:unreadable c:last d:last e:newest");
}

TEST_CASE("what a drill of a copy found wrong in its content is not copied for ever") {
  MadeStore store = FiveHours();
  Contents site{.looked_at_bytes = true};
  for (const char* name : {"a", "b", "c", "d", "e"}) AddCopy(site, store.Of(name));
  CatalogEntry& wrong = site.catalog.snapshots[1];
  wrong.state = SnapshotState::kDamaged;
  wrong.damaging_drill.emplace();
  wrong.damaging_drill->checks[CheckName::kSha256] = true;
  CHECK(PlanCopies(store.catalog(), site, {}, kSunday).empty());
  // But it is not where one could restore it from.
  for (CatalogEntry& entry : site.catalog.snapshots) entry.checks.hashed = kSunday;
  const std::vector<KnownSite> sites = {{&site, {}, true, HashedIn(site)}};
  CHECK(Names(CopyStateOf(store.catalog(), sites, {}, kSunday).everywhere) == "a c d e");
  // Other bytes came from the site: those here may be right.
  wrong.damaging_drill->checks[CheckName::kSha256] = false;
  CHECK(Names(PlanCopies(store.catalog(), site, {}, kSunday)) == "b");
}

TEST_CASE("a name with other bytes is another snapshot, and both may have a copy") {
  MadeStore store = FiveHours();
  Contents site{.looked_at_bytes = true};
  AddCopy(site, store.Of("e"));
  site.records.begin()->second.manifest.sha256 = "that of another store";
  CHECK(Names(PlanCopies(store.catalog(), site, {.last = 2}, kSunday)) == "e");
  AddCopy(site, store.Of("e"), 'p', "host-2");
  CHECK(PlanCopies(store.catalog(), site, {.last = 2}, kSunday).empty());
  CHECK(Fates(site, {.last = 2}) == "e:last e:newest");
}

TEST_CASE("a snapshot from the future is copied, and takes nobody's place") {
  MadeStore store;
  store.With('p', 3h, "a").With('p', -30 * kDay, "ahead").With('p', 2h, "b").With('p', 1h, "c");
  CHECK(Names(PlanCopies(store.catalog(), {}, {.last = 2}, kSunday)) == "ahead b c");
  // A clock that was put back makes all of them lie in the future.
  CHECK(Names(PlanCopies(store.catalog(), {}, {.last = 1}, kSunday - 900 * kDay)) == "a ahead b c");
}

TEST_CASE("a store that was made anew is copied after what the old one left") {
  MadeStore burned = FiveHours();
  Contents site{.looked_at_bytes = true};
  for (const char* name : {"a", "b", "c", "d", "e"})
    AddCopy(site, burned.Of(name), 'p', "burned-1");
  MadeStore anew;  // its places begin at one
  anew.With('p', 30min, "x").With('p', 10min, "y");
  CHECK(Names(PlanCopies(anew.catalog(), site, {.last = 2}, kSunday)) == "x y");
  AddCopy(site, anew.Of("x"), 'p', "anew-2");
  AddCopy(site, anew.Of("y"), 'p', "anew-2");
  CHECK(PlanCopies(anew.catalog(), site, {.last = 2}, kSunday).empty());
  CHECK(Fates(site, {.last = 2}) ==
        "a:surplus b:surplus c:surplus d:surplus e:surplus x:last y:newest");
}

TEST_CASE("two stores that took the same snapshot are still two") {
  MadeStore other = FiveHours();
  Contents site;
  for (const char* name : {"a", "b", "c", "d"}) AddCopy(site, other.Of(name), 'p', "other-1");
  MadeStore store;  // it has the other's third as its first, and then its own
  store.With('p', 3h, "c").With('p', 1h, "x");
  CHECK(Names(PlanCopies(store.catalog(), site, {.last = 1}, kSunday)) == "x");
}

TEST_CASE("a clock that was ahead for a while does not make a later snapshot an older one") {
  MadeStore store;
  // All dates are over by now; b and c were taken after a.
  store.With('p', 2h, "a").With('p', 9h, "b").With('p', 8h, "c");
  Contents site{.looked_at_bytes = true};
  AddCopy(site, store.Of("a"));
  CHECK(Names(PlanCopies(store.catalog(), site, {.last = 2}, kSunday)) == "b c");
  AddCopy(site, store.Of("b"));
  AddCopy(site, store.Of("c"));
  CHECK(Fates(site, {.last = 2}) == "a:surplus b:last c:newest");
}

TEST_CASE("between stores the time decides, within one the place") {
  Manifest a{.place = 7, .taken = kSunday - 5h};
  Manifest b{.place = 8, .taken = kSunday - 9h};  // after a clock was set back
  Manifest c{.place = 9, .taken = kSunday + 9h};  // in the future
  Manifest x{.place = 1, .taken = kSunday - 6h};
  Manifest y{.place = 2, .taken = kSunday - 4h};
  const std::vector<Sealed> sealed = {{&y, "2"}, {&c, "1"}, {&b, "1"}, {&x, "2"}, {&a, "1"}};
  CHECK(OrderOfSealing(sealed, kSunday) == std::vector<size_t>{3, 4, 2, 1, 0});
}

TEST_CASE("of several copies of the same bytes one counts, and the others go") {
  MadeStore store = FiveHours();
  Contents site{.looked_at_bytes = true};
  AddCopy(site, store.Of("c"));
  AddCopy(site, store.Of("d"));
  AddCopy(site, store.Of("d"), 'v');
  AddCopy(site, store.Of("e"));
  AddCopy(site, store.Of("e"));
  CHECK(Fates(site, {.last = 3}) == "c:last d:surplus d:drilled e:newest e:surplus");
  SECTION("the one that is locked is the one that counts") {
    RecordOf(site, site.catalog.snapshots[4]).lock = {.until = kSunday + 1h};
    CHECK(Fates(site, {.last = 3}) == "c:last d:surplus d:drilled e:surplus e:newest");
  }
  SECTION("a drilled one counts, though another is locked; that one stays") {
    RecordOf(site, site.catalog.snapshots[1]).lock = {.until = kSunday + 1h};
    CHECK(Fates(site, {.last = 3}) == "c:last d:locked d:drilled e:newest e:surplus");
  }
}

TEST_CASE("what is locked stays until the lock ends") {
  MadeStore store = FiveHours();
  Contents site{.looked_at_bytes = true};
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    CatalogEntry& entry = AddCopy(site, store.Of(name));
    RecordOf(site, entry).lock = {.until = entry.manifest.taken + 210min};
  }
  CHECK(Fates(site, {.last = 2}) == "a:surplus b:surplus c:locked d:last e:newest");
  CHECK(Fates(site, {.total_size = 0}) == "a:size b:size c:locked d:locked e:newest");
  // A clock that is ahead asks for what the site refuses; the newest stays all the same.
  CHECK(Fates(site, {.last = 1}, kSunday + kDay) ==
        "a:surplus b:surplus c:surplus d:surplus e:newest");
}

TEST_CASE("a damaged copy stays for its quarantine, and the last proven one for ever") {
  MadeStore store = FiveHours();
  Contents site{.looked_at_bytes = true};
  AddCopy(site, store.Of("a"));
  AddCopy(site, store.Of("b"));
  AddCopy(site, store.Of("c"), 'f');
  AddCopy(site, store.Of("d"), 'g');
  CHECK(Fates(site, {.last = 1, .total_size = 0}) == "a:surplus b:newest c:newest d:newest");
  AddCopy(site, store.Of("e"));
  CHECK(Fates(site, {.last = 1}) == "a:surplus b:surplus c:quarantine d:unreadable e:newest");
  CHECK(Fates(site, {.last = 1}, kSunday + 8 * kDay) ==
        "a:surplus b:surplus c:expired d:unreadable e:newest");
}

TEST_CASE("a copy that was found damaged is hashed before it goes") {
  MadeStore store = FiveHours();
  Contents site{.looked_at_bytes = true};
  AddCopy(site, store.Of("a"), 'f');
  CatalogEntry& content = AddCopy(site, store.Of("b"), 'f');
  content.damaging_drill.emplace();
  content.damaging_drill->checks[CheckName::kSha256] =
      true;  // a hash would say that they are right
  AddCopy(site, store.Of("c"));
  AddCopy(site, store.Of("d"));
  const auto hashed_first = [&](WallTime now) {
    std::string names;
    for (const CopyDecision& d : PlanSiteRetention(site, {.last = 1}, now)) {
      if (d.hash_first) names += d.copy->manifest.name;
      if (d.hash_first) CHECK(d.fate == Fate::kExpired);
    }
    return names;
  };
  CHECK(Fates(site, {.last = 1}, kSunday + 8 * kDay) == "a:expired b:expired c:surplus d:newest");
  CHECK(hashed_first(kSunday + 8 * kDay) == "a");
  CHECK(hashed_first(kSunday).empty());
}

// As JudgeCopies makes one of what a listing tells.
void Mark(Contents& site, const std::string& name, Oddity oddity) {
  for (CatalogEntry& entry : site.catalog.snapshots) {
    if (RecordOf(site, entry).manifest.name != name) continue;
    entry.state = SnapshotState::kUnreadable;
    site.findings.push_back({.oddity = oddity, .copy = entry.manifest.name});
  }
}

TEST_CASE("a manifest whose bytes are gone goes once nobody misses them") {
  MadeStore store;
  store.With('p', 20 * kDay, "a")
      .With('p', 10 * kDay, "b")
      .With('p', 1h, "c")
      .With('p', 30min, "d");
  Contents site{.looked_at_bytes = true};
  for (const char* name : {"a", "b", "c", "d"}) AddCopy(site, store.Of(name));
  const config::Retention rules = {.last = 3};
  Mark(site, "a", Oddity::kVanished);
  Mark(site, "b", Oddity::kVanished);
  Mark(site, "c", Oddity::kVanished);
  // The rules would have kept b and c.
  CHECK(Fates(site, rules) == "a:expired b:unreadable c:unreadable d:newest");
  CHECK(Fates(site, {}) == "a:unreadable b:unreadable c:unreadable d:newest");
  SECTION("once a lock is over") {
    RecordOf(site, site.catalog.snapshots[0]).lock = {.until = kSunday + 1h};
    CHECK(Fates(site, rules) == "a:locked b:unreadable c:unreadable d:newest");
  }
  SECTION("or as another copy is there, and the quarantine is over") {
    AddCopy(site, store.Of("b"));
    AddCopy(site, store.Of("c"));
    CHECK(Fates(site, rules) == "a:expired b:expired b:last c:unreadable c:last d:newest");
  }
  SECTION("but not if what is there can't be read, or is not known to be ours") {
    site.findings[0].oddity = Oddity::kUnreadable;
    CHECK(Fates(site, rules) == "a:unreadable b:unreadable c:unreadable d:newest");
    site.findings[0].oddity = Oddity::kVanished;
    Mark(site, "a", Oddity::kUntrusted);
    CHECK(Fates(site, rules) == "a:unreadable b:unreadable c:unreadable d:newest");
  }
  SECTION("nor if it may be the last one") {
    Mark(site, "d", Oddity::kVanished);
    CHECK(Fates(site, rules, kSunday + 90 * kDay) == "a:newest b:newest c:newest d:newest");
  }
}

TEST_CASE("another etag alone is no reason to copy again, nor to delete here") {
  MadeStore store = FiveHours();
  Contents site{.looked_at_bytes = true};
  for (const char* name : {"a", "b", "c", "d", "e"})
    AddCopy(site, store.Of(name)).checks.hashed = kSunday - 9h;
  Mark(site, "b", Oddity::kOverwritten);
  Mark(site, "c", Oddity::kVanished);
  const std::vector<KnownSite> sites = {{&site, {.last = 9}, true, HashedIn(site)}};
  const auto plan = [&] { return Names(PlanCopies(store.catalog(), site, {.last = 9}, kSunday)); };
  CHECK(plan() == "c");
  const catalog::CopyState state = CopyStateOf(store.catalog(), sites, {}, kSunday);
  CHECK(Names(state.waiting) == "b c");
  CHECK(Names(state.everywhere) == "a d e");
  SECTION("a hash found it damaged") {
    site.catalog.snapshots[1].state = SnapshotState::kDamaged;
    CHECK(plan() == "b c");
  }
  SECTION("nobody can use it anyway") {
    Mark(site, "b", Oddity::kUntrusted);
    CHECK(plan() == "b c");
  }
}

TEST_CASE("the size of a site counts copies as they lie there") {
  MadeStore store = FiveHours();
  Contents site{.looked_at_bytes = true};
  for (const char* name : {"a", "b", "c", "d", "e"}) AddCopy(site, store.Of(name));
  CHECK(Fates(site, {.total_size = 100 * kMiB}) ==
        "a:unlimited b:unlimited c:unlimited d:unlimited e:newest");
  CHECK(Fates(site, {.total_size = 60 * kMiB}) == "a:size b:size c:unlimited d:unlimited e:newest");
}

TEST_CASE("nothing is copied for which a site has no room") {
  MadeStore store = FiveHours();
  Contents site{.looked_at_bytes = true};
  // Before it is packed, nobody knows that a copy has 20 MiB and not 100.
  CHECK(Names(PlanCopies(store.catalog(), site, {.total_size = 250 * kMiB}, kSunday)) == "d e");
  CHECK(Names(PlanCopies(store.catalog(), site, {.total_size = 0}, kSunday)) == "e");
  for (const char* name : {"d", "e"}) AddCopy(site, store.Of(name));
  CHECK(Names(PlanCopies(store.catalog(), site, {.total_size = 250 * kMiB}, kSunday)) == "b c");
}

TEST_CASE("what must not go is kept locked, and asked for each half of the time") {
  MadeStore store;
  store.With('p', 3 * kDay, "a").With('p', 2 * kDay, "b").With('p', 1 * kDay, "c");
  Contents site{.looked_at_bytes = true};
  AddCopy(site, store.Of("a"), 'v');
  AddCopy(site, store.Of("b"));
  AddCopy(site, store.Of("c"));
  const config::SiteLock lock{.keep = 10 * kDay};
  const auto extensions = [&](WallTime now = kSunday) {
    std::string text;
    for (const LockExtension& e : PlanLocks(site, {.last = 9}, lock, now)) {
      CHECK(e.until == now + lock.keep);
      CHECK((!e.copy->lock.has_value() || e.until > e.copy->lock->until));
      text += e.copy->manifest.name;
    }
    return text;
  };
  const auto lock_all = [&](WallTime until) {
    for (auto& [copy, record] : site.records) record.lock = {.until = until};
  };
  CHECK(extensions() == "ac");  // they had no lock
  lock_all(kSunday + 6 * kDay);
  CHECK(extensions().empty());
  CHECK(extensions(kSunday + kDay) == "ac");
  CHECK(extensions(kSunday + 20 * kDay) == "ac");
  // A longer lock is never shortened, and a clock that is behind asks for nothing.
  lock_all(kSunday + 90 * kDay);
  CHECK(extensions().empty());
  CHECK(extensions(kSunday - 90 * kDay).empty());
  SECTION("what is newer than the newest proven one may be all that is left") {
    lock_all(kSunday - kDay);
    site.catalog.snapshots[2].state = SnapshotState::kDamaged;
    CHECK(extensions() == "abc");
  }
  SECTION("but nobody knows what lies under a name that can't be read") {
    lock_all(kSunday - kDay);
    site.catalog.snapshots[2].state = SnapshotState::kUnreadable;
    CHECK(extensions() == "ab");
  }
}

TEST_CASE("a snapshot is everywhere if each site has it that would keep it") {
  MadeStore store = FiveHours();
  Contents near{.looked_at_bytes = true};
  Contents far{.looked_at_bytes = true};
  std::vector<KnownSite> sites = {{&near, {.last = 9}, true}, {&far, {.last = 9}, true}};
  const auto state = [&] {
    for (KnownSite& site : sites) site.read_back = HashedIn(*site.contents);
    return CopyStateOf(store.catalog(), sites, 2, kSunday);
  };
  CHECK(state().keep == 2);
  CHECK(Names(state().waiting) == "a b c d e");
  CHECK(state().everywhere.empty());
  for (const char* name : {"a", "b", "c", "d", "e"})
    AddCopy(near, store.Of(name)).checks.hashed = kSunday - 1h;
  AddCopy(far, store.Of("a"));
  AddCopy(far, store.Of("b"));
  CHECK(Names(state().waiting) == "c d e");
  CHECK(Names(state().everywhere) == "a b");
  SECTION("a copy that is not usable is none") {
    near.catalog.snapshots[0].state = SnapshotState::kUnreadable;
    CHECK(Names(state().everywhere) == "b");
    CHECK(Names(state().waiting) == "a c d e");
  }
  SECTION("what is known of a site is old: then it is only good for what waits") {
    sites[1].is_current = false;
    CHECK(Names(state().waiting) == "c d e");
    CHECK(state().everywhere.empty());
  }
  SECTION("a site of which a listing tells what nobody has asked for yet") {
    far.in_doubt = 1;
    CHECK(Names(state().waiting) == "c d e");
    CHECK(state().everywhere.empty());
  }
  SECTION("bytes that no site ever gave back are no reason to delete the local ones") {
    near.catalog.snapshots[0].checks.hashed.reset();
    near.catalog.snapshots[1].checks.hashed.reset();
    CHECK(state().everywhere.empty());
    // A record at the site that it passed a drill may be anybody's.
    far.catalog.snapshots[1].state = SnapshotState::kRestorable;
    CHECK(state().everywhere.empty());
    far.catalog.snapshots[1].checks.hashed = kSunday;
    CHECK(Names(state().everywhere) == "b");
    // One that is of no use any more was read in vain.
    far.catalog.snapshots[0].checks.hashed = kSunday;
    far.catalog.snapshots[0].state = SnapshotState::kUnreadable;
    CHECK(Names(state().everywhere) == "b");
  }
  SECTION("a site whose numbers would not keep it is not asked") {
    sites[1].rules = {.last = 1};
    AddCopy(far, store.Of("e"));
    CHECK(Names(state().waiting).empty());
    CHECK(Names(state().everywhere) == "a b c d e");
  }
  SECTION("what no site has is nowhere, whatever the numbers") {
    const Contents nothing;
    sites = {{&nothing, {.last = 1}, true}};
    CHECK(Names(state().waiting) == "e");
    CHECK(state().everywhere.empty());
  }
  SECTION("a site that has no room has not got it") {
    sites[1].rules = {.total_size = 150 * kMiB};
    CHECK(Names(state().waiting) == "e");
    CHECK(Names(state().everywhere) == "a b");
  }
  SECTION("what is damaged here is not given up for a copy") {
    store.catalog().snapshots[0].state = SnapshotState::kDamaged;
    CHECK(Names(state().everywhere) == "b");
  }
  SECTION("without sites nothing waits and nothing is everywhere") {
    const auto alone = CopyStateOf(store.catalog(), {}, 2, kSunday);
    CHECK(alone.waiting.empty());
    CHECK(alone.everywhere.empty());
  }
}

TEST_CASE("a site that was never read has nothing, and may get all that its rules keep") {
  MadeStore store = FiveHours();
  Contents near{.looked_at_bytes = true};
  for (const char* name : {"a", "b", "c", "d", "e"}) AddCopy(near, store.Of(name));
  const std::vector<KnownSite> sites = {{&near, {.last = 9}, true, HashedIn(near)},
                                        {nullptr, {.last = 3}, true}};
  const catalog::CopyState state = CopyStateOf(store.catalog(), sites, 0, kSunday);
  CHECK(Names(state.waiting) == "c d e");
  CHECK(state.everywhere.empty());
}

// The store of a sidecar that takes one snapshot an hour, and its site, hour by hour.
struct Hourly {
  MadeStore store;
  Contents site{.looked_at_bytes = true};
  config::Retention here = {.last = 2};
  config::Retention there = {.last = 24, .hourly = 24, .daily = 7, .weekly = 4};
  int hour = 0;
  size_t most_here = 0;

  void Next(bool site_answers, bool was_read = true) {
    const WallTime now = kSunday + std::chrono::hours(++hour);
    store.With('p', kSunday - now, "s" + std::to_string(1000 + hour));
    if (site_answers) {
      for (const CatalogEntry* entry : PlanCopies(store.catalog(), site, there, now))
        AddCopy(site, entry->manifest);
      Clean(site, now);
    }
    const std::vector<KnownSite> sites = {
        {was_read ? &site : nullptr, there, site_answers, HashedIn(site)}};
    const catalog::CopyState copies = CopyStateOf(store.catalog(), sites, {}, now);
    std::set<std::string> gone;
    for (const auto& d : catalog::PlanRetention(store.catalog(), here, now, copies)) {
      if (Goes(d.fate)) gone.insert(d.snapshot->manifest.name);
    }
    std::erase_if(store.catalog().snapshots,
                  [&](const CatalogEntry& e) { return gone.contains(e.manifest.name); });
    most_here = std::max(most_here, store.catalog().snapshots.size());
  }
  void Clean(Contents& contents, WallTime now) const {
    std::set<std::string> gone;
    for (const CopyDecision& d : PlanSiteRetention(contents, there, now)) {
      if (Goes(d.fate)) gone.insert(d.copy->copy);
    }
    std::erase_if(contents.catalog.snapshots,
                  [&](const CatalogEntry& e) { return gone.contains(e.manifest.name); });
    std::erase_if(contents.records, [&](const auto& r) { return gone.contains(r.first); });
  }
  std::set<std::string> There() const {
    std::set<std::string> names;
    for (const auto& [copy, record] : site.records) names.insert(record.manifest.name);
    return names;
  }
};

TEST_CASE("a site that was away has afterwards what it would have had, and the store stays small") {
  const int away = GENERATE(1, 24, 14 * 24);
  const bool was_read = GENERATE(true, false);
  CAPTURE(away, was_read);
  Hourly never_away;
  Hourly was_away;
  for (int hour = 0; hour < 30 * 24; ++hour) {
    const bool answers = hour < 10 * 24 || hour >= 10 * 24 + away;
    never_away.Next(true);
    was_away.Next(answers, answers || was_read);
  }
  CHECK(was_away.There() == never_away.There());
  CHECK(never_away.most_here == 2);
  // 24 and 7 and 4, of which some are the same, and what has just come.
  CHECK(was_away.most_here <= 36);
}

constexpr uint32_t kSeeds = 1000;

// Random stores, sites and rules.
class Made {
 public:
  explicit Made(uint32_t seed) : dice_(seed) {
    for (uint64_t i = Roll(16); i > 0; --i)
      store.With(Kind(), Duration(std::chrono::hours(Roll(700))) - 30h, "s" + std::to_string(i));
    // Of the store, of an older one that is away, or of what the store has let go.
    MadeStore other;
    for (int i = 0; i < 8; ++i) {
      other.With("vppo"[Roll(4)], Duration(std::chrono::hours(Roll(900))), "t" + std::to_string(i));
    }
    for (uint64_t i = Roll(24); i > 0; --i) {
      MadeStore& from = Roll(2) == 0 && !store.catalog().snapshots.empty() ? store : other;
      const std::vector<CatalogEntry>& all = from.catalog().snapshots;
      CatalogEntry& copy = AddCopy(site, all[Roll(all.size())].manifest, "vpppppfg"[Roll(8)],
                                   &from == &store ? "mine" : "theirs");
      if (Roll(3) == 0) {
        RecordOf(site, copy).lock = {.until = kSunday + std::chrono::hours(Roll(400)) -
                                              std::chrono::hours(200)};
      }
    }
    rules = {.last = Roll(6), .hourly = Roll(4), .daily = Roll(4), .weekly = Roll(3)};
    if (Roll(3) == 0) rules.total_size = Roll(400) * kMiB;
  }
  uint64_t Roll(uint64_t sides) { return dice_() % sides; }

  MadeStore store;
  Contents site{.looked_at_bytes = true};
  config::Retention rules;

 private:
  char Kind() { return "vvppppppnfgo"[Roll(12)]; }
  std::mt19937 dice_;
};

TEST_CASE("at any site: the last proof stays, nothing locked goes") {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    Made made(seed);
    CAPTURE(seed);
    const std::vector<CopyDecision> plan = PlanSiteRetention(made.site, made.rules, kSunday);
    REQUIRE(plan.size() == made.site.records.size());
    std::map<std::string, const CatalogEntry*> entries;
    for (const CatalogEntry& e : made.site.catalog.snapshots) entries[e.manifest.name] = &e;
    bool any_proven = false;
    std::set<std::string> proven;
    std::string newest_left;
    std::string newest;
    for (const CopyDecision& d : plan) {
      const CatalogEntry& e = *entries.at(d.copy->copy);
      if (d.copy->lock.has_value() && d.copy->lock->until > kSunday) CHECK_FALSE(Goes(d.fate));
      if (!e.Counts() || !e.IsProven()) continue;
      any_proven = true;
      if (!IsFuture(e.manifest.taken, kSunday)) newest = d.copy->manifest.name;
      if (!IsFuture(e.manifest.taken, kSunday) && !Goes(d.fate))
        newest_left = d.copy->manifest.name;
      if (!Goes(d.fate)) proven.insert(d.copy->manifest.name);
    }
    CHECK(newest == newest_left);
    CHECK((!any_proven || !proven.empty()));
  }
}

TEST_CASE("what is copied stays, and is not copied again") {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    Made made(seed);
    CAPTURE(seed);
    const auto plan = [&] {
      return PlanCopies(made.store.catalog(), made.site, made.rules, kSunday);
    };
    // What turns out smaller than it could have been leaves room for older ones: then there is more
    // to copy, but not for ever.
    std::set<std::string> copied;
    std::set<std::string> made_now;
    for (auto missing = plan(); !missing.empty(); missing = plan()) {
      for (const CatalogEntry* entry : missing) {
        REQUIRE(copied.insert(entry->manifest.name).second);
        const std::string copy = AddCopy(made.site, entry->manifest, 'p', "mine").manifest.name;
        made_now.insert(copy);
        for (const CopyDecision& d : PlanSiteRetention(made.site, made.rules, kSunday)) {
          if (d.copy->copy == copy) CHECK_FALSE(Goes(d.fate));
        }
      }
      if (!made.rules.total_size.has_value()) break;
    }
    CHECK(plan().empty());
    for (const CopyDecision& d : PlanSiteRetention(made.site, made.rules, kSunday)) {
      if (!made_now.contains(d.copy->copy) || !Goes(d.fate)) continue;
      // One that is not provable has to make room for a proven one that turned out to fit.
      CHECK(d.fate == Fate::kTooBig);
      CHECK(d.copy->manifest.verdict == Verdict::kNotProvable);
    }
  }
}

TEST_CASE("a site of which less is known never gives up more") {
  for (uint32_t seed = 0; seed < kSeeds; ++seed) {
    Made made(seed);
    CAPTURE(seed);
    for (CatalogEntry& copy : made.site.catalog.snapshots) {
      if (made.Roll(2) == 0) copy.checks.hashed = kSunday;
    }
    const std::vector<KnownSite> known = {{&made.site, made.rules, true, HashedIn(made.site)}};
    const std::vector<KnownSite> unknown = {{nullptr, made.rules, true}};
    const auto& store = made.store.catalog();
    const catalog::CopyState with = CopyStateOf(store, known, 1, kSunday);
    const catalog::CopyState without = CopyStateOf(store, unknown, 1, kSunday);
    CHECK(std::ranges::includes(without.waiting, with.waiting));
    CHECK(without.everywhere.empty());
    for (const std::string& name : with.everywhere) CHECK_FALSE(with.waiting.contains(name));
  }
}

}  // namespace
}  // namespace etcdrill::sites
