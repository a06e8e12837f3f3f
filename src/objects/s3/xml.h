// The elements of an answer of S3. Its XML has elements, text and a namespace, and nothing else
// that matters: attributes, comments and processing instructions are passed over, and a document
// type is refused, as it could define entities.
//
// Total: any bytes give a tree or an error. No recursion on what a server sends; depth, number and
// size are bounded. Rules of XML that no such answer needs are not checked (letters of names,
// attributes that are there twice).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace etcdrill::objects {

struct XmlElement {
  std::string name;  // without the prefix of its namespace
  std::string text;  // all text directly in it, with entities resolved
  std::vector<XmlElement> children;

  // The first child of that name, or null.
  const XmlElement* Child(std::string_view child) const [[clang::lifetimebound]];
  // Its text; empty if there is none.
  std::string_view TextOf(std::string_view child) const [[clang::lifetimebound]];
};

inline constexpr size_t kXmlDepthMax = 16;
inline constexpr size_t kXmlElementsMax = 50'000;

// The root element. kIoError, with the place, if the text is no such document.
Result<XmlElement> ParseXml(std::string_view text);

// For the text of an element.
std::string EscapeXml(std::string_view text);

}  // namespace etcdrill::objects
