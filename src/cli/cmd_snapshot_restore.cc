// snapshot restore.
#include <fmt/format.h>

#include <cstdio>

#include "base/text.h"
#include "base/units.h"
#include "base/url.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/verify_for_use.h"
#include "proof/finding_codes.h"
#include "restore/restore.h"

namespace etcdrill::cli {
namespace {

// What --skip-hash-check passed over.
void WarnOfProof(const verify::VerifyReport& report, const std::string& file) {
  if (report.levels[Level::kTransfer] == LevelResult::kFail) {
    fmt::print(stderr,
               "warning: {} is not what etcd sent: {}. Restored because of --skip-hash-check\n",
               Shown(file), Shown(report.Cause()));
  } else if (report.verdict() == Verdict::kDamaged) {
    fmt::print(stderr, "warning: {} is damaged: {}. Restored because of --skip-hash-check\n",
               Shown(file), Shown(report.Cause()));
  } else if (report.levels[Level::kTransfer] == LevelResult::kUnknown) {
    fmt::print(stderr, "warning: the bytes of {} cannot be confirmed: {}\n", Shown(file),
               Shown(report.Cause()));
  }
}

std::string WithoutSlash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

// What the new cluster takes over from the old one, and the operator may not expect.
void PrintSurprises(const Findings& findings, const RestoreCommandOptions& options) {
  for (const Finding& f : findings.kept()) {
    const bool surprising = (f.code == codes::kRestoresWithAlarm && !options.clear_alarms) ||
                            (f.code == codes::kRestoresWithAuth && !options.drop_auth) ||
                            f.code == codes::kRestoresWithLeases ||
                            f.code == codes::kAlarmCorrupt || f.code == codes::kNoKeys ||
                            f.code == codes::kRowLostByEtcd;
    if (surprising) fmt::print("{}", FindingLine(f));
  }
}

struct Source {
  Target target;
  Status problem;  // of the manifest beside a file, which --skip-hash-check passes over
};

Result<Source> FindSource(const Context& context, Session& session,
                          const RestoreCommandOptions& options) {
  if (options.config_file.empty() && options.skip_hash_check) {
    const auto beside = ManifestBeside(context, options.file);
    return Source{.target = {.name = options.file,
                             .path = options.file,
                             .manifest = beside.value_or(std::nullopt)},
                  .problem = beside.status()};
  }
  ASSIGN_OR_RETURN(Target target, FindTarget(context, session, options.file, options.site));
  return Source{.target = std::move(target), .problem = OkStatus()};
}

}  // namespace

Result<ExitCode> SnapshotRestore(const Context& context, const RestoreCommandOptions& options) {
  if ((options.bump_revision > 0) != options.mark_compacted) {
    return Error(Reason::kUsage, "--bump-revision and --mark-compacted must be used together");
  }
  const std::string data_dir =
      WithoutSlash(options.data_dir.empty() ? options.name + ".etcd" : options.data_dir);
  Session session(context, options.config_file);
  ASSIGN_OR_RETURN(const Source source, FindSource(context, session, options));
  ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, source.target.path));
  verify::VerifyReport report;
  const auto prove = [&]() -> Status {
    const Proof proof = options.skip_hash_check ? Proof::kIgnored : Proof::kRight;
    ASSIGN_OR_RETURN(report, VerifyForUse(context, image, source.target.manifest, proof));
    return OkStatus();
  };
  const restore::RestoreOptions request{
      .snapshot = image,
      .data_dir = data_dir,
      .wal_dir = WithoutSlash(options.wal_dir),
      .membership = {options.name, options.initial_cluster, options.token,
                     SplitList(options.advertise_peer_urls)},
      .policy = {options.bump_revision, options.clear_alarms, options.drop_auth,
                 options.etcd_version, options.allow_downgrade},
      .sync = !options.no_sync,
      .proof = prove,
      .on_progress = ProgressLine("restore", options.progress, context.clock)};
  ASSIGN_OR_RETURN(const restore::RestoreResult result, restore::Restore(context, request));
  for (const std::string& warning : result.warnings)
    fmt::print(stderr, "warning: {}\n", Shown(warning));
  if (!source.problem.ok()) fmt::print(stderr, "warning: {}\n", Shown(MessageOf(source.problem)));
  WarnOfProof(report, source.target.name);
  fmt::print("Restored {} to {}: member {:x} of cluster {:x}, {}\n", Shown(source.target.name),
             Shown(data_dir), result.member_id, result.cluster_id, FormatSize(result.db_bytes));
  PrintSurprises(report.findings, options);
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
