#include "crypto/age/stream.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/hmac.h"

namespace etcdrill {
namespace {

constexpr size_t kPayloadNonceBytes = 16;
constexpr size_t kPlainChunk = size_t{64} << 10;
constexpr size_t kChunkTag = ChaCha20Poly1305::kTagBytes;
constexpr size_t kSealedChunk = kPlainChunk + kChunkTag;

ChaCha20Poly1305 PayloadCipher(const Secret& file_key, std::string_view nonce) {
  return ChaCha20Poly1305(
      Secret(HkdfSha256(file_key.view(), nonce, "payload", ChaCha20Poly1305::kKeyBytes)));
}

// 11 bytes of number, of which files that exist need 8, and whether it is the last.
std::string ChunkNonce(uint64_t number, bool last) {
  return std::string(3, '\0') + BigEndian64(number) + (last ? '\1' : '\0');
}

// Moves bytes from the front of `from` to `to` until that has `size`.
void FillUp(std::string& to, std::string_view& from, size_t size) {
  const size_t n = std::min(from.size(), size - to.size());
  to += from.substr(0, n);
  from.remove_prefix(n);
}

}  // namespace

uint64_t AgeHeaderSize(uint64_t recipients) {
  constexpr uint64_t kStanza = sizeof("-> X25519 ") - 1 + 43 + 1 + 43 + 1;
  return sizeof("age-encryption.org/v1\n") - 1 + recipients * kStanza + sizeof("--- ") - 1 + 43 + 1;
}

uint64_t AgeSealedSize(uint64_t plain_size, uint64_t header_size) {
  const uint64_t chunks = std::max<uint64_t>(1, (plain_size + kPlainChunk - 1) / kPlainChunk);
  return header_size + kPayloadNonceBytes + plain_size + chunks * kChunkTag;
}

std::optional<uint64_t> AgePlainSize(uint64_t sealed_size, uint64_t header_size) {
  const uint64_t overhead = header_size + kPayloadNonceBytes;
  if (sealed_size < overhead + kChunkTag) return std::nullopt;
  const uint64_t chunks = (sealed_size - overhead - 1) / kSealedChunk + 1;
  if (sealed_size - overhead < chunks * kChunkTag) return std::nullopt;
  const uint64_t plain_size = sealed_size - overhead - chunks * kChunkTag;
  if (AgeSealedSize(plain_size, header_size) != sealed_size) return std::nullopt;
  return plain_size;
}

Result<AgeHeaderFacts> ReadAgeHeader(std::string_view beginning) {
  ASSIGN_OR_RETURN(const std::optional<size_t> end, AgeHeader::FindEnd(beginning));
  if (!end.has_value()) return Error(Reason::kDamaged, "age: the file is cut off in its header");
  ASSIGN_OR_RETURN(const AgeHeader header, AgeHeader::Parse(beginning.substr(0, *end)));
  return header.facts();
}

AgeWriter::AgeWriter(std::vector<AgeRecipient> recipients, ByteSink sink)
    : recipients_(std::move(recipients)), sink_(std::move(sink)) {
  CHECK(!recipients_.empty());
}

Status AgeWriter::Append(std::string_view plain) {
  if (failed_.ok()) failed_ = TakeIn(plain);
  return failed_;
}

Status AgeWriter::Finish() {
  if (failed_.ok()) failed_ = Begin();
  if (failed_.ok()) failed_ = WriteChunk(true);
  return failed_;
}

// A full chunk waits until more comes: before that it may be the last.
Status AgeWriter::TakeIn(std::string_view plain) {
  RETURN_IF_ERROR(Begin());
  while (!plain.empty()) {
    if (plain_.size() == kPlainChunk) RETURN_IF_ERROR(WriteChunk(false));
    FillUp(plain_, plain, kPlainChunk);
  }
  return OkStatus();
}

Status AgeWriter::Begin() {
  if (cipher_.has_value()) return OkStatus();
  const Secret file_key = RandomSecret(kAgeFileKeyBytes);
  const std::string nonce = RandomBytes(kPayloadNonceBytes);
  cipher_ = PayloadCipher(file_key, nonce);
  return sink_(MakeAgeHeader(file_key, recipients_) + nonce);
}

Status AgeWriter::WriteChunk(bool last) {
  cipher_->Seal(ChunkNonce(chunks_, last), plain_, sealed_);
  ++chunks_;
  plain_.clear();
  return sink_(sealed_);
}

AgeReader::AgeReader(std::vector<AgeIdentity> identities, ByteSink sink)
    : identities_(std::move(identities)), sink_(std::move(sink)) {}

Status AgeReader::Append(std::string_view sealed) {
  if (failed_.ok()) failed_ = TakeIn(sealed);
  return failed_;
}

Status AgeReader::Finish() {
  if (failed_.ok()) failed_ = ReadLast();
  return failed_;
}

Status AgeReader::TakeIn(std::string_view sealed) {
  while (!sealed.empty()) {
    if (!header_.has_value()) {
      RETURN_IF_ERROR(TakeHeader(sealed));
    } else if (!cipher_.has_value()) {
      TakeNonce(sealed);
    } else {
      if (sealed_.size() == kSealedChunk) RETURN_IF_ERROR(ReadChunk(false));
      FillUp(sealed_, sealed, kSealedChunk);
    }
  }
  return OkStatus();
}

Status AgeReader::TakeHeader(std::string_view& sealed) {
  const size_t seen = sealed_.size();
  std::string_view rest = sealed;
  FillUp(sealed_, rest, kAgeHeaderMax);
  ASSIGN_OR_RETURN(const std::optional<size_t> end, AgeHeader::FindEnd(sealed_));
  if (!end.has_value()) {
    sealed = rest;
    return OkStatus();
  }
  ASSIGN_OR_RETURN(const AgeHeader header,
                   AgeHeader::Parse(std::string_view(sealed_).substr(0, *end)));
  header_ = header.facts();
  ASSIGN_OR_RETURN(file_key_, header.Open(identities_));
  sealed.remove_prefix(*end - seen);
  sealed_.clear();
  return OkStatus();
}

void AgeReader::TakeNonce(std::string_view& sealed) {
  FillUp(sealed_, sealed, kPayloadNonceBytes);
  if (sealed_.size() < kPayloadNonceBytes) return;
  cipher_ = PayloadCipher(file_key_, sealed_);
  file_key_ = Secret();
  sealed_.clear();
}

Status AgeReader::ReadChunk(bool last) {
  const uint64_t number = chunks_ + 1;
  if (cipher_->Open(ChunkNonce(chunks_, last), sealed_, plain_)) {
    if (last && plain_.empty() && chunks_ > 0)
      return Error(Reason::kDamaged, "age: chunk {} is empty, which only the first may be", number);
    ++chunks_;
    sealed_.clear();
    return sink_(plain_);
  }
  // The other flag tells what happened, but changes nothing: the bytes are not let through.
  const bool fits_otherwise = cipher_->Open(ChunkNonce(chunks_, !last), sealed_, plain_);
  if (fits_otherwise && last)
    return Error(Reason::kDamaged, "age: the file is cut off after chunk {}", number);
  if (fits_otherwise)
    return Error(Reason::kDamaged, "age: bytes follow chunk {}, which is its last", number);
  return Error(Reason::kDamaged, "age: chunk {} is damaged{}", number, last ? ", or cut off" : "");
}

Status AgeReader::ReadLast() {
  if (!header_.has_value() && sealed_.empty())
    return Error(Reason::kDamaged, "age: the file is empty");
  if (!header_.has_value())
    return Error(Reason::kDamaged, "age: the file is cut off in its header");
  if (!cipher_.has_value())
    return Error(Reason::kDamaged, "age: the file is cut off after its header");
  if (sealed_.size() < kChunkTag)
    return Error(Reason::kDamaged, "age: the file is cut off in chunk {}", chunks_ + 1);
  return ReadChunk(true);
}

}  // namespace etcdrill
