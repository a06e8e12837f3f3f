// A depth-first walk with a stack of our own. Each frame owns the bytes of its page, and the bounds of a child (the
// keys of its neighbours in the parent) are views into those bytes.
#include "format/bbolt/tree.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "format/bbolt/page.h"
#include "format/finding_codes.h"

namespace etcdrill::bbolt {
namespace {

// Keys of a subtree lie in [lower, upper); no upper bound if has_upper is false.
struct Bounds {
  std::string_view lower;
  std::string_view upper;
  bool has_upper = false;
};

// Who names a page: an element of a branch, or a header outside the tree. Text only when it is needed.
struct Referrer {
  std::string_view header = {};  // set: not an element
  PageId page = 0;
  uint16_t element = 0;

  std::string Describe() const {
    return header.empty() ? fmt::format("element {} of page {}", element, page) : std::string(header);
  }
};

struct Frame {
  std::string bytes;
  PageId id = 0;
  Bounds bounds;
  uint16_t next = 0;  // the element to go on with
};

class Walker {
 public:
  Walker(const ReadableFile& file, uint64_t body_size, const Meta& meta, Findings& findings)
      : file_(file), page_size_(meta.page_size), meta_(meta), findings_(findings) {
    // Pages that the file does not hold are out of bounds, whatever the meta says.
    page_count_ = std::min(meta.high_water, body_size / page_size_);
    reached_.resize(page_count_);
    for (PageId id = 0; id < std::min<PageId>(kFirstDataPage, page_count_); ++id) reached_[id] = true;
  }

  // Calls on_leaf(view, page) for each leaf in key order, beginning with the one that can hold a key >= `from`.
  template <typename OnLeaf>
  Status WalkTree(PageId root, std::string_view from, OnLeaf&& on_leaf);

  Status CheckFreelist();

  void Report(std::string_view code, Severity severity, PageId page, size_t offset_in_page, std::string text) {
    if (!bucket_.empty()) text = fmt::format("bucket {}: {}", Printable(bucket_), text);
    findings_.Add({code, severity, page, page * page_size_ + offset_in_page, std::move(text)});
  }
  void ReportError(std::string_view code, PageId page, size_t offset_in_page, std::string text) {
    Report(code, Severity::kError, page, offset_in_page, std::move(text));
  }

  void EnterBucket(std::string_view name) { bucket_ = name; }
  uint32_t page_size() const { return page_size_; }

 private:
  // Reads a page with its overflow into frame.bytes. False, with a finding, if it is not a sound branch or leaf.
  Result<bool> Load(PageId id, const Referrer& referrer, Frame& frame);
  Result<bool> ReadRun(PageId id, const Referrer& referrer, std::string& bytes);
  bool MarkReached(PageId id, uint64_t pages);
  bool KeysInBounds(const PageView& page, const Frame& frame);
  void CheckDepth(size_t depth, PageId page);
  Status CheckFreeIds(const std::string& bytes);

  const ReadableFile& file_;
  const uint32_t page_size_;
  const Meta& meta_;
  Findings& findings_;
  uint64_t page_count_ = 0;
  std::vector<bool> reached_;
  std::string bucket_;
  size_t leaf_depth_ = 0;  // of the tree being walked; 0: no leaf seen yet
};

Result<bool> Walker::ReadRun(PageId id, const Referrer& referrer, std::string& bytes) {
  if (id < kFirstDataPage || id >= page_count_) {
    ReportError(codes::kPageOutOfBounds, id, 0,
                fmt::format("{} refers to page {}, the file holds pages {} to {}", referrer.Describe(), id,
                            kFirstDataPage, page_count_ == 0 ? 0 : page_count_ - 1));
    return false;
  }
  bytes.resize(page_size_);
  RETURN_IF_ERROR(Annotate(file_.Read(id * page_size_, bytes), fmt::format("page {}", id)));
  const PageHeader header = PageHeader::Decode(bytes);
  if (header.id != id) {
    ReportError(codes::kPageIdMismatch, id, kPageIdAt, fmt::format("page {} carries the number {}", id, header.id));
    return false;
  }
  const uint64_t pages = uint64_t{header.overflow} + 1;
  if (pages > page_count_ - id) {
    ReportError(codes::kPageOutOfBounds, id, kPageOverflowAt,
                fmt::format("page {} claims {} overflow pages, beyond the end", id, header.overflow));
    return false;
  }
  if (!MarkReached(id, pages)) {
    ReportError(codes::kPageReachedTwice, id, 0, fmt::format("page {} (or its overflow) is used twice", id));
    return false;
  }
  const uint64_t limit = header.flags == kBranchPage ? kBranchRunBytesMax : kPageRunBytesMax;
  if (pages * page_size_ > limit) {
    ReportError(
        codes::kPageTooLarge, id, kPageOverflowAt,
        fmt::format("page {} with its overflow has {} bytes, at most {} are read", id, pages * page_size_, limit));
    return false;
  }
  if (pages > 1) {
    bytes.resize(pages * page_size_);
    RETURN_IF_ERROR(file_.Read((id + 1) * page_size_, std::span(bytes).subspan(page_size_)));
  }
  return true;
}

bool Walker::MarkReached(PageId id, uint64_t pages) {
  for (PageId p = id; p < id + pages; ++p) {
    if (reached_[p]) return false;
    reached_[p] = true;
  }
  return true;
}

Result<bool> Walker::Load(PageId id, const Referrer& referrer, Frame& frame) {
  frame.id = id;
  frame.next = 0;
  ASSIGN_OR_RETURN(const bool read, ReadRun(id, referrer, frame.bytes));
  if (!read) return false;
  const PageView page(frame.bytes);
  const PageHeader& header = page.header();
  if (header.flags != kBranchPage && header.flags != kLeafPage) {
    ReportError(codes::kPageType, id, kPageFlagsAt,
                fmt::format("page {} has type {:#x}, expected a branch or a leaf", id, header.flags));
    return false;
  }
  if (header.count == 0 && (page.is_branch() || !frame.bounds.lower.empty())) {
    ReportError(codes::kPageEmpty, id, kPageCountAt, fmt::format("page {} has no elements", id));
    return false;
  }
  if (const LayoutProblem problem = page.CheckLayout(); !problem.code.empty()) {
    ReportError(problem.code, id, problem.offset, fmt::format("page {}: {}", id, problem.text));
    return false;
  }
  return KeysInBounds(page, frame);
}

bool Walker::KeysInBounds(const PageView& page, const Frame& frame) {
  if (page.count() == 0) return true;
  const auto last = static_cast<uint16_t>(page.count() - 1);
  if (page.Key(0) < frame.bounds.lower) {
    ReportError(codes::kKeyOutsideParent, frame.id, page.KeyOffset(0),
                fmt::format("the first key of page {} comes before the key that its parent has for it", frame.id));
    return false;
  }
  if (frame.bounds.has_upper && page.Key(last) >= frame.bounds.upper) {
    ReportError(codes::kKeyOutsideParent, frame.id, page.KeyOffset(last),
                fmt::format("the last key of page {} reaches into its right neighbour", frame.id));
    return false;
  }
  return true;
}

// bbolt's trees are balanced; a leaf at another depth is legal to read, but no bbolt writes it.
void Walker::CheckDepth(size_t depth, PageId page) {
  if (leaf_depth_ == 0) leaf_depth_ = depth;
  if (depth != leaf_depth_) {
    Report(codes::kTreeUneven, Severity::kWarning, page, 0,
           fmt::format("leaf page {} lies at depth {}, others at {}", page, depth, leaf_depth_));
  }
}

// The first element of a branch whose subtree can hold a key >= `from`.
uint16_t FirstChildFor(const PageView& page, std::string_view from) {
  if (from.empty()) return 0;
  uint16_t i = 0;
  while (i + 1 < page.count() && page.Key(static_cast<uint16_t>(i + 1)) <= from) ++i;
  return i;
}

uint16_t FirstElementFrom(const PageView& page, std::string_view from) {
  if (from.empty()) return 0;
  uint16_t i = 0;
  while (i < page.count() && page.Key(i) < from) ++i;
  return i;
}

template <typename OnLeaf>
Status Walker::WalkTree(PageId root, std::string_view from, OnLeaf&& on_leaf) {
  leaf_depth_ = 0;
  std::vector<Frame> stack;
  stack.reserve(kTreeDepthMax);  // frames must not move: bounds are views into their bytes
  std::vector<std::string> spare;
  const auto push = [&](PageId id, const Referrer& referrer, const Bounds& bounds) -> Status {
    Frame frame;
    if (!spare.empty()) {
      frame.bytes = std::move(spare.back());
      spare.pop_back();
    }
    frame.bounds = bounds;
    ASSIGN_OR_RETURN(const bool sound, Load(id, referrer, frame));
    if (!sound) {
      spare.push_back(std::move(frame.bytes));
      return OkStatus();
    }
    const PageView page(frame.bytes);
    if (page.is_branch()) frame.next = FirstChildFor(page, from);
    stack.push_back(std::move(frame));
    return OkStatus();
  };

  RETURN_IF_ERROR(push(root, {.header = "the bucket header"}, {}));
  while (!stack.empty()) {
    Frame& frame = stack.back();
    const PageView page(frame.bytes);
    if (!page.is_branch()) {
      CheckDepth(stack.size(), frame.id);
      on_leaf(page, frame.id);
    }
    if (!page.is_branch() || frame.next == page.count()) {
      spare.push_back(std::move(frame.bytes));
      stack.pop_back();
      continue;
    }
    const uint16_t i = frame.next++;
    if (stack.size() == kTreeDepthMax) {
      ReportError(codes::kTreeTooDeep, frame.id, 0, fmt::format("the tree is deeper than {} pages", kTreeDepthMax));
      continue;
    }
    const bool last = i + 1 == page.count();
    const Bounds bounds{page.Key(i), last ? frame.bounds.upper : page.Key(static_cast<uint16_t>(i + 1)),
                        last ? frame.bounds.has_upper : true};
    RETURN_IF_ERROR(push(page.Child(i), {.page = frame.id, .element = i}, bounds));
  }
  return OkStatus();
}

// A stored freelist (not from etcd on Linux) must name exactly the pages that no bucket reaches.
Status Walker::CheckFreelist() {
  bucket_.clear();
  if (meta_.freelist == kNoFreelist) return OkStatus();
  std::string bytes;
  ASSIGN_OR_RETURN(const bool read, ReadRun(meta_.freelist, {.header = "the meta page"}, bytes));
  if (!read) return OkStatus();
  if (PageHeader::Decode(bytes).flags != kFreelistPage) {
    ReportError(codes::kPageType, meta_.freelist, kPageFlagsAt,
                fmt::format("page {} should be the freelist, but has another type", meta_.freelist));
    return OkStatus();
  }
  return CheckFreeIds(bytes);
}

Status Walker::CheckFreeIds(const std::string& bytes) {
  constexpr uint16_t kCountIsFirstId = 0xFFFF;
  const PageId page = meta_.freelist;
  size_t at = kPageHeaderBytes;
  uint64_t count = PageHeader::Decode(bytes).count;
  if (count == kCountIsFirstId) {
    count = LoadLE64(bytes.data() + at);
    at += 8;
  }
  if (count > (bytes.size() - at) / 8) {
    ReportError(codes::kFreelistDamaged, page, kPageCountAt,
                fmt::format("the freelist claims {} pages, more than fit", count));
    return OkStatus();
  }
  PageId previous = 0;
  uint64_t free_pages = 0;
  for (uint64_t i = 0; i < count; ++i, at += 8) {
    const PageId id = LoadLE64(bytes.data() + at);
    if (id <= previous || id < kFirstDataPage || id >= page_count_ || reached_[id]) {
      ReportError(codes::kFreelistWrong, page, at,
                  fmt::format("the freelist names page {}, which is in use, out of order or out of bounds", id));
      return OkStatus();
    }
    previous = id;
    ++free_pages;
  }
  const auto reached = static_cast<uint64_t>(std::count(reached_.begin(), reached_.end(), true));
  if (reached + free_pages != page_count_) {
    ReportError(codes::kFreelistWrong, page, 0,
                fmt::format("{} pages are neither in use nor in the freelist", page_count_ - reached - free_pages));
  }
  return OkStatus();
}

// The buckets of the root tree, by name; copied, because their pages are gone when they are walked.
struct Bucket {
  std::string name;
  std::string value;  // header, and the page image of an inline bucket
  PageId page = 0;
  uint64_t value_offset = 0;
};

Result<std::vector<Bucket>> ListBuckets(Walker& walker, PageId root) {
  std::vector<Bucket> buckets;
  RETURN_IF_ERROR(walker.WalkTree(root, {}, [&](const PageView& page, PageId id) {
    for (uint16_t i = 0; i < page.count(); ++i) {
      if (!page.IsBucket(i)) {
        walker.ReportError(codes::kRootNotBuckets, id, page.KeyOffset(i),
                           fmt::format("the root holds a plain key {}", Printable(page.Key(i))));
        continue;
      }
      // bbolt keeps a bucket inline up to a quarter of a page; a larger one is damage, and could be of any size.
      if (page.Value(i).size() > walker.page_size()) {
        walker.ReportError(codes::kBucketHeader, id, page.KeyOffset(i),
                           fmt::format("bucket {} is inline, but larger than a page", Printable(page.Key(i))));
        continue;
      }
      buckets.push_back({std::string(page.Key(i)), std::string(page.Value(i)), id,
                         id * walker.page_size() + page.KeyOffset(i) + page.Key(i).size()});
    }
  }));
  return buckets;
}

// The leaf page inside the value of an inline bucket; nullopt, with a finding, if it is not sound.
std::optional<PageView> InlinePage(Walker& walker, const Bucket& bucket) {
  const std::string_view image = std::string_view(bucket.value).substr(kBucketHeaderBytes);
  const auto in_page = static_cast<size_t>((bucket.value_offset + kBucketHeaderBytes) % walker.page_size());
  if (image.size() < kPageHeaderBytes) {
    walker.ReportError(codes::kBucketHeader, bucket.page, in_page, "is inline, but its page is cut short");
    return std::nullopt;
  }
  const PageView page(image);
  const PageHeader& header = page.header();
  if (header.id != 0 || header.flags != kLeafPage || header.overflow != 0) {
    walker.ReportError(codes::kPageType, bucket.page, in_page, "is inline, but its page is not a plain leaf");
    return std::nullopt;
  }
  if (const LayoutProblem problem = page.CheckLayout(); !problem.code.empty()) {
    walker.ReportError(problem.code, bucket.page, in_page + problem.offset,
                       fmt::format("inline page: {}", problem.text));
    return std::nullopt;
  }
  return page;
}

// Calls on_leaf(view, page, offset of the view in the file, first element with a key >= from) for each leaf of a
// bucket.
template <typename OnLeaf>
Status WalkLeaves(Walker& walker, const Bucket& bucket, std::string_view from, OnLeaf&& on_leaf) {
  walker.EnterBucket(bucket.name);
  if (bucket.value.size() < kBucketHeaderBytes) {
    walker.ReportError(codes::kBucketHeader, bucket.page, 0, "has a header that is cut short");
    return OkStatus();
  }
  const PageId root = LoadLE64(bucket.value.data());
  if (root == 0) {
    if (const auto page = InlinePage(walker, bucket)) {
      on_leaf(*page, bucket.page, bucket.value_offset + kBucketHeaderBytes, FirstElementFrom(*page, from));
    }
    return OkStatus();
  }
  return walker.WalkTree(root, from, [&](const PageView& page, PageId id) {
    on_leaf(page, id, id * walker.page_size(), FirstElementFrom(page, from));
  });
}

Status Walk(Walker& walker, const Bucket& bucket, std::string_view from, Visitor& visitor) {
  visitor.OnBucket(bucket.name);
  return WalkLeaves(walker, bucket, from, [&](const PageView& page, PageId id, uint64_t offset, uint16_t first) {
    for (uint16_t i = first; i < page.count(); ++i) {
      if (page.IsBucket(i)) {
        walker.ReportError(codes::kBucketNested, id, page.KeyOffset(i),
                           "holds a bucket of its own, which etcd never writes");
        continue;
      }
      visitor.OnPair({page.Key(i), page.Value(i), id, offset + page.KeyOffset(i)});
    }
  });
}

}  // namespace

Status WalkAll(const ReadableFile& file, uint64_t body_size, const Meta& meta, Findings& findings, Visitor& visitor) {
  Walker walker(file, body_size, meta, findings);
  ASSIGN_OR_RETURN(const std::vector<Bucket> buckets, ListBuckets(walker, meta.root));
  for (const Bucket& bucket : buckets) RETURN_IF_ERROR(Walk(walker, bucket, {}, visitor));
  return walker.CheckFreelist();
}

Status WalkRoot(const ReadableFile& file, uint64_t body_size, const Meta& meta, Visitor& visitor) {
  Findings ignored;
  Walker walker(file, body_size, meta, ignored);
  ASSIGN_OR_RETURN(const std::vector<Bucket> buckets, ListBuckets(walker, meta.root));
  for (const Bucket& bucket : buckets) visitor.OnPair({bucket.name, bucket.value, bucket.page, bucket.value_offset});
  return OkStatus();
}

Result<std::optional<std::string>> LastKey(const ReadableFile& file, uint64_t body_size, const Meta& meta,
                                           std::string_view name) {
  Findings ignored;
  Walker walker(file, body_size, meta, ignored);
  ASSIGN_OR_RETURN(const std::vector<Bucket> buckets, ListBuckets(walker, meta.root));
  std::optional<std::string> last;
  for (const Bucket& bucket : buckets) {
    if (bucket.name != name) continue;
    // From beyond any key, the walk goes down the right edge of the tree to the last leaf alone.
    const std::string beyond(64, '\xff');
    RETURN_IF_ERROR(WalkLeaves(walker, bucket, beyond, [&](const PageView& page, PageId, uint64_t, uint16_t) {
      if (page.count() > 0) last = page.Key(static_cast<uint16_t>(page.count() - 1));
    }));
  }
  return last;
}

Status WalkBucket(const ReadableFile& file, uint64_t body_size, const Meta& meta, std::string_view name,
                  std::string_view from, Visitor& visitor) {
  Findings ignored;
  Walker walker(file, body_size, meta, ignored);
  ASSIGN_OR_RETURN(const std::vector<Bucket> buckets, ListBuckets(walker, meta.root));
  for (const Bucket& bucket : buckets) {
    if (bucket.name == name) return Walk(walker, bucket, from, visitor);
  }
  return OkStatus();
}

}  // namespace etcdrill::bbolt
