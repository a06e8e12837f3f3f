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

namespace etcdrill::verify {

// A small snapshot as an etcd would stream it: branch and leaf pages, a value that runs over
// several pages, inline buckets, a free page, the trailer. Made in `dir`.
Result<std::string> MakeSampleSnapshot(const Context& context, const std::string& dir);

// Returns a damaged copy.
using Damage = std::function<std::string(std::string_view snapshot)>;

// One for each kind of byte that a snapshot is made of.
struct DamageClass {
  std::string name;
  std::vector<Damage> damages;
};

// Every class for this snapshot, which MakeSampleSnapshot made. What breaks a rule of the format is
// tried twice: under the old trailer, and under one that was made for the damaged bytes, where only
// the structure and the keyspace can tell. What breaks none (values, unused bytes) is tried under
// the old trailer only.
std::vector<DamageClass> DamageClassesOf(std::string_view snapshot);

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
