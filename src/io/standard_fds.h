// Descriptors 0, 1 and 2. Whoever starts us may have closed them; then the next file that is opened
// gets the number, and what is printed or logged goes into it: the lock of the store, or a
// snapshot.
#pragma once

namespace etcdrill {

// Opens /dev/null on those that are closed. The first thing in main, before any file is opened.
void OpenStandardFds();

}  // namespace etcdrill
