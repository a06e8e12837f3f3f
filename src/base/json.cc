#include "base/json.h"

#include <nlohmann/json.hpp>

namespace etcdrill {

std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string DumpLine(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json NewDocument(std::string_view kind) { return {{"apiVersion", "etcdrill/v1"}, {"kind", kind}}; }

}  // namespace etcdrill
