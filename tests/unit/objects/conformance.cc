// Threads only collect what they were told: the assertions of Catch2 are for one thread.
#include "unit/objects/conformance.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/random.h"
#include "objects/names.h"
#include "support/catch.h"
#include "support/made_bytes.h"

namespace etcdrill::objects {
namespace {

using testing::MadeBytes;

constexpr size_t kThreads = 4;

// A store, below a prefix that is nobody else's.
class Trial {
 public:
  Trial(ObjectStore& store, const ConformanceSize& size) : store_(store), size_(size) {}

  void ComesBack();
  void ComesBackEmpty();
  void ComesBackBig();
  void KeepsMetadata();
  void MissesWhatIsMissing();
  void CutsRanges();
  void ReturnsTheSinksError();
  void ShowsNothingUnfinished();
  void TakesNoMoreThanAnnounced();
  void KeepsNames();
  void RefusesNames();
  void RefusesMetadata();
  void LeadsToNewBytes();
  void ListsInOrder();
  void ListsManyPages();
  void ReturnsTheVisitorsError();
  void ServesManyAtATime();
  void DeletesTwice();
  void SweepsOnlyTheDead();
  void KeepsVersions();
  void KeepsLocks();
  void LocksLater();

 private:
  std::string Name(std::string_view name) const { return prefix_ + std::string(name); }
  Result<ObjectInfo> Put(const std::string& name, std::string_view bytes, PutOptions options = {});
  Result<std::string> Get(const std::string& name, const ByteRange& range = {},
                          const std::string& version_id = "");
  Result<std::vector<ObjectInfo>> List(const std::string& prefix, const std::string& after = "");
  // Without the prefix.
  std::vector<std::string> NamesBelow(std::string_view prefix, std::string_view after = "");
  std::vector<ObjectStore::Version> VersionsOf(const std::string& name);
  // Puts the names from several threads; each object has its own name for bytes.
  void PutAll(const std::vector<std::string>& names);

  ObjectStore& store_;
  const ConformanceSize size_;
  std::unique_ptr<Clock> clock_ = MakeSystemClock();
  std::unique_ptr<Random> random_ = MakeSystemRandom();
  const std::string prefix_ = fmt::format("conformance-{:016x}/", random_->Next());
};

Result<ObjectInfo> Trial::Put(const std::string& name, std::string_view bytes, PutOptions options) {
  options.size_max = bytes.size();
  ASSIGN_OR_RETURN(const auto writer, store_.Create(name, options));
  RETURN_IF_ERROR(writer->Append(bytes));
  return writer->Finish();
}

Result<std::string> Trial::Get(const std::string& name, const ByteRange& range,
                               const std::string& version_id) {
  std::string got;
  const ByteSink sink = [&](std::string_view bytes) {
    got += bytes;
    return OkStatus();
  };
  RETURN_IF_ERROR(store_.Get(name, range, sink, version_id));
  return got;
}

Result<std::vector<ObjectInfo>> Trial::List(const std::string& prefix, const std::string& after) {
  std::vector<ObjectInfo> listed;
  RETURN_IF_ERROR(store_.List(prefix, after, [&](const ObjectInfo& object) {
    listed.push_back(object);
    return OkStatus();
  }));
  return listed;
}

std::vector<std::string> Trial::NamesBelow(std::string_view prefix, std::string_view after) {
  const auto listed = List(Name(prefix), after.empty() ? "" : Name(after));
  INFO(listed.status().ToString());
  REQUIRE(listed.ok());
  std::vector<std::string> names;
  for (const ObjectInfo& object : *listed) {
    REQUIRE(object.name.starts_with(prefix_));
    names.push_back(object.name.substr(prefix_.size()));
  }
  return names;
}

std::vector<ObjectStore::Version> Trial::VersionsOf(const std::string& name) {
  std::vector<ObjectStore::Version> versions;
  const Status listed = store_.ListVersions(name, [&](const ObjectStore::Version& version) {
    versions.push_back(version);
    return OkStatus();
  });
  INFO(listed.ToString());
  REQUIRE(listed.ok());
  return versions;
}

void Trial::PutAll(const std::vector<std::string>& names) {
  std::vector<Status> problems(kThreads);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (size_t i = t; i < names.size() && problems[t].ok(); i += kThreads)
          problems[t] = Put(Name(names[i]), names[i]).status();
      });
    }
  }
  for (const Status& problem : problems) {
    INFO(problem.ToString());
    REQUIRE(problem.ok());
  }
}

void Trial::ComesBack() {
  const WallTime before = clock_->Now();
  const auto put = Put(Name("a"), "some bytes");
  INFO(put.status().ToString());
  REQUIRE(put.ok());
  CHECK(put->name == Name("a"));
  CHECK(put->size == 10);
  CHECK(Get(Name("a")).value() == "some bytes");

  const auto head = store_.Head(Name("a"));
  REQUIRE(head.ok());
  CHECK(head->name == Name("a"));
  CHECK(head->size == 10);
  CHECK(head->etag == put->etag);
  CHECK(head->etag.find('"') == std::string::npos);
  CHECK_FALSE(head->lock.has_value());
  CHECK_FALSE(IsFuture(head->modified, clock_->Now()));
  CHECK_FALSE(IsFuture(before, head->modified));

  const auto other = Put(Name("b"), "other byte");
  REQUIRE(other.ok());
  if (!put->etag.empty()) CHECK(other->etag != put->etag);

  const auto listed = List(Name("a"));
  REQUIRE(listed.ok());
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().size == 10);
  if (!listed->front().etag.empty()) CHECK(listed->front().etag == head->etag);
}

void Trial::ComesBackEmpty() {
  const auto writer = store_.Create(Name("empty"), {});
  REQUIRE(writer.ok());
  const auto put = (*writer)->Finish();
  INFO(put.status().ToString());
  REQUIRE(put.ok());
  CHECK(put->size == 0);
  CHECK(Get(Name("empty")).value_or("an error").empty());
  const auto head = store_.Head(Name("empty"));
  REQUIRE(head.ok());
  CHECK(head->size == 0);
  CHECK(NamesBelow("") == std::vector<std::string>{"empty"});
}

void Trial::ComesBackBig() {
  const std::string bytes = MadeBytes(size_.big_bytes);
  const auto writer = store_.Create(
      Name("big"), {.metadata = {{"nonce", "of-many-parts"}}, .size_max = bytes.size()});
  REQUIRE(writer.ok());
  constexpr size_t kPieces[] = {1, 70'000, 0, 3 << 20, 4095};
  for (size_t done = 0, i = 0; done < bytes.size(); ++i) {
    const std::string_view piece =
        std::string_view(bytes).substr(done, kPieces[i % std::size(kPieces)]);
    REQUIRE((*writer)->Append(piece).ok());
    done += piece.size();
  }
  const auto put = (*writer)->Finish();
  INFO(put.status().ToString());
  REQUIRE(put.ok());
  const auto head = store_.Head(Name("big"));
  REQUIRE(head.ok());
  CHECK(head->size == bytes.size());
  CHECK(head->etag == put->etag);
  CHECK(head->metadata.at("nonce") == "of-many-parts");
  const auto got = Get(Name("big"));
  REQUIRE(got.ok());
  CHECK((*got == bytes));  // not to be shown
  const auto tail = Get(Name("big"), {.offset = 2'000'000});
  REQUIRE(tail.ok());
  CHECK((*tail == bytes.substr(2'000'000)));
}

void Trial::KeepsMetadata() {
  const std::map<std::string, std::string> metadata = {
      {"nonce", "0123456789abcdef"}, {"writer", "node-1.example: a=b, c;d \"e\" ~"}};
  const auto put = Put(Name("with"), "x", {.metadata = metadata});
  INFO(put.status().ToString());
  REQUIRE(put.ok());
  CHECK(put->metadata == metadata);
  CHECK(store_.Head(Name("with"))->metadata == metadata);
  REQUIRE(Put(Name("without"), "x").ok());
  CHECK(store_.Head(Name("without"))->metadata.empty());
}

void Trial::MissesWhatIsMissing() {
  REQUIRE(Put(Name("folder/there"), "x").ok());
  for (const char* const name : {"missing", "folder", "folder/the", "folder/there/not", "no/way"}) {
    INFO(name);
    bool sunk = false;
    const Status got = store_.Get(Name(name), {}, [&](std::string_view) {
      sunk = true;
      return OkStatus();
    });
    INFO(got.ToString());
    CHECK(Is(got, Reason::kNotFound));
    CHECK_FALSE(sunk);
    CHECK(Is(Get(Name(name), {.offset = 1, .size = 2}), Reason::kNotFound));
    CHECK(Is(store_.Head(Name(name)), Reason::kNotFound));
  }
  CHECK(NamesBelow("missing").empty());
  CHECK(NamesBelow("folder/there/").empty());
}

void Trial::CutsRanges() {
  const std::string bytes = MadeBytes(100'003);
  REQUIRE(Put(Name("a"), bytes).ok());
  for (size_t i = 0; i < size_.ranges; ++i) {
    const uint64_t offset = random_->Next() % bytes.size();
    const uint64_t size = 1 + random_->Next() % (bytes.size() - offset);
    INFO("offset " << offset << ", size " << size);
    const auto got = Get(Name("a"), {.offset = offset, .size = size});
    REQUIRE(got.ok());
    CHECK((*got == bytes.substr(offset, size)));
  }
  CHECK((Get(Name("a"), {.size = bytes.size()}).value() == bytes));
  CHECK((Get(Name("a"), {.offset = 99'000}).value() == bytes.substr(99'000)));
  CHECK((Get(Name("a"), {.offset = 100'002}).value() == bytes.substr(100'002)));
  // No bytes are all that were asked for.
  CHECK(Get(Name("a"), {.offset = 100'003}).value_or("an error").empty());
  CHECK(Get(Name("a"), {.offset = 5, .size = 0}).value_or("an error").empty());
  for (const ByteRange& range :
       {ByteRange{100'004}, ByteRange{100'003, 1}, ByteRange{99'999, 5}, ByteRange{0, 100'004}}) {
    INFO("offset " << range.offset);
    const auto got = Get(Name("a"), range);
    INFO(got.status().ToString());
    CHECK(Is(got, Reason::kUsage));
  }
}

void Trial::ReturnsTheSinksError() {
  const std::string bytes = MadeBytes(3'000'000);
  REQUIRE(Put(Name("a"), bytes).ok());
  for (const Reason reason : {Reason::kDamaged, Reason::kIoError, Reason::kNotFound}) {
    int calls = 0;
    const Status got = store_.Get(Name("a"), {}, [&](std::string_view) {
      ++calls;
      return Error(reason, "the sink's own words");
    });
    CHECK(Is(got, reason));
    CHECK(MessageOf(got) == "the sink's own words");
    CHECK(calls == 1);
  }
  CHECK((Get(Name("a")).value() == bytes));  // nothing is stuck
}

void Trial::ShowsNothingUnfinished() {
  const std::string bytes = MadeBytes(6'000'000);  // so a part may have been sent
  {
    const auto writer = store_.Create(Name("a"), {.size_max = 2 * bytes.size()});
    REQUIRE(writer.ok());
    REQUIRE((*writer)->Append(bytes).ok());
    REQUIRE((*writer)->Append(bytes).ok());
    CHECK(Is(store_.Head(Name("a")), Reason::kNotFound));
    CHECK(NamesBelow("").empty());
  }
  CHECK(Is(store_.Head(Name("a")), Reason::kNotFound));
  CHECK(Is(Get(Name("a")), Reason::kNotFound));
  CHECK(NamesBelow("").empty());
  { REQUIRE(store_.Create(Name("b"), {}).ok()); }
  CHECK(NamesBelow("").empty());
  REQUIRE(Put(Name("a"), "after all").ok());  // what was given up is in nobody's way
  CHECK(Get(Name("a")).value() == "after all");
}

void Trial::TakesNoMoreThanAnnounced() {
  {
    const auto writer = store_.Create(Name("a"), {.size_max = 10});
    REQUIRE(writer.ok());
    REQUIRE((*writer)->Append("123456789").ok());
    CHECK(Is((*writer)->Append("01"), Reason::kUsage));
    CHECK_FALSE((*writer)->Finish().ok());  // an error is not forgotten
    CHECK(Is(store_.Head(Name("a")), Reason::kNotFound));
  }
  CHECK(Is(store_.Head(Name("a")), Reason::kNotFound));
  CHECK(NamesBelow("").empty());
}

void Trial::KeepsNames() {
  std::vector<std::string> names = {"a.b-c_D/0.9/x..y",
                                    "-dash",
                                    "_under",
                                    "Ends.",
                                    "a--b..c__d",
                                    "x/y/z/-/_/9",
                                    std::string(kNamePartBytesMax, 'n')};
  std::string deep = "d";
  while (prefix_.size() + deep.size() + 2 <= kNameBytesMax) deep += "/e";
  names.push_back(deep);
  PutAll(names);
  for (const std::string& name : names) {
    INFO(name);
    CHECK(Get(Name(name)).value_or("an error") == name);
    const auto head = store_.Head(Name(name));
    REQUIRE(head.ok());
    CHECK(head->name == Name(name));
  }
  std::ranges::sort(names);
  CHECK(NamesBelow("") == names);
}

void Trial::RefusesNames() {
  for (const std::string& name :
       {std::string(), std::string("/"), Name(""), Name("/a"), Name("a//b"), Name("a/"),
        "/" + Name("a"), Name("../a"), Name("."), Name("a/./b"), Name(".hidden"), Name("a b"),
        Name("a+b"), Name("a%20b"), Name("\xc3\xa4"), Name("a\nb"), Name(std::string(1, '\0')),
        Name(std::string(kNamePartBytesMax + 1, 'n')), Name(std::string(kNameBytesMax, 'n'))}) {
    INFO(name);
    CHECK(Is(store_.Create(name, {}), Reason::kUsage));
    CHECK(Is(Get(name), Reason::kUsage));
    CHECK(Is(store_.Head(name), Reason::kUsage));
    CHECK(Is(store_.Delete(name), Reason::kUsage));
  }
  CHECK(NamesBelow("").empty());
}

void Trial::RefusesMetadata() {
  using Pair = std::pair<const std::string, std::string>;
  for (const Pair& pair : {Pair{"", "x"}, Pair{"Nonce", "x"}, Pair{"a_b", "x"}, Pair{"a-b", "x"},
                           Pair{"a", "\n"}, Pair{"a", "b "}, Pair{"a", "\xc3\xa4"}}) {
    INFO(pair.first << ": " << pair.second);
    CHECK(Is(store_.Create(Name("a"), {.metadata = {pair}}), Reason::kUsage));
  }
}

void Trial::LeadsToNewBytes() {
  REQUIRE(Put(Name("a"), "old", {.metadata = {{"nonce", "1"}}}).ok());
  const auto old = store_.Head(Name("a"));
  REQUIRE(old.ok());
  const auto writer = store_.Create(Name("a"), {.metadata = {{"nonce", "2"}}, .size_max = 5});
  REQUIRE(writer.ok());
  REQUIRE((*writer)->Append("newer").ok());
  CHECK(Get(Name("a")).value() == "old");
  CHECK(store_.Head(Name("a"))->metadata.at("nonce") == "1");
  REQUIRE((*writer)->Finish().ok());
  CHECK(Get(Name("a")).value() == "newer");
  const auto head = store_.Head(Name("a"));
  REQUIRE(head.ok());
  CHECK(head->size == 5);
  CHECK(head->metadata.at("nonce") == "2");
  if (!head->etag.empty()) CHECK(head->etag != old->etag);
  CHECK(NamesBelow("") == std::vector<std::string>{"a"});
}

void Trial::ListsInOrder() {
  // In the order of bytes: '-' '.' '/' digits, capitals, '_', small letters. A tree of directories
  // has another one. No name is a folder, nor two the same but for capitals: where rclone leads
  // they may exclude each other.
  const std::vector<std::string> names = {"Q",   "Y/z", "a-",     "a-b",      "a-c/d",   "a.b",
                                          "a/-", "a/b", "a/b-/c", "a/b.json", "a/c/d/e", "a/c/f",
                                          "a/d", "a0",  "aB",     "a_",       "aa/b",    "aaa",
                                          "b",   "c/1", "c/10",   "c/2",      "c0/1",    "z"};
  REQUIRE(std::ranges::is_sorted(names));
  std::vector<std::string> put = names;
  std::ranges::reverse(put);
  PutAll(put);
  CHECK(NamesBelow("") == names);
  const auto listed = List(prefix_);
  REQUIRE(listed.ok());
  for (const ObjectInfo& object : *listed)
    CHECK(object.size == object.name.size() - prefix_.size());

  for (const char* const prefix :
       {"a", "a/", "a/b", "a/c/", "a/c/d", "c", "c/1", "nothing", "a-"}) {
    INFO(prefix);
    std::vector<std::string> expected;
    std::ranges::copy_if(names, std::back_inserter(expected),
                         [&](const std::string& name) { return name.starts_with(prefix); });
    CHECK(NamesBelow(prefix) == expected);
  }
  for (const char* const after :
       {"a", "a-b", "a-c/", "a/", "a/b", "a/b/", "a/c/d", "a/c/d/e", "b", "zz"}) {
    INFO(after);
    std::vector<std::string> expected;
    std::ranges::copy_if(names, std::back_inserter(expected),
                         [&](const std::string& name) { return name > after; });
    CHECK(NamesBelow("", after) == expected);
  }
  CHECK(NamesBelow("a/", "a/c/d/e") == std::vector<std::string>{"a/c/f", "a/d"});
  CHECK(NamesBelow("b", "c").empty());
}

void Trial::ListsManyPages() {
  std::vector<std::string> names;
  for (size_t i = 0; i < size_.names; ++i) names.push_back(fmt::format("{:05}", i));
  PutAll(names);
  CHECK((NamesBelow("") == names));
  const size_t late = names.size() - names.size() / 5;
  CHECK((NamesBelow("", names[late]) ==
         std::vector(names.begin() + static_cast<ptrdiff_t>(late) + 1, names.end())));
}

void Trial::ReturnsTheVisitorsError() {
  PutAll({"a", "b", "c", "d"});
  std::vector<std::string> visited;
  const Status listed = store_.List(prefix_, "", [&](const ObjectInfo& object) {
    visited.push_back(object.name);
    return visited.size() < 2 ? OkStatus() : Error(Reason::kIoError, "enough seen");
  });
  CHECK(Is(listed, Reason::kIoError));
  CHECK(MessageOf(listed) == "enough seen");
  CHECK(visited == std::vector{Name("a"), Name("b")});
  CHECK(NamesBelow("").size() == 4);
}

void Trial::ServesManyAtATime() {
  const std::string bytes = MadeBytes(2'000'000);
  REQUIRE(Put(Name("a"), bytes).ok());
  std::vector<std::string> wrong(kThreads);
  {
    std::vector<std::jthread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (uint64_t i = 0; i < size_.rounds; ++i) {
          const ByteRange range{.offset = (t * size_.rounds + i) * 50'000, .size = 200'000};
          const auto got = Get(Name("a"), range);
          if (!got.ok()) wrong[t] = got.status().ToString();
          if (got.ok() && *got != bytes.substr(range.offset, *range.size)) wrong[t] = "other bytes";
          const std::string name = fmt::format("by-{}/{}", t, i);
          if (!Put(Name(name), name).ok() || Get(Name(name)).value_or("") != name)
            wrong[t] = "put or get of " + name;
        }
      });
    }
  }
  CHECK(wrong == std::vector<std::string>(kThreads));
  CHECK(NamesBelow("by-").size() == kThreads * size_.rounds);
}

void Trial::DeletesTwice() {
  PutAll({"a", "a.b", "b", "c/a"});
  for (int i = 0; i < 2; ++i) {
    const Status deleted = store_.Delete(Name("a"));
    INFO(deleted.ToString());
    CHECK(deleted.ok());
    CHECK(Is(store_.Head(Name("a")), Reason::kNotFound));
    CHECK(Is(Get(Name("a")), Reason::kNotFound));
  }
  CHECK(NamesBelow("") == std::vector<std::string>{"a.b", "b", "c/a"});
  CHECK(store_.Delete(Name("never/was")).ok());
  REQUIRE(Put(Name("a"), "again").ok());
  CHECK(Get(Name("a")).value() == "again");
}

void Trial::SweepsOnlyTheDead() {
  REQUIRE(Put(Name("a"), "x", {.metadata = {{"nonce", "1"}}}).ok());
  const auto writer = store_.Create(Name("b"), {.size_max = 1});
  REQUIRE(writer.ok());
  REQUIRE((*writer)->Append("y").ok());
  const auto swept = store_.Sweep(prefix_, clock_->Now() - std::chrono::hours(24));
  INFO(swept.status().ToString());
  REQUIRE(swept.ok());
  CHECK(*swept == 0);
  REQUIRE((*writer)->Finish().ok());
  CHECK(Get(Name("b")).value() == "y");
  REQUIRE(store_.Sweep(prefix_, clock_->Now() + std::chrono::hours(1)).ok());
  CHECK(Get(Name("a")).value() == "x");
  CHECK(store_.Head(Name("a"))->metadata.at("nonce") == "1");
  CHECK(NamesBelow("") == std::vector<std::string>{"a", "b"});
}

void Trial::KeepsVersions() {
  const auto first = Put(Name("a"), "one");
  const auto second = Put(Name("a"), "second");
  REQUIRE((first.ok() && second.ok()));
  REQUIRE_FALSE(first->version_id.empty());
  REQUIRE(first->version_id != second->version_id);
  CHECK(store_.Head(Name("a"))->version_id == second->version_id);
  CHECK(store_.Head(Name("a"), first->version_id)->size == 3);
  CHECK(store_.Head(Name("a"), second->version_id)->size == 6);
  CHECK(Get(Name("a"), {}, first->version_id).value_or("an error") == "one");
  CHECK(Get(Name("a"), {.offset = 1}, first->version_id).value_or("an error") == "ne");
  CHECK(Get(Name("a"), {.offset = 2, .size = 4}, second->version_id).value_or("an error") ==
        "cond");

  REQUIRE(store_.Delete(Name("a")).ok());  // hides it
  CHECK(Is(store_.Head(Name("a")), Reason::kNotFound));
  CHECK(Is(Get(Name("a")), Reason::kNotFound));
  CHECK(Get(Name("a"), {}, second->version_id).value_or("an error") == "second");
  CHECK(NamesBelow("").empty());
  CHECK(store_.Head(Name("a"), second->version_id)->size == 6);
  const auto hidden = VersionsOf(Name("a"));
  REQUIRE(hidden.size() == 3);
  CHECK(std::ranges::count_if(hidden, &ObjectStore::Version::is_latest) == 1);
  const auto marker = std::ranges::find_if(hidden, &ObjectStore::Version::is_delete_marker);
  REQUIRE(marker != hidden.end());
  CHECK(marker->is_latest);
  CHECK(marker->object.name == Name("a"));

  REQUIRE(store_.Delete(Name("a"), marker->object.version_id).ok());
  CHECK(Get(Name("a")).value() == "second");
  REQUIRE(store_.Delete(Name("a"), second->version_id).ok());
  CHECK(Get(Name("a")).value() == "one");
  REQUIRE(store_.Delete(Name("a"), second->version_id).ok());
  REQUIRE(store_.Delete(Name("a"), first->version_id).ok());
  CHECK(Is(store_.Head(Name("a")), Reason::kNotFound));
  CHECK(Is(Get(Name("a"), {}, first->version_id), Reason::kNotFound));
  CHECK(VersionsOf(Name("a")).empty());
}

// In whole seconds, as servers keep it.
WallTime In(Clock& clock, Duration length) {
  return std::chrono::floor<std::chrono::seconds>(clock.Now() + length);
}

void Trial::KeepsLocks() {
  using std::chrono::minutes;
  const Lock lock{ObjectLockMode::kCompliance, In(*clock_, minutes(30))};
  const auto put = Put(Name("a"), "locked", {.lock = lock});
  INFO(put.status().ToString());
  REQUIRE(put.ok());
  const auto head = store_.Head(Name("a"));
  REQUIRE(head.ok());
  CHECK(head->lock == lock);
  REQUIRE_FALSE(head->version_id.empty());

  CHECK(Is(store_.Delete(Name("a"), head->version_id), Reason::kAccessDenied));
  const Lock shorter{ObjectLockMode::kCompliance, In(*clock_, minutes(10))};
  CHECK(Is(store_.SetLock(Name("a"), head->version_id, shorter), Reason::kAccessDenied));
  CHECK(store_.Head(Name("a"))->lock == lock);
  CHECK(Get(Name("a")).value() == "locked");

  const Lock longer{ObjectLockMode::kCompliance, In(*clock_, minutes(60))};
  const Status extended = store_.SetLock(Name("a"), head->version_id, longer);
  INFO(extended.ToString());
  CHECK(extended.ok());
  CHECK(store_.Head(Name("a"))->lock == longer);
  REQUIRE(store_.Delete(Name("a")).ok());  // hides it, and takes nothing
  CHECK(store_.Head(Name("a"), head->version_id)->lock == longer);
}

void Trial::LocksLater() {
  const auto put = Put(Name("a"), "not yet locked");
  REQUIRE(put.ok());
  CHECK_FALSE(store_.Head(Name("a"))->lock.has_value());
  const Lock lock{ObjectLockMode::kGovernance, In(*clock_, std::chrono::minutes(30))};
  REQUIRE(store_.SetLock(Name("a"), put->version_id, lock).ok());
  CHECK(store_.Head(Name("a"))->lock == lock);
  CHECK(Is(store_.Delete(Name("a"), put->version_id), Reason::kAccessDenied));
  CHECK(Get(Name("a")).value() == "not yet locked");
}

}  // namespace

void CheckConformance(ObjectStore& store, const ConformanceSize& size) {
  Trial trial(store, size);
  CHECK_FALSE(store.address().empty());
  SECTION("an object comes back") { trial.ComesBack(); }
  SECTION("so does an empty one") { trial.ComesBackEmpty(); }
  SECTION("so does a big one, of many appends") { trial.ComesBackBig(); }
  SECTION("metadata is kept") { trial.KeepsMetadata(); }
  SECTION("what is missing is missing") { trial.MissesWhatIsMissing(); }
  SECTION("a range is all of it, or an error") { trial.CutsRanges(); }
  SECTION("a sink's error comes back") { trial.ReturnsTheSinksError(); }
  SECTION("what is not finished is not there") { trial.ShowsNothingUnfinished(); }
  SECTION("more than was announced is refused") { trial.TakesNoMoreThanAnnounced(); }
  SECTION("names are kept") { trial.KeepsNames(); }
  SECTION("names that some store would change are refused") { trial.RefusesNames(); }
  SECTION("so is such metadata") { trial.RefusesMetadata(); }
  SECTION("a name that is written again leads to the new bytes") { trial.LeadsToNewBytes(); }
  SECTION("a listing is complete, and in order") { trial.ListsInOrder(); }
  SECTION("so is one of many pages") { trial.ListsManyPages(); }
  SECTION("a visitor's error ends it") { trial.ReturnsTheVisitorsError(); }
  SECTION("threads do not disturb each other") { trial.ServesManyAtATime(); }
  SECTION("what is deleted is gone, however often") { trial.DeletesTwice(); }
  SECTION("a sweep takes nothing that lives") { trial.SweepsOnlyTheDead(); }
  if (store.properties().has_versions) {
    SECTION("versions are kept") { trial.KeepsVersions(); }
  }
  if (store.properties().has_locks) {
    SECTION("a lock holds") { trial.KeepsLocks(); }
    SECTION("a lock may come later") { trial.LocksLater(); }
  }
}

}  // namespace etcdrill::objects
