// Changes a few buckets of a bbolt file that nobody has open: new pages are appended, then one meta
// is written. No page that the old meta refers to is touched, so a crash before the meta leaves the
// old content, whole. A restore needs no more (docs/dev/adr/0003-bbolt-editor.md). Source:
// docs/dev/formats.md §1.9.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/status.h"
#include "format/bbolt/database.h"
#include "io/file_system.h"

namespace etcdrill::bbolt {

using BucketContent = std::map<std::string, std::string>;

// All pairs of a bucket; nothing if it is missing. For the small ones.
Result<BucketContent> ReadBucket(const Database& source, std::string_view name);

// By the names of buckets; no key is empty.
struct Edit {
  std::map<std::string, BucketContent> replace;  // the whole content; a missing bucket is made
  std::map<std::string, BucketContent> append;   // behind the last key of a bucket that is there
};

// All else stays as it is. `file` is the finished copy; `source` reads the same bytes.
Status ApplyEdit(const Database& source, const Edit& edit, WritableFile& file);

// Makes a whole bbolt file from nothing, for what etcd did not write: the self-test and the tests.
// The file must not exist. Not synced: nothing made here is to last.
Status CreateDatabase(FileSystem& fs, const std::string& path, uint32_t page_size,
                      const std::map<std::string, BucketContent>& buckets);

}  // namespace etcdrill::bbolt
