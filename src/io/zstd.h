// Compression as zstd frames (RFC 8878), in constant memory: level 3, which a snapshot can't be
// compressed much further than, and a checksum of the content. The only user of libzstd.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/byte_sink.h"
#include "base/status.h"

struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

namespace etcdrill {

// Turns what is appended into one frame, which goes to `sink`. About 6 MB of memory. Not safe for
// use from several threads. After an error, which may be one of `sink`, the frame is not whole, and
// each further call returns the same error. Destroyed before Finish, it leaves a frame that no
// reader takes for whole.
class ZstdWriter {
 public:
  // `content_size`: how many bytes will come, if that is known; the frame then says so. Fewer or
  // more of them are an error (kIoError).
  ZstdWriter(std::optional<uint64_t> content_size, ByteSink sink);

  Status Append(std::string_view content);
  // Must be called once, after all bytes.
  Status Finish();

 private:
  Status Compress(std::string_view content, bool last);

  struct Deleter {
    void operator()(ZSTD_CCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_CCtx_s, Deleter> context_;
  const ByteSink sink_;
  std::string output_;
  Status failed_;
};

// The way back, from one frame or several in a row. Not safe for use from several threads. What
// reaches `sink` comes before the checksum that it is held to: only Finish knows that it was right,
// and all. After an error each further call returns the same one.
//
// Takes as much memory as the window of a frame: 2 MiB for those of ZstdWriter, and no more than
// 128 MiB, which is also where the zstd program stops by itself.
//
// Errors: kDamaged if it is not as it was written, or has more than `size_max` bytes when
// decompressed; kNoMemory; those of `sink`, as they are.
class ZstdReader {
 public:
  ZstdReader(uint64_t size_max, ByteSink sink);

  Status Append(std::string_view frames);
  // Must be called once, after all bytes: kDamaged if the last frame is cut off, or if there is
  // none.
  Status Finish();

 private:
  Status Decompress(std::string_view frames);
  Status HandOut(std::string_view content);

  struct Deleter {
    void operator()(ZSTD_DCtx_s* context) const;
  };
  std::unique_ptr<ZSTD_DCtx_s, Deleter> context_;
  const uint64_t size_max_;
  uint64_t left_;
  const ByteSink sink_;
  bool ended_ = false;  // after a whole frame
  std::string output_;
  Status failed_;
};

}  // namespace etcdrill
