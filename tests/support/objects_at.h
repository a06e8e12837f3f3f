// Objects of a store, put and read whole, for tests that care what is there and not how.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "objects/object_store.h"
#include "objects/whole.h"
#include "support/catch.h"

namespace etcdrill::testing {

inline objects::ObjectInfo PutAt(objects::ObjectStore& site, const std::string& name,
                                 std::string_view bytes,
                                 const std::optional<objects::Lock>& lock = {}) {
  auto put = objects::PutBytes(site, name, bytes, {.lock = lock});
  REQUIRE(put.ok());
  return *std::move(put);
}

inline std::string BytesAt(objects::ObjectStore& site, const std::string& name) {
  auto bytes = objects::GetBytes(site, name, UINT64_MAX);
  REQUIRE(bytes.ok());
  return *std::move(bytes);
}

inline std::vector<std::string> NamesAt(objects::ObjectStore& site, std::string_view prefix) {
  std::vector<std::string> names;
  REQUIRE(site.List(std::string(prefix), "",
                    [&](const objects::ObjectInfo& object) {
                      names.push_back(object.name);
                      return OkStatus();
                    })
              .ok());
  return names;
}

}  // namespace etcdrill::testing
