// JSON, as we write and read it everywhere. Its parser and its printer cost a compiler a second
// each, so they are called here alone.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/status.h"

namespace etcdrill {

// Fields keep their order.
using Json = nlohmann::ordered_json;

// Two spaces a level, no newline at the end. Names in a damaged file may hold any bytes: what is no
// UTF-8 is replaced.
std::string Dump(const Json& json);
// The same on one line, without blanks.
std::string DumpLine(const Json& json);
// No exception: what is no JSON, or has more than 64 levels, comes back as `discarded`, which is of
// no type.
Json ParseJson(std::string_view text);

// A document of ours, {"apiVersion": "etcdrill/v1", "kind": KIND}, to which fields are added.
Json NewDocument(std::string_view kind);
// kDamaged, "not WHAT", if the text is no document of this kind. The field `without`, which may be
// most of it, is passed over.
Result<Json> ParseDocument(std::string_view kind, std::string_view what, std::string_view text,
                           std::string_view without = {});

}  // namespace etcdrill
