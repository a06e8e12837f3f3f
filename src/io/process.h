// This process: who it is, for people who look at what we left, and the environment and descriptors
// that it was given.
#pragma once

#include <map>
#include <string>

namespace etcdrill {

std::string HostName();  // empty if it can't be told
int ProcessId();
std::map<std::string, std::string> ProcessEnvironment();

// Opens /dev/null on those of descriptors 0, 1 and 2 that are closed. Whoever starts us may have
// closed them; then the next file that is opened gets the number, and what is printed or logged
// goes into it: the lock of the store, or a snapshot. The first thing in main, before any file is
// opened.
void OpenStandardFds();

}  // namespace etcdrill
