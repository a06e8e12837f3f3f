// CHECK: for what only a defect of ours can break. It stays on in release builds. Never for
// anything that comes from outside (a file, the network, a flag): that is a Status or a Finding.
#pragma once

namespace etcdrill {
[[noreturn]] void CheckFailed(const char* file, int line, const char* expression);
}  // namespace etcdrill

#define CHECK(expression)                               \
  (static_cast<bool>(expression) ? static_cast<void>(0) \
                                 : ::etcdrill::CheckFailed(__FILE_NAME__, __LINE__, #expression))
