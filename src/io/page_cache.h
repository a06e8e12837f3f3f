// The kernel's copy of a file in memory, which hides what has become of the file on the disk.
#pragma once

#include <string>

namespace etcdrill {

// Asks the kernel to read the file from the disk when it is read next. What others have mapped, or
// have not written out yet, stays; there is nothing to be done about a failure.
void ForgetCachedPages(const std::string& path);

}  // namespace etcdrill
