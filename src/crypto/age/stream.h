// Encryption and decryption in the age format (https://c2sp.org/age), in constant memory: the
// header, 16 bytes that differ from file to file, then chunks of 64 KiB, each sealed on its own
// with its number and whether it is the last. So chunks can't be moved, left out or added, and the
// end can't be cut off. But anybody who knows a recipient can write such a file: who wrote it, only
// a signature tells (crypto/signature.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_sink.h"
#include "base/status.h"
#include "crypto/age/header.h"
#include "crypto/age/keys.h"
#include "crypto/chacha20_poly1305.h"

namespace etcdrill {

// Bytes of the header that AgeWriter writes.
uint64_t AgeHeaderSize(uint64_t recipients);
// Bytes of the whole file.
uint64_t AgeSealedSize(uint64_t plain_size, uint64_t header_size);
// Bytes of what was encrypted, exactly. None if no file has this size.
std::optional<uint64_t> AgePlainSize(uint64_t sealed_size, uint64_t header_size);

// Of a file, without a key: from its first kAgeHeaderMax bytes, or all if it has fewer. kDamaged if
// it is not the beginning of an age file.
Result<AgeHeaderFacts> ReadAgeHeader(std::string_view beginning);

// Turns what is appended into one age file, which goes to `sink`. Not safe for use from several
// threads. After an error, which may be one of `sink`, the file is not whole, and each further call
// returns the same error. Destroyed before Finish, it leaves a file that no reader takes for whole.
class AgeWriter {
 public:
  // `recipients`: at least one.
  AgeWriter(std::vector<AgeRecipient> recipients, ByteSink sink);

  Status Append(std::string_view plain);
  // Must be called once, after all bytes.
  Status Finish();

 private:
  Status TakeIn(std::string_view plain);
  Status Begin();
  Status WriteChunk(bool last);

  const std::vector<AgeRecipient> recipients_;
  const ByteSink sink_;
  std::optional<ChaCha20Poly1305> cipher_;  // none before the header is written
  uint64_t chunks_ = 0;
  std::string plain_;
  std::string sealed_;
  Status failed_;
};

// The way back. Not safe for use from several threads. No byte reaches `sink` before its chunk is
// known to be right, but only Finish knows that it was all: what came before an error was in the
// file, and may be less than the file. After an error each further call returns the same one.
//
// Errors: kNoIdentity if none of the identities opens it; kDamaged, with the number of the chunk
// from 1 on, if it is not as it was written; those of `sink`, as they are.
class AgeReader {
 public:
  AgeReader(std::vector<AgeIdentity> identities, ByteSink sink);

  Status Append(std::string_view sealed);
  // Must be called once, after all bytes: kDamaged if the file is cut off.
  Status Finish();

  // None before the header was whole.
  const std::optional<AgeHeaderFacts>& header() const [[clang::lifetimebound]] { return header_; }

 private:
  Status TakeIn(std::string_view sealed);
  Status TakeHeader(std::string_view& sealed);
  void TakeNonce(std::string_view& sealed);
  Status ReadChunk(bool last);
  Status ReadLast();

  const std::vector<AgeIdentity> identities_;
  const ByteSink sink_;
  std::optional<AgeHeaderFacts> header_;
  Secret file_key_;
  std::optional<ChaCha20Poly1305> cipher_;  // none before the nonce was whole
  uint64_t chunks_ = 0;                     // that were opened
  std::string sealed_;                      // of the part that is not whole yet
  std::string plain_;
  Status failed_;
};

}  // namespace etcdrill
