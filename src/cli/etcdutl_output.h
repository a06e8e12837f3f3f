// What `snapshot status` and `hashkv` print, byte for byte as etcdutl 3.6 does, for scripts that
// read it. Source: etcdutl/printer*.go. (3.7, and Debian's build of 3.5, frame tables with other
// characters.)
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cli/output.h"

namespace etcdrill::cli {

struct EtcdutlCell {
  std::string_view head;                     // in a table
  std::string_view field;                    // in fields
  std::string_view key;                      // in JSON
  std::variant<int64_t, std::string> value;  // in fields and JSON
  std::string text;                          // on a simple line and in a table
};

void PrintAsEtcdutl(const std::vector<EtcdutlCell>& cells, OutputFormat format);

}  // namespace etcdrill::cli
