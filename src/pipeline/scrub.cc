// At a steady pace, from the disk and not from the cache of pages.
#include "pipeline/scrub.h"

#include "base/bytes.h"
#include "crypto/hash.h"
#include "io/page_cache.h"

namespace etcdrill::pipeline {
Status HashAgain(const Context& context, const std::string& path, const Manifest& manifest,
                 uint64_t bytes_per_second) {
  ForgetCachedPages(path);
  ASSIGN_OR_RETURN(const auto file, context.fs.OpenForReading(path));
  if (file->Size() != manifest.size_bytes) {
    return Error(Reason::kDamaged, "{}: the file has {} bytes, {} were stored", path, file->Size(),
                 manifest.size_bytes);
  }
  const MonotonicTime start = context.clock.Monotonic();
  uint64_t hashed = 0;
  Sha256 sum;
  const auto hash_slowly = [&](std::string_view piece) {
    sum.Update(piece);
    hashed += piece.size();
    const double seconds = static_cast<double>(hashed) / static_cast<double>(bytes_per_second);
    const auto pace = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
    return context.clock.SleepUntil(start + pace, context.stop)
               ? OkStatus()
               : Error(Reason::kInterrupted, "stopped");
  };
  RETURN_IF_ERROR(ReadPieces(*file, 0, file->Size(), hash_slowly));
  ForgetCachedPages(path);  // what nobody reads should not push out what others do
  const std::string sha256 = Hex(sum.Finish());
  if (sha256 == manifest.sha256) return OkStatus();
  return Error(Reason::kDamaged, "{}: the SHA-256 of the file is {}, it was {} when it was stored",
               path, sha256, manifest.sha256);
}

}  // namespace etcdrill::pipeline
