// As the kernel tells it. In a container, name and id are those of the container.
#include "io/process.h"

#include <fcntl.h>
#include <unistd.h>

#include <string_view>

namespace etcdrill {

std::string HostName() {
  std::string name(256, '\0');
  if (gethostname(name.data(), name.size() - 1) != 0) return "";
  return name.c_str();
}

int ProcessId() { return getpid(); }

std::map<std::string, std::string> ProcessEnvironment() {
  std::map<std::string, std::string> environment;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      environment.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return environment;
}

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
