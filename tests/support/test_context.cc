// The private directory of a test.
#include "support/test_context.h"

#include <cstdlib>

#include "base/check.h"

namespace etcdrill::testing {

std::string TestContext::MakeDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "etcdrill-test-XXXXXX").string();
  CHECK(mkdtemp(pattern.data()) != nullptr);
  return pattern;
}

}  // namespace etcdrill::testing
