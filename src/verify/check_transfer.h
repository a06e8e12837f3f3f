// L1: are these the bytes that etcd sent? The trailer says so, and the manifest if there is one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/status.h"
#include "format/snapshot/image.h"
#include "proof/finding.h"
#include "verify/report.h"

namespace etcdrill::verify {

// What a manifest says about the file.
struct ExpectedBytes {
  uint64_t size_bytes = 0;
  std::string sha256;  // hex, of the whole file
};

struct TransferResult {
  LevelResult level = LevelResult::kUnknown;
  std::string sha256;  // hex, of the whole file
};

// Whether the file can have a trailer at all: what is something else has none, whatever its size.
enum class TrailerRule { kOfSnapshot, kNone };

// Reads the whole file once, in order. kUnknown if there is no trailer, unless the manifest says
// that the bytes are others: one that fits only says that the file is what was stored.
Result<TransferResult> CheckTransfer(const snapshot::Image& image, TrailerRule rule,
                                     const std::optional<ExpectedBytes>& expected,
                                     Findings& findings);

}  // namespace etcdrill::verify
