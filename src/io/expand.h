// The bytes of a file that may be compressed: gzip, or a zip archive that holds one file (k3s and
// rke2 write those). Told by the first bytes, not by the name. The only user of zlib and libzip.
#pragma once

#include <cstdint>
#include <string>

#include "io/file_system.h"

namespace etcdrill {

// Hands the expanded bytes to `sink`, piece by piece; its errors end the reading. kDamaged if the
// file is not what its first bytes say, or is larger than `size_max` when expanded.
Status ReadExpanded(FileSystem& fs, const std::string& path, uint64_t size_max,
                    const ByteSink& sink);

}  // namespace etcdrill
