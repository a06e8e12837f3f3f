// As the kernel tells it. In a container, name and id are those of the container.
#include "io/process.h"

#include <fcntl.h>
#include <unistd.h>

namespace etcdrill {

std::string HostName() {
  std::string name(256, '\0');
  if (gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.c_str();
}

int ProcessId() { return getpid(); }

void OpenStandardFds() {
  int fd = -1;
  do {
    // In a root without /dev the number is taken all the same: a directory, which refuses to be
    // written to.
    fd = open("/dev/null", O_RDWR);
    if (fd < 0) fd = open("/", O_RDONLY | O_DIRECTORY);
  } while (fd >= 0 && fd <= STDERR_FILENO);
  if (fd >= 0) close(fd);
}

}  // namespace etcdrill
