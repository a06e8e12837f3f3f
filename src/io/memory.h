// How much memory a child process may still take: what the machine has, and what our control group
// leaves of its limit. In a container the second counts, and the kernel kills whoever goes beyond.
// And giving back our own.
#pragma once

#include <cstdint>
#include <string>

#include "base/status.h"

namespace etcdrill {

// Bytes. Pages of files count as free: they go when they are needed. `root` is where proc and sys
// are mounted. An error if the kernel does not tell.
Result<uint64_t> AvailableMemory(const std::string& root = "/");

// Call once, before any thread is started. The allocator makes a heap for each of the first dozens
// of threads, and each keeps what it once held: in a sidecar that grows for days. Two are enough
// for two threads that work.
void ShareHeaps();

// Gives what was freed back to the system. The allocator keeps what a verification took, for the
// next one, which may come in hours. Takes about a millisecond.
void ReturnFreedMemory();

}  // namespace etcdrill
