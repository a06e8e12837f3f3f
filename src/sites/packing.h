// How the bytes of a copy are packed on their way to a site, and back: compressed with zstd, then
// encrypted with age, each only if the encoding says so. The order matters: what is encrypted does
// not get smaller (https://c2sp.org/age), and `age -d | zstd -d` must open it.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/byte_sink.h"
#include "base/status.h"
#include "crypto/age/keys.h"
#include "crypto/age/stream.h"
#include "io/zstd.h"
#include "sites/layout.h"

namespace etcdrill::sites {

// At most so many bytes come out of a Packer; exactly so many without zstd.
uint64_t PackedSizeMax(const Encoding& encoding, uint64_t plain_size, uint64_t recipients);

// Packs what is appended and hands it to `sink`. Not safe for use from several threads. After an
// error, which may be one of `sink`, what came out is not whole, and each further call returns the
// same error.
class Packer {
 public:
  // Exactly `plain_size` bytes must come; with zstd others are kIoError. `recipients`: at least one
  // with encoding.age, and not looked at without.
  Packer(const Encoding& encoding, uint64_t plain_size, std::vector<AgeRecipient> recipients,
         ByteSink sink);
  Packer(const Packer&) = delete;
  Packer& operator=(const Packer&) = delete;

  Status Append(std::string_view plain);
  // Must be called once, after all bytes.
  Status Finish();

 private:
  Status Step(const Status& done);

  const ByteSink sink_;
  std::optional<AgeWriter> age_;
  std::optional<ZstdWriter> zstd_;
  Status failed_;
};

// The way back. Not safe for use from several threads. What reaches `sink` may be less than all, or
// wrong, until Finish was OK. After an error each further call returns the same one.
//
// Errors: kNoIdentity if none of the identities opens it; kDamaged if it is not as it was packed,
// or has more than `plain_size_max` bytes when unpacked; kNoMemory; those of `sink`, as they are.
class Unpacker {
 public:
  // `identities` are not looked at without encoding.age.
  Unpacker(const Encoding& encoding, uint64_t plain_size_max, std::vector<AgeIdentity> identities,
           ByteSink sink);
  Unpacker(const Unpacker&) = delete;
  Unpacker& operator=(const Unpacker&) = delete;

  Status Append(std::string_view packed);
  // Must be called once, after all bytes: kDamaged if the end is cut off. Without zstd and age
  // nothing tells where the end is, so the caller must know the size.
  Status Finish();

 private:
  Status HandOut(std::string_view plain);
  Status Step(const Status& done);

  const uint64_t plain_size_max_;
  uint64_t left_;
  const ByteSink sink_;
  std::optional<ZstdReader> zstd_;
  std::optional<AgeReader> age_;
  Status failed_;
};

}  // namespace etcdrill::sites
