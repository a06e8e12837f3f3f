#include "crypto/age/header.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "crypto/base64.h"
#include "crypto/chacha20_poly1305.h"
#include "crypto/hash.h"
#include "crypto/hmac.h"
#include "crypto/x25519.h"

namespace etcdrill {
namespace {

constexpr std::string_view kVersionLine = "age-encryption.org/v1\n";
constexpr std::string_view kArmor = "-----BEGIN AGE ENCRYPTED FILE-----";
constexpr std::string_view kStanzaBegin = "->";
constexpr std::string_view kMacBegin = "---";
constexpr std::string_view kX25519 = "X25519";
constexpr std::string_view kPassphrase = "scrypt";
constexpr size_t kBodyLine = 64;  // characters of each line of a body but its last one
constexpr size_t kSealedKeyBytes = kAgeFileKeyBytes + ChaCha20Poly1305::kTagBytes;

Status DamagedHeader(std::string_view why) {
  return Error(Reason::kDamaged, "age header: {}", why);
}

// age writes base64 without padding.
std::string EncodeUnpadded(std::string_view bytes) {
  std::string text = EncodeBase64(bytes);
  while (text.ends_with('=')) text.pop_back();
  return text;
}

// None unless it is exactly what EncodeUnpadded writes: otherwise one file could be written in
// several ways.
std::optional<std::string> DecodeUnpadded(std::string_view text) {
  std::string padded(text);
  padded.append((4 - text.size() % 4) % 4, '=');
  auto bytes = DecodeBase64(padded);
  if (!bytes.has_value() || EncodeUnpadded(*bytes) != text) return std::nullopt;
  return bytes;
}

// The key that seals the key of the file for one recipient.
Secret WrapKey(const Secret& shared, std::string_view ephemeral, std::string_view recipient) {
  return Secret(HkdfSha256(shared.view(), std::string(ephemeral) + std::string(recipient),
                           "age-encryption.org/v1/X25519", ChaCha20Poly1305::kKeyBytes));
}

// Each key is used once, so its nonce may be zero.
std::string ZeroNonce() { return std::string(ChaCha20Poly1305::kNonceBytes, '\0'); }

std::string MakeStanza(const Secret& file_key, const AgeRecipient& recipient) {
  const Secret secret = RandomSecret(kX25519Bytes);
  const std::string ephemeral = X25519PublicOf(secret);
  const auto shared = X25519Shared(secret, recipient.key());
  CHECK(shared.has_value());  // AgeRecipient::Parse has tried
  std::string sealed;
  ChaCha20Poly1305(WrapKey(*shared, ephemeral, recipient.key()))
      .Seal(ZeroNonce(), file_key.view(), sealed);
  return fmt::format("{} {} {}\n{}\n", kStanzaBegin, kX25519, EncodeUnpadded(ephemeral),
                     EncodeUnpadded(sealed));
}

std::string MacOf(const Secret& file_key, std::string_view authenticated) {
  const Secret key(HkdfSha256(file_key.view(), "", "header", Sha256::kSize));
  return HmacSha256(key.view(), authenticated);
}

}  // namespace

std::string MakeAgeHeader(const Secret& file_key, std::span<const AgeRecipient> recipients) {
  CHECK(!recipients.empty() && file_key.view().size() == kAgeFileKeyBytes);
  std::string text(kVersionLine);
  for (const AgeRecipient& recipient : recipients) text += MakeStanza(file_key, recipient);
  text += kMacBegin;
  return text + " " + EncodeUnpadded(MacOf(file_key, text)) + "\n";
}

// Goes through a header, line by line.
class AgeHeaderParser {
 public:
  explicit AgeHeaderParser(std::string_view text) : text_(text), left_(text) {}

  Result<AgeHeader> Parse() {
    if (!left_.starts_with(kVersionLine)) return DamagedHeader("not of age's version 1");
    left_.remove_prefix(kVersionLine.size());
    do RETURN_IF_ERROR(TakeStanza());
    while (!left_.starts_with(kMacBegin));
    RETURN_IF_ERROR(TakeMac());
    if (header_.facts_.has_passphrase && header_.facts_.x25519 + header_.facts_.others > 1)
      return DamagedHeader("a passphrase must be its only recipient");
    header_.facts_.size = text_.size();
    return std::move(header_);
  }

 private:
  // Without its end; none if there is no end.
  std::optional<std::string_view> TakeLine() {
    const size_t end = left_.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line = left_.substr(0, end);
    left_.remove_prefix(end + 1);
    return line;
  }

  Status TakeStanza() {
    const auto line = TakeLine();
    if (!line.has_value()) return DamagedHeader("it is cut off");
    const std::vector<std::string_view> words = Split(*line, ' ');
    const bool printable = std::ranges::all_of(words, [](std::string_view word) {
      return !word.empty() && std::ranges::all_of(word, [](char c) { return c > 32 && c < 127; });
    });
    if (words.size() < 2 || words[0] != kStanzaBegin || !printable)
      return DamagedHeader("a recipient's first line is damaged");
    ASSIGN_OR_RETURN(std::string body, TakeBody());
    return Keep(std::span(words).subspan(1), std::move(body));
  }

  // Ends with a line that is shorter than the others, and may be empty.
  Result<std::string> TakeBody() {
    std::string text;
    while (true) {
      const auto line = TakeLine();
      if (!line.has_value() || line->size() > kBodyLine)
        return DamagedHeader("a recipient's key is damaged");
      text += *line;
      if (line->size() < kBodyLine) break;
    }
    auto body = DecodeUnpadded(text);
    if (!body.has_value()) return DamagedHeader("a recipient's key is not canonical base64");
    return *std::move(body);
  }

  Status Keep(std::span<const std::string_view> arguments, std::string body) {
    if (arguments[0] != kX25519) {
      ++header_.facts_.others;
      if (arguments[0] == kPassphrase) header_.facts_.has_passphrase = true;
      return OkStatus();
    }
    const auto ephemeral = arguments.size() == 2 ? DecodeUnpadded(arguments[1]) : std::nullopt;
    if (!ephemeral.has_value() || ephemeral->size() != kX25519Bytes ||
        body.size() != kSealedKeyBytes)
      return DamagedHeader("an X25519 recipient is damaged");
    ++header_.facts_.x25519;
    header_.stanzas_.push_back({*ephemeral, std::move(body)});
    return OkStatus();
  }

  Status TakeMac() {
    header_.authenticated_ = text_.substr(0, text_.size() - left_.size() + kMacBegin.size());
    left_.remove_prefix(kMacBegin.size());
    const auto line = TakeLine();
    const auto mac =
        line.has_value() && line->starts_with(' ') ? DecodeUnpadded(line->substr(1)) : std::nullopt;
    if (!mac.has_value() || mac->size() != Sha256::kSize || !left_.empty())
      return DamagedHeader("its last line is damaged");
    header_.mac_ = *mac;
    return OkStatus();
  }

  const std::string_view text_;
  std::string_view left_;
  AgeHeader header_;
};

// No line of a header but the last begins with "---".
Result<std::optional<size_t>> AgeHeader::FindEnd(std::string_view bytes) {
  constexpr std::string_view kLastLine = "\n---";
  if (bytes.starts_with(kArmor)) {
    return DamagedHeader(
        "the file is armored (text): `age -d` opens it, and `age` without --armor makes what can "
        "be read here");
  }
  if (!bytes.starts_with(kVersionLine.substr(0, bytes.size())))
    return DamagedHeader("not a file of age, or not of its version 1");
  const size_t last = bytes.find(kLastLine);
  const size_t end = last == std::string_view::npos ? last : bytes.find('\n', last + 1);
  if (end != std::string_view::npos && end < kAgeHeaderMax) return end + 1;
  if (bytes.size() >= kAgeHeaderMax)
    return DamagedHeader(fmt::format("it has more than {} bytes", kAgeHeaderMax));
  return std::nullopt;
}

Result<AgeHeader> AgeHeader::Parse(std::string_view text) { return AgeHeaderParser(text).Parse(); }

Result<std::optional<Secret>> AgeHeader::Unseal(const AgeIdentity& identity) const {
  for (const Stanza& stanza : stanzas_) {
    const auto shared = X25519Shared(identity.secret(), stanza.ephemeral);
    if (!shared.has_value()) return DamagedHeader("a recipient's key makes every secret zero");
    std::string file_key;
    ChaCha20Poly1305 cipher(WrapKey(*shared, stanza.ephemeral, identity.recipient().key()));
    if (cipher.Open(ZeroNonce(), stanza.sealed, file_key)) return Secret(std::move(file_key));
  }
  return std::nullopt;
}

Status AgeHeader::NobodyOpens(size_t identities) const {
  if (facts_.has_passphrase) {
    return Error(Reason::kNoIdentity,
                 "age: encrypted with a passphrase, which nobody is here to be asked for; `age -d` "
                 "opens it, and `age -r` encrypts it for a recipient");
  }
  if (facts_.x25519 == 0) {
    return Error(Reason::kNoIdentity,
                 "age: encrypted only for recipients of other kinds than X25519; the age program, "
                 "with its plugin, opens it");
  }
  if (identities == 0) return Error(Reason::kNoIdentity, "age: no identity is configured");
  return Error(Reason::kNoIdentity,
               "age: no configured identity opens it (identities: {}, recipients: {}); is the "
               "right file of identities configured?",
               identities, facts_.x25519);
}

Result<Secret> AgeHeader::Open(std::span<const AgeIdentity> identities) const {
  for (const AgeIdentity& identity : identities) {
    ASSIGN_OR_RETURN(std::optional<Secret> file_key, Unseal(identity));
    if (!file_key.has_value()) continue;
    if (!EqualInConstantTime(MacOf(*file_key, authenticated_), mac_))
      return DamagedHeader("it was changed: its MAC does not fit");
    return *std::move(file_key);
  }
  return NobodyOpens(identities.size());
}

}  // namespace etcdrill
