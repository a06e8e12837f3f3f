// Writing HTML: tags are ours and constant, everything else goes through Text() and is escaped.
// Error texts may hold bytes of a damaged file, so nothing is taken for granted.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"

namespace etcdrill::report {

class Html {
 public:
  Html& Raw(std::string_view markup) {
    out_ += markup;
    return *this;
  }
  // For text and for attributes in double quotes. Bytes that are no UTF-8 become U+FFFD.
  Html& Text(std::string_view text) {
    while (!text.empty()) {
      const size_t length = Utf8Length(text);
      const char c = text[0];
      const bool control =
          length == 1 && (static_cast<uint8_t>(c) < 0x20 || c == 0x7f) && c != '\n' && c != '\t';
      if (length == 0 || control) {
        out_ += "\xEF\xBF\xBD";  // U+FFFD
      } else if (c == '&') {
        out_ += "&amp;";
      } else if (c == '<') {
        out_ += "&lt;";
      } else if (c == '>') {
        out_ += "&gt;";
      } else if (c == '"') {
        out_ += "&quot;";
      } else {
        out_ += text.substr(0, length);
      }
      text.remove_prefix(length == 0 ? 1 : length);
    }
    return *this;
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace etcdrill::report
