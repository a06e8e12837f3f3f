// What `check store` says of stores that keep their promises, and of stores that each break one:
// the breach must be told, by the question that asks for it, and the site be usable or not
// accordingly.
#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "objects/directory_objects.h"
#include "objects/forwarding.h"
#include "sites/probe_store.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/memory_objects.h"
#include "support/test_context.h"

namespace etcdrill::sites {
namespace {

using namespace std::chrono_literals;
using objects::ByteRange;
using objects::Lock;
using objects::ObjectInfo;
using objects::ObjectLockMode;
using objects::ObjectStore;
using objects::PutOptions;
using testing::FakeClock;
using testing::MemoryObjects;
using testing::TestContext;

constexpr WallTime kStart{std::chrono::sys_days{std::chrono::year{2026} / 3 / 14}};
constexpr objects::Properties kLocks = {.has_locks = true, .has_versions = true};

// Which promise is broken.
struct Lies {
  uint64_t unlocked_from = UINT64_MAX;  // so large uploads are not locked
  bool ignores_set_lock = false;
  bool only_tells_locks = false;
  bool refuses_put = false;
  bool refuses_put_if_large = false;
  bool refuses_list = false;
  bool refuses_delete = false;
  bool deletes_nothing = false;
  bool drops_metadata = false;
  bool ignores_range = false;
  bool flips_bytes = false;
  bool lists_other_etags = false;
  int blind_lists = 0;  // so many listings show nothing
  Duration ahead{};     // its clock
};

Status Refused() { return Error(Reason::kAccessDenied, "this key may not do that"); }

class LyingStore final : public objects::ForwardingObjects {
 public:
  LyingStore(std::unique_ptr<ObjectStore> inner, const Lies& lies)
      : ForwardingObjects(std::move(inner)), lies_(lies) {}

  Result<std::unique_ptr<objects::ObjectWriter>> Create(const std::string& name,
                                                        const PutOptions& options) override {
    PutOptions changed = options;
    if (lies_.refuses_put || (lies_.refuses_put_if_large && options.size_max > (16U << 20)))
      return Refused();
    if (lies_.drops_metadata) changed.metadata.clear();
    if (lies_.only_tells_locks) told_ = changed.lock;
    if (lies_.only_tells_locks || options.size_max >= lies_.unlocked_from) changed.lock.reset();
    return inner().Create(name, changed);
  }
  Status Get(const std::string& name, const ByteRange& range, const ByteSink& sink,
             const std::string& version_id) override {
    const auto lie = [&](std::string_view bytes) {
      std::string changed(bytes);
      if (lies_.flips_bytes) changed.front() ^= 1;
      return sink(changed);
    };
    return inner().Get(name, lies_.ignores_range ? ByteRange{} : range, lie, version_id);
  }
  Result<ObjectInfo> Head(const std::string& name, const std::string& version_id) override {
    ASSIGN_OR_RETURN(ObjectInfo info, inner().Head(name, version_id));
    info.modified += lies_.ahead;
    if (told_.has_value()) info.lock = told_;
    return info;
  }
  Status List(const std::string& prefix, const std::string& after, const Visit& visit) override {
    if (lies_.refuses_list) return Refused();
    if (lies_.blind_lists > 0 && ++lists_ > 1 && lists_ - 1 <= lies_.blind_lists) return OkStatus();
    return inner().List(prefix, after, [&](const ObjectInfo& object) {
      ObjectInfo info = object;
      if (lies_.lists_other_etags) info.etag += "-2";
      return visit(info);
    });
  }
  Status Delete(const std::string& name, const std::string& version_id) override {
    if (lies_.refuses_delete) return Refused();
    return lies_.deletes_nothing ? OkStatus() : inner().Delete(name, version_id);
  }
  Status SetLock(const std::string& name, const std::string& version_id,
                 const Lock& lock) override {
    return lies_.ignores_set_lock ? OkStatus() : inner().SetLock(name, version_id, lock);
  }

 private:
  const Lies lies_;
  std::optional<Lock> told_;
  int lists_ = 0;
};

// What a PUT with If-None-Match: * is to the store behind it.
class ConditionalStore final : public objects::ForwardingObjects {
 public:
  using ForwardingObjects::ForwardingObjects;
  Result<std::unique_ptr<objects::ObjectWriter>> Create(const std::string& name,
                                                        const PutOptions&) override {
    return Error(Reason::kAlreadyExists, "{} is there", name);
  }
};

class Probed {
 public:
  explicit Probed(const Lies& lies = {}, objects::Properties properties = {})
      : store_(std::make_unique<MemoryObjects>(clock_, properties), lies) {}

  Probed& Locked(ObjectLockMode mode = ObjectLockMode::kCompliance) {
    lock_ = config::SiteLock{.mode = mode, .keep = 30 * 24h};
    return *this;
  }
  ProbeReport Run(ObjectStore* conditional = nullptr) {
    ProbeReport report{.site = "second"};
    ProbeStore(context(), {.objects = store_, .conditional = conditional, .lock = lock_}, report);
    return report;
  }
  Context context() {
    const Context& real = test_.context();
    return {real.fs, clock_, real.random, real.processes, real.log, stop_.get_token()};
  }

  // The names of the versions that are there, or the objects.
  std::vector<std::string> Left() {
    std::vector<std::string> names;
    const auto add = [&](const ObjectInfo& info) {
      names.push_back(info.name);
      return OkStatus();
    };
    const Status listed =
        store_.properties().has_versions
            ? store_.ListVersions("", [&](const auto& version) { return add(version.object); })
            : store_.List("", "", add);
    REQUIRE(listed.ok());
    return names;
  }
  FakeClock& clock() { return clock_; }
  LyingStore& store() { return store_; }
  std::stop_source& stop() { return stop_; }

 private:
  TestContext test_;
  std::stop_source stop_;
  FakeClock clock_{kStart};
  LyingStore store_;
  std::optional<config::SiteLock> lock_;
};

const ProbeAnswer& AnswerTo(const ProbeReport& report, std::string_view question) {
  const auto answer = std::ranges::find(report.answers, question, &ProbeAnswer::question);
  INFO("question " << question);
  REQUIRE(answer != report.answers.end());
  return *answer;
}

ProbeResult ResultOf(const ProbeReport& report, std::string_view question) {
  return AnswerTo(report, question).result;
}

std::vector<std::string> QuestionsWith(const ProbeReport& report, ProbeResult result) {
  std::vector<std::string> questions;
  for (const ProbeAnswer& answer : report.answers) {
    if (answer.result == result) questions.push_back(answer.question);
  }
  return questions;
}

bool Contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

using Questions = std::vector<std::string>;

TEST_CASE("a sound store answers every question with yes, and nothing stays there") {
  Probed probed({}, kLocks);
  ConditionalStore conditional(nullptr);
  const ProbeReport report = probed.Run(&conditional);
  CHECK(report.usable.ok());
  CHECK(QuestionsWith(report, ProbeResult::kYes) ==
        Questions{"list", "put", "read_back", "head", "metadata", "range", "list_after_put",
                  "clock", "put_multipart", "etag", "put_if_absent", "versions", "delete", "gone"});
  CHECK(report.answers.size() == 14);
  CHECK_FALSE(report.locked_until.has_value());
  CHECK(probed.Left().empty());
}

TEST_CASE("a directory is usable, and says what it does not have") {
  TestContext test;
  const auto store = objects::MakeDirectoryObjects(test.context(), test.dir());
  ProbeReport report{.site = "nas"};
  ProbeStore(test.context(), {.objects = *store}, report);
  CHECK(report.usable.ok());
  CHECK(QuestionsWith(report, ProbeResult::kNo) == Questions{"versions"});
  CHECK(QuestionsWith(report, ProbeResult::kFailed).empty());
  CHECK(ResultOf(report, "gone") == ProbeResult::kYes);
}

TEST_CASE("a directory that is not there is named once, with what to do") {
  TestContext test;
  const auto store = objects::MakeDirectoryObjects(test.context(), test.Path("none"));
  ProbeReport report{.site = "nas"};
  ProbeStore(test.context(), {.objects = *store}, report);
  CHECK(Is(report.usable, Reason::kBucketMissing));
  CHECK(Contains(MessageOf(report.usable), "site nas: the site's directory"));
  CHECK(Contains(MessageOf(report.usable), "is a disk not mounted"));
  CHECK(QuestionsWith(report, ProbeResult::kFailed) == Questions{"list"});
  CHECK(AnswerTo(report, "put").text == "not asked, because list failed");
}

TEST_CASE("a lock that holds is told with its end, and the next check deletes what it held") {
  Probed probed({}, kLocks);
  const ProbeReport report = probed.Locked().Run();
  CHECK(report.usable.ok());
  CHECK(ResultOf(report, "lock") == ProbeResult::kYes);
  CHECK(ResultOf(report, "lock_multipart") == ProbeResult::kYes);
  CHECK(Contains(AnswerTo(report, "lock").text, "2026-03-14T00:01:00Z"));
  CHECK(Contains(AnswerTo(report, "lock").advice, "2026-04-13T00:00:00Z"));
  CHECK(report.locked_until == kStart + 1min);
  CHECK(probed.Left().size() == 2);
  CHECK(ResultOf(report, "delete") == ProbeResult::kYes);
  for (const std::string& name : probed.Left())
    CHECK(Contains(AnswerTo(report, "delete").text, name + " (locked until 2026-03-14T00:01:00Z)"));

  const std::vector<std::string> before = probed.Left();
  probed.clock().Suspend(5min);  // another check might still run
  CHECK(probed.Run().usable.ok());
  CHECK(probed.Left().size() == 4);
  probed.clock().Suspend(11min);
  CHECK(probed.Run().usable.ok());
  const std::vector<std::string> after = probed.Left();
  CHECK(after.size() == 2);
  CHECK(std::ranges::find(after, before.front()) == after.end());
}

TEST_CASE("locks that uploads in parts ignore are set afterwards") {
  Probed probed({.unlocked_from = 16 << 20}, kLocks);
  const ProbeReport report = probed.Locked(ObjectLockMode::kGovernance).Run();
  CHECK(report.usable.ok());
  CHECK(ResultOf(report, "lock") == ProbeResult::kYes);
  CHECK(ResultOf(report, "lock_multipart") == ProbeResult::kNo);
  CHECK(Contains(AnswerTo(report, "lock_multipart").advice, "second request"));
  CHECK(probed.Left().size() == 2);
}

TEST_CASE("a lock that can't be had makes the site unusable") {
  Probed probed({.unlocked_from = 16 << 20, .ignores_set_lock = true}, kLocks);
  const ProbeReport report = probed.Locked().Run();
  CHECK(Is(report.usable, Reason::kLockNotApplied));
  CHECK(ResultOf(report, "lock") == ProbeResult::kYes);
  CHECK(ResultOf(report, "lock_multipart") == ProbeResult::kFailed);
  CHECK(Contains(MessageOf(report.usable), "remove `lock` from this site"));
}

TEST_CASE("a lock that is told and does not hold makes the site unusable") {
  Probed probed({.only_tells_locks = true}, kLocks);
  const ProbeReport report = probed.Locked().Run();
  CHECK(Is(report.usable, Reason::kLockNotApplied));
  CHECK(Contains(AnswerTo(report, "lock").text, "deletes all the same"));
  CHECK_FALSE(report.locked_until.has_value());
  CHECK(probed.Left().empty());
}

TEST_CASE("a bucket without versions can't lock") {
  Probed probed;
  const ProbeReport report = probed.Locked().Run();
  CHECK_FALSE(report.usable.ok());
  CHECK(ResultOf(report, "lock") == ProbeResult::kFailed);
  CHECK(probed.Left().empty());
}

TEST_CASE("one who may not put is told so, and the rest is not asked") {
  const ProbeReport report = Probed({.refuses_put = true}).Run();
  CHECK(Is(report.usable, Reason::kAccessDenied));
  CHECK(MessageOf(report.usable) == "site second: this key may not do that");
  CHECK(QuestionsWith(report, ProbeResult::kFailed) == Questions{"put"});
  CHECK(AnswerTo(report, "delete").text == "nothing was there to be deleted");
}

TEST_CASE("only large uploads fail") {
  Probed probed({.refuses_put_if_large = true});
  const ProbeReport report = probed.Run();
  CHECK(Is(report.usable, Reason::kAccessDenied));
  CHECK(QuestionsWith(report, ProbeResult::kFailed) == Questions{"put_multipart"});
  CHECK(probed.Left().empty());
}

TEST_CASE("without the right to list copies can't be planned, but all else is asked") {
  const ProbeReport report = Probed({.refuses_list = true}).Run();
  CHECK(Is(report.usable, Reason::kAccessDenied));
  CHECK(Contains(AnswerTo(report, "list").advice, "grant the right to list"));
  CHECK(ResultOf(report, "put_multipart") == ProbeResult::kYes);
  CHECK(ResultOf(report, "delete") == ProbeResult::kYes);
}

TEST_CASE("probes that may not be deleted are named, and copies can be made all the same") {
  Probed probed({.refuses_delete = true});
  const ProbeReport report = probed.Run();
  CHECK(report.usable.ok());
  CHECK(ResultOf(report, "delete") == ProbeResult::kNo);
  CHECK(Contains(AnswerTo(report, "delete").advice, "lifecycle"));
  REQUIRE(probed.Left().size() == 2);
  for (const std::string& name : probed.Left())
    CHECK(Contains(AnswerTo(report, "delete").text, name));
}

TEST_CASE("what is deleted and still there is told") {
  const ProbeReport report = Probed({.deletes_nothing = true}).Run();
  CHECK(ResultOf(report, "gone") == ProbeResult::kNo);
  CHECK(Contains(AnswerTo(report, "gone").text, "probe/"));
}

TEST_CASE("dropped metadata and an ignored range are told, with what follows") {
  const ProbeReport report = Probed({.drops_metadata = true, .ignores_range = true}).Run();
  CHECK(report.usable.ok());
  CHECK(QuestionsWith(report, ProbeResult::kNo) == Questions{"metadata", "range", "versions"});
  CHECK(Contains(AnswerTo(report, "metadata").advice, "one more copy"));
  CHECK_FALSE(AnswerTo(report, "range").advice.empty());
}

TEST_CASE("other bytes than were put make a site unusable") {
  const ProbeReport report = Probed({.flips_bytes = true}).Run();
  CHECK(Is(report.usable, Reason::kIoError));
  CHECK(ResultOf(report, "read_back") == ProbeResult::kFailed);
}

TEST_CASE("a listing that is late, and one that never shows anything") {
  const ProbeReport late = Probed({.blind_lists = 3}).Run();
  CHECK(late.usable.ok());
  CHECK(ResultOf(late, "list_after_put") == ProbeResult::kNo);
  CHECK(AnswerTo(late, "list_after_put").text == "it was listed after 3.0s");

  Probed probed({.blind_lists = 1000});
  const ProbeReport never = probed.Run();
  CHECK(Is(never.usable, Reason::kIoError));
  CHECK(ResultOf(never, "list_after_put") == ProbeResult::kFailed);
  // What the listing hides is deleted all the same.
  CHECK(AnswerTo(never, "delete").text == "2 deleted");
}

TEST_CASE("a listing with other etags would make each copy look overwritten") {
  const ProbeReport report = Probed({.lists_other_etags = true}).Run();
  CHECK(Is(report.usable, Reason::kIoError));
  CHECK(ResultOf(report, "etag") == ProbeResult::kFailed);
}

TEST_CASE("clocks that differ") {
  const ProbeReport seconds = Probed({.ahead = 30s}).Run();
  CHECK(ResultOf(seconds, "clock") == ProbeResult::kYes);
  CHECK(AnswerTo(seconds, "clock").text == "the site's clock is 30.0s ahead");
  const ProbeReport behind = Probed({.ahead = -20min}).Run();
  CHECK(ResultOf(behind, "clock") == ProbeResult::kNo);
  CHECK(AnswerTo(behind, "clock").text == "the site's clock is 20m behind");
  CHECK(behind.usable.ok());
}

TEST_CASE("a condition that is ignored changes nothing") {
  Probed probed({}, kLocks);
  const ProbeReport report = probed.Run(&probed.store());
  CHECK(report.usable.ok());
  CHECK(ResultOf(report, "put_if_absent") == ProbeResult::kNo);
  CHECK(Contains(AnswerTo(report, "put_if_absent").advice, "nothing depends on it"));
  CHECK(probed.Left().empty());  // the version that was overwritten, too
}

TEST_CASE("an object of others below the folder stays while it is young") {
  Probed probed;
  const auto put = [&](const std::string& name) {
    const auto writer = probed.store().Create(name, {});
    REQUIRE((writer.ok() && (*writer)->Finish().ok()));
  };
  put("probe/0000000000000000-small");
  put("snapshots/a.db");
  CHECK(probed.Run().usable.ok());
  CHECK(probed.Left() == Questions{"probe/0000000000000000-small", "snapshots/a.db"});
  probed.clock().Suspend(11min);
  CHECK(probed.Run().usable.ok());
  CHECK(probed.Left() == Questions{"snapshots/a.db"});
}

TEST_CASE("a stop ends the questions, and is no verdict on the site") {
  Probed probed({.blind_lists = 1000});
  probed.clock().At(2s, [&] { probed.stop().request_stop(); });
  const ProbeReport report = probed.Run();
  CHECK(IsInterrupted(report.usable));
}

}  // namespace
}  // namespace etcdrill::sites
