// A depth-first walk with a stack of our own. The stack holds the branches on the way down; a leaf
// is handed out straight from the reader's block.
#include "format/bbolt/walker.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "proof/finding_codes.h"

namespace etcdrill::bbolt {

std::string Walker::Referrer::Describe() const {
  return header.empty() ? fmt::format("element {} of page {}", element, page) : std::string(header);
}

// Pages that the file does not hold are out of bounds, whatever the meta says.
Walker::Walker(const ReadableFile& file, uint64_t body_size, const Meta& meta, Findings& findings)
    : page_size_(meta.page_size),
      meta_(meta),
      findings_(findings),
      page_count_(std::min(meta.high_water, body_size / meta.page_size)),
      reader_(file, page_size_, page_count_),
      reached_(page_count_) {
  for (PageId id = 0; id < std::min<PageId>(kFirstDataPage, page_count_); ++id) reached_[id] = true;
}

void Walker::Report(std::string_view code, Severity severity, PageId page, size_t offset_in_page,
                    std::string text) {
  if (!bucket_.empty()) text = fmt::format("bucket {}: {}", Printable(bucket_), text);
  Finding finding{code, severity, page, page * page_size_ + offset_in_page, std::move(text)};
  if (losing_ != nullptr) {
    finding.lost = KeyRange{bucket_, std::string(losing_->lower), std::nullopt};
    if (losing_->has_upper) finding.lost->upper = losing_->upper;
  }
  findings_.Add(std::move(finding));
}

// Empty, with a finding, if the run can't be used.
Result<std::string_view> Walker::ReadRun(PageId id, const Referrer& referrer) {
  if (id < kFirstDataPage || id >= page_count_) {
    ReportError(
        codes::kPageOutOfBounds, id, 0,
        fmt::format("{} refers to page {}, but the file has pages {} to {}", referrer.Describe(),
                    id, kFirstDataPage, page_count_ == 0 ? 0 : page_count_ - 1));
    return std::string_view();
  }
  ASSIGN_OR_RETURN(const std::string_view first, reader_.Read(id, 1));
  const PageHeader header = PageHeader::Decode(first);
  if (header.id != id) {
    ReportError(codes::kPageIdMismatch, id, kPageIdAt,
                fmt::format("page {} has the number {}", id, header.id));
    return std::string_view();
  }
  const uint64_t pages = uint64_t{header.overflow} + 1;
  if (pages > page_count_ - id) {
    ReportError(
        codes::kPageOutOfBounds, id, kPageOverflowAt,
        fmt::format("page {} claims {} overflow pages, beyond the end", id, header.overflow));
    return std::string_view();
  }
  if (!MarkReached(id, pages)) {
    ReportError(codes::kPageReachedTwice, id, 0,
                fmt::format("page {} (or its overflow) is used twice", id));
    return std::string_view();
  }
  const uint64_t limit = header.flags == kBranchPage ? kBranchRunBytesMax : kPageRunBytesMax;
  if (pages * page_size_ > limit) {
    ReportError(codes::kPageTooLarge, id, kPageOverflowAt,
                fmt::format("page {} with its overflow has {} bytes, at most {} are read", id,
                            pages * page_size_, limit));
    return std::string_view();
  }
  return reader_.Read(id, pages);
}

bool Walker::MarkReached(PageId id, uint64_t pages) {
  for (PageId p = id; p < id + pages; ++p) {
    if (reached_[p]) return false;
    reached_[p] = true;
  }
  return true;
}

// The bytes of a sound branch or leaf; empty, with a finding, if it is none.
Result<std::string_view> Walker::Load(PageId id, const Referrer& referrer, const Bounds& bounds) {
  ASSIGN_OR_RETURN(const std::string_view bytes, ReadRun(id, referrer));
  if (bytes.empty()) return bytes;
  const PageView page(bytes);
  const PageHeader& header = page.header();
  if (header.flags != kBranchPage && header.flags != kLeafPage) {
    ReportError(
        codes::kPageType, id, kPageFlagsAt,
        fmt::format("page {} has type {:#x}, expected a branch or a leaf", id, header.flags));
    return std::string_view();
  }
  const bool is_root = !referrer.header.empty();
  if (header.count == 0 && (page.is_branch() || !is_root)) {
    ReportError(codes::kPageEmpty, id, kPageCountAt, fmt::format("page {} has no elements", id));
    return std::string_view();
  }
  if (const Layout layout = page.CheckLayout(); !layout.problem.empty()) {
    ReportError(layout.problem, id, layout.offset, fmt::format("page {}: {}", id, layout.text));
    return std::string_view();
  } else if (!IsFilled(id, bytes, layout.offset)) {
    return std::string_view();
  }
  return KeysInBounds(page, id, bounds) ? bytes : std::string_view();
}

// bbolt takes as many pages as the elements need, at most one more, and clears what they leave.
bool Walker::IsFilled(PageId id, std::string_view bytes, size_t used) {
  if (bytes.size() / page_size_ > used / page_size_ + 1) {
    ReportError(codes::kPageOverflow, id, kPageOverflowAt,
                fmt::format("page {} has {} overflow pages for {} bytes", id,
                            bytes.size() / page_size_ - 1, used));
    return false;
  }
  if (!IsZero(bytes.substr(used))) {
    ReportWarning(codes::kPageTail, id, used,
                  fmt::format("the unused end of page {} is not zero, though bbolt clears it", id));
  }
  return true;
}

bool Walker::KeysInBounds(const PageView& page, PageId id, const Bounds& bounds) {
  if (page.count() == 0) return true;
  const auto last = static_cast<uint16_t>(page.count() - 1);
  if (page.Key(0) < bounds.lower) {
    ReportError(codes::kKeyOutsideParent, id, page.KeyOffset(0),
                fmt::format("the first key of page {} is before the key of its parent entry", id));
    return false;
  }
  if (bounds.has_upper && page.Key(last) >= bounds.upper) {
    ReportError(
        codes::kKeyOutsideParent, id, page.KeyOffset(last),
        fmt::format("the last key of page {} is not before the first key of the next page", id));
    return false;
  }
  return true;
}

// bbolt's trees are balanced; a leaf at another depth is legal to read, but no bbolt writes it.
void Walker::CheckDepth(size_t depth, PageId page) {
  if (leaf_depth_ == 0) leaf_depth_ = depth;
  if (depth != leaf_depth_) {
    ReportWarning(
        codes::kTreeUneven, page, 0,
        fmt::format("leaf page {} is at depth {}, others are at {}", page, depth, leaf_depth_));
  }
}

// One way through a tree.
class Walker::Descent {
 public:
  Descent(Walker& walker, std::string_view from, Direction direction, const OnLeaf& on_leaf)
      : walker_(walker), from_(from), direction_(direction), on_leaf_(on_leaf) {
    branches_.reserve(kTreeDepthMax);  // they must not move: bounds are views into their bytes
  }

  Status Walk(PageId root) {
    RETURN_IF_ERROR(Enter(root, {.header = "the bucket header"}, {}));
    while (!branches_.empty()) {
      Branch& branch = branches_.back();
      if (branch.first == branch.left) {
        spare_.push_back(std::move(branch.bytes));
        branches_.pop_back();
        continue;
      }
      const uint16_t i = direction_ == Direction::kForwards ? branch.first++ : --branch.left;
      RETURN_IF_ERROR(Enter(PageView(branch.bytes).Child(i), {.page = branch.id, .element = i},
                            BoundsOf(branch, i)));
    }
    return OkStatus();
  }

 private:
  Status Enter(PageId id, const Referrer& referrer, const Bounds& bounds) {
    walker_.losing_ = &bounds;
    const Result<std::string_view> bytes = LoadBelow(id, referrer, bounds);
    walker_.losing_ = nullptr;
    RETURN_IF_ERROR(bytes.status());
    if (bytes->empty()) return OkStatus();
    const PageView page(*bytes);
    if (page.is_branch()) {
      Push(page, id, bounds, *bytes);
    } else {
      walker_.CheckDepth(branches_.size() + 1, id);
      on_leaf_(page, id);
    }
    return OkStatus();
  }

  // As Load; a branch at the greatest depth is a finding, too.
  Result<std::string_view> LoadBelow(PageId id, const Referrer& referrer, const Bounds& bounds) {
    ASSIGN_OR_RETURN(const std::string_view bytes, walker_.Load(id, referrer, bounds));
    if (bytes.empty() || !PageView(bytes).is_branch() || branches_.size() + 1 < kTreeDepthMax)
      return bytes;
    walker_.ReportError(codes::kTreeTooDeep, id, 0,
                        fmt::format("the tree is deeper than {} pages", kTreeDepthMax));
    return std::string_view();
  }

  void Push(const PageView& page, PageId id, const Bounds& bounds, std::string_view bytes) {
    Branch& branch = branches_.emplace_back();
    if (!spare_.empty()) {
      branch.bytes = std::move(spare_.back());
      spare_.pop_back();
    }
    branch.bytes.assign(bytes);
    branch.id = id;
    branch.bounds = bounds;
    branch.first = FirstChild(page);
    branch.left = page.count();
  }

  // The first element whose subtree can hold a key >= from_.
  uint16_t FirstChild(const PageView& page) const {
    uint16_t i = 0;
    if (from_.empty()) return i;
    while (i + 1 < page.count() && page.Key(static_cast<uint16_t>(i + 1)) <= from_) ++i;
    return i;
  }

  static Bounds BoundsOf(const Branch& branch, uint16_t i) {
    const PageView page(branch.bytes);
    if (i + 1 == page.count()) return {page.Key(i), branch.bounds.upper, branch.bounds.has_upper};
    return {page.Key(i), page.Key(static_cast<uint16_t>(i + 1)), true};
  }

  Walker& walker_;
  const std::string_view from_;
  const Direction direction_;
  const OnLeaf& on_leaf_;
  std::vector<Branch> branches_;
  std::vector<std::string> spare_;  // bytes of branches left behind, to be used again
};

Status Walker::WalkTree(PageId root, std::string_view from, Direction direction,
                        const OnLeaf& on_leaf) {
  leaf_depth_ = 0;
  return Descent(*this, from, direction, on_leaf).Walk(root);
}

// A stored freelist (not from etcd on Linux) must name exactly the pages that no bucket reaches.
Status Walker::CheckFreelist() {
  bucket_.clear();
  if (meta_.freelist == kNoFreelist) return OkStatus();
  ASSIGN_OR_RETURN(const std::string_view bytes,
                   ReadRun(meta_.freelist, {.header = "the meta page"}));
  if (bytes.empty()) return OkStatus();
  if (PageHeader::Decode(bytes).flags != kFreelistPage) {
    ReportError(
        codes::kPageType, meta_.freelist, kPageFlagsAt,
        fmt::format("page {} should be the freelist, but has another type", meta_.freelist));
    return OkStatus();
  }
  CheckFreeIds(bytes);
  return OkStatus();
}

void Walker::CheckFreeIds(std::string_view bytes) {
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
    return;
  }
  PageId previous = 0;
  for (uint64_t i = 0; i < count; ++i, at += 8) {
    const PageId id = LoadLE64(bytes.data() + at);
    if (id <= previous || id < kFirstDataPage || id >= page_count_ || reached_[id]) {
      ReportError(
          codes::kFreelistWrong, page, at,
          fmt::format("the freelist names page {}, which is in use, out of order or out of bounds",
                      id));
      return;
    }
    previous = id;
  }
  const auto reached = static_cast<uint64_t>(std::ranges::count(reached_, true));
  if (reached + count != page_count_) {
    ReportError(codes::kFreelistWrong, page, 0,
                fmt::format("{} pages are neither in use nor in the freelist",
                            page_count_ - reached - count));
  }
}

}  // namespace etcdrill::bbolt
