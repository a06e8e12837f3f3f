// As the kernel tells it. In a container both are those of the container.
#include "io/host.h"

#include <unistd.h>

namespace etcdrill {

std::string HostName() {
  std::string name(256, '\0');
  if (gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.c_str();
}

int ProcessId() { return getpid(); }

}  // namespace etcdrill
