// Stage: what can be proven about the bytes of one file (L0 to L3). The file is only read.
#pragma once

#include <cstdint>
#include <optional>

#include "base/status.h"
#include "format/snapshot/image.h"
#include "verify/check_transfer.h"
#include "verify/report.h"

namespace etcdrill::verify {

struct VerifyInput {
  std::optional<ExpectedBytes> expected;  // from a manifest
  Level level = Level::kKeyspace;         // how far up the ladder
  bool staged = false;                    // our own file under its temporary name
};

// An error means that the file could not be looked at; whatever is wrong with it is in the report.
// All is read from `image`, whose path only names it.
Result<VerifyReport> Verify(const Context& context, const snapshot::Image& image,
                            const VerifyInput& input = {});

// HashKV of the file at any revision and compact revision that a live member could have
// (docs/dev/formats.md §5.2). `revision` 0 means the newest, `compact_revision` nullopt the file's
// own. kUsage if the file can't answer for these.
Result<mvcc::HashKv> HashKvOf(const Context& context, const snapshot::Image& image,
                              int64_t revision, std::optional<int64_t> compact_revision);

}  // namespace etcdrill::verify
