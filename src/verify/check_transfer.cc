// One pass of SHA-256: the sum is looked at where the trailer begins, and goes on to the end for the manifest's hash.
#include "verify/check_transfer.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "format/finding_codes.h"
#include "format/snapshot/trailer.h"

namespace etcdrill::verify {
namespace {

constexpr size_t kReadBytes = size_t{256} << 10;

Status HashRange(const ReadableFile& file, uint64_t begin, uint64_t end, Sha256& sum, std::string& buffer) {
  while (begin < end) {
    const auto chunk = std::span(buffer).first(std::min<uint64_t>(buffer.size(), end - begin));
    RETURN_IF_ERROR(file.Read(begin, chunk));
    sum.Update({chunk.data(), chunk.size()});
    begin += chunk.size();
  }
  return OkStatus();
}

}  // namespace

Result<TransferResult> CheckTransfer(const ReadableFile& file, const std::optional<ExpectedBytes>& expected,
                                     Findings& findings) {
  const uint64_t size = file.Size();
  const uint64_t body = snapshot::BodySize(size);
  TransferResult result;
  Sha256 sum;
  std::string buffer(kReadBytes, '\0');
  RETURN_IF_ERROR(HashRange(file, 0, body, sum, buffer));
  if (snapshot::HasTrailer(size)) {
    const std::string actual = sum.Peek();
    std::string trailer(snapshot::kTrailerBytes, '\0');
    RETURN_IF_ERROR(file.Read(body, trailer));
    sum.Update(trailer);
    result.level = actual == trailer ? LevelResult::kPass : LevelResult::kFail;
    if (actual != trailer) {
      findings.Add(
          {codes::kTrailerMismatch, Severity::kError, std::nullopt, body,
           fmt::format("the bytes have SHA-256 {}, the trailer says {}; the file was changed or cut after etcd "
                       "sent it",
                       Hex(actual), Hex(trailer))});
    }
  } else if (size % snapshot::kSectorBytes != 0) {
    result.level = LevelResult::kFail;
    findings.Add(
        {codes::kSizeUneven, Severity::kError, std::nullopt, std::nullopt,
         fmt::format("{} bytes are neither whole pages nor whole pages and a trailer: bytes are missing at the end, or "
                     "were added",
                     size)});
  } else {
    findings.Add({codes::kTrailerMissing, Severity::kInfo, std::nullopt, std::nullopt,
                  "no SHA-256 trailer: a copy of a data directory, or a snapshot that was cut"});
  }
  result.sha256 = Hex(sum.Finish());
  if (expected.has_value()) {
    const bool equal = expected->size_bytes == size && expected->sha256 == result.sha256;
    if (result.level != LevelResult::kFail) result.level = equal ? LevelResult::kPass : LevelResult::kFail;
    if (!equal) {
      findings.Add({codes::kManifestMismatch, Severity::kError, std::nullopt, std::nullopt,
                    fmt::format("{} bytes with SHA-256 {}, the manifest says {} bytes with {}", size, result.sha256,
                                expected->size_bytes, expected->sha256)});
    }
  }
  return result;
}

}  // namespace etcdrill::verify
