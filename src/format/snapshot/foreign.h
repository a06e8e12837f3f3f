// What a file is that is no snapshot, told by its first bytes. People pack, encrypt and mix up
// files; such a one is not damaged, it is not understood, and the next step is known. It is asked
// only of a file in which neither meta page can be used: a database whose first page was
// overwritten still has its second meta.
//
// The line: what names its own format is believed. Anything else may be a snapshot whose head is
// lost (zeros, noise, the middle of a file), and counts as damaged, as it did before.
#pragma once

#include <optional>
#include <string_view>

#include "base/status.h"
#include "io/file_system.h"

namespace etcdrill::snapshot {

enum class Foreign {
  kGzip,
  kZip,
  kXz,
  kZstd,
  kBzip2,
  kLz4,
  kTar,
  kAge,
  kOpenPgp,
  kOpenSsl,
  kSqlite,
  kWal,        // etcd's own write-ahead log
  kBigEndian,  // a database of a machine with the other byte order
  kNewerBolt,  // a database of a format version that is not known here
  kOtherBolt,  // a sound database of another program; told by its buckets, not by its first bytes
  kText,
};

// "it is gzip: unpack it first (`gzip -d`)"
std::string_view Describe(Foreign foreign);

// The status is for a file that can't be read.
Result<std::optional<Foreign>> RecognizeForeign(const ReadableFile& file);

}  // namespace etcdrill::snapshot
