// Ends the process with the place of the broken assumption.
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace etcdrill {

void CheckFailed(const char* file, int line, const char* expression) {
  std::fprintf(stderr, "etcdrill: defect: %s:%d: CHECK(%s) failed; please report it\n", file, line,
               expression);
  std::abort();
}

}  // namespace etcdrill
