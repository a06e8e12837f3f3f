// snapshot save, status, restore, list.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "base/units.h"
#include "base/url.h"
#include "catalog/catalog.h"
#include "catalog/follower.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "crosscheck/manifest_check.h"
#include "crosscheck/receipt_check.h"
#include "pipeline/take_snapshot.h"
#include "proof/finding_codes.h"
#include "restore/restore.h"
#include "verify/verify.h"

namespace etcdrill::cli {
namespace {

// What must prove the bytes of a file, trailer or manifest, for a command to use it.
enum class Proof { kIgnored, kRightIfThere, kRight };

// The report on a file that may be used; or why it must not be.
Result<verify::VerifyReport> VerifyForUse(const Context& context, const snapshot::Image& image,
                                          const std::optional<Manifest>& manifest, Proof proof) {
  ASSIGN_OR_RETURN(verify::VerifyReport report,
                   crosscheck::VerifyWithManifest(context, image, manifest, Level::kKeyspace));
  const std::string& file = image.path();
  const LevelResult transfer = report.levels[Level::kTransfer];
  const bool damaged = report.verdict() == Verdict::kDamaged;
  if (!report.keyspace.has_value() && report.verdict() == Verdict::kNotProvable) {
    return Error(Reason::kNotProvable, "{}: {}", file, report.Cause());
  }
  const bool sound =
      report.keyspace.has_value() && report.levels[Level::kKeyspace] == LevelResult::kPass;
  const bool disproved = (damaged && proof == Proof::kRight) ||
                         (transfer == LevelResult::kFail && proof != Proof::kIgnored);
  if (!sound || disproved) {
    return Error(Reason::kDamaged, "{} is damaged: {}. For all findings, run `etcdrill verify {}`",
                 file, report.Cause(), file);
  }
  if (transfer != LevelResult::kPass && proof == Proof::kRight) {
    return Error(
        Reason::kNotProvable,
        "{}: {}. Use a snapshot with a valid trailer or manifest, or add --skip-hash-check", file,
        report.Cause());
  }
  return report;
}

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

// What is unusual in a snapshot that was saved, a line each.
std::vector<std::string> WarningsOf(const pipeline::SnapshotOutcome& outcome) {
  std::vector<std::string> lines;
  const auto disagreement = DisagreementOf(outcome.manifest);
  if (!disagreement.text.empty()) lines.push_back(Shown(disagreement.text));
  for (const Finding& f : outcome.verify.findings.kept()) {
    if (f.severity == Severity::kWarning)
      lines.push_back(fmt::format("{}: {}", f.code, Shown(f.text)));
  }
  return lines;
}

void PrintSaved(const pipeline::SnapshotOutcome& outcome, const SaveOptions& options) {
  const Manifest& m = outcome.manifest;
  for (const std::string& remark : outcome.remarks)
    fmt::print(stderr, "warning: {}\n", Shown(remark));
  const std::vector<std::string> warnings = WarningsOf(outcome);
  if (options.format == OutputFormat::kJson) {
    for (const std::string& line : warnings) fmt::print(stderr, "warning: {}\n", line);
    PrintJson(ToJson(m));
    return;
  }
  fmt::print("Snapshot saved at {}\n", Shown(outcome.verify.file));
  const ReceiptCount receipt = CountReceipt(m);
  fmt::print("{}: revision {}, {} keys, {}, etcd {} at {}; HashKV equal to {} of {} members\n",
             Coloured(NameOf(m.verdict), Colour::kGreen), m.revision, m.live_keys,
             FormatSize(m.size_bytes), Shown(m.etcd_version), Shown(m.endpoint), receipt.equal,
             receipt.members);
  for (const std::string& line : warnings)
    fmt::print("{}: {}\n", Coloured("warning", Colour::kYellow), line);
  if (m.lineage.has_value()) {
    const Colour colour =
        m.lineage->result == Continuity::kContinues ? Colour::kGreen : Colour::kRed;
    fmt::print("{} {}{}{}\n", Coloured(NameOf(m.lineage->result), colour), Shown(m.lineage->older),
               m.lineage->text.empty() ? "" : ": ", Shown(m.lineage->text));
  }
}

}  // namespace

Result<ExitCode> SnapshotSave(const Context& context, const SaveOptions& options) {
  if (options.path.empty() && options.config_file.empty()) {
    return Error(
        Reason::kUsage,
        "snapshot save: no target. Name a file, or use --config FILE to save to its store");
  }
  Session session(context, options.config_file);
  ASSIGN_OR_RETURN(const auto connection, session.Connection(options.connection));
  ASSIGN_OR_RETURN(const auto client, etcd::Client::Create(connection, context));
  ASSIGN_OR_RETURN(const Duration timeout, ParseDuration(options.timeout));
  const pipeline::OnProgress progress = ProgressLine("snapshot", options.progress, context.clock);
  if (!options.path.empty()) {
    ASSIGN_OR_RETURN(const auto outcome,
                     pipeline::SaveSnapshot(context, {*client, timeout, progress}, options.path));
    PrintSaved(outcome, options);
    return ExitCode::kOk;
  }
  ASSIGN_OR_RETURN(const config::Config* const config, session.Config());
  ASSIGN_OR_RETURN(store::LocalStore* const store, session.Store());
  catalog::Follower catalog(*store, config->cluster.name);
  ASSIGN_OR_RETURN(const auto outcome, pipeline::TakeSnapshot(context,
                                                              {.client = *client,
                                                               .catalog = catalog,
                                                               .cluster = config->cluster.name,
                                                               .timeout = config->snapshot.timeout,
                                                               .on_progress = progress},
                                                              *store));
  RETURN_IF_ERROR(outcome.verdict);
  PrintSaved(outcome, options);
  return ExitCode::kOk;
}

Result<ExitCode> SnapshotStatus(const Context& context, const StatusOptions& options) {
  ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, options.file));
  ASSIGN_OR_RETURN(const auto manifest, ManifestBeside(context, options.file));
  ASSIGN_OR_RETURN(const verify::VerifyReport report,
                   VerifyForUse(context, image, manifest, Proof::kRightIfThere));
  const verify::Keyspace& keyspace = *report.keyspace;
  const bool as_35 = options.compat == "3.5";
  const uint64_t keys =
      as_35 ? keyspace.total_keys : keyspace.live_keys + (keyspace.bumped ? 1 : 0);
  const auto number = [](uint64_t n) { return static_cast<int64_t>(n); };
  std::vector<EtcdutlCell> cells = {
      {"HASH", "Hash", "hash", keyspace.hash, fmt::format("{:x}", keyspace.hash)},
      {"REVISION", "Revision", "revision", keyspace.newest_row,
       std::to_string(keyspace.newest_row)},
      {"TOTAL KEYS", "Keys", "totalKey", number(keys), std::to_string(keys)},
      {"TOTAL SIZE", "Size", "totalSize", number(keyspace.total_bytes),
       HumanBytes(keyspace.total_bytes)}};
  if (!as_35)
    cells.push_back({"VERSION", "Version", "version", std::nullopt, keyspace.storage_version});
  PrintAsEtcdutl(cells, options.format);
  return ExitCode::kOk;
}

Result<ExitCode> SnapshotRestore(const Context& context, const RestoreCommandOptions& options) {
  if ((options.bump_revision > 0) != options.mark_compacted) {
    return Error(Reason::kUsage, "--bump-revision and --mark-compacted must be used together");
  }
  const std::string data_dir =
      WithoutSlash(options.data_dir.empty() ? options.name + ".etcd" : options.data_dir);
  ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, options.file));
  const auto beside = ManifestBeside(context, options.file);
  if (!options.skip_hash_check) RETURN_IF_ERROR(beside.status());
  std::optional<Manifest> manifest;
  if (beside.ok()) manifest = *beside;
  verify::VerifyReport report;
  const auto prove = [&]() -> Status {
    const Proof proof = options.skip_hash_check ? Proof::kIgnored : Proof::kRight;
    ASSIGN_OR_RETURN(report, VerifyForUse(context, image, manifest, proof));
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
  if (!beside.ok()) fmt::print(stderr, "warning: {}\n", Shown(MessageOf(beside.status())));
  WarnOfProof(report, options.file);
  fmt::print("Restored {} to {}: member {:x} of cluster {:x}, {}\n", Shown(options.file),
             Shown(data_dir), result.member_id, result.cluster_id, FormatSize(result.db_bytes));
  PrintSurprises(report.findings, options);
  return ExitCode::kOk;
}

Result<ExitCode> SnapshotList(const Context& context, const ListOptions& options) {
  Session session(context, options.config_file);
  ASSIGN_OR_RETURN(const store::LocalStore* const store, session.Store());
  ASSIGN_OR_RETURN(const catalog::Catalog catalog, catalog::ReadCatalog(context, *store));
  const WallTime now = context.clock.Now();
  Json json = Json::array();
  Rows rows;
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    const Manifest& m = entry.manifest;
    const std::string drilled =
        entry.last_drill.has_value() ? FormatRfc3339(entry.last_drill->finished) : "";
    const bool from_future = IsFuture(m.taken, now);
    json.push_back({{"name", m.name},
                    {"taken", FormatRfc3339(m.taken)},
                    {"from_future", from_future},
                    {"other_history", m.other_history},
                    {"revision", m.revision},
                    {"keys", m.live_keys},
                    {"size", m.size_bytes},
                    {"sha256", m.sha256},
                    {"state", NameOf(entry.state)},
                    {"last_drill", drilled}});
    rows.push_back(
        {m.name, FormatRfc3339(m.taken) + (from_future ? " (in the future)" : ""),
         std::to_string(m.revision), std::to_string(m.live_keys), FormatSize(m.size_bytes),
         m.sha256.substr(0, 12),
         fmt::format("{}{}", NameOf(entry.state), m.other_history ? " (of another history)" : ""),
         drilled.empty() ? "never" : drilled});
  }
  const std::vector<std::string> head = {"NAME", "TAKEN",  "REVISION", "KEYS",
                                         "SIZE", "SHA256", "STATE",    "LAST-DRILL"};
  PrintList(options.format, json, head, rows);
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
