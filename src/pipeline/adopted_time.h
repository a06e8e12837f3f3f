// How old is an adopted file at least? Its own time is a claim that `touch` and `cp` change; but its
// data is no younger than the moment at which the source was beyond its revision
// (docs/adr/0015-adopted.md).
#pragma once

#include <vector>

#include "io/context.h"
#include "pipeline/head_history.h"
#include "store/local_store.h"

namespace etcdrill::pipeline {

// Cuts `taken` of the adopted `m` to that moment, and gives it the name of that; logged if its time
// was off by more than clocks differ. That of another history has nothing to do with the source. A
// name that is in the store is not given twice: it may as well have been taken a second earlier.
void CutTime(const Context& context, const HeadHistory& heads, const std::vector<store::StoredSnapshot>& stored,
             store::Manifest& m);

}  // namespace etcdrill::pipeline
