// Every way an adoption can end, and what follows.
#include "base/reason.h"
#include "sidecar/decisions.h"
#include "support/catch.h"

namespace etcdrill::sidecar {
namespace {

using File = AfterAdoption::File;
using Tell = AfterAdoption::Tell;

AfterAdoption Stored(Status verdict, bool other_history = false) {
  pipeline::SnapshotOutcome outcome;
  outcome.verdict = std::move(verdict);
  outcome.manifest.other_history = other_history;
  return JudgeAdoption(outcome, false);
}

TEST_CASE("what was stored is ours, or of another history, or damaged") {
  const Status unproven = Error(Reason::kNotProvable, "no trailer");
  const Status damaged = Error(Reason::kDamaged, "a page");
  const Status disagreed = Error(Reason::kMembersDisagree, "most hold other data");
  CHECK(Stored(OkStatus()) == AfterAdoption{File::kAdopted, Tell::kOutcome});
  CHECK(Stored(unproven) == AfterAdoption{File::kAdopted, Tell::kOutcome});
  CHECK(Stored(OkStatus(), true) == AfterAdoption{File::kDone, Tell::kOtherHistory});
  CHECK(Stored(unproven, true) == AfterAdoption{File::kDone, Tell::kOtherHistory});
  for (const Status& unsound : {damaged, disagreed}) {
    CHECK(Stored(unsound) == AfterAdoption{File::kDone, Tell::kOutcome});
    CHECK(Stored(unsound, true) == AfterAdoption{File::kDone, Tell::kOutcome});
  }
}

TEST_CASE("what was refused has its turn again, unless that is of the file") {
  for (const ReasonInfo& reason : AllReasons()) {
    CAPTURE(reason.name);
    const auto after = [&](bool is_known) {
      return JudgeAdoption(Error(reason.reason, "x"), is_known);
    };
    switch (reason.reason) {
      case Reason::kBusy:
        CHECK(after(false) == AfterAdoption{File::kTryAgain, Tell::kNothing});
        break;
      case Reason::kAlreadyExists:
        CHECK(after(true) == AfterAdoption{File::kAdopted, Tell::kNothing});
        CHECK(after(false) == AfterAdoption{File::kDone, Tell::kOldBytes});
        break;
      case Reason::kNotProvable:
        CHECK(after(false) == AfterAdoption{File::kDone, Tell::kNoSnapshot});
        break;
      case Reason::kDamaged:
        CHECK(after(false) == AfterAdoption{File::kDone, Tell::kOutcome});
        break;
      default:
        CHECK(after(false) == AfterAdoption{File::kTryAgain, Tell::kOutcome});
    }
  }
}

}  // namespace
}  // namespace etcdrill::sidecar
