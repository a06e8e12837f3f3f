// Who we are, for people who look at what we left: the name of the machine and our process id
// there.
#pragma once

#include <string>

namespace etcdrill {

std::string HostName();  // empty if it can't be told
int ProcessId();

}  // namespace etcdrill
