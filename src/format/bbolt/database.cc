// From the root tree to the buckets, and through each of them.
#include "format/bbolt/database.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "format/bbolt/walker.h"
#include "proof/finding_codes.h"

namespace etcdrill::bbolt {
namespace {

constexpr size_t kBucketsMax = 1000;

// The buckets of the root tree, by name; copied, because their pages are gone when they are walked.
struct Bucket {
  std::string name;
  std::string value;  // header, and the page image of an inline bucket
  PageId page = 0;
  uint64_t value_offset = 0;
};

Result<std::vector<Bucket>> ListBuckets(Walker& walker, PageId root) {
  std::vector<Bucket> buckets;
  bool too_many = false;
  RETURN_IF_ERROR(
      walker.WalkTree(root, {}, Direction::kForwards, [&](const PageView& page, PageId id) {
        for (uint16_t i = 0; i < page.count(); ++i) {
          if (!page.IsBucket(i)) {
            walker.ReportError(
                codes::kRootNotBuckets, id, page.KeyOffset(i),
                fmt::format("the root bucket has a plain key {}", Printable(page.Key(i))));
            continue;
          }
          // bbolt keeps a bucket inline up to a quarter of a page; a larger one is damage, and
          // could be of any size.
          if (page.Value(i).size() > walker.page_size()) {
            walker.ReportError(
                codes::kBucketHeader, id, page.KeyOffset(i),
                fmt::format("bucket {} is inline, but larger than a page", Printable(page.Key(i))));
            continue;
          }
          if (buckets.size() == kBucketsMax) {
            if (!too_many) {
              walker.ReportError(
                  codes::kBucketHeader, id, page.KeyOffset(i),
                  fmt::format("the file has more than {} buckets; etcd creates ten", kBucketsMax));
            }
            too_many = true;
            return;
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
  const auto in_page =
      static_cast<size_t>((bucket.value_offset + kBucketHeaderBytes) % walker.page_size());
  if (image.size() < kPageHeaderBytes) {
    walker.ReportError(codes::kBucketHeader, bucket.page, in_page,
                       "is inline, but its page is truncated");
    return std::nullopt;
  }
  const PageView page(image);
  const PageHeader& header = page.header();
  if (header.id != 0 || header.flags != kLeafPage || header.overflow != 0) {
    walker.ReportError(codes::kPageType, bucket.page, in_page,
                       "is inline, but its page is not a plain leaf");
    return std::nullopt;
  }
  const Layout layout = page.CheckLayout();
  if (!layout.problem.empty() || layout.offset != image.size()) {
    const bool too_long = layout.problem.empty();
    walker.ReportError(
        too_long ? codes::kElementLayout : layout.problem, bucket.page, in_page + layout.offset,
        fmt::format("inline page: {}", too_long ? "bytes follow its last value" : layout.text));
    return std::nullopt;
  }
  return page;
}

// The first element of a leaf with a key >= `from`.
uint16_t FirstElementFrom(const PageView& page, std::string_view from) {
  uint16_t i = 0;
  if (from.empty()) return i;
  while (i < page.count() && page.Key(i) < from) ++i;
  return i;
}

// Calls on_leaf(view, page, offset of the view in the file, first element with a key >= from) for
// each leaf of a bucket.
template <typename OnLeaf>
Status WalkLeaves(Walker& walker, const Bucket& bucket, std::string_view from, Direction direction,
                  OnLeaf&& on_leaf) {
  walker.EnterBucket(bucket.name);
  if (bucket.value.size() < kBucketHeaderBytes) {
    walker.ReportError(codes::kBucketHeader, bucket.page, 0, "has a truncated header");
    return OkStatus();
  }
  const PageId root = LoadLE64(bucket.value.data());
  if (LoadLE64(bucket.value.data() + sizeof root) != 0) {
    walker.ReportWarning(codes::kBucketSequence, bucket.page,
                         bucket.value_offset % walker.page_size() + sizeof root,
                         "has a sequence number, which etcd never uses");
  }
  if (root == 0) {
    if (const auto page = InlinePage(walker, bucket)) {
      on_leaf(*page, bucket.page, bucket.value_offset + kBucketHeaderBytes,
              FirstElementFrom(*page, from));
    }
    return OkStatus();
  }
  if (bucket.value.size() != kBucketHeaderBytes) {
    walker.ReportError(codes::kBucketHeader, bucket.page, bucket.value_offset % walker.page_size(),
                       "has its own page, but more than a header in its value");
  }
  return walker.WalkTree(root, from, direction, [&](const PageView& page, PageId id) {
    on_leaf(page, id, id * walker.page_size(), FirstElementFrom(page, from));
  });
}

Status Walk(Walker& walker, const Bucket& bucket, std::string_view from, Direction direction,
            Visitor& visitor) {
  visitor.OnBucket(bucket.name);
  std::vector<Pair> pairs;
  const auto on_leaf = [&](const PageView& page, PageId id, uint64_t offset, uint16_t first) {
    const auto on_element = [&](uint16_t i) {
      if (page.IsBucket(i)) {
        walker.ReportError(codes::kBucketNested, id, page.KeyOffset(i),
                           "contains a nested bucket, which etcd never writes");
      } else {
        pairs.push_back({page.Key(i), page.Value(i), id, offset + page.KeyOffset(i)});
      }
    };
    pairs.clear();
    if (direction == Direction::kForwards) {
      for (uint16_t i = first; i < page.count(); ++i) on_element(i);
    } else {
      for (uint16_t i = page.count(); i > first; --i) on_element(static_cast<uint16_t>(i - 1));
    }
    visitor.OnPairs(pairs);
  };
  return WalkLeaves(walker, bucket, from, direction, on_leaf);
}

}  // namespace

Result<std::optional<Database>> Database::Open(const ReadableFile& file, uint64_t body_size,
                                               Findings& findings) {
  ASSIGN_OR_RETURN(const std::optional<Meta> meta, ReadMetas(file, body_size, findings));
  return meta.has_value() ? std::optional(Database(file, body_size, *meta)) : std::nullopt;
}

Status Database::WalkAll(Findings& findings, Visitor& visitor) const {
  Walker walker(*file_, body_size_, meta_, findings);
  ASSIGN_OR_RETURN(const std::vector<Bucket> buckets, ListBuckets(walker, meta_.root));
  for (const Bucket& bucket : buckets)
    RETURN_IF_ERROR(Walk(walker, bucket, {}, Direction::kForwards, visitor));
  return walker.CheckFreelist();
}

Status Database::WalkRoot(Visitor& visitor) const {
  Findings ignored;
  Walker walker(*file_, body_size_, meta_, ignored);
  ASSIGN_OR_RETURN(const std::vector<Bucket> buckets, ListBuckets(walker, meta_.root));
  std::vector<Pair> pairs;
  for (const Bucket& bucket : buckets) {
    pairs.push_back({bucket.name, bucket.value, bucket.page, bucket.value_offset});
  }
  visitor.OnPairs(pairs);
  return OkStatus();
}

Result<std::optional<std::string>> Database::LastKey(std::string_view name) const {
  Findings ignored;
  Walker walker(*file_, body_size_, meta_, ignored);
  ASSIGN_OR_RETURN(const std::vector<Bucket> buckets, ListBuckets(walker, meta_.root));
  std::optional<std::string> last;
  for (const Bucket& bucket : buckets) {
    if (bucket.name != name) continue;
    // From beyond any key, the walk goes down the right edge of the tree to the last leaf alone.
    const std::string beyond(64, '\xff');
    RETURN_IF_ERROR(WalkLeaves(walker, bucket, beyond, Direction::kForwards,
                               [&](const PageView& page, PageId, uint64_t, uint16_t) {
                                 if (page.count() > 0)
                                   last = page.Key(static_cast<uint16_t>(page.count() - 1));
                               }));
  }
  return last;
}

Status Database::WalkBucket(std::string_view name, std::string_view from, Direction direction,
                            Visitor& visitor) const {
  Findings ignored;
  Walker walker(*file_, body_size_, meta_, ignored);
  ASSIGN_OR_RETURN(const std::vector<Bucket> buckets, ListBuckets(walker, meta_.root));
  for (const Bucket& bucket : buckets) {
    if (bucket.name == name) return Walk(walker, bucket, from, direction, visitor);
  }
  return OkStatus();
}

}  // namespace etcdrill::bbolt
