// posix_fadvise(2).
#include "io/page_cache.h"

#include <fcntl.h>
#include <unistd.h>

namespace etcdrill {

void ForgetCachedPages(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return;
  (void)::posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
  ::close(fd);
}

}  // namespace etcdrill
