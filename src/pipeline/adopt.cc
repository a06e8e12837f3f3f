// Names and times are claims: whichever says that the snapshot is older is believed.
#include "pipeline/adopt.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "io/expand.h"
#include "store/name_claims.h"

namespace etcdrill::pipeline {
namespace {

// Twice what etcd advises for a database.
constexpr uint64_t kExpandedBytesMax = uint64_t{16} << 30;

// What etcdctl, cp and others call a file while they write it.
bool IsUnfinished(std::string_view name) {
  return name.starts_with('.') || name.ends_with(".part") || name.ends_with(".tmp");
}

WallTime TakenAt(const ForeignFile& file) {
  const store::NameClaims claims = store::ClaimsOfName(BaseName(file.path));
  return claims.taken.has_value() && claims.utc ? std::min(*claims.taken, file.modified) : file.modified;
}

auto SecondOf(WallTime time) { return std::chrono::floor<std::chrono::seconds>(time); }

}  // namespace

void ForeignFiles::Look(const std::string& pattern, std::map<std::string, Seen>& seen) {
  const std::string dir = DirName(pattern);
  const auto names = context_.fs.List(dir);
  if (!names.ok()) return;  // it may come; that nothing is adopted shows in the freshness
  for (const std::string& name : *names) {
    if (IsUnfinished(name) || fnmatch(BaseName(pattern).c_str(), name.c_str(), FNM_PERIOD) != 0) continue;
    const std::string path = JoinPath(dir, name);
    const auto info = context_.fs.Stat(path);
    if (!info.ok() || info->kind != FileInfo::Kind::kFile || info->size == 0) continue;
    const ForeignFile file{path, info->size, info->modified};
    const auto before = seen_.find(path);
    const bool same = before != seen_.end() && before->second.file == file;
    seen[path] = same ? before->second : Seen{file, context_.clock.Monotonic()};
  }
}

std::optional<ForeignFile> ForeignFiles::FindNew(std::optional<WallTime> after) {
  std::map<std::string, Seen> seen;
  for (const std::string& pattern : patterns_) Look(pattern, seen);
  seen_ = std::move(seen);
  const Seen* newest = nullptr;
  for (const auto& [path, candidate] : seen_) {
    const bool quiet = context_.clock.Monotonic() - candidate.since >= quiet_;
    const bool later = !after.has_value() || SecondOf(candidate.file.modified) > SecondOf(*after);
    if (!quiet || !later) continue;
    if (newest == nullptr || candidate.file.modified > newest->file.modified) newest = &candidate;
  }
  if (newest == nullptr || newest->file == ignored_) return std::nullopt;
  return newest->file;
}

std::optional<WallTime> LastAdopted(const Catalog& catalog) {
  std::optional<WallTime> last;
  for (const CatalogEntry& entry : catalog.snapshots) {
    if (entry.manifest.adopted.has_value()) last = std::max(last, std::optional(entry.manifest.adopted->modified));
  }
  return last;
}

Result<capture::CaptureResult> ImportFile(const Context& context, const ForeignFile& file,
                                          const std::string& temp_path) {
  const Stopwatch watch(context.clock);
  ASSIGN_OR_RETURN(DurableFile copy, DurableFile::Create(context.fs, temp_path));
  Sha256 sum;
  uint64_t size = 0;
  RETURN_IF_ERROR(ReadExpanded(context.fs, file.path, kExpandedBytesMax, [&](std::string_view bytes) -> Status {
    if (context.stop.stop_requested()) return Error(Reason::kInterrupted, "stopped");
    sum.Update(bytes);
    size += bytes.size();
    return copy.Append(bytes);
  }));
  ASSIGN_OR_RETURN(const FileInfo now, context.fs.Stat(file.path));
  if (now.size != file.size || now.modified != file.modified) {
    return Error(Reason::kBusy, fmt::format("adopt {}: somebody writes to it right now", file.path));
  }
  return capture::CaptureResult{std::move(copy), size, Hex(sum.Finish()), TakenAt(file), "", "", {}, watch.Seconds()};
}

}  // namespace etcdrill::pipeline
