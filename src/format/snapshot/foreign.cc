// Magic numbers, as the formats' own documents have them. Most begin the file; tar's stands in its
// first header.
#include "format/snapshot/foreign.h"

#include <algorithm>
#include <array>
#include <string>

#include "base/bytes.h"
#include "format/bbolt/layout.h"
#include "format/bbolt/meta.h"

namespace etcdrill::snapshot {
namespace {

using namespace std::string_view_literals;

constexpr size_t kHeadBytes = 4096;

struct Magic {
  Foreign foreign;
  size_t at;
  std::string_view bytes;
};

constexpr std::array kMagics = {
    Magic{Foreign::kGzip, 0, "\x1f\x8b\x08"sv},
    Magic{Foreign::kZip, 0, "PK\x03\x04"sv},
    Magic{Foreign::kXz, 0, "\xfd\x37zXZ\0"sv},
    Magic{Foreign::kZstd, 0, "\x28\xb5\x2f\xfd"sv},
    Magic{Foreign::kBzip2, 0, "BZh"sv},
    Magic{Foreign::kLz4, 0, "\x04\x22\x4d\x18"sv},
    Magic{Foreign::kTar, 257, "ustar"sv},
    Magic{Foreign::kAge, 0, "age-encryption.org/"sv},
    Magic{Foreign::kAge, 0, "-----BEGIN AGE ENCRYPTED FILE-----"sv},
    Magic{Foreign::kOpenPgp, 0, "-----BEGIN PGP MESSAGE-----"sv},
    Magic{Foreign::kOpenSsl, 0, "Salted__"sv},
    Magic{Foreign::kSqlite, 0, "SQLite format 3\0"sv},
    // The frame of the record that begins each segment: 4 bytes, 4 of padding.
    Magic{Foreign::kWal, 0, "\x04\0\0\0\0\0\0\x84"sv},
};

// In the order of Foreign.
constexpr auto kTexts = std::to_array<std::string_view>({
    "the file is gzip. Unpack it first: `gzip -d`",
    "the file is a zip archive. Unpack it first: `unzip`",
    "the file is xz. Unpack it first: `xz -d`",
    "the file is zstd. Unpack it first: `zstd -d`",
    "the file is bzip2. Unpack it first: `bzip2 -d`",
    "the file is lz4. Unpack it first: `lz4 -d`",
    "the file is a tar archive. Unpack it first: `tar -xf`",
    "the file is encrypted with age. Decrypt it first: `age -d -i IDENTITY`",
    "the file is encrypted with OpenPGP. Decrypt it first: `gpg -d`",
    "the file is encrypted by `openssl enc`. Decrypt it first: `openssl enc -d` with the options "
    "used to encrypt it",
    "the file is an SQLite database, which no etcd can restore. k3s without etcd keeps its data in "
    "one (state.db). Back it up as the k3s documentation describes",
    "the file is a segment of etcd's write-ahead log. Take a snapshot (`etcdrill snapshot save`), "
    "or use the database, snap/db next to the directory of the log",
    "the file is an etcd database of a big-endian host (s390x), which etcdrill cannot read. Verify "
    "it with `etcdutl snapshot status` on such a host",
    "the file is a bbolt database of an unknown format version. Use a newer etcdrill",
    "the file is a bbolt database of another program: it has none of etcd's buckets",
    "the file is text, not an etcd snapshot. Read it: it may be an error page",
});
static_assert(kTexts.size() == static_cast<size_t>(Foreign::kText) + 1);

// The packet that begins an encrypted message: a session key for a public key (tag 1, version 3) or
// for a password (tag 3, version 4 or later), with its length in the old or in the new form (RFC
// 4880, 4.2 and 5).
bool IsOpenPgp(std::string_view head) {
  if (head.size() < 4) return false;
  const auto byte = [&](size_t at) { return static_cast<unsigned char>(head[at]); };
  switch (byte(0)) {
    case 0x84:
      return byte(2) == 3;
    case 0x85:
      return byte(3) == 3;
    case 0xc1:
      return byte(byte(1) < 192 ? 2 : 3) == 3;
    case 0x8c:
    case 0xc3:
      return byte(2) >= 4 && byte(2) <= 6;
    default:
      return false;
  }
}

// A meta whose checksum is right, in a format that is not ours.
std::optional<Foreign> OfBolt(std::string_view head) {
  if (head.size() < bbolt::kPageHeaderBytes + bbolt::kMetaBytes) return std::nullopt;
  const std::string_view meta = head.substr(bbolt::kPageHeaderBytes, bbolt::kMetaBytes);
  const uint64_t checksum = bbolt::MetaChecksum(meta);
  const uint32_t magic = LoadLE32(meta.data() + bbolt::kMetaMagicAt);
  const uint64_t stored = LoadLE64(meta.data() + bbolt::kMetaChecksumAt);
  if (magic == __builtin_bswap32(bbolt::kMagic) && stored == __builtin_bswap64(checksum))
    return Foreign::kBigEndian;
  const bool newer = LoadLE32(meta.data() + bbolt::kMetaVersionAt) > bbolt::kVersion;
  if (magic == bbolt::kMagic && stored == checksum && newer) return Foreign::kNewerBolt;
  return std::nullopt;
}

bool IsText(std::string_view head) {
  const auto is_ascii = [](char c) {
    return (c >= ' ' && c < '\x7f') || c == '\t' || c == '\n' || c == '\r';
  };
  const auto is_odd = [&](char c) { return static_cast<unsigned char>(c) < 0x80 && !is_ascii(c); };
  const auto ascii = static_cast<size_t>(std::ranges::count_if(head, is_ascii));
  return std::ranges::none_of(head, is_odd) && ascii > head.size() / 2;
}

}  // namespace

std::string_view Describe(Foreign foreign) { return kTexts[static_cast<size_t>(foreign)]; }

Result<std::optional<Foreign>> RecognizeForeign(const ReadableFile& file) {
  std::string head(std::min<uint64_t>(file.Size(), kHeadBytes), '\0');
  RETURN_IF_ERROR(file.Read(0, head));
  const std::string_view bytes = head;
  for (const Magic& magic : kMagics) {
    if (bytes.size() > magic.at && bytes.substr(magic.at).starts_with(magic.bytes))
      return std::optional(magic.foreign);
  }
  if (const auto bolt = OfBolt(bytes)) return bolt;
  if (IsOpenPgp(bytes)) return std::optional(Foreign::kOpenPgp);
  return IsText(bytes) ? std::optional(Foreign::kText) : std::nullopt;
}

}  // namespace etcdrill::snapshot
