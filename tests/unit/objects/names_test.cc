// The bounds of names; each store refuses what is beyond them (conformance.cc).
#include "objects/names.h"

#include "support/catch.h"

namespace etcdrill::objects {
namespace {

TEST_CASE("a name is as long as it may be, and no longer") {
  const std::string part(kNamePartBytesMax, 'n');
  CHECK(CheckName(part).ok());
  CHECK(Is(CheckName(part + "n"), Reason::kUsage));
  std::string name = part + "/" + part + "/";
  name += std::string(kNameBytesMax - name.size(), 'n');
  CHECK(CheckName(name).ok());
  CHECK(Is(CheckName(name + "n"), Reason::kUsage));
}

TEST_CASE("what a refused name holds reaches no terminal") {
  const Status refused = CheckName("a\x1b[2J");
  REQUIRE(Is(refused, Reason::kUsage));
  CHECK(MessageOf(refused).find('\x1b') == std::string_view::npos);
}

}  // namespace
}  // namespace etcdrill::objects
