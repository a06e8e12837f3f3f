// How one stored snapshot is scrubbed, from top to bottom.
#include "pipeline/scrub.h"

#include "base/bytes.h"
#include "crypto/hash.h"
#include "io/pace.h"

namespace etcdrill::pipeline {
namespace {

Status HashAgain(const Context& context, const std::string& path, const Manifest& manifest,
                 uint64_t bytes_per_second);

}  // namespace

ScrubOutcome ScrubSnapshot(const Context& context, const catalog::CatalogEntry& entry,
                           uint64_t bytes_per_second, store::LocalStore& store) {
  // Hash: every byte is read from the disk, and not from the cache of pages.
  const Manifest& snapshot = entry.manifest;
  ScrubOutcome outcome{
      .bytes = HashAgain(context, store.SnapshotPath(snapshot.name), snapshot, bytes_per_second)};
  const bool right = outcome.bytes.ok();
  // What is out of reach now may be back later.
  if (!right && ReasonOf(outcome.bytes) != Reason::kDamaged) return outcome;

  // Record: damage stands until the bytes are found right; right bytes answer what said that they
  // were not, as far as bytes can. From here on every listing and metric knows it.
  const std::string answers = entry.AnsweredByItsBytes();
  outcome.right_again = right && (entry.checks.damaged.has_value() || !answers.empty() ||
                                  entry.state == SnapshotState::kUnreadable);
  const auto record = [&, now = context.clock.Now()](Checks& checks) {
    right ? entry.RecordRight(checks, now, answers)
          : checks.FoundDamaged(now, MessageOf(outcome.bytes));
  };
  outcome.recorded = store.UpdateChecks(snapshot.name, record, store::IfRefused::kCount);
  return outcome;
}

namespace {

Status HashAgain(const Context& context, const std::string& path, const Manifest& manifest,
                 uint64_t bytes_per_second) {
  ForgetCachedPages(path);
  ASSIGN_OR_RETURN(const auto file, context.fs.OpenForReading(path));
  if (file->Size() != manifest.size_bytes) {
    return Error(Reason::kDamaged, "{}: the file has {} bytes, but {} were stored", path,
                 file->Size(), manifest.size_bytes);
  }
  Pace pace(context, bytes_per_second);
  Sha256 sum;
  const auto hash_slowly = [&](std::string_view piece) {
    sum.Update(piece);
    return pace.Keep(piece.size());
  };
  RETURN_IF_ERROR(ReadPieces(*file, 0, file->Size(), hash_slowly));
  ForgetCachedPages(path);  // what nobody reads should not push out what others do
  const std::string sha256 = Hex(sum.Finish());
  if (sha256 == manifest.sha256) return OkStatus();
  return Error(Reason::kDamaged, "{}: the file has SHA-256 {}, but had {} when it was stored", path,
               sha256, manifest.sha256);
}

}  // namespace
}  // namespace etcdrill::pipeline
