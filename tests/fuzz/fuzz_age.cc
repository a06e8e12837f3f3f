// The reader of age files, their headers and the files of keys on any bytes. Beyond not crashing:
// it makes no difference in which pieces the bytes come, a file that opens has the size that its
// plain size follows from, and what is sealed opens.
#include "base/check.h"
#include "crypto/age/stream.h"
#include "fuzz/age_identity.h"

namespace etcdrill {
namespace {

struct Opened {
  Status status;
  std::string plain;
  std::optional<AgeHeaderFacts> header;
};

Opened Open(std::string_view sealed, size_t piece) {
  Opened opened;
  AgeReader reader({testing::FuzzIdentity()}, [&opened](std::string_view bytes) {
    opened.plain += bytes;
    return OkStatus();
  });
  for (size_t at = 0; at < sealed.size() && opened.status.ok(); at += piece)
    opened.status = reader.Append(sealed.substr(at, piece));
  if (opened.status.ok()) opened.status = reader.Finish();
  opened.header = reader.header();
  return opened;
}

std::string Sealed(std::string_view plain) {
  std::string sealed;
  AgeWriter writer({testing::FuzzIdentity().recipient()}, [&sealed](std::string_view bytes) {
    sealed += bytes;
    return OkStatus();
  });
  CHECK(writer.Append(plain).ok() && writer.Finish().ok());
  return sealed;
}

void FuzzKeys(std::string_view text) {
  const auto recipients = ParseAgeRecipients(text);
  if (recipients.ok())
    for (const AgeRecipient& recipient : *recipients)
      CHECK(*AgeRecipient::Parse(recipient.Text()) == recipient);
  const auto identities = ParseAgeIdentities(text);
  if (identities.ok())
    for (const AgeIdentity& identity : *identities)
      CHECK(AgeIdentity::Parse(identity.Text())->recipient() == identity.recipient());
  CHECK(recipients.ok() || Is(recipients, Reason::kConfig));
  CHECK(identities.ok() || Is(identities, Reason::kConfig));
}

void FuzzFile(std::string_view bytes) {
  const Opened whole = Open(bytes, bytes.size() + 1);
  const Opened pieces = Open(bytes, 7);
  CHECK(whole.status == pieces.status && whole.plain == pieces.plain);
  CHECK(whole.status.ok() || Is(whole.status, Reason::kDamaged) ||
        Is(whole.status, Reason::kNoIdentity));
  const auto facts = ReadAgeHeader(bytes);
  CHECK(facts.ok() == whole.header.has_value());
  if (facts.ok()) CHECK(*facts == *whole.header && facts->size <= bytes.size());
  if (whole.status.ok()) CHECK(AgePlainSize(bytes.size(), facts->size) == whole.plain.size());
}

void Fuzz(std::string_view bytes) {
  FuzzKeys(bytes);
  FuzzFile(bytes);
  const Opened back = Open(Sealed(bytes), 1000);
  CHECK(back.status.ok() && back.plain == bytes);
}

}  // namespace
}  // namespace etcdrill

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  etcdrill::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
