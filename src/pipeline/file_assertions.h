// Assertions without an etcd: what a drill that ends at level 4 can still say about them.
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "drill/result.h"
#include "io/context.h"

namespace etcdrill::pipeline {

// Of a verified file, as its keys are at its revision. The status is for a file that can't be read.
Result<drill::Check> CheckAssertionsOnFile(const Context& context, const std::string& path,
                                           const std::vector<config::Assertion>& assertions);

}  // namespace etcdrill::pipeline
