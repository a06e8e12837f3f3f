// How much memory a child process may still take: what the machine has, and what our control group leaves of its limit.
// In a container the second counts, and the kernel kills whoever goes beyond.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace etcdrill {

// Bytes. Pages of files count as free: they go when they are needed. `root` is where proc and sys are mounted. An error
// if the kernel does not tell.
Result<uint64_t> AvailableMemory(const std::string& root = "/");

}  // namespace etcdrill
