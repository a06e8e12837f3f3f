// The reader of a copy's manifest, and of a site's names, on any bytes: anybody who may write to a
// site chooses them. Beyond not crashing: what is read is of the copy that was asked for, nothing
// unsigned is trusted, what is read is written and read back as itself, and a name that leads to
// its parts is made of them.
#include "base/check.h"
#include "fuzz/signing_key.h"
#include "sites/copy_record.h"
#include "support/made_copy.h"

namespace etcdrill::sites {
namespace {

void FuzzName(std::string_view key) {
  if (const auto copy = CopyOfManifestKey(key)) CHECK(ManifestKey(*copy) == key);
  if (const auto bytes = ParseBytesKey(key)) CHECK(BytesKey(bytes->copy, bytes->encoding) == key);
  if (const auto checks = ParseChecksKey(key))
    CHECK(ChecksKey(checks->what, checks->writer) == key);
  if (const auto drill = ParseDrillKey(key)) CHECK(DrillKey(drill->writer, drill->what) == key);
  if (const auto writer = WriterOfKey(key)) CHECK(WriterKey(*writer) == key);
}

void FuzzRecord(std::string_view text) {
  const std::string copy = testing::MadeCopyRecord().copy;
  const SigningKey key = testing::FuzzSigningKey();
  const std::vector<VerifyingKey> known = {key.verifying_key()};
  const auto read = ParseCopyRecord(text, copy, known);
  if (!read.ok()) {
    CHECK(Is(read, Reason::kDamaged));
    return;
  }
  CHECK(read->record.copy == copy);
  CHECK(read->trust.ok() || Is(read->trust, Reason::kNotProvable));
  CHECK(read->trust.ok() || ParseCopyRecord(text, copy, {})->trust.ok());
  const std::string written = CopyRecordJson(read->record, key);
  const auto again = ParseCopyRecord(written, copy, known);
  CHECK(again.ok() && again->trust.ok());
  CHECK(again->record.manifest == read->record.manifest);
  CHECK(again->record.lock == read->record.lock);
  CHECK(CopyRecordJson(again->record, key) == written);
  const std::string unsigned_text = CopyRecordJson(read->record, {});
  CHECK(Is(ParseCopyRecord(unsigned_text, copy, known)->trust, Reason::kNotProvable));
}

}  // namespace
}  // namespace etcdrill::sites

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  etcdrill::sites::FuzzName(bytes);
  etcdrill::sites::FuzzRecord(bytes);
  return 0;
}
