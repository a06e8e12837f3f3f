// The plan, and the reading.
#include "pipeline/scrub.h"

#include <algorithm>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "io/page_cache.h"

namespace etcdrill::pipeline {
namespace {

constexpr Duration kDamagedTurn = std::chrono::hours(1);

}  // namespace

std::vector<const CatalogEntry*> PlanScrub(const Catalog& catalog, Duration period, WallTime now) {
  std::vector<const CatalogEntry*> due;
  for (const CatalogEntry& entry : catalog.snapshots) {
    if (entry.manifest.verdict == Verdict::kDamaged) continue;  // from the start
    const WallTime last =
        std::max(entry.LastHashed(), entry.checks.rehashed.value_or(WallTime::min()));
    // What was found damaged may have been half there, or behind a passing fault.
    const Duration turn =
        entry.state == SnapshotState::kDamaged ? std::min(period / 2, kDamagedTurn) : period / 2;
    const bool old = now - last >= turn || last > now;  // a date in the future proves nothing
    const bool unrecorded = entry.state == SnapshotState::kDamaged && !entry.problem.empty() &&
                            !entry.checks.damaged.has_value();
    const bool of_old_release =
        entry.checks.damaged.has_value() && !entry.checks.rehashed.has_value();
    if (old || unrecorded || of_old_release || entry.state == SnapshotState::kUnreadable)
      due.push_back(&entry);
  }
  std::ranges::stable_sort(due, {}, &CatalogEntry::LastHashed);
  return due;
}

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
