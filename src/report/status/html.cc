// Error texts may hold bytes of a damaged file, so nothing is taken for granted.
#include "report/status/html.h"

#include <cstdint>

#include "base/text.h"

namespace etcdrill::report {

Html& Html::Text(std::string_view text) {
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

}  // namespace etcdrill::report
