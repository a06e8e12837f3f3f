// Walks every bucket of a bbolt file in key order, checks the structure on the way and hands each
// pair to a visitor: one pass does all levels. Total on any input: no recursion, bounded depth and
// memory, each page read at most once. What is checked: everything that `bbolt check` does
// (docs/etcd-formats.md §1.8) and what it leaves out there.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "format/bbolt/layout.h"
#include "format/bbolt/meta.h"
#include "io/file_system.h"
#include "proof/finding.h"

namespace etcdrill::bbolt {

struct Pair {
  std::string_view key;
  std::string_view value;
  PageId page;      // the page it lies on; for an inline bucket, the page of the bucket's element
  uint64_t offset;  // of the key, in the file
};

// The views in a Pair are valid during the call only.
class Visitor {
 public:
  virtual ~Visitor() = default;
  virtual void OnBucket(std::string_view name) = 0;
  // All pairs of one page, in the order of the walk.
  virtual void OnPairs(std::span<const Pair> pairs) = 0;
};

// For who needs no more than one pair at a time.
class PairVisitor : public Visitor {
 public:
  void OnPairs(std::span<const Pair> pairs) final {
    for (const Pair& pair : pairs) OnPair(pair);
  }

 private:
  virtual void OnPair(const Pair& pair) = 0;
};

// Walks all buckets in the order of their names, then checks the freelist. Structural problems
// become findings and the walk goes on behind them; the status is for failures to read. `body_size`
// is the file without its trailer.
Status WalkAll(const ReadableFile& file, uint64_t body_size, const Meta& meta, Findings& findings,
               Visitor& visitor);

// In the order of the keys, or against it.
enum class Direction { kForwards, kBackwards };

// Walks the keys >= `from` of one bucket only. Damaged parts are passed over in silence: WalkAll
// reports them. A missing bucket gives no calls.
Status WalkBucket(const ReadableFile& file, uint64_t body_size, const Meta& meta,
                  std::string_view bucket, std::string_view from, Direction direction,
                  Visitor& visitor);

// The greatest key of a bucket; nullopt if the bucket is missing, empty or damaged on the way
// there.
Result<std::optional<std::string>> LastKey(const ReadableFile& file, uint64_t body_size,
                                           const Meta& meta, std::string_view bucket);

// Hands out the entries of the root tree: bucket names with their raw values (header and, if
// inline, page image).
Status WalkRoot(const ReadableFile& file, uint64_t body_size, const Meta& meta, Visitor& visitor);

}  // namespace etcdrill::bbolt
