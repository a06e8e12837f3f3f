// What the self-test does to a snapshot: one class of damage for each kind of byte that a snapshot
// is made of.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "io/context.h"

namespace etcdrill::verify {

// A small snapshot as an etcd would stream it: branch and leaf pages, a value that runs over
// several pages, inline buckets, a free page, the trailer. Made in `dir`.
Result<std::string> MakeSampleSnapshot(const Context& context, const std::string& dir);

// Returns a damaged copy.
using Damage = std::function<std::string(std::string_view snapshot)>;

struct DamageClass {
  std::string name;
  std::vector<Damage> damages;
};

// Every class for this snapshot, which MakeSampleSnapshot made. What breaks a rule of the format is
// tried twice: under the old trailer, and under one that was made for the damaged bytes, where only
// the structure and the keyspace can tell. What breaks none (values, unused bytes) is tried under
// the old trailer only.
std::vector<DamageClass> DamageClassesOf(std::string_view snapshot);

}  // namespace etcdrill::verify
