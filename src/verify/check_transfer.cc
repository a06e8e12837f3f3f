// One pass of SHA-256: the sum is looked at where the trailer begins, and goes on to the end for
// the manifest's hash.
#include "verify/check_transfer.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "format/snapshot/image.h"
#include "proof/finding_codes.h"

namespace etcdrill::verify {
namespace {

Status HashRange(const ReadableFile& file, uint64_t begin, uint64_t end, Sha256& sum) {
  return ReadPieces(file, begin, end, [&](std::string_view piece) {
    sum.Update(piece);
    return OkStatus();
  });
}

// Where the pages end, if the file, which is none with a trailer, goes on behind them far enough
// for one.
Result<std::optional<uint64_t>> EndOfPages(const snapshot::Image& image) {
  ASSIGN_OR_RETURN(const bbolt::Database* const database, image.database());
  if (database == nullptr ||
      database->meta().high_water > image.size() / database->meta().page_size)
    return std::optional<uint64_t>();
  const uint64_t end = database->bytes_in_use();
  return image.size() - end >= snapshot::kTrailerBytes ? std::optional(end) : std::nullopt;
}

void ReportNoTrailer(uint64_t size, TransferResult& result, Findings& findings) {
  if (size % snapshot::kSectorBytes == 0) {
    findings.Add(
        {.code = codes::kTrailerMissing,
         .severity = Severity::kInfo,
         .text = "no SHA-256 trailer: the file is a truncated snapshot, or a copy of a data "
                 "directory's database. Such a copy lacks the newest writes, which are only in the "
                 "write-ahead log (member/wal). If you have both, start etcd on a copy of them and "
                 "take a snapshot: docs/restore.md, \"From the last survivor\"",
         .prevents_proof = true});
    return;
  }
  result.level = LevelResult::kFail;
  findings.Error(codes::kSizeUneven,
                 "{} bytes are not whole pages, with or without a trailer: bytes at the end are "
                 "missing or were added",
                 size);
}

// The sum of all bytes; on the way, what the trailer says of those before it.
Result<Sha256> HashAndCheckTrailer(const snapshot::Image& image, TransferResult& result,
                                   Findings& findings) {
  const ReadableFile& file = image.reader();
  const uint64_t size = image.size();
  const bool has_trailer = snapshot::HasTrailer(size);
  // A trailer may also hide where its file goes on behind it.
  std::optional<uint64_t> trailer_at = snapshot::BodySize(size);
  if (!has_trailer) {
    ASSIGN_OR_RETURN(trailer_at, EndOfPages(image));
  }
  Sha256 sum;
  RETURN_IF_ERROR(HashRange(file, 0, trailer_at.value_or(size), sum));
  bool fits = false;
  if (trailer_at.has_value()) {
    const std::string actual = sum.Peek();
    std::string trailer(snapshot::kTrailerBytes, '\0');
    RETURN_IF_ERROR(file.Read(*trailer_at, trailer));
    fits = actual == trailer;
    if (has_trailer) result.level = fits ? LevelResult::kPass : LevelResult::kFail;
    if (has_trailer && !fits) {
      findings.Add({codes::kTrailerMismatch, Severity::kError, std::nullopt, trailer_at,
                    fmt::format("the bytes have SHA-256 {}, the trailer has {}: the file was "
                                "changed or truncated after etcd sent it",
                                Hex(actual), Hex(trailer))});
    }
    RETURN_IF_ERROR(HashRange(file, *trailer_at, size, sum));
  }
  if (!has_trailer && fits) {
    result.level = LevelResult::kFail;
    findings.Add(
        {codes::kFileTooLong, Severity::kError, std::nullopt, *trailer_at + snapshot::kTrailerBytes,
         fmt::format("{} bytes were added after the trailer of a complete snapshot. Remove them",
                     size - *trailer_at - snapshot::kTrailerBytes)});
  } else if (!has_trailer) {
    ReportNoTrailer(size, result, findings);
  }
  return sum;
}

Result<Sha256> HashAll(const ReadableFile& file) {
  Sha256 sum;
  RETURN_IF_ERROR(HashRange(file, 0, file.Size(), sum));
  return sum;
}

}  // namespace

Result<TransferResult> CheckTransfer(const snapshot::Image& image, TrailerRule rule,
                                     const std::optional<ExpectedBytes>& expected,
                                     Findings& findings) {
  const uint64_t size = image.size();
  TransferResult result;
  ASSIGN_OR_RETURN(Sha256 sum, rule == TrailerRule::kNone
                                   ? HashAll(image.reader())
                                   : HashAndCheckTrailer(image, result, findings));
  result.sha256 = Hex(sum.Finish());
  if (expected.has_value()) {
    const bool equal = expected->size_bytes == size && expected->sha256 == result.sha256;
    if (!equal) {
      result.level = LevelResult::kFail;
      findings.Error(codes::kManifestMismatch,
                     "the file has {} bytes with SHA-256 {}, the manifest has {} bytes with {}",
                     size, result.sha256, expected->size_bytes, expected->sha256);
    }
  }
  return result;
}

}  // namespace etcdrill::verify
