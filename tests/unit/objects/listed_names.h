// What a listing visits, as names alone.
#pragma once

#include <string>
#include <vector>

#include "objects/object_store.h"

namespace etcdrill::objects {

inline Result<std::vector<std::string>> ListedNames(ObjectStore& store,
                                                    const std::string& prefix = "",
                                                    const std::string& after = "") {
  std::vector<std::string> names;
  RETURN_IF_ERROR(store.List(prefix, after, [&names](const ObjectInfo& object) {
    names.push_back(object.name);
    return OkStatus();
  }));
  return names;
}

}  // namespace etcdrill::objects
