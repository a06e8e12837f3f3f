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
    "it is gzip: unpack it first (`gzip -d`)",
    "it is a zip archive: unpack it first (`unzip`)",
    "it is xz: unpack it first (`xz -d`)",
    "it is zstd: unpack it first (`zstd -d`)",
    "it is bzip2: unpack it first (`bzip2 -d`)",
    "it is lz4: unpack it first (`lz4 -d`)",
    "it is a tar archive: unpack it first (`tar -xf`)",
    "it is encrypted with age: decrypt it first (`age -d -i IDENTITY`)",
    "it is encrypted with OpenPGP: decrypt it first (`gpg -d`)",
    "it is encrypted by `openssl enc`: decrypt it first (`openssl enc -d`, with the options of "
    "then)",
    "it is an SQLite database: k3s keeps its data in one (state.db) where it runs no etcd, and no "
    "etcd can restore it; back it up as k3s says",
    "it is a segment of etcd's write-ahead log: the database is snap/db beside its directory, and "
    "better still is a snapshot (`etcdrill snapshot save`)",
    "it is an etcd database of a big-endian machine (s390x), which etcdrill can't read: verify it "
    "with `etcdutl snapshot status` on such a machine",
    "it is a bbolt database of a format version that this etcdrill does not know: use a newer "
    "etcdrill",
    "it is a bbolt database of another program: none of etcd's buckets is in it",
    "it is a text file, not an etcd snapshot: look into it, it may be an error page or a note",
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
