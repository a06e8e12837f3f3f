// What the user demands of the restored data: a restored cluster without a pod, or without
// kube-system, is no backup of the cluster, however sound its bytes. Asked of the booted etcd at
// the snapshot's revision; or of the file, where there is no etcd to ask.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "drill/result.h"
#include "etcd/scratch_client.h"

namespace etcdrill::drill {

// What is there for one assertion.
struct AssertionFacts {
  uint64_t keys = 0;                 // with its prefix
  std::optional<std::string> value;  // of its key; none if that is not there
};

// One check for all of them; `facts` has one entry for each. What does not hold is named in
// `actual`; a value is never part of it.
Check JudgeAssertions(const std::vector<config::Assertion>& assertions,
                      const std::vector<AssertionFacts>& facts);

// The same, with facts from etcd. Skipped, with `unanswered` set, if that does not answer.
Check CheckAssertions(const etcd::ScratchClient& client,
                      const std::vector<config::Assertion>& assertions, int64_t revision);

}  // namespace etcdrill::drill
