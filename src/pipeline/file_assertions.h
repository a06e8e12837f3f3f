// Assertions without an etcd: what a drill that ends at level 4 can still say about them.
#pragma once

#include <vector>

#include "config/config.h"
#include "drill/result.h"
#include "format/snapshot/image.h"
#include "io/context.h"

namespace etcdrill::pipeline {

// Of a verified file, as its keys are at its revision. The status is for a file that can't be read.
Result<drill::Check> CheckAssertionsOnFile(const Context& context, const snapshot::Image& image,
                                           const std::vector<config::Assertion>& assertions);

}  // namespace etcdrill::pipeline
