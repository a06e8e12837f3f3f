// From rung to rung; the bookkeeping is in drill_stages.h.
#include "pipeline/ladder.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "base/units.h"
#include "crosscheck/manifest_check.h"
#include "drill/assertions.h"
#include "drill/etcd_binary.h"
#include "drill/etcd_cluster.h"
#include "drill/probe.h"
#include "format/etcd_version.h"
#include "format/wal/wal.h"
#include "io/memory.h"
#include "io/scratch_dir.h"
#include "restore/restore.h"
#include "verify/inventory.h"

namespace etcdrill::pipeline {
namespace {

constexpr Duration kCallLimit = std::chrono::seconds(60);  // of one call to the drill's etcd
constexpr size_t kFullCluster = 3;  // members of a full cluster, before the drill adds one

Status CheckScratchSpace(const Context& context, const FileDrillRequest& request,
                         const snapshot::Image& image);
Result<drill::Expectation> VerifySnapshot(DrillStages& stages, const FileDrillRequest& request,
                                          const snapshot::Image& image);
Status RestoreMember(const Context& context, const snapshot::Image& image,
                     const drill::ScratchMember& member, const std::string& initial_cluster);
Result<drill::EtcdBinary> ChooseEtcd(DrillStages& stages, const FileDrillRequest& request);
Status CheckAssertionsOnFile(DrillStages& stages, const std::vector<config::Assertion>& assertions,
                             const snapshot::Image& image);

size_t CountEtcds(const FileDrillRequest& request) {
  return request.full_cluster ? kFullCluster + 1 : 1;
}

}  // namespace

DrillReport DrillFile(const Context& context, const FileDrillRequest& request) {
  DrillStages stages(context, request.path, request.config.timeout);
  std::optional<snapshot::Image> image;
  Climb(stages, request, image);
  return stages.Finish();
}

void Climb(DrillStages& stages, const FileDrillRequest& request,
           std::optional<snapshot::Image>& image) {
  const Context& context = stages.context();  // ends what takes longer than the drill may
  std::unique_ptr<ScratchDir> scratch;
  std::unique_ptr<drill::EtcdCluster> etcd;
  std::vector<drill::ScratchMember> members;
  drill::Expectation expected;

  // Select: there is room for all that follows, before the first byte is read.
  stages.Run(StageName::kSelect, [&]() -> Status {
    if (request.fetch != nullptr) RETURN_IF_ERROR(request.fetch(context));
    ASSIGN_OR_RETURN(image, snapshot::Image::Open(context, request.path));
    RETURN_IF_ERROR(CheckScratchSpace(context, request, *image));
    ASSIGN_OR_RETURN(scratch, ScratchDir::Create(context, request.config.scratch_dir));
    members = drill::MakeMembers(request.full_cluster ? kFullCluster : 1, scratch->path());
    return OkStatus();
  });

  // Checksum: L0 to L3. Only a file that shows no damage is worth restoring; one that nothing
  // proves is restored, too.
  stages.Run(StageName::kChecksum, [&]() -> Status {
    ASSIGN_OR_RETURN(expected, VerifySnapshot(stages, request, *image));
    return OkStatus();
  });

  // Restore: L4, a data directory of our own making for each member.
  stages.Run(StageName::kRestore, [&]() -> Status {
    for (const drill::ScratchMember& member : members) {
      RETURN_IF_ERROR(RestoreMember(context, *image, member, drill::InitialCluster(members)));
    }
    return OkStatus();
  });

  // Boot: a real etcd, of the version that wrote the snapshot, takes the data directory for its
  // own. Without one the drill ends here, at L4.
  stages.Run(StageName::kBoot, [&]() -> Status {
    const auto binary = ChooseEtcd(stages, request);
    if (!binary.ok()) {
      RETURN_IF_ERROR(CheckAssertionsOnFile(stages, request.config.assertions, *image));
      return binary.status();
    }
    ASSIGN_OR_RETURN(etcd,
                     drill::EtcdCluster::Start(
                         context,
                         {.binary = *binary,
                          .work_dir = scratch->path(),
                          .memory_limit = request.config.etcd_memory_limit,
                          .call_timeout = std::min<Duration>(kCallLimit, request.config.timeout)},
                         members));
    return etcd->WaitReady();
  });

  // Health and verify: L5, it serves exactly what the file holds, and takes a write.
  stages.Run(StageName::kHealth,
             [&] { return stages.Add(drill::CheckHealth(*etcd, expected, context)); });
  stages.Run(StageName::kVerify, [&] {
    std::vector<drill::Check> checks = drill::CheckData(*etcd, expected, context);
    if (drill::WentBack(checks)) return stages.Add(checks);
    if (!request.config.assertions.empty()) {
      checks.push_back(drill::CheckAssertions(etcd->client(), request.config.assertions,
                                              expected.hashkv.revision));
    }
    if (request.full_cluster) {
      checks.push_back(drill::CheckReplicas(*etcd, expected));
      checks.push_back(drill::CheckNewMember(*etcd, expected));
    }
    return stages.Add(checks);
  });

  // What it took so far is the measured restore.
  stages.MeasureRto();

  // Cleanup: whatever happened, neither the processes nor the data outlive the drill.
  stages.RunAlways(StageName::kCleanup, [&]() -> Status {
    if (etcd != nullptr) etcd->Stop();
    return scratch != nullptr ? scratch->Remove() : OkStatus();
  });
}

namespace {

// kNoSpace if the scratch file system can't hold what a drill of `image` writes.
Status CheckScratchSpace(const Context& context, const FileDrillRequest& request,
                         const snapshot::Image& image) {
  // The restored database may share its blocks with the snapshot, but need not; etcd adds a second
  // WAL segment, and writes.
  constexpr uint64_t kMargin = uint64_t{64} << 20;
  RETURN_IF_ERROR(context.fs.MakeDirs(request.config.scratch_dir, kPrivateDirMode));
  ASSIGN_OR_RETURN(const SpaceInfo space, context.fs.Space(request.config.scratch_dir));
  const uint64_t needed = (image.size() + 2 * wal::kSegmentBytes) * CountEtcds(request) + kMargin;
  if (space.available_bytes >= needed) return OkStatus();
  return Error(Reason::kNoSpace,
               "scratch directory {} has {} bytes free, but a drill of {} needs {}. Free space, or "
               "set drill.scratch_dir",
               request.config.scratch_dir, space.available_bytes, request.path, needed);
}

Result<drill::Expectation> VerifySnapshot(DrillStages& stages, const FileDrillRequest& request,
                                          const snapshot::Image& image) {
  DrillReport& report = stages.report();
  ASSIGN_OR_RETURN(report.verify, crosscheck::VerifyWithManifest(
                                      stages.context(), image, request.manifest, Level::kKeyspace));
  const verify::VerifyReport& seen = *report.verify;
  report.levels = seen.levels;
  report.taken = crosscheck::TakenAt(image, request.manifest, seen);

  std::vector<drill::Check> checks = {
      {CheckName::kSha256, CheckResult::kSkipped,
       request.manifest.has_value() ? request.manifest->sha256 : "that of the trailer",
       seen.sha256}};
  if (seen.levels[Level::kTransfer] == LevelResult::kPass) checks[0].result = CheckResult::kPass;
  if (seen.levels[Level::kTransfer] == LevelResult::kFail) checks[0].result = CheckResult::kFail;
  if (seen.keyspace.has_value() && request.manifest.has_value()) {
    checks.push_back(drill::Compare(CheckName::kDbHash,
                                    fmt::format("{:08x}", request.manifest->hash),
                                    fmt::format("{:08x}", seen.keyspace->hash)));
  }
  const Status compared = stages.Add(checks);
  if (seen.verdict() == Verdict::kDamaged) {
    return Error(Reason::kDamaged, "{} is damaged: {}", request.path, seen.Cause());
  }
  if (!seen.keyspace.has_value()) {
    return Error(Reason::kNotProvable, "{}: {}", request.path, seen.Cause());
  }
  RETURN_IF_ERROR(compared);
  const verify::Keyspace& keyspace = *seen.keyspace;
  return drill::Expectation{.hashkv = keyspace.hashkv,
                            .live_keys = keyspace.live_keys,
                            .may_go_back_to = keyspace.may_go_back ? keyspace.newest_row : 0,
                            .alarms = keyspace.alarms};
}

Status RestoreMember(const Context& context, const snapshot::Image& image,
                     const drill::ScratchMember& member, const std::string& initial_cluster) {
  return restore::Restore(context, {.snapshot = image,
                                    .data_dir = member.data_dir,
                                    .membership = {.name = member.name,
                                                   .initial_cluster = initial_cluster,
                                                   .advertise_peer_urls = {member.PeerUrl()}},
                                    // Its users' passwords are not ours to know, and HashKV does
                                    // not cover them: docs/dev/adr/0004.
                                    .policy = {.drop_auth = true},
                                    .sync = false})
      .status();
}

// Any will do, the best first; none if nothing tells. What the source said of itself is the surest.
// It may be the first member of a cluster that is being upgraded, whose other members serve the
// same data. A storage version above the cluster version is left over from before a downgrade, or
// the downgrade is under way: then either etcd serves the file, and the older one is the likelier
// to come.
std::vector<int> WantedMinors(const verify::Keyspace& keyspace,
                              const std::optional<Manifest>& manifest) {
  const auto storage = EtcdMinorOf(keyspace.storage_version);
  const auto cluster = EtcdMinorOf(keyspace.cluster_version);
  if (manifest.has_value()) {
    if (const auto source = EtcdMinorOf(manifest->etcd_version)) {
      const bool is_upgraded =
          cluster.has_value() && *cluster < *source && storage.value_or(0) < *source;
      return is_upgraded ? std::vector{*source, *cluster} : std::vector{*source};
    }
  }
  if (storage.has_value() && cluster.has_value() && *storage > *cluster)
    return {*cluster, *storage};
  if (storage.has_value()) return {*storage};
  if (cluster.has_value()) return {*cluster};
  return {};
}

// kNoMemory if so many etcds with that many rows each would not fit into what is left of the
// memory, its control group's limit included, or one of them not into `limit` bytes.
Status CheckMemory(uint64_t rows, size_t etcds, std::optional<uint64_t> limit) {
  // Measured with 3.6: 48 MB of anonymous memory for 40,000 rows of 1.5 KB, 315 MB for 500,000, 736
  // MB for 2,100,000 of 100 bytes. The pages of the database are files, and go when memory is
  // needed.
  constexpr uint64_t kEmptyEtcd = uint64_t{64} << 20;
  constexpr uint64_t kBytesARow = 600;
  const uint64_t one = kEmptyEtcd + rows * kBytesARow;
  if (limit.has_value() && one > *limit) {
    return Error(Reason::kNoMemory,
                 "an etcd with {} revision records needs about {}, but drill.etcd.memory_limit is "
                 "{}. Raise the limit",
                 rows, FormatSize(one), FormatSize(*limit));
  }
  const uint64_t needed = one * etcds;
  const Result<uint64_t> available = AvailableMemory();
  if (!available.ok() || *available >= needed) return OkStatus();
  return Error(Reason::kNoMemory,
               "{} etcd with {} revision records need about {}, but {} are available. Raise the "
               "memory limit, or drill on another host",
               etcds, rows, FormatSize(needed), FormatSize(*available));
}

// The etcd that may boot it, of the minor version that wrote it; or why none can.
Result<drill::EtcdBinary> ChooseEtcd(DrillStages& stages, const FileDrillRequest& request) {
  const verify::Keyspace& keyspace = *stages.report().verify->keyspace;
  const std::vector<int> minors = WantedMinors(keyspace, request.manifest);
  const auto choose = [&](std::optional<int> minor) {
    return drill::ChooseEtcd(stages.context(), request.config.etcd_binaries, minor);
  };
  Result<drill::EtcdBinary> binary =
      choose(minors.empty() ? std::nullopt : std::optional(minors.front()));
  for (size_t i = 1; i < minors.size() && !binary.ok(); ++i) {
    if (ReasonOf(binary.status()) != Reason::kEtcdVersion) break;
    if (auto other = choose(minors[i]); other.ok()) binary = std::move(other);
  }
  RETURN_IF_ERROR(binary.status());
  stages.report().etcd_version = binary->version;
  RETURN_IF_ERROR(
      CheckMemory(keyspace.total_keys, CountEtcds(request), request.config.etcd_memory_limit));
  return binary;
}

// What can be said of them where there is no etcd to ask: by the keys of the file at its revision.
Status CheckAssertionsOnFile(DrillStages& stages, const std::vector<config::Assertion>& assertions,
                             const snapshot::Image& image) {
  if (assertions.empty()) return OkStatus();
  std::vector<drill::AssertionFacts> facts(assertions.size());
  RETURN_IF_ERROR(verify::ForEachRow(stages.context(), image, [&](const verify::Row& row) {
    if (!row.alive) return;
    for (size_t i = 0; i < assertions.size(); ++i) {
      const config::Assertion& a = assertions[i];
      if (a.key.empty()) {
        facts[i].keys += row.kv.key.starts_with(a.prefix) ? 1 : 0;
      } else if (row.kv.key == a.key) {
        facts[i].value = row.kv.value;
      }
    }
  }));
  return stages.Add({drill::JudgeAssertions(assertions, facts)});
}

}  // namespace

}  // namespace etcdrill::pipeline
