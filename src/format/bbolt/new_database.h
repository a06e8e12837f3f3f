// Makes a whole bbolt file from nothing, for what etcd did not write: the self-test and the tests.
#pragma once

#include <map>
#include <string>

#include "base/status.h"
#include "format/bbolt/writer.h"
#include "io/file_system.h"

namespace etcdrill::bbolt {

// The file must not exist. Not synced: nothing made here is to last.
Status CreateDatabase(FileSystem& fs, const std::string& path, uint32_t page_size,
                      const std::map<std::string, BucketContent>& buckets);

}  // namespace etcdrill::bbolt
