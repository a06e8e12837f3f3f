// The decoders of keys and values of the `key` bucket on any bytes. A revision that decodes encodes
// to the same bytes; a value that our decoder takes is one for protobuf, too, with the same fields.
// (Not the other way round: groups, and known fields of another type, are refused here and passed
// over there.)
#include "base/check.h"
#include "format/mvcc/row.h"
#include "proto/mvccpb.pb.h"

namespace etcdrill {
namespace {

bool Within(std::string_view part, std::string_view whole) {
  return part.empty() ||
         (part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size());
}

void Fuzz(std::string_view bytes) {
  if (const auto revision = mvcc::DecodeRevision(bytes)) {
    CHECK(mvcc::EncodeRevision(*revision) == bytes);
    CHECK(revision->main >= 1 && revision->sub >= 0);
  }
  if (const auto ours = mvcc::DecodeKeyValue(bytes)) {
    CHECK(Within(ours->key, bytes) && Within(ours->value, bytes));
    mvccpb::KeyValue theirs;
    CHECK(theirs.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
    CHECK(theirs.key() == ours->key && theirs.value() == ours->value);
    CHECK(theirs.create_revision() == ours->create_revision &&
          theirs.mod_revision() == ours->mod_revision);
    CHECK(theirs.version() == ours->version && theirs.lease() == ours->lease);
  }
}

}  // namespace
}  // namespace etcdrill

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  etcdrill::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
