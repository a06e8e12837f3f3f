// Changes a few buckets of a bbolt file that nobody has open: new pages are appended, then one meta
// is written. No page that the old meta refers to is touched, so a crash before the meta leaves the
// old content, whole. A restore needs no more (docs/adr/0003-bbolt-editor.md). Source:
// docs/etcd-formats.md §1.9.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "format/bbolt/meta.h"
#include "io/file_system.h"

namespace etcdrill::bbolt {

using BucketContent = std::map<std::string, std::string>;

// All pairs of a bucket; nothing if it is missing. For the small ones.
Result<BucketContent> ReadBucket(const ReadableFile& source, uint64_t body_size, const Meta& meta,
                                 std::string_view name);

// By the names of buckets; no key is empty.
struct Edit {
  std::map<std::string, BucketContent> replace;  // the whole content; a missing bucket is made
  std::map<std::string, BucketContent> append;   // behind the last key of a bucket that is there
};

// All else stays as it is. `file` is the finished copy (`source` reads the same bytes), `meta` the
// one in force.
Status ApplyEdit(const ReadableFile& source, uint64_t body_size, const Meta& meta, const Edit& edit,
                 WritableFile& file);

}  // namespace etcdrill::bbolt
