// Meta pages: reading, choosing, writing. Source: docs/dev/formats.md §1.2 and §1.3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"
#include "format/bbolt/layout.h"
#include "io/file_system.h"
#include "proof/finding.h"

namespace etcdrill::bbolt {

struct Meta {
  uint32_t page_size = 0;
  PageId root = 0;
  uint64_t root_sequence = 0;
  PageId freelist = kNoFreelist;
  PageId high_water = 0;  // all pages in use are below
  uint64_t tx_id = 0;
};

// What the checksum of these kMetaBytes has to be.
uint64_t MetaChecksum(std::string_view body);

// The 64 bytes of a meta, checksum included.
std::string EncodeMeta(const Meta& meta);

// Decodes the meta at the start of `body` (after the page header). On failure says why in
// `problem`.
std::optional<Meta> DecodeMeta(std::string_view body, std::string& problem);

// Finds the page size, reads both metas, reports each damaged one, and returns the one that is in
// force; nullopt, with a finding, if neither can be used. `body_size` is the file without its
// trailer. The status is for failures to read.
Result<std::optional<Meta>> ReadMetas(const ReadableFile& file, uint64_t body_size,
                                      Findings& findings);

}  // namespace etcdrill::bbolt
