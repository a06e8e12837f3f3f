// The parsers on their own: hand-made bytes, other page sizes, hostile numbers.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "format/bbolt/database.h"
#include "format/bbolt/writer.h"
#include "format/etcd_version.h"
#include "format/mvcc/key_table.h"
#include "format/mvcc/row.h"
#include "proof/finding_codes.h"
#include "proto/mvccpb.pb.h"
#include "support/catch.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill {
namespace {

using testing::TestContext;

TEST_CASE("revisions") {
  const mvcc::Revision revision{.main = 5, .sub = 2, .tombstone = true};
  const auto decoded = mvcc::DecodeRevision(mvcc::EncodeRevision(revision));
  REQUIRE(decoded.has_value());
  CHECK(decoded->main == 5);
  CHECK(decoded->sub == 2);
  CHECK(decoded->tombstone);
  std::string bad = mvcc::EncodeRevision({.main = 5});
  SECTION("length") { bad.pop_back(); }
  SECTION("separator") { bad[8] = '-'; }
  SECTION("tombstone mark") { bad += 'x'; }
  SECTION("main 0") { bad = mvcc::EncodeRevision({.main = 0}); }
  SECTION("negative sub") { bad = mvcc::EncodeRevision({.main = 1, .sub = -1}); }
  CHECK_FALSE(mvcc::DecodeRevision(bad).has_value());
}

TEST_CASE("our KeyValue decoder agrees with protobuf's") {
  mvccpb::KeyValue kv;
  kv.set_key("k");
  kv.set_value(std::string(GENERATE(size_t{0}, size_t{1}, size_t{300}), 'v'));
  kv.set_create_revision(GENERATE(int64_t{0}, int64_t{1}, int64_t{1} << 40));
  kv.set_mod_revision(7);
  kv.set_version(GENERATE(int64_t{-1}, int64_t{3}));
  kv.set_lease(GENERATE(int64_t{0}, int64_t{0x439ca20205217a43}));
  const std::string bytes = kv.SerializeAsString();
  const auto view = mvcc::DecodeKeyValue(bytes);
  REQUIRE(view.has_value());
  CHECK(view->key == kv.key());
  CHECK(view->value == kv.value());
  CHECK(view->create_revision == kv.create_revision());
  CHECK(view->mod_revision == kv.mod_revision());
  CHECK(view->version == kv.version());
  CHECK(view->lease == kv.lease());
}

TEST_CASE("a tag has 32 bits and at most five bytes") {
  CHECK_FALSE(mvcc::DecodeKeyValue("\xe0\xf1\xcb\xd2\xe3\xfd\xe3\x47\x1a").has_value());
  CHECK_FALSE(mvcc::DecodeKeyValue(std::string("\x98\x80\x80\x80\x80\x00\x05", 7)).has_value());
  const auto padded = mvcc::DecodeKeyValue(std::string("\x98\x80\x80\x80\x00\x05", 6));
  REQUIRE(padded.has_value());
  CHECK(padded->mod_revision == 5);
}

TEST_CASE("what the decoder takes, protobuf takes and reads alike") {
  std::string bytes(GENERATE(1u, 2u, 3u, 5u, 9u, 12u), '\0');
  const int seed = GENERATE(take(300, random(0, 1 << 30)));
  uint32_t state = static_cast<uint32_t>(seed);
  for (char& c : bytes) {
    state = state * 1664525u + 1013904223u;
    c = static_cast<char>(state >> 24);
  }
  if (seed % 2 == 0) bytes[0] = static_cast<char>(((seed / 2) % 8) << 3 | (seed / 16) % 6);
  CAPTURE(Hex(bytes));
  mvccpb::KeyValue kv;
  const bool protobuf_accepts = kv.ParseFromString(bytes);
  const auto view = mvcc::DecodeKeyValue(bytes);
  // What we take, protobuf takes too, and reads alike. We are stricter: a known field with a
  // foreign wire type, a group and a number of more than 64 bits are refused, where protobuf keeps
  // or cuts them.
  if (view.has_value()) {
    CHECK(protobuf_accepts);
    CHECK(view->key == kv.key());
    CHECK(view->version == kv.version());
  }
}

// A hash of our own once began with the sum of seed and length: then short keys collided in one run
// of a hundred.
TEST_CASE("no two short keys, and no two of zeros, are one to the table") {
  const uint64_t seed = GENERATE(take(20, random(uint64_t{0}, ~uint64_t{0})));
  CAPTURE(seed);
  mvcc::KeyTable table(seed);
  size_t collisions = 0;
  const auto add = [&](const std::string& key) {
    const uint64_t prepared = table.Prepare(key);
    const bool known = table.Find(prepared) != nullptr;
    collisions += known ? 1 : 0;
    if (!known) table.Add(prepared, 0);
  };
  for (int a = 0; a < 256; ++a) {
    add({static_cast<char>(a)});
    for (int b = 0; b < 256; ++b) add({static_cast<char>(a), static_cast<char>(b)});
  }
  for (size_t size = 3; size < 300; ++size) {
    add(std::string(size, '\0'));
    for (size_t at = 0; at < size; at += 7) add(std::string(size, '\0').replace(at, 1, "\x01"));
  }
  CHECK(collisions == 0);
}

TEST_CASE("the table of keys remembers across growth, in 16 bytes a key") {
  mvcc::KeyTable table(1);
  for (uint32_t i = 0; i < 100'000; ++i) table.Add(table.Prepare("key-" + std::to_string(i)), i);
  CHECK(table.size() == 100'000);
  uint32_t found = 0;
  for (uint32_t i = 0; i < 100'000; ++i) {
    uint32_t* const number = table.Find(table.Prepare("key-" + std::to_string(i)));
    found += number != nullptr && *number == i ? 1 : 0;
    if (number != nullptr) ++*number;
  }
  CHECK(found == 100'000);
  CHECK(*table.Find(table.Prepare("key-7")) == 8);
  CHECK(table.Find(table.Prepare("other")) == nullptr);
  uint64_t sum = 0;
  table.ForEachNumber([&](uint32_t number) { sum += number; });
  CHECK(sum == 100'000ull * 100'001 / 2);
  CHECK(table.bytes() <= table.size() * 16 + 256 * 8 * 16);
}

class Collect final : public bbolt::Visitor {
 public:
  void OnBucket(std::string_view name) override {
    bucket_ = name;
    pairs[bucket_];
  }
  void OnPairs(std::span<const bbolt::Pair> page) override {
    for (const bbolt::Pair& pair : page) OnPair(pair);
  }
  void OnPair(const bbolt::Pair& pair) {
    pairs[bucket_][std::string(pair.key)] = std::string(pair.value);
    order.emplace_back(pair.key);
  }
  std::map<std::string, bbolt::BucketContent> pairs;
  std::vector<std::string> order;

 private:
  std::string bucket_;
};

TEST_CASE("what the writer writes, the walk finds sound, for every page size and shape") {
  TestContext test;
  const uint32_t page_size = GENERATE(1024u, 4096u, 16384u, 65536u);
  std::map<std::string, bbolt::BucketContent> buckets;
  buckets["inline"] = {{"a", "1"}, {"b", ""}};
  for (int i = 0; i < GENERATE(1, 200, 6000); ++i)
    buckets["many"]["key-" + std::to_string(i)] = std::string(40, 'v');
  buckets["overflow"] = {{"big", std::string(3 * page_size, 'x')}, {"small", "y"}};
  const std::string path = test.Path("made.db");
  REQUIRE(bbolt::CreateDatabase(test.fs(), path, page_size, buckets).ok());
  const auto file = test.fs().OpenForReading(path);
  REQUIRE(file.ok());
  Findings findings;
  const auto database = bbolt::Database::Open(**file, (*file)->Size(), findings);
  REQUIRE(database.ok());
  REQUIRE(database->has_value());
  CHECK((*database)->meta().tx_id == 5);
  Collect seen;
  REQUIRE((*database)->WalkAll(findings, seen).ok());
  for (const Finding& f : findings.kept()) UNSCOPED_INFO(f.code << ": " << f.text);
  CHECK(findings.total() == 0);
  CHECK(seen.pairs == buckets);
  CHECK((*database)->LastKey("many")->value() == buckets["many"].rbegin()->first);
  CHECK_FALSE((*database)->LastKey("none")->has_value());
  Collect tail;
  const auto direction = GENERATE(bbolt::Direction::kForwards, bbolt::Direction::kBackwards);
  REQUIRE((*database)->WalkBucket("many", "key-5", direction, tail).ok());
  std::vector<std::string> expected;
  for (auto it = buckets["many"].lower_bound("key-5"); it != buckets["many"].end(); ++it)
    expected.push_back(it->first);
  if (direction == bbolt::Direction::kBackwards) std::reverse(expected.begin(), expected.end());
  CHECK(tail.order == expected);
}

bbolt::Database OpenDatabase(const ReadableFile& file) {
  Findings findings;
  return **bbolt::Database::Open(file, file.Size(), findings);
}

// What a file holds, which must be sound.
std::map<std::string, bbolt::BucketContent> ContentOf(TestContext& test, const std::string& path,
                                                      bbolt::Meta& meta) {
  const auto file = test.fs().OpenForReading(path);
  REQUIRE(file.ok());
  Findings findings;
  const bbolt::Database database = **bbolt::Database::Open(**file, (*file)->Size(), findings);
  meta = database.meta();
  Collect seen;
  REQUIRE(database.WalkAll(findings, seen).ok());
  for (const Finding& f : findings.kept()) UNSCOPED_INFO(f.code << ": " << f.text);
  REQUIRE(findings.total() == 0);
  return seen.pairs;
}

// Applies the edit to a copy, as a restore does; returns its path.
std::string Edited(TestContext& test, const std::string& path, const bbolt::Meta& meta,
                   const bbolt::Edit& edit) {
  const auto source = test.fs().OpenForReading(path);
  const std::string copy = path + "-edited";
  auto target = test.fs().Create(copy, kPrivateFileMode);
  REQUIRE((*target)->AppendFrom(**source, 0, meta.high_water * meta.page_size).ok());
  REQUIRE(bbolt::ApplyEdit(OpenDatabase(**source), edit, **target).ok());
  return copy;
}

TEST_CASE("an edit adds pages and one meta, and touches nothing else") {
  TestContext test;
  const uint32_t page_size = GENERATE(1024u, 4096u);
  // Inline, one page, full pages on two levels, a value of many pages at the end.
  const int rows = GENERATE(0, 3, 60, 61, 62, 63, 64, 4000);
  std::map<std::string, bbolt::BucketContent> buckets = {
      {"a", {{"x", "1"}}}, {"rows", {}}, {"z", {{"y", "2"}}}};
  for (int i = 0; i < rows; ++i)
    buckets["rows"][fmt::format("{:08}", i)] = std::string(static_cast<size_t>(i % 70), 'v');
  if (rows == 64) buckets["rows"]["00009999"] = std::string(5000, 'o');
  const std::string path = test.Path("made.db");
  REQUIRE(bbolt::CreateDatabase(test.fs(), path, page_size, buckets).ok());
  bbolt::Meta before;
  REQUIRE(ContentOf(test, path, before) == buckets);

  bbolt::Meta after;
  const std::string copy = Edited(
      test, path, before, {.replace = {{"a", {{"new", "3"}}}}, .append = {{"rows", {{"9", ""}}}}});
  buckets["a"] = {{"new", "3"}};
  buckets["rows"]["9"] = "";
  CHECK(ContentOf(test, copy, after) == buckets);
  CHECK(after.tx_id == before.tx_id + 1);

  const std::string old_bytes = testing::ReadFile(path);
  const std::string new_bytes = testing::ReadFile(copy);
  const size_t kept = 2 * size_t{page_size};
  CHECK(new_bytes.substr(kept, old_bytes.size() - kept) == old_bytes.substr(kept));
  const size_t old_meta = before.tx_id % 2 * page_size;
  CHECK(new_bytes.substr(old_meta, page_size) == old_bytes.substr(old_meta, page_size));
  if (rows == 4000) CHECK(after.high_water - before.high_water < 6);  // not the whole bucket anew
}

TEST_CASE("many pairs can be appended, and a bucket that is missing is an error") {
  TestContext test;
  std::map<std::string, bbolt::BucketContent> buckets;
  for (int i = 0; i < 500; ++i) buckets["rows"][fmt::format("a{:08}", i)] = "v";
  const std::string path = test.Path("made.db");
  REQUIRE(bbolt::CreateDatabase(test.fs(), path, 1024, buckets).ok());
  bbolt::Meta meta;
  ContentOf(test, path, meta);
  bbolt::BucketContent more;
  for (int i = 0; i < 3000; ++i) more[fmt::format("b{:08}", i)] = "w";
  const std::string copy = Edited(test, path, meta, {.append = {{"rows", more}}});
  buckets["rows"].insert(more.begin(), more.end());
  CHECK(ContentOf(test, copy, meta) == buckets);

  const auto source = test.fs().OpenForReading(path);
  auto target = test.fs().Create(test.Path("other"), kPrivateFileMode);
  const Status status =
      bbolt::ApplyEdit(OpenDatabase(**source), {.append = {{"none", {{"k", "v"}}}}}, **target);
  REQUIRE_FALSE(status.ok());
  CHECK(ReasonOf(status) == Reason::kDamaged);
}

TEST_CASE("a page gets no more elements than bbolt can count") {
  TestContext test;
  std::map<std::string, bbolt::BucketContent> buckets;
  for (int i = 0; i < 70'000; ++i) buckets["rows"][fmt::format("{:x}", i)] = "";
  const std::string path = test.Path("made.db");
  REQUIRE(bbolt::CreateDatabase(test.fs(), path, 2 << 20, buckets).ok());
  bbolt::Meta meta;
  CHECK(ContentOf(test, path, meta) == buckets);
}

TEST_CASE("a page that refers to itself ends the walk with a finding") {
  TestContext test;
  bbolt::BucketContent many;
  for (int i = 0; i < 2000; ++i) many["key-" + std::to_string(i)] = "v";
  const std::string path = test.Path("made.db");
  REQUIRE(bbolt::CreateDatabase(test.fs(), path, 4096, {{"many", many}}).ok());
  std::string bytes = testing::ReadFile(path);
  // The bucket's root is the branch that was written last before the root leaf: find the only
  // branch and point its first child at itself.
  size_t branch = 0;
  for (size_t at = 2 * 4096; at < bytes.size(); at += 4096) {
    if (LoadLE16(&bytes[at + bbolt::kPageFlagsAt]) == bbolt::kBranchPage) branch = at;
  }
  REQUIRE(branch != 0);
  std::string self;
  AppendLE64(self, branch / 4096);
  bytes.replace(branch + bbolt::kPageHeaderBytes + bbolt::kBranchChildAt, 8, self);
  testing::WriteFile(path, bytes);
  const auto file = test.fs().OpenForReading(path);
  Findings findings;
  const auto database = bbolt::Database::Open(**file, (*file)->Size(), findings);
  Collect seen;
  REQUIRE((*database)->WalkAll(findings, seen).ok());
  REQUIRE(findings.errors() == 1);
  CHECK(findings.kept()[0].code == codes::kPageReachedTwice);
}

TEST_CASE("findings are counted beyond those that are kept") {
  Findings findings;
  for (int i = 0; i < 500; ++i) findings.Add({codes::kKeyOrder, Severity::kError, {}, {}, "x"});
  Findings all;
  all.Add({codes::kKeyOrder, Severity::kWarning, {}, {}, "y"});
  all.Merge(std::move(findings));
  CHECK(all.kept().size() == Findings::kFindingsKept);
  CHECK(all.total() == 501);
  CHECK(all.errors() == 500);
  CHECK(all.dropped(Severity::kError) == 400);
  CHECK(all.dropped(Severity::kWarning) == 1);
}

TEST_CASE("the error that comes after a thousand warnings is kept, and the least severe go first") {
  Findings findings;
  const auto add = [&](Severity severity, int times, const std::string& text) {
    for (int i = 0; i < times; ++i) findings.Add({codes::kKeyOrder, severity, {}, {}, text});
  };
  add(Severity::kInfo, 60, "info");
  add(Severity::kWarning, 1000, "warning");
  CHECK(findings.FirstError() == nullptr);
  add(Severity::kError, 1, "the cause");
  add(Severity::kError, 30, "what follows");
  REQUIRE(findings.FirstError() != nullptr);
  CHECK(findings.FirstError()->text == "the cause");
  CHECK(findings.kept().size() == Findings::kFindingsKept);
  CHECK(findings.dropped(Severity::kInfo) == 60);
  CHECK(findings.dropped(Severity::kWarning) == 931);
  CHECK(findings.dropped(Severity::kError) == 0);
  CHECK(findings.total() == 1091);
  Findings before;
  before.Add({codes::kKeyOrder, Severity::kWarning, {}, {}, "before"});
  before.Merge(std::move(findings));
  CHECK(before.FirstError()->text == "the cause");
  CHECK(before.total() == 1092);
  CHECK(before.dropped(Severity::kWarning) == 932);
}

TEST_CASE("what prevents a proof is kept, however many warnings come before and after it") {
  Findings findings;
  const auto warn = [&](int times) {
    for (int i = 0; i < times; ++i)
      findings.Add({codes::kKeyOrder, Severity::kWarning, {}, {}, "warning"});
  };
  warn(120);
  findings.Add({.code = codes::kTrailerMissing,
                .severity = Severity::kInfo,
                .text = "no trailer",
                .prevents_proof = true});
  warn(120);
  REQUIRE(findings.FirstDoubt() != nullptr);
  CHECK(findings.FirstDoubt()->text == "no trailer");
  CHECK(findings.dropped(Severity::kInfo) == 0);
  CHECK(findings.dropped(Severity::kWarning) == 141);
  for (int i = 0; i < 101; ++i) findings.Add({codes::kKeyOrder, Severity::kError, {}, {}, "error"});
  CHECK(findings.dropped(Severity::kWarning) == 240);
  CHECK(findings.dropped(Severity::kError) == 2);
}

TEST_CASE("releases of etcd hash by one of two rules") {
  for (const char* version : {"3.4.33", "3.5.15", "v3.5.0", "3.5.15-rc.1", "3.3.27"}) {
    CHECK(HashRuleOf(version) == HashRule::kOlder);
  }
  for (const char* version : {"3.4.34", "3.5.16", "3.5.30", "3.6.0-rc.0", "3.7.1", "3.12"}) {
    CHECK(HashRuleOf(version) == HashRule::kSince3434);
  }
  for (const char* version : {"", "3.5", "4.0.0", "3.5.x", "3.-1.0"})
    CHECK_FALSE(HashRuleOf(version).has_value());
}

}  // namespace
}  // namespace etcdrill
