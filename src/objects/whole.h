// Objects that fit into memory, written and read whole.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "objects/object_store.h"

namespace etcdrill::objects {

// Errors as those of a writer: the object may be there or not, but never in part.
Result<ObjectInfo> PutBytes(ObjectStore& store, const std::string& name, std::string_view bytes,
                            PutOptions options = {});
// kDamaged if the object has more than `size_max` bytes.
Result<std::string> GetBytes(ObjectStore& store, const std::string& name, uint64_t size_max);

}  // namespace etcdrill::objects
