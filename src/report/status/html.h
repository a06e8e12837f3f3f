// Writing HTML: tags are ours and constant, everything else goes through Text() and is escaped.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace etcdrill::report {

class Html {
 public:
  Html& Raw(std::string_view markup) {
    out_ += markup;
    return *this;
  }
  // For text and for attributes in double quotes. Bytes that are no UTF-8 become U+FFFD.
  Html& Text(std::string_view text);
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

}  // namespace etcdrill::report
