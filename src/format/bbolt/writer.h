// Changes a few small buckets of a bbolt file that nobody has open: new pages are appended, then one meta is written.
// No page that the old meta refers to is touched, so a crash before the meta leaves the old content, whole. A restore
// needs no more (docs/adr/0003-bbolt-editor.md). Source: formats.md 1.9.
#pragma once

#include <map>
#include <string>

#include "base/status.h"
#include "format/bbolt/meta.h"
#include "io/file_system.h"

namespace etcdrill::bbolt {

using BucketContent = std::map<std::string, std::string>;

// Replaces the named buckets by the given contents, creating those that are missing; all other buckets stay as they
// are. `file` is the finished copy (`source` reads the same bytes), `meta` the one in force. Keys are not empty.
Status ReplaceBuckets(const ReadableFile& source, uint64_t body_size, const Meta& meta,
                      const std::map<std::string, BucketContent>& buckets, WritableFile& file);

}  // namespace etcdrill::bbolt
