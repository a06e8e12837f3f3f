// A table: what a store holds, the rules, and what stays.
#include "catalog/retention.h"

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

// One letter for each snapshot: N newest, V newest that passed a drill, T in the future, l h d w
// one of the numbers, u unlimited, g gone, q quarantine, o another history; - surplus, $ too big, x
// expired.
std::string Fates(const std::vector<Made>& snapshots, const config::Retention& rules) {
  const Catalog catalog = StoreOf(snapshots);
  std::string letters;
  for (const RetentionDecision& d : PlanRetention(catalog, rules, kSunday)) {
    letters += d.fate == Fate::kCounted ? d.which[0] : "NVTo?ugq-$x"[static_cast<size_t>(d.fate)];
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

}  // namespace
}  // namespace etcdrill::catalog
