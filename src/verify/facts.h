// What has to be known of a snapshot file before its pages are walked: which meta counts, how far it is compacted, at
// which revision it ends.
#pragma once

#include <cstdint>
#include <optional>

#include "base/status.h"
#include "format/bbolt/meta.h"
#include "format/finding.h"
#include "format/mvcc/store_state.h"
#include "format/snapshot/image.h"

namespace etcdrill::verify {

struct Facts {
  uint64_t body = 0;  // bytes without the trailer
  bbolt::Meta meta;
  mvcc::StoreState state;
  int64_t revision = 0;  // at which a server booted on the file would be
};

// nullopt, with a finding, if neither meta can be used.
Result<std::optional<Facts>> ReadFacts(const snapshot::Image& image, Findings& findings);

// For those who need the facts to go on: kDamaged if neither meta can be used.
Result<Facts> RequireFacts(const snapshot::Image& image, Findings& findings);

}  // namespace etcdrill::verify
