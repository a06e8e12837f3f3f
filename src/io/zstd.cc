#include "io/zstd.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "base/check.h"

namespace etcdrill {
namespace {

constexpr int kZstdLevel = 3;
constexpr int kWindowLogMax = 27;  // 128 MiB

Status CompressError(size_t code) {
  if (ZSTD_getErrorCode(code) == ZSTD_error_memory_allocation)
    return Error(Reason::kNoMemory, "zstd: no memory");
  CHECK(ZSTD_getErrorCode(code) == ZSTD_error_srcSize_wrong);
  return Error(Reason::kIoError, "zstd: not as many bytes came as were announced");
}

Status DecompressError(size_t code) {
  switch (ZSTD_getErrorCode(code)) {
    case ZSTD_error_memory_allocation:
      return Error(Reason::kNoMemory, "zstd: no memory");
    case ZSTD_error_frameParameter_windowTooLarge:
      return Error(Reason::kDamaged,
                   "zstd: a frame needs a window of more than {} MiB, as --long=28 and more make "
                   "it; `zstd -d --long=31` expands it",
                   (1 << kWindowLogMax) >> 20);
    case ZSTD_error_prefix_unknown:
      return Error(Reason::kDamaged, "zstd: not a frame of zstd");
    default:
      return Error(Reason::kDamaged, "zstd: {}", ZSTD_getErrorName(code));
  }
}

}  // namespace

void ZstdWriter::Deleter::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }
void ZstdReader::Deleter::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }

ZstdWriter::ZstdWriter(std::optional<uint64_t> content_size, ByteSink sink)
    : context_(ZSTD_createCCtx()), sink_(std::move(sink)), output_(ZSTD_CStreamOutSize(), '\0') {
  CHECK(context_ != nullptr);
  ZSTD_CCtx* context = context_.get();
  CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, kZstdLevel)));
  CHECK(!ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
  CHECK(!ZSTD_isError(
      ZSTD_CCtx_setPledgedSrcSize(context, content_size.value_or(ZSTD_CONTENTSIZE_UNKNOWN))));
}

Status ZstdWriter::Append(std::string_view content) {
  if (failed_.ok()) failed_ = Compress(content, false);
  return failed_;
}

Status ZstdWriter::Finish() {
  if (failed_.ok()) failed_ = Compress({}, true);
  return failed_;
}

Status ZstdWriter::Compress(std::string_view content, bool last) {
  ZSTD_inBuffer in = {content.data(), content.size(), 0};
  size_t left = 0;
  do {
    ZSTD_outBuffer out = {output_.data(), output_.size(), 0};
    left = ZSTD_compressStream2(context_.get(), &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    if (ZSTD_isError(left) != 0) return CompressError(left);
    if (out.pos > 0) RETURN_IF_ERROR(sink_(std::string_view(output_).substr(0, out.pos)));
  } while (in.pos < in.size || (last && left > 0));
  return OkStatus();
}

ZstdReader::ZstdReader(uint64_t size_max, ByteSink sink)
    : context_(ZSTD_createDCtx()),
      size_max_(size_max),
      left_(size_max),
      sink_(std::move(sink)),
      output_(ZSTD_DStreamOutSize(), '\0') {
  CHECK(context_ != nullptr);
  CHECK(!ZSTD_isError(ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax, kWindowLogMax)));
}

Status ZstdReader::Append(std::string_view frames) {
  if (failed_.ok()) failed_ = Decompress(frames);
  return failed_;
}

Status ZstdReader::Finish() {
  if (failed_.ok() && !ended_) failed_ = Error(Reason::kDamaged, "zstd: the frame is cut off");
  return failed_;
}

Status ZstdReader::Decompress(std::string_view frames) {
  ZSTD_inBuffer in = {frames.data(), frames.size(), 0};
  bool more = !frames.empty();
  while (more) {
    ZSTD_outBuffer out = {output_.data(), output_.size(), 0};
    const size_t hint = ZSTD_decompressStream(context_.get(), &out, &in);
    if (ZSTD_isError(hint) != 0) return DecompressError(hint);
    ended_ = hint == 0;
    RETURN_IF_ERROR(HandOut(std::string_view(output_).substr(0, out.pos)));
    // A full buffer may mean that libzstd holds more; but at the end of a frame it holds nothing.
    more = in.pos < in.size || (out.pos == out.size && !ended_);
  }
  return OkStatus();
}

// Keeps what a frame says of its own size from filling the disk.
Status ZstdReader::HandOut(std::string_view content) {
  if (content.size() > left_) {
    return Error(Reason::kDamaged, "zstd: it has more than {} bytes when decompressed", size_max_);
  }
  left_ -= content.size();
  return content.empty() ? OkStatus() : sink_(content);
}

}  // namespace etcdrill
