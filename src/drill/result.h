// What a drill compared, as data: what was expected, and what was there.
#pragma once

#include <string>

#include "base/status.h"
#include "proof/words.h"

namespace etcdrill::drill {

struct Check {
  CheckName name = CheckName::kSha256;
  CheckResult result = CheckResult::kSkipped;
  std::string expected;
  std::string actual;
  Status unanswered;  // set: etcd could not be asked, so the check is skipped
};

// A check of two texts that must be equal.
inline Check Compare(CheckName name, std::string expected, std::string actual) {
  const CheckResult result = expected == actual ? CheckResult::kPass : CheckResult::kFail;
  return {name, result, std::move(expected), std::move(actual), OkStatus()};
}

}  // namespace etcdrill::drill
