// The reader of a store's answers on any bytes. A tree that comes out stays within its bounds, and
// the text of its root reads back as itself.
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "objects/s3/xml.h"

namespace etcdrill::objects {
namespace {

void Fuzz(std::string_view bytes) {
  const Result<XmlElement> root = ParseXml(bytes);
  if (!root.ok()) {
    CHECK(ReasonOf(root.status()) == Reason::kIoError);
    return;
  }
  size_t elements = 0;
  size_t depth = 0;
  std::vector<const XmlElement*> level{&*root};
  while (!level.empty()) {
    CHECK(++depth <= kXmlDepthMax);
    std::vector<const XmlElement*> next;
    for (const XmlElement* element : level) {
      CHECK(++elements <= kXmlElementsMax);
      CHECK(!element->name.empty());
      for (const XmlElement& child : element->children) next.push_back(&child);
    }
    level = std::move(next);
  }
  const Result<XmlElement> again = ParseXml("<a>" + EscapeXml(root->text) + "</a>");
  CHECK(again.ok() && again->text == root->text);
}

}  // namespace
}  // namespace etcdrill::objects

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  etcdrill::objects::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
