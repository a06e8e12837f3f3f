// A table: what a store holds, the rules, how far copies have come, and what stays.
#include "catalog/retention.h"

#include <algorithm>
#include <random>

#include "support/catch.h"

namespace etcdrill::catalog {
namespace {

using namespace std::chrono_literals;

const WallTime kSunday = *ParseRfc3339("2026-11-22T12:00:00Z");

// A snapshot of 10 bytes for each age, oldest first: v is restorable, p proven, n not provable, f
// failed, g gone for now;
// o of another history.
struct Made {
  char kind;
  Duration age;
};

Catalog StoreOf(const std::vector<Made>& snapshots) {
  Catalog catalog;
  for (const auto& [kind, age] : snapshots) {
    CatalogEntry& entry = catalog.snapshots.emplace_back();
    entry.manifest.name = std::to_string(catalog.snapshots.size());
    entry.manifest.taken = kSunday - age;
    entry.manifest.size_bytes = 10;
    entry.manifest.other_history = kind == 'o';
    entry.manifest.verdict = kind == 'n' ? Verdict::kNotProvable : Verdict::kProven;
    entry.state = kind == 'v'   ? SnapshotState::kRestorable
                  : kind == 'f' ? SnapshotState::kDamaged
                  : kind == 'g' ? SnapshotState::kUnreadable
                                : SnapshotState::kUntested;
    if (kind == 'f') entry.damaged_since = entry.manifest.taken;
  }
  return catalog;
}

// Letters, one for each snapshot: w a site waits for it, e every site has it, b both are said of
// it, - neither.
CopyState CopiesOf(std::string_view letters, std::optional<uint64_t> keep = {}) {
  CopyState copies{.waiting = {}, .everywhere = {}, .keep = keep};
  for (size_t i = 0; i < letters.size(); ++i) {
    const std::string name = std::to_string(i + 1);
    if (letters[i] == 'w' || letters[i] == 'b') copies.waiting.insert(name);
    if (letters[i] == 'e' || letters[i] == 'b') copies.everywhere.insert(name);
  }
  return copies;
}

// One letter for each snapshot: N newest, V newest that passed a drill, T in the future, l h d w
// one of the numbers, u unlimited, g gone, q quarantine, o another history, U uncopied; - surplus,
// $ too big, x expired, c copied.
std::string Fates(const std::vector<Made>& snapshots, const config::Retention& rules,
                  const CopyState& copies = {}) {
  const Catalog catalog = StoreOf(snapshots);
  std::string letters;
  for (const RetentionDecision& d : PlanRetention(catalog, rules, kSunday, copies)) {
    letters +=
        d.fate == Fate::kCounted ? d.which[0] : "NVTo?ugqUL-$xc"[static_cast<size_t>(d.fate)];
  }
  return letters;
}

constexpr Duration kDay = 24h;

TEST_CASE("the last ones stay") {
  const std::vector<Made> four = {{'p', 4h}, {'p', 3h}, {'p', 2h}, {'p', 1h}};
  CHECK(Fates(four, {.last = 2}) == "--lN");
  CHECK(Fates(four, {.last = 1}) == "---N");
  CHECK(Fates(four, {.last = 9}) == "lllN");
  CHECK(Fates({}, {.last = 2}).empty());
}

TEST_CASE("no number, no deletion") {
  CHECK(Fates({{'p', 4h}, {'p', 3h}, {'p', 2h}}, {}) == "uuN");
  CHECK(Fates({{'v', 4h}, {'p', 3h}, {'p', 2h}}, {}) == "VuN");
}

TEST_CASE("the newest of each hour, day and week") {
  // At 12:00, 11:40, 11:20, 10:50 and 08:00; hours without a snapshot do not count.
  const std::vector<Made> hours = {{'p', 4h}, {'p', 70min}, {'p', 40min}, {'p', 20min}, {'p', 0h}};
  CHECK(Fates(hours, {.hourly = 3}) == "-h-hN");
  CHECK(Fates(hours, {.hourly = 4}) == "hh-hN");
  // Sunday noon, Sunday midnight, Saturday 23:59 and 12:00, and last Sunday, which is of the week
  // before.
  const std::vector<Made> days = {
      {'p', 7 * kDay}, {'p', kDay}, {'p', 12h + 1min}, {'p', 12h}, {'p', 0h}};
  CHECK(Fates(days, {.daily = 2}) == "--d-N");
  CHECK(Fates(days, {.daily = 3}) == "d-d-N");
  CHECK(Fates(days, {.weekly = 2}) == "w---N");
  // Monday 00:00 is of this week, one minute before is not.
  CHECK(Fates({{'p', 6 * kDay + 12h + 1min}, {'p', 6 * kDay + 12h}, {'p', 0h}}, {.weekly = 2}) ==
        "w-N");
}

TEST_CASE("a period that comes again, as some boots begin in the past, counts once") {
  const std::vector<Made> boots = {{'p', 3 * kDay},   {'p', 2 * kDay},   {'p', kDay},
                                   {'p', 400 * kDay}, {'p', 2h},         {'p', 400 * kDay},
                                   {'p', 1h},         {'p', 400 * kDay}, {'p', 0h}};
  CHECK(Fates(boots, {.daily = 4}) == "-dd----dN");
  CHECK(Fates(boots, {.weekly = 3}) == "-------wN");
  CHECK(Fates(boots, {.last = 3}) == "------llN");
}

TEST_CASE("the numbers add up: what one of them keeps stays") {
  const std::vector<Made> store = {{'p', 20 * kDay}, {'p', 9 * kDay}, {'p', 2 * kDay}, {'p', 3h},
                                   {'p', 2h + 1min}, {'p', 2h},       {'p', 1h},       {'p', 0h}};
  CHECK(Fates(store, {.last = 2, .hourly = 3, .daily = 2, .weekly = 2}) == "-wd--hlN");
}

TEST_CASE("what failed or is not proven neither counts nor pushes out what does") {
  CHECK(Fates({{'p', 4h}, {'f', 3h}, {'f', 2h}, {'p', 1h}}, {.last = 2}) == "lqqN");
  CHECK(Fates({{'p', 4h}, {'n', 3h}, {'n', 2h}, {'p', 1h}}, {.last = 2}) == "lqqN");
}

TEST_CASE("what is only out of reach is never deleted, and pushes out nothing") {
  const config::Retention rules = {.last = 1, .total_size = 0, .quarantine = 1s};
  CHECK(Fates({{'g', 90 * kDay}, {'p', 80 * kDay}, {'g', 3h}, {'v', 2h}, {'g', 1h}}, rules) ==
        "g-gNN");
}

TEST_CASE("the newest proven snapshot stays, and all that is newer") {
  CHECK(Fates({{'p', 9 * kDay}, {'p', 8 * kDay}, {'f', 90 * kDay / 12}, {'n', 30h}, {'f', 0h}},
              {.last = 1, .quarantine = 1h}) == "-NNNN");
  CHECK(Fates({{'f', 90 * kDay}, {'f', 80 * kDay}}, {.last = 1, .quarantine = 1h}) == "NN");
  CHECK(Fates({{'p', 4h}, {'p', 1h}}, {.total_size = 0}) == "$N");
}

TEST_CASE("the newest that passed a drill stays") {
  CHECK(Fates({{'v', 6h}, {'v', 5h}, {'p', 4h}, {'p', 3h}, {'p', 2h}}, {.last = 1}) == "-V--N");
  CHECK(Fates({{'v', 6h}, {'v', 5h}, {'p', 4h}}, {.last = 1, .total_size = 1}) == "-VN");
  CHECK(Fates({{'v', 6h}, {'v', 5h}}, {.last = 1}) == "-N");
}

TEST_CASE("a damaged one is kept aside for a while") {
  const config::Retention rules = {.last = 1, .quarantine = 7 * kDay};
  CHECK(Fates({{'f', 8 * kDay}, {'f', 6 * kDay}, {'p', 1h}}, rules) == "xqN");
  // The time counts from when it was found.
  Catalog catalog = StoreOf({{'f', 8 * kDay}, {'p', 1h}});
  catalog.snapshots[0].damaged_since = kSunday - 1h;
  CHECK(PlanRetention(catalog, rules, kSunday)[0].fate == Fate::kQuarantine);
  catalog.snapshots[0].damaged_since.reset();  // just now
  CHECK(PlanRetention(catalog, rules, kSunday)[0].fate == Fate::kQuarantine);
}

TEST_CASE("the first part of a file goes once the file came whole") {
  Catalog catalog = StoreOf({{'p', 3h}, {'f', 2h}, {'p', 1h}});
  Manifest& part = catalog.snapshots[1].manifest;
  Manifest& whole = catalog.snapshots[2].manifest;
  part.adopted = AdoptedRecord{.path = "/b/1.db", .size_bytes = 50};
  whole.adopted = AdoptedRecord{.path = "/b/1.db", .size_bytes = 100};
  for (size_t i = 0; i < 3; ++i) catalog.snapshots[i].manifest.place = i + 1;
  const auto fate = [&] {
    return PlanRetention(catalog, {.last = 2, .quarantine = 7 * kDay}, kSunday)[1].fate;
  };
  CHECK(fate() == Fate::kExpired);
  SECTION("not of another file") { whole.adopted->path = "/b/2.db"; }
  SECTION("not one that is as long") { part.adopted->size_bytes = 100; }
  SECTION("not one that could be read, and says what is wrong") { part.revision = 7; }
  SECTION("not one that is proven by nothing") { whole.verdict = Verdict::kNotProvable; }
  SECTION("not one of another history") { whole.other_history = true; }
  SECTION("not one that came before it") { part.place = 9; }
  SECTION("not one of ours") { part.adopted.reset(); }
  CHECK_FALSE(Goes(fate()));
}

TEST_CASE("a date in the future deletes nothing") {
  const std::vector<Made> store = {
      {'p', 3h}, {'p', 2h}, {'p', 1h}, {'p', -1h}, {'v', -9000 * kDay}};
  CHECK(Fates(store, {.last = 2}) == "-lNTT");
  CHECK(Fates({{'p', 3h}, {'p', -1h}, {'p', -2h}}, {.last = 1, .total_size = 1}) == "NTT");
  // A clock that was put back makes all of them lie in the future.
  CHECK(Fates({{'p', -9000 * kDay}, {'f', -8000 * kDay}, {'p', -7000 * kDay}},
              {.last = 1, .quarantine = 1s}) == "TTT");
  // A little is what two clocks may differ by.
  CHECK(Fates({{'p', 3h}, {'p', -1min}}, {.last = 1}) == "-N");
}

TEST_CASE(
    "one of another history is not the newest, counts for no number, and stays as long as an older "
    "one") {
  const config::Retention rules = {.last = 2, .quarantine = 1h};
  CHECK(Fates({{'p', 9h}, {'p', 4h}, {'o', 3h}, {'v', 2h}, {'o', 1h}}, rules) == "-loNo");
  CHECK(Fates({{'o', 9h}, {'p', 8h}, {'p', 7h}, {'o', 6h}, {'p', 5h}, {'p', 4h}}, rules) ==
        "x--xlN");
  CHECK(Fates({{'o', 9h}, {'p', 8h}, {'p', 4h}}, {.quarantine = 1h}) == "ouN");
  CHECK(Fates({{'o', 2min}, {'p', 1min}}, {.last = 1, .quarantine = 1h}) == "oN");
  CHECK(Fates({{'p', 3h}, {'o', 2h}}, {.total_size = 10}) == "N$");
}

TEST_CASE("the size takes the damaged, then the oldest") {
  const std::vector<Made> store = {{'p', 5h}, {'f', 4h}, {'p', 3h}, {'v', 2h}, {'p', 1h}};
  CHECK(Fates(store, {.last = 9, .total_size = 50}) == "lqlVN");
  CHECK(Fates(store, {.last = 9, .total_size = 49}) == "l$lVN");
  CHECK(Fates(store, {.last = 9, .total_size = 35}) == "$$lVN");
  CHECK(Fates(store, {.last = 9, .total_size = 0}) == "$$$VN");
  CHECK(Fates(store, {.total_size = 40}) == "u$uVN");
  // What goes anyway does not count.
  CHECK(Fates(store, {.last = 2, .total_size = 30}) == "-q-VN");
  CHECK(Fates(store, {.last = 2, .total_size = 29}) == "-$-VN");
}

TEST_CASE("what goes is of none of the numbers") {
  const Catalog catalog = StoreOf({{'p', 3h}, {'p', 2h}, {'p', 1h}});
  for (const RetentionDecision& d :
       PlanRetention(catalog, {.last = 3, .total_size = 0}, kSunday, CopiesOf("--e", 0))) {
    CHECK((d.which.empty() || !Goes(d.fate)));
  }
}

TEST_CASE("what a site has yet to get stays, whatever the numbers say, and takes nobody's place") {
  const std::vector<Made> store = {{'p', 5h}, {'p', 4h}, {'p', 3h}, {'p', 2h}, {'p', 1h}};
  CHECK(Fates(store, {.last = 2}, CopiesOf("-w-w-")) == "-U-lN");
  CHECK(Fates(store, {.last = 1}, CopiesOf("wwwww")) == "UUUUN");
  // An adopted file without a trailer, after its quarantine.
  CHECK(Fates({{'n', 9 * kDay}, {'p', 1h}}, {.last = 1}, CopiesOf("w-")) == "UN");
  // Nobody gets what is damaged.
  CHECK(Fates({{'f', 9 * kDay}, {'p', 1h}}, {.last = 1}, CopiesOf("w-")) == "xN");
}

TEST_CASE("the size takes what a site has yet to get, the oldest first, after all else") {
  const std::vector<Made> store = {{'p', 6h}, {'p', 5h}, {'f', 4h},
                                   {'p', 3h}, {'v', 2h}, {'p', 1h}};
  const auto fates = [&](uint64_t size) {
    return Fates(store, {.last = 3, .total_size = size}, CopiesOf("ww-www"));
  };
  CHECK(fates(60) == "UUqlVN");
  CHECK(fates(59) == "UU$lVN");
  CHECK(fates(49) == "$U$lVN");
  CHECK(fates(30) == "$$$lVN");
  // One of the numbers is nowhere else, either.
  CHECK(fates(20) == "$$$$VN");
  CHECK(fates(0) == "$$$$VN");
  // What the site has goes first, though it is younger.
  CHECK(Fates({{'p', 4h}, {'p', 3h}, {'p', 2h}, {'p', 1h}}, {.total_size = 30}, CopiesOf("w--w")) ==
        "u$uN");
  CHECK(Fates({{'n', 4h}, {'p', 3h}, {'p', 2h}, {'p', 1h}}, {.total_size = 30}, CopiesOf("w--w")) ==
        "q$uN");
}

TEST_CASE("of what every site has only the newest stay") {
  const std::vector<Made> store = {{'p', 5h}, {'p', 4h}, {'p', 3h}, {'p', 2h}, {'p', 1h}};
  CHECK(Fates(store, {.last = 9}, CopiesOf("eeeee", 2)) == "ccclN");
  CHECK(Fates(store, {}, CopiesOf("eeeee", 2)) == "cccuN");
  CHECK(Fates(store, {.last = 9}, CopiesOf("eeeee")) == "llllN");
  CHECK(Fates(store, {.last = 9}, CopiesOf("eeeee", 9)) == "llllN");
  // What a site lacks takes no place and stays.
  CHECK(Fates(store, {.last = 9}, CopiesOf("e-eew", 2)) == "clllN");
  CHECK(Fates(store, {.last = 9}, CopiesOf("eebew", 1)) == "ccllN");
  // What the numbers take is said so, and took no place.
  CHECK(Fates(store, {.last = 1, .daily = 1, .weekly = 2}, CopiesOf("eeeee", 1)) == "----N");
  CHECK(Fates({{'p', 20 * kDay}, {'p', 9 * kDay}, {'p', 2h}, {'p', 1h}}, {.last = 1, .weekly = 3},
              CopiesOf("eeee", 2)) == "cw-N");
}

TEST_CASE("with keep_local 0 only that stays which has to") {
  const CopyState all = CopiesOf("eeeeeee", 0);
  CHECK(Fates({{'p', 5h}, {'v', 4h}, {'p', 3h}, {'n', 2h}, {'p', 1h}, {'f', 0h}}, {.last = 9},
              all) == "cVcqNN");
  CHECK(Fates({{'v', 3h}, {'p', 2h}, {'p', -30h}}, {.last = 9}, all) == "VNT");
  CHECK(Fates({{'g', 3h}, {'o', 2h}, {'p', 1h}}, {.last = 9}, all) == "goN");
}

TEST_CASE("a snapshot that is damaged here stays for its quarantine, though every site has it") {
  const std::vector<Made> store = {{'f', 9 * kDay}, {'f', 3h}, {'p', 2h}, {'p', 1h}};
  CHECK(Fates(store, {.last = 9}, CopiesOf("eeee", 0)) == "xqcN");
  // It takes no place, as nothing could be restored from it.
  CHECK(Fates({{'p', 3h}, {'f', 2h}, {'p', 1h}}, {.last = 9}, CopiesOf("eee", 2)) == "lqN");
}

TEST_CASE("one of another history may go with the last older one of ours that every site has") {
  CHECK(Fates({{'p', 9h}, {'o', 8h}, {'p', 1h}}, {.last = 9, .quarantine = 1h}) == "loN");
  CHECK(Fates({{'p', 9h}, {'o', 8h}, {'p', 1h}}, {.last = 9, .quarantine = 1h},
              CopiesOf("e-e", 1)) == "cxN");
}

TEST_CASE("the size counts what stays here, not what every site has") {
  const std::vector<Made> store = {{'p', 4h}, {'p', 3h}, {'p', 2h}, {'p', 1h}};
  CHECK(Fates(store, {.last = 9, .total_size = 20}, CopiesOf("eeee", 2)) == "cclN");
  CHECK(Fates(store, {.last = 9, .total_size = 10}, CopiesOf("eeee", 2)) == "cc$N");
}

TEST_CASE("whatever a store holds, whatever its sites have: the last proof stays") {
  std::mt19937 dice(20261122);
  const auto roll = [&](uint64_t sides) { return dice() % sides; };
  for (int round = 0; round < 3000; ++round) {
    std::vector<Made> made;
    std::string reach;
    for (uint64_t i = roll(20); i > 0; --i) {
      made.push_back({"vvppppppnfgo"[roll(12)], Duration(std::chrono::hours(roll(900))) - 50h});
      reach += "w--eeeb"[roll(7)];
    }
    config::Retention rules = {
        .last = roll(5), .hourly = roll(4), .daily = roll(4), .weekly = roll(3)};
    if (roll(3) == 0) rules.total_size = roll(200);
    const CopyState copies = CopiesOf(reach, roll(2) == 0 ? std::nullopt : std::optional(roll(6)));
    CAPTURE(round, reach);
    const Catalog catalog = StoreOf(made);
    const auto decisions = PlanRetention(catalog, rules, kSunday, copies);
    bool proven = false;
    bool drilled = false;
    for (auto d = decisions.rbegin(); d != decisions.rend(); ++d) {
      if (IsFuture(d->snapshot->manifest.taken, kSunday)) {
        CHECK_FALSE(Goes(d->fate));
        continue;
      }
      if (!d->snapshot->Counts()) continue;
      const bool is_drilled = d->snapshot->state == SnapshotState::kRestorable;
      if (!proven || (is_drilled && !drilled)) CHECK_FALSE(Goes(d->fate));
      proven = proven || d->snapshot->IsProven();
      drilled = drilled || is_drilled;
      const bool waits = copies.waiting.contains(d->snapshot->manifest.name);
      if (waits && d->snapshot->IsUsable()) CHECK((!Goes(d->fate) || d->fate == Fate::kTooBig));
    }
  }
}

}  // namespace
}  // namespace etcdrill::catalog
