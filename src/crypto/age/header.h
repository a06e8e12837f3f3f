// The head of an age file (https://c2sp.org/age): text that seals the key of the file, once for
// each recipient, and a MAC over that text. It does not tell who the recipients are, only how many.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "crypto/age/keys.h"
#include "crypto/secret.h"

namespace etcdrill {

// What can be said of a header without any key.
struct AgeHeaderFacts {
  uint64_t size = 0;  // bytes, to the end of the line with the MAC
  uint64_t x25519 = 0;
  uint64_t others =
      0;  // of kinds that we can't open; some programs add meaningless ones on purpose
  bool has_passphrase = false;
  bool operator==(const AgeHeaderFacts&) const = default;
};

// Holds some 600 recipients. A header that never ends, or one that is made to cost a key exchange
// for each of its lines, ends here.
constexpr size_t kAgeHeaderMax = size_t{64} << 10;

constexpr size_t kAgeFileKeyBytes = 16;

// A header for a key of kAgeFileKeyBytes. `recipients`: at least one.
std::string MakeAgeHeader(const Secret& file_key, std::span<const AgeRecipient> recipients);

class AgeHeader {
 public:
  // Where the header ends that `bytes` begin with; none if they end before. kDamaged as soon as
  // they can't begin an age file.
  static Result<std::optional<size_t>> FindEnd(std::string_view bytes);
  // Of all bytes of a header, and nothing more. kDamaged if it is not as it must be.
  static Result<AgeHeader> Parse(std::string_view text);

  const AgeHeaderFacts& facts() const [[clang::lifetimebound]] { return facts_; }
  // The key of the file, of kAgeFileKeyBytes. kNoIdentity if none of the identities opens it,
  // kDamaged if the MAC does not fit. A damaged header, too, may look like one for others.
  Result<Secret> Open(std::span<const AgeIdentity> identities) const;

 private:
  struct Stanza {
    std::string ephemeral;  // 32 bytes
    std::string sealed;     // 32 bytes
  };
  AgeHeader() = default;
  Result<std::optional<Secret>> Unseal(const AgeIdentity& identity) const;
  Status NobodyOpens(size_t identities) const;

  AgeHeaderFacts facts_;
  std::vector<Stanza> stanzas_;  // of kind X25519
  std::string authenticated_;    // what the MAC is over
  std::string mac_;              // 32 bytes

  friend class AgeHeaderParser;
};

}  // namespace etcdrill
