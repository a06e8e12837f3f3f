// When is the data of an adopted file from? Its own times are claims: `touch` and `cp` change one,
// and a name may tell local time or a number. But its data is no younger than the moment at which
// the source was beyond its revision, and no older than that at which the source had not reached it
// (docs/adr/0015-adopted.md).
#pragma once

#include <vector>

#include "crosscheck/head_history.h"
#include "io/context.h"
#include "store/local_store.h"

namespace etcdrill::crosscheck {

// Moves `taken` of the adopted `m` in between; logged if it was off by more than clocks differ.
// That of another history has nothing to do with the source.
void BoundTime(const Context& context, const HeadHistory& heads,
               const std::vector<store::StoredSnapshot>& stored, Manifest& m);

// The name of its revision and time. One that is in the store is not given twice: it may as well
// have been taken a second earlier.
void GiveFreeName(const std::vector<store::StoredSnapshot>& stored, Manifest& m);

}  // namespace etcdrill::crosscheck
