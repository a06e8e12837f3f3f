// Reads the pages of one file, each at most once, checks them, and walks trees of them. The parts
// of it that know buckets are in database.cc. Total on any input: no recursion, bounded depth and
// memory.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "format/bbolt/database.h"
#include "format/bbolt/meta.h"
#include "format/bbolt/page.h"
#include "proof/finding.h"

namespace etcdrill::bbolt {

// Not thread-safe.
class Walker {
 public:
  Walker(const ReadableFile& file, uint64_t body_size, const Meta& meta, Findings& findings);

  // The page is sound; its bytes are valid during the call.
  using OnLeaf = std::function<void(const PageView& page, PageId id)>;

  // Calls on_leaf for each leaf of the tree that can hold a key >= `from`, in the order of their
  // keys or against it. What is damaged becomes a finding, and the walk goes on behind it.
  Status WalkTree(PageId root, std::string_view from, Direction direction, const OnLeaf& on_leaf);

  // To be called when all trees were walked.
  Status CheckFreelist();

  // Findings are told of this bucket from now on; empty: of none.
  void EnterBucket(std::string_view name) { bucket_ = name; }
  void ReportError(std::string_view code, PageId page, size_t offset_in_page, std::string text) {
    Report(code, Severity::kError, page, offset_in_page, std::move(text));
  }
  void ReportWarning(std::string_view code, PageId page, size_t offset_in_page, std::string text) {
    Report(code, Severity::kWarning, page, offset_in_page, std::move(text));
  }
  uint32_t page_size() const { return page_size_; }

 private:
  // Keys of a subtree lie in [lower, upper); no upper bound if has_upper is false.
  struct Bounds {
    std::string_view lower;
    std::string_view upper;
    bool has_upper = false;
  };
  // Who names a page: an element of a branch, or a header outside the tree. Text only when it is
  // needed.
  struct Referrer {
    std::string_view header = {};  // set: not an element
    PageId page = 0;
    uint16_t element = 0;
    std::string Describe() const;
  };
  // A branch on the way down. It owns its bytes; the bounds of its children are views into them.
  struct Branch {
    std::string bytes;
    PageId id = 0;
    Bounds bounds;
    uint16_t first = 0;  // children [first, left) are still to be walked
    uint16_t left = 0;
  };
  class Descent;

  void Report(std::string_view code, Severity severity, PageId page, size_t offset_in_page,
              std::string text);
  Result<std::string_view> ReadRun(PageId id, const Referrer& referrer);
  Result<std::string_view> Load(PageId id, const Referrer& referrer, const Bounds& bounds);
  bool MarkReached(PageId id, uint64_t pages);
  bool IsFilled(PageId id, std::string_view bytes, size_t used);
  bool KeysInBounds(const PageView& page, PageId id, const Bounds& bounds);
  void CheckDepth(size_t depth, PageId page);
  void CheckFreeIds(std::string_view bytes);

  const uint32_t page_size_;
  const Meta& meta_;
  Findings& findings_;
  const uint64_t page_count_;
  PageReader reader_;
  std::vector<bool> reached_;
  std::string bucket_;
  const Bounds* losing_ = nullptr;  // the keys that are lost with the page being loaded
  size_t leaf_depth_ = 0;           // of the tree being walked; 0: no leaf seen yet
};

}  // namespace etcdrill::bbolt
