// Does the verifier still see what it claims to see? Known damage of every class is done to copies
// of a known snapshot, and each copy has to be called damaged. A test of the program as it runs
// here, on this machine's libraries.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "io/context.h"
#include "verify/report.h"
#include "verify/selftest_damage.h"

namespace etcdrill::verify {

struct SelftestRow {
  std::string name;
  size_t tries = 0;
  size_t detected = 0;
};

// Calls a snapshot proven, damaged or not provable. A parameter, so that a test can hand in one
// that misses something.
using Verifier = std::function<Result<Verdict>(std::string_view snapshot)>;

// A row for each class; the first is the undamaged snapshot, which has to be proven.
Result<std::vector<SelftestRow>> RunSelftest(std::string_view snapshot,
                                             const std::vector<DamageClass>& classes,
                                             const Verifier& verifier);

// The real verifier, on a file in `dir`.
Verifier FileVerifier(const Context& context, const std::string& dir);

// kInternal, with the classes that were missed, if there are any.
Status JudgeSelftest(const std::vector<SelftestRow>& rows);

}  // namespace etcdrill::verify
