#include "objects/whole.h"

#include <utility>

namespace etcdrill::objects {

Result<ObjectInfo> PutBytes(ObjectStore& store, const std::string& name, std::string_view bytes,
                            PutOptions options) {
  options.size_max = bytes.size();
  ASSIGN_OR_RETURN(const auto writer, store.Create(name, options));
  RETURN_IF_ERROR(writer->Append(bytes));
  return writer->Finish();
}

Result<std::string> GetBytes(ObjectStore& store, const std::string& name, uint64_t size_max) {
  std::string bytes;
  RETURN_IF_ERROR(store.Get(name, {}, [&](std::string_view piece) -> Status {
    if (piece.size() > size_max - bytes.size()) {
      return Error(Reason::kDamaged, "{}: {} has more than {} bytes", store.address(), name,
                   size_max);
    }
    bytes += piece;
    return OkStatus();
  }));
  return bytes;
}

}  // namespace etcdrill::objects
