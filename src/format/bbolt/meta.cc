// A damaged meta is survived by bbolt without a word, because the other one serves; here it is a
// finding all the same.
#include "format/bbolt/meta.h"

#include <fmt/format.h>

#include <array>

#include "base/bytes.h"
#include "format/bbolt/page.h"
#include "proof/finding_codes.h"

namespace etcdrill::bbolt {
namespace {

uint64_t Fnv1a64(std::string_view bytes) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const char c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return hash;
}

struct Candidate {
  std::optional<Meta> meta;
  std::string problem;
};

// The meta in the page that starts at `offset`, header included.
Result<Candidate> ReadMetaAt(const ReadableFile& file, uint64_t body_size, uint64_t offset,
                             PageId expected_id) {
  Candidate candidate;
  std::array<char, kPageHeaderBytes + kMetaBytes> bytes{};
  if (offset + bytes.size() > body_size) {
    candidate.problem = "is beyond the end of the file";
    return candidate;
  }
  RETURN_IF_ERROR(file.Read(offset, bytes));
  candidate.meta = DecodeMeta({bytes.data() + kPageHeaderBytes, kMetaBytes}, candidate.problem);
  const PageHeader header = PageHeader::Decode({bytes.data(), bytes.size()});
  if (candidate.meta.has_value() && (header.flags != kMetaPage || header.id != expected_id ||
                                     header.count != 0 || header.overflow != 0)) {
    candidate.problem = "has a damaged page header";
  }
  return candidate;
}

// docs/dev/formats.md §1.3: meta 0 tells; else meta 1 is looked for at each page size that can be.
Result<uint32_t> FindPageSize(const ReadableFile& file, uint64_t body_size) {
  ASSIGN_OR_RETURN(const Candidate first, ReadMetaAt(file, body_size, 0, 0));
  if (first.meta.has_value()) return first.meta->page_size;
  for (uint32_t size = kPageSizeMin; size <= kPageSizeMax && size < body_size; size *= 2) {
    ASSIGN_OR_RETURN(const Candidate second, ReadMetaAt(file, body_size, size, 1));
    if (second.meta.has_value()) return second.meta->page_size;
  }
  return uint32_t{4096};
}

// bbolt writes zeros behind a meta.
Status CheckTail(const ReadableFile& file, uint64_t body_size, uint32_t page_size, PageId id,
                 Findings& findings) {
  constexpr size_t kUsed = kPageHeaderBytes + kMetaBytes;
  std::string tail(page_size - kUsed, '\0');
  const uint64_t offset = id * page_size + kUsed;
  if (offset + tail.size() > body_size) return OkStatus();
  RETURN_IF_ERROR(file.Read(offset, tail));
  if (!IsZero(tail)) {
    findings.Add(
        {codes::kPageTail, Severity::kWarning, id, offset,
         fmt::format("the unused end of meta page {} is not zero, though bbolt clears it", id)});
  }
  return OkStatus();
}

}  // namespace

uint64_t MetaChecksum(std::string_view body) { return Fnv1a64(body.substr(0, kMetaChecksumAt)); }

std::string EncodeMeta(const Meta& meta) {
  std::string out;
  AppendLE32(out, kMagic);
  AppendLE32(out, kVersion);
  AppendLE32(out, meta.page_size);
  AppendLE32(out, 0);  // flags
  AppendLE64(out, meta.root);
  AppendLE64(out, meta.root_sequence);
  AppendLE64(out, meta.freelist);
  AppendLE64(out, meta.high_water);
  AppendLE64(out, meta.tx_id);
  AppendLE64(out, Fnv1a64(out));
  return out;
}

std::optional<Meta> DecodeMeta(std::string_view body, std::string& problem) {
  const char* p = body.data();
  if (LoadLE32(p + kMetaMagicAt) != kMagic) {
    problem = LoadLE32(p + kMetaMagicAt) == __builtin_bswap32(kMagic)
                  ? "was written on a big-endian host, which etcdrill cannot read"
                  : "has no bbolt magic number";
    return std::nullopt;
  }
  if (LoadLE32(p + kMetaVersionAt) != kVersion) {
    problem =
        fmt::format("has format version {}, expected {}", LoadLE32(p + kMetaVersionAt), kVersion);
    return std::nullopt;
  }
  if (LoadLE64(p + kMetaChecksumAt) != MetaChecksum(body)) {
    problem = "has a wrong checksum";
    return std::nullopt;
  }
  Meta meta;
  meta.page_size = LoadLE32(p + kMetaPageSizeAt);
  meta.root = LoadLE64(p + kMetaRootAt);
  meta.root_sequence = LoadLE64(p + kMetaSequenceAt);
  meta.freelist = LoadLE64(p + kMetaFreelistAt);
  meta.high_water = LoadLE64(p + kMetaHighWaterAt);
  meta.tx_id = LoadLE64(p + kMetaTxIdAt);
  const bool power_of_two = meta.page_size != 0 && (meta.page_size & (meta.page_size - 1)) == 0;
  if (!power_of_two || meta.page_size < kPageSizeMin || meta.page_size > kPageSizeMax) {
    problem = fmt::format("names an impossible page size of {} bytes", meta.page_size);
    return std::nullopt;
  }
  return meta;
}

Result<std::optional<Meta>> ReadMetas(const ReadableFile& file, uint64_t body_size,
                                      Findings& findings) {
  ASSIGN_OR_RETURN(const uint32_t page_size, FindPageSize(file, body_size));
  std::array<Candidate, 2> metas;
  for (PageId id = 0; id < 2; ++id) {
    ASSIGN_OR_RETURN(metas[id], ReadMetaAt(file, body_size, id * page_size, id));
  }
  if (!metas[0].meta.has_value() && !metas[1].meta.has_value()) {
    findings.Add({codes::kMetaInvalid, Severity::kError, 0, 0,
                  fmt::format("not an etcd snapshot, or the start of the file is lost: meta page 0 "
                              "{}, meta page 1 {}",
                              metas[0].problem, metas[1].problem)});
    return std::nullopt;
  }
  for (PageId id = 0; id < 2; ++id) {
    if (metas[id].problem.empty()) continue;
    findings.Add(
        {codes::kMetaDamaged, Severity::kError, id, id * page_size,
         fmt::format("meta page {} {}. bbolt silently uses the other one", id, metas[id].problem)});
  }
  for (PageId id = 0; id < 2; ++id)
    RETURN_IF_ERROR(CheckTail(file, body_size, page_size, id, findings));
  const auto& [first, second] = metas;
  if (!second.meta.has_value()) return first.meta;
  if (!first.meta.has_value()) return second.meta;
  // As bbolt chooses: the second one only if it is newer.
  const Meta& newer = second.meta->tx_id > first.meta->tx_id ? *second.meta : *first.meta;
  const Meta& older = second.meta->tx_id > first.meta->tx_id ? *first.meta : *second.meta;
  const bool impossible = newer.tx_id == older.tx_id || newer.page_size != older.page_size;
  if (impossible || newer.tx_id != older.tx_id + 1) {
    findings.Add({codes::kMetaDisagree, impossible ? Severity::kError : Severity::kWarning, 0, 0,
                  fmt::format("the meta pages are of transactions {} and {} with page sizes of {} "
                              "and {} bytes, though bbolt writes them alternately",
                              first.meta->tx_id, second.meta->tx_id, first.meta->page_size,
                              second.meta->page_size)});
  }
  return newer;
}

}  // namespace etcdrill::bbolt
