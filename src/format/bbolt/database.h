// A bbolt file, opened. A walk goes through every bucket in key order, checks the structure on the
// way and hands each pair to a visitor: one pass does all levels. Total on any input: no recursion,
// bounded depth and memory, each page read at most once. What is checked: everything that `bbolt
// check` does (docs/dev/formats.md §1.8) and what it leaves out there.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

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

// In the order of the keys, or against it.
enum class Direction { kForwards, kBackwards };

// A file whose metas were read. What walks a part of it passes damage over in silence: WalkAll
// reports that. Safe for concurrent reads; a copy reads the same file, which must outlive it.
class Database {
 public:
  // nullopt, with a finding for each damaged meta, if neither can be used. `body_size` is the file
  // without its trailer. The status is for failures to read, here and below.
  static Result<std::optional<Database>> Open(const ReadableFile& file, uint64_t body_size,
                                              Findings& findings);

  const ReadableFile& file() const [[clang::lifetimebound]] { return *file_; }
  uint64_t body_size() const { return body_size_; }
  const Meta& meta() const [[clang::lifetimebound]] { return meta_; }  // the one in force
  // Pages in use, in bytes: more than body_size() if the file was cut.
  uint64_t bytes_in_use() const { return meta_.high_water * meta_.page_size; }

  // Walks all buckets in the order of their names, then checks the freelist. Structural problems
  // become findings, and the walk goes on behind them.
  Status WalkAll(Findings& findings, Visitor& visitor) const;
  // The keys >= `from` of one bucket. A missing bucket gives no calls.
  Status WalkBucket(std::string_view bucket, std::string_view from, Direction direction,
                    Visitor& visitor) const;
  // The same in the order of the keys, a pair at a time.
  template <typename OnPair>
  Status ForEachPair(std::string_view bucket, std::string_view from, OnPair&& on_pair) const;
  // The entries of the root tree: names of buckets with their raw values (header and, if inline,
  // page image).
  Status WalkRoot(Visitor& visitor) const;
  // The greatest key of a bucket; nullopt if the bucket is missing, empty or damaged on the way
  // there.
  Result<std::optional<std::string>> LastKey(std::string_view bucket) const;

 private:
  Database(const ReadableFile& file, uint64_t body_size, const Meta& meta)
      : file_(&file), body_size_(body_size), meta_(meta) {}

  const ReadableFile* file_;
  uint64_t body_size_;
  Meta meta_;
};

// Calls `on_pair` with each pair, and passes over where buckets begin.
template <typename OnPair>
class EachPair final : public Visitor {
 public:
  explicit EachPair(OnPair& on_pair) : on_pair_(on_pair) {}
  void OnBucket(std::string_view) override {}
  void OnPairs(std::span<const Pair> pairs) override {
    for (const Pair& pair : pairs) on_pair_(pair);
  }

 private:
  OnPair& on_pair_;
};

template <typename OnPair>
Status Database::ForEachPair(std::string_view bucket, std::string_view from,
                             OnPair&& on_pair) const {
  EachPair visitor(on_pair);
  return WalkBucket(bucket, from, Direction::kForwards, visitor);
}

}  // namespace etcdrill::bbolt
