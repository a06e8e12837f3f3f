// The sample, a map of its pages, and what is done to them.
#include "verify/selftest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "format/bbolt/layout.h"
#include "format/bbolt/page.h"
#include "format/bbolt/writer.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/row.h"
#include "format/snapshot/image.h"
#include "proto/mvccpb.pb.h"
#include "verify/verify.h"

namespace etcdrill::verify {
namespace {

using bbolt::kElementBytes;
using bbolt::kPageHeaderBytes;

constexpr size_t kPageSize = 4096;
constexpr int64_t kKeys = 60;
constexpr int64_t kKeyWithLargeValue = 30;

std::string WithTrailer(std::string_view body) { return std::string(body) + Sha256Of(body); }

std::string_view BodyOf(std::string_view snapshot) {
  return snapshot.substr(0, snapshot.size() - snapshot::kTrailerBytes);
}

// --- The sample ----------------------------------------------------------------------------------

bbolt::BucketContent SampleRows() {
  bbolt::BucketContent rows;
  int64_t main = 1;
  for (int64_t n = 0; n < kKeys; ++n) {
    mvccpb::KeyValue kv;
    kv.set_key("/registry/selftest/key-" + std::to_string(n));
    kv.set_value(std::string(n == kKeyWithLargeValue ? 3 * kPageSize : 200, 'v'));
    kv.set_create_revision(++main);
    kv.set_mod_revision(main);
    kv.set_version(1);
    rows[mvcc::EncodeRevision({.main = main})] = kv.SerializeAsString();
  }
  mvccpb::KeyValue deleted;
  deleted.set_key("/registry/selftest/key-0");
  rows[mvcc::EncodeRevision({.main = ++main, .tombstone = true})] = deleted.SerializeAsString();
  return rows;
}

// --- The map of its pages ------------------------------------------------------------------------

struct PageAt {
  size_t begin = 0;
  bbolt::PageView view;
};

// Our writer leaves page 2 free; from there on every page has a header, but for those that one runs
// over into.
std::vector<PageAt> PagesOf(std::string_view body) {
  std::vector<PageAt> pages;
  for (size_t begin = (bbolt::kFirstDataPage + 1) * kPageSize; begin < body.size();) {
    const auto header = bbolt::PageHeader::Decode(body.substr(begin));
    const size_t size = (size_t{1} + header.overflow) * kPageSize;
    pages.push_back({begin, bbolt::PageView(body.substr(begin, size))});
    begin += size;
  }
  return pages;
}

// --- What is done to them ------------------------------------------------------------------------

Damage Flip(size_t offset, int bit) {
  return [=](std::string_view snapshot) {
    std::string copy(snapshot);
    copy[offset] = static_cast<char>(copy[offset] ^ (1 << bit));
    return copy;
  };
}

// Sets the lowest bit that is not set.
Damage Raise(size_t offset) {
  return [=](std::string_view snapshot) {
    std::string copy(snapshot);
    copy[offset] = static_cast<char>(copy[offset] | (copy[offset] + 1));
    return copy;
  };
}

Damage Cut(size_t size) {
  return [=](std::string_view snapshot) { return std::string(snapshot.substr(0, size)); };
}

Damage Zero(size_t begin, size_t size) {
  return [=](std::string_view snapshot) {
    return std::string(snapshot).replace(begin, size, size, '\0');
  };
}

Damage Swap(size_t a, size_t b) {
  return [=](std::string_view snapshot) {
    std::string copy(snapshot);
    copy.replace(a, kPageSize, snapshot.substr(b, kPageSize));
    copy.replace(b, kPageSize, snapshot.substr(a, kPageSize));
    return copy;
  };
}

// The same under a trailer that fits.
Damage Retrailed(Damage damage) {
  return [damage = std::move(damage)](std::string_view snapshot) {
    return WithTrailer(BodyOf(damage(snapshot)));
  };
}

class ClassBuilder {
 public:
  explicit ClassBuilder(std::string name) { result_.name = std::move(name); }

  // Under the old trailer and under a fitting one.
  void Add(const Damage& damage) {
    result_.damages.push_back(damage);
    result_.damages.push_back(Retrailed(damage));
  }
  void AddUnderOldTrailer(Damage damage) { result_.damages.push_back(std::move(damage)); }
  // One bit of each byte, another one from byte to byte.
  void Flips(size_t begin, size_t size) {
    for (size_t i = begin; i < begin + size; ++i) Add(Flip(i, static_cast<int>(i % 8)));
  }
  void FlipsUnderOldTrailer(size_t begin, size_t size) {
    for (size_t i = begin; i < begin + size; ++i)
      AddUnderOldTrailer(Flip(i, static_cast<int>(i % 8)));
  }
  DamageClass Finish() { return std::move(result_); }

 private:
  DamageClass result_;
};

template <typename Fill>
DamageClass Class(std::string name, Fill&& fill) {
  ClassBuilder builder(std::move(name));
  fill(builder);
  return builder.Finish();
}

std::vector<DamageClass> HeadClasses() {
  return {Class("meta field", [](ClassBuilder& c) {
    for (const size_t meta : {size_t{0}, kPageSize})
      c.Flips(meta + kPageHeaderBytes, bbolt::kMetaBytes);
  })};
}

// Headers, elements, keys and values of the pages in the tree.
std::vector<DamageClass> TreeClasses(const std::vector<PageAt>& pages) {
  ClassBuilder header("page header");
  ClassBuilder element("element field");
  ClassBuilder key("revision key");
  ClassBuilder value("value");
  ClassBuilder branch("branch entry");
  ClassBuilder bucket("bucket header");
  ClassBuilder inline_page("inline page");
  ClassBuilder tail("unused tail of a page");
  for (const PageAt& page : pages) {
    header.Flips(page.begin, kPageHeaderBytes);
    const size_t element_at = page.begin + kPageHeaderBytes;
    const size_t key_at = page.begin + page.view.KeyOffset(0);
    const size_t key_size = page.view.Key(0).size();
    if (page.view.is_branch()) {
      branch.Flips(element_at, kElementBytes);
      // Raised, because it is a lower bound only: a smaller one may break no rule.
      for (size_t i = 0; i < key_size; ++i) branch.Add(Raise(key_at + i));
      continue;
    }
    element.Flips(element_at, kElementBytes);
    if (!page.view.IsBucket(0)) {
      key.Flips(key_at, key_size);
      value.FlipsUnderOldTrailer(key_at + key_size, 16);
    }
    const auto last = static_cast<uint16_t>(page.view.count() - 1);
    tail.FlipsUnderOldTrailer(page.begin + page.view.KeyOffset(last) + page.view.Key(last).size() +
                                  page.view.Value(last).size(),
                              1);
  }
  const PageAt& root = pages.back();  // written last
  for (uint16_t i = 0; i < root.view.count(); ++i) {
    const std::string_view raw = root.view.Value(i);
    const size_t at = root.begin + root.view.KeyOffset(i) + root.view.Key(i).size();
    bucket.Flips(at, sizeof(bbolt::PageId));
    if (raw.size() > bbolt::kBucketHeaderBytes)
      inline_page.Flips(at + bbolt::kBucketHeaderBytes, kPageHeaderBytes);
  }
  std::vector<DamageClass> classes;
  for (ClassBuilder* c : {&header, &element, &key, &value, &branch, &bucket, &inline_page, &tail}) {
    classes.push_back(c->Finish());
  }
  return classes;
}

// Whole pages, and the ends of the file.
std::vector<DamageClass> FileClasses(const std::vector<PageAt>& pages, size_t body) {
  return {Class("free page",
                [](ClassBuilder& c) {
                  c.FlipsUnderOldTrailer(bbolt::kFirstDataPage * kPageSize, kPageHeaderBytes);
                }),
          Class("zeroed page",
                [&](ClassBuilder& c) {
                  for (const PageAt& page : pages) c.Add(Zero(page.begin, kPageSize));
                }),
          Class("swapped pages",
                [&](ClassBuilder& c) {
                  for (size_t i = 1; i < pages.size(); ++i)
                    c.Add(Swap(pages[i - 1].begin, pages[i].begin));
                }),
          Class("trailer",
                [&](ClassBuilder& c) { c.FlipsUnderOldTrailer(body, snapshot::kTrailerBytes); }),
          Class("truncation", [&](ClassBuilder& c) {
            for (const size_t size :
                 {size_t{0}, size_t{1}, size_t{512}, kPageSize, body / 2, body - kPageSize,
                  body - 1, body + 1, body + snapshot::kTrailerBytes - 1}) {
              c.AddUnderOldTrailer(Cut(size));
            }
            for (size_t size = kPageSize; size < body; size += kPageSize) {
              c.AddUnderOldTrailer(
                  [=](std::string_view snapshot) { return WithTrailer(snapshot.substr(0, size)); });
            }
          })};
}

}  // namespace

Result<std::string> MakeSampleSnapshot(const Context& context, const std::string& dir) {
  std::map<std::string, bbolt::BucketContent> buckets;
  for (const std::string_view name :
       {mvcc::kAlarmBucket, mvcc::kAuthBucket, mvcc::kLeaseBucket, mvcc::kMembersRemovedBucket}) {
    buckets[std::string(name)] = {};
  }
  buckets[std::string(mvcc::kKeyBucket)] = SampleRows();
  buckets[std::string(mvcc::kMetaBucket)] = {
      {std::string(mvcc::kConsistentIndexKey), BigEndian64(kKeys)},
      {std::string(mvcc::kTermKey), BigEndian64(2)}};
  buckets[std::string(mvcc::kMembersBucket)] = {
      {"1f", R"({"id":31,"peerURLs":["http://localhost:2380"]})"}};
  buckets[std::string(mvcc::kClusterBucket)] = {{std::string(mvcc::kClusterVersionKey), "3.5.0"}};
  const std::string path = JoinPath(dir, "sample.db");
  RETURN_IF_ERROR(bbolt::CreateDatabase(context.fs, path, kPageSize, buckets));
  constexpr uint64_t kSampleBytesMax = uint64_t{1} << 20;
  ASSIGN_OR_RETURN(std::string body, context.fs.ReadWhole(path, kSampleBytesMax));
  // The free page holds an empty leaf; without that, no reference to it can be right.
  body.replace(bbolt::kFirstDataPage * kPageSize, kPageSize, kPageSize, '\0');
  return WithTrailer(body);
}

std::vector<DamageClass> DamageClassesOf(std::string_view snapshot) {
  const std::string_view body = BodyOf(snapshot);
  const std::vector<PageAt> pages = PagesOf(body);
  std::vector<DamageClass> classes = HeadClasses();
  std::ranges::move(TreeClasses(pages), std::back_inserter(classes));
  std::ranges::move(FileClasses(pages, body.size()), std::back_inserter(classes));
  return classes;
}

Result<std::vector<SelftestRow>> RunSelftest(std::string_view snapshot,
                                             const std::vector<DamageClass>& classes,
                                             const Verifier& verifier) {
  ASSIGN_OR_RETURN(const Verdict intact, verifier(snapshot));
  std::vector<SelftestRow> rows = {{"no damage", 1, intact == Verdict::kProven ? size_t{1} : 0}};
  for (const DamageClass& damage_class : classes) {
    SelftestRow row{.name = damage_class.name};
    for (const Damage& damage : damage_class.damages) {
      ASSIGN_OR_RETURN(const Verdict verdict, verifier(damage(snapshot)));
      ++row.tries;
      if (verdict == Verdict::kDamaged) ++row.detected;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Verifier FileVerifier(const Context& context, const std::string& dir) {
  return
      [&context, path = JoinPath(dir, "damaged.db")](std::string_view snapshot) -> Result<Verdict> {
        RETURN_IF_ERROR(context.fs.RemoveAll(path));
        ASSIGN_OR_RETURN(const auto file, context.fs.Create(path, kPrivateFileMode));
        RETURN_IF_ERROR(file->Append(snapshot));
        ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, path));
        ASSIGN_OR_RETURN(const VerifyReport report, Verify(context, image));
        return report.verdict();
      };
}

Status JudgeSelftest(const std::vector<SelftestRow>& rows) {
  std::vector<std::string> missed;
  for (const SelftestRow& row : rows) {
    if (row.detected < row.tries || row.tries == 0) {
      missed.push_back(fmt::format("{} ({} of {} detected)", row.name, row.detected, row.tries));
    }
  }
  if (missed.empty()) return OkStatus();
  return Error(Reason::kInternal,
               "the self-test failed for: {}. Do not trust a verdict of this build",
               fmt::join(missed, ", "));
}

}  // namespace etcdrill::verify
