// Who is not to be believed, by what comparisons showed one after the other.
#include "crosscheck/suspicion.h"

#include "crosscheck/member_consistency.h"
#include "support/catch.h"

namespace etcdrill::crosscheck {
namespace {

using Suspects = std::vector<store::Suspect>;

// A member's id is its name as a hexadecimal number, its endpoint the name alone.
Side SideOf(std::string_view names) {
  Side side;
  for (const char name : names) side.push_back({std::string(1, name), std::string(1, name)});
  return side;
}

Sides SidesOfNames(const std::vector<std::string_view>& sides) {
  Sides made;
  for (const std::string_view names : sides) made.push_back(SideOf(names));
  return made;
}

// The suspects after these comparisons: the outvoted in capitals, in the order of their names.
std::string After(const std::vector<std::vector<std::string_view>>& comparisons,
                  Suspects suspects = {}) {
  for (const auto& sides : comparisons) Weigh({"c", 7, WallTime()}, SidesOfNames(sides), suspects);
  std::string names;
  for (const store::Suspect& s : suspects)
    names += s.outvoted ? static_cast<char>(std::toupper(s.member_id[0])) : s.member_id[0];
  std::sort(names.begin(), names.end(),
            [](char a, char b) { return std::tolower(a) < std::tolower(b); });
  return names;
}

TEST_CASE("the fewer are suspects") {
  CHECK(After({{"abc"}}).empty());
  CHECK(After({{"ab", "c"}}) == "C");
  CHECK(After({{"c", "ab"}}) == "C");
  CHECK(After({{"a", "b"}}) == "ab");  // nobody can tell who is right
  CHECK(After({{"ab", "de", "c"}}) == "abCde");
  CHECK(After({}).empty());
  CHECK(After({{}}).empty());
}

TEST_CASE("a suspect stays one until it holds what one holds that is none") {
  CHECK(After({{"ab", "c"}, {"abc"}}).empty());
  CHECK(After({{"ab", "c"}, {"ab"}}) == "C");          // it was silent
  CHECK(After({{"ab", "c"}, {"ab"}, {"ab"}}) == "C");  // however often
  CHECK(After({{"ab", "c"}, {"c"}}) == "C");           // it agrees with itself
  CHECK(After({{"a", "b"}, {"b"}}) == "ab");
  CHECK(After({{"a", "b"}, {"ab"}}).empty());
  CHECK(After({{"a", "b"}, {"bd"}}) == "A");       // that decides it
  CHECK(After({{"ab", "de"}, {"ab"}}) == "abde");  // that tells nothing new
  CHECK(After({{"ab", "de"}, {"abc"}}) == "DE");
  CHECK(After({{"ab", "de"}, {"acf"}}) ==
        "bDE");                                  // who is silent of the same side is not well again
  CHECK(After({{"ab", "de"}, {"ad"}}) == "be");  // the sides hold the same now
  CHECK(After({{"ab", "de"}, {"abde"}}).empty());
  CHECK(After({{"abd", "ce"}, {"ce"}}) == "CE");  // they agree with each other
  CHECK(After({{"abd", "ce"}, {"cef"}}).empty());
}

TEST_CASE("what members held before they differed clears none of them") {
  Suspects suspects;
  const auto weigh = [&](int64_t revision, const std::vector<std::string_view>& sides) {
    Weigh({"c", revision, WallTime()}, SidesOfNames(sides), suspects);
    return After({}, suspects);
  };
  CHECK(weigh(9, {"ab", "d"}) == "D");
  CHECK(weigh(8, {"abd"}) == "D");
  CHECK(weigh(8, {"ab", "d"}) == "D");
  CHECK(weigh(8, {"abd"}) == "D");
  CHECK(weigh(9, {"abd"}).empty());
  CHECK(weigh(20, {"a", "b"}) == "ab");
  CHECK(weigh(19, {"ad"}) == "ab");  // decides no tie of later
  CHECK(weigh(21, {"ad"}) == "B");
}

TEST_CASE("one that was outvoted has no vote") {
  CHECK(After({{"ab", "c"}, {"a", "c"}}) == "C");
  CHECK(After({{"abd", "ce"}, {"a", "ce"}}) == "CE");
  CHECK(After({{"abd", "ce"}, {"c", "e"}}) == "CE");
  CHECK(After({{"ab", "c"}, {"ab", "c"}, {"a", "b"}}) == "abC");
}

TEST_CASE("another cluster's suspects stay as they are") {
  const Suspects before = {{.cluster = "other", .member_id = "a", .outvoted = true}};
  CHECK(After({{"abc"}}, before) == "A");
  CHECK(After({{"b", "a"}}, before) == "Aab");
}

TEST_CASE("when a suspect was found is kept, where it differed last is told") {
  Suspects suspects;
  Weigh({"c", 7, WallTime(std::chrono::seconds(100))}, SidesOfNames({"a", "b"}), suspects);
  Weigh({"c", 9, WallTime(std::chrono::seconds(200))}, SidesOfNames({"ad", "b"}), suspects);
  REQUIRE(suspects.size() == 1);
  CHECK(suspects[0] == store::Suspect{.cluster = "c",
                                      .member_id = "b",
                                      .endpoint = "b",
                                      .revision = 9,
                                      .first_revision = 7,
                                      .side = "b",
                                      .found = WallTime(std::chrono::seconds(100)),
                                      .outvoted = true});
  CHECK(OutvotedOf("c", suspects) == Outvoted{{0xb, 7}});
  CHECK(OutvotedOf("d", suspects).empty());
  suspects[0].outvoted = false;
  CHECK(OutvotedOf("c", suspects).empty());
}

// --- The sides of a receipt and of a round -------------------------------------------------------

std::string Text(const Sides& sides) {
  std::string text;
  for (const Side& side : sides) {
    text += text.empty() ? "" : "|";
    for (const Voice& voice : side) text += voice.member_id;
  }
  return text;
}

TEST_CASE("the sides of a receipt") {
  Manifest manifest;
  const auto said = [&](const char* who, Comparison result) {
    manifest.receipt.push_back({.endpoint = who, .member_id = who, .result = result});
  };
  CHECK(Text(SidesOf(manifest)).empty());
  said("b", Comparison::kDiffers);
  manifest.receipt.push_back({.endpoint = "d", .error = "down"});
  said("e", Comparison::kNotComparable);
  CHECK(Text(SidesOf(manifest)).empty());  // whose the odd file is, they don't tell
  SECTION("that of the copy is what was copied") {
    manifest.member_id = "a";
    CHECK(Text(SidesOf(manifest)) == "a|b");
    manifest.member_id = "b";  // it counts keys that are not in the file
    CHECK(Text(SidesOf(manifest)).empty());
  }
  said("c", Comparison::kEqual);
  CHECK(Text(SidesOf(manifest)) == "c|b");
  manifest.other_history = true;
  CHECK(Text(SidesOf(manifest)).empty());
}

TEST_CASE("the sides of a round") {
  const auto said = [](uint64_t id, uint32_t hash, int64_t compact_revision,
                       std::optional<int64_t> keys = {}) {
    return capture::ReceiptEntry{
        .member_id = id, .hash = hash, .compact_revision = compact_revision, .live_keys = keys};
  };
  const auto text = [](std::vector<capture::ReceiptEntry> members) {
    std::string all;
    for (const Sides& sides : SidesOf(Consistency{.members = std::move(members)}))
      all += Text(sides) + ";";
    return all;
  };
  CHECK(text({}).empty());
  CHECK(text({said(0xa, 1, 5), said(0xb, 1, 5), said(0xc, 2, 5)}) == "ab|c;");
  CHECK(text({said(0xa, 1, 5), said(0xb, 1, 5), said(0xc, 2, 6)}) == "ab;c;");
  CHECK(text({said(0xa, 1, 5), {.endpoint = "d", .error = "down"}}) == "a;");
  CHECK(text({said(0xa, 1, 5, 3), said(0xb, 1, 5, 4), said(0xc, 2, 6, 3)}) == "ac|b;");
  CHECK(text({said(0xa, 1, 5, 0), said(0xb, 1, 5, 0)}) == "ab;");
  CHECK(text({said(0xa, 1, 5, 0), said(0xb, 2, 5, 0)})
            .empty());  // the hash may vary where no key is alive
}

// --- Who is forgotten ----------------------------------------------------------------------------

TEST_CASE("who can't be told from the others any more is forgotten") {
  const Suspects suspects = {
      {.cluster = "c", .member_id = "a", .endpoint = "1", .revision = 40, .outvoted = true},
      {.cluster = "c", .member_id = "b", .endpoint = "2", .revision = 50}};
  const auto left = [&](const etcd::RollCall& roll, std::string_view cluster = "c") {
    Suspects now = suspects;
    Forget(cluster, roll, now);
    std::string names;
    for (const store::Suspect& s : now) names += s.member_id;
    return names;
  };
  const auto of = [](std::vector<uint64_t> members) {
    etcd::RollCall roll;
    roll.membership.emplace();
    for (const uint64_t id : members) roll.membership->members.push_back({.id = id});
    return roll;
  };
  CHECK(left({}) == "ab");  // nobody was asked
  CHECK(left({.entries = {{.address = "3"}}}) ==
        "ab");  // by other names, and nobody knows the members
  CHECK(left(of({0xa, 0xb, 0xc})) == "ab");
  CHECK(left(of({0xa, 0xc})) == "a");
  CHECK(left(of({0xb})).empty());
  CHECK(left(of({0xa})).empty());
  CHECK(left(of({0xc}), "other") == "ab");
  // The source was restored: where it is now, nobody has differed.
  etcd::RollCall restored = of({0xa, 0xb, 0xc});
  restored.entries = {
      {.status = etcd::MemberStatus{.member_id = 0xc, .revision = 45, .leader_id = 0xc},
       .standing = etcd::Standing::kMember}};
  CHECK(left(restored) == "ab");
  Suspects now = suspects;
  ForgetAhead("c", restored, suspects, now);
  REQUIRE(now.size() == 1);
  CHECK(now[0].member_id == "a");
  now = suspects;
  ForgetAhead("c", restored, {suspects[0]}, now);  // the other one was found since
  ForgetAhead("other", restored, suspects, now);
  restored.entries[0].status->leader_id = 0xd;  // it lags
  ForgetAhead("c", restored, suspects, now);
  CHECK(now == suspects);
}

}  // namespace
}  // namespace etcdrill::crosscheck
