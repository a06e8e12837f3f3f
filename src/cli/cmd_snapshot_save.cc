// snapshot save.
#include <fmt/format.h>

#include <cstdio>

#include "base/text.h"
#include "base/units.h"
#include "catalog/follower.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "pipeline/take_snapshot.h"
#include "proof/receipt_view.h"

namespace etcdrill::cli {
namespace {

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
    PrintDocument(m);
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

// The flag goes before the configuration, and that before the default.
Result<Duration> TimeoutOf(Session& session, const SaveOptions& options) {
  if (!options.timeout.empty()) return ParseDuration(options.timeout);
  if (!session.has_config()) return config::SnapshotConfig().timeout;
  ASSIGN_OR_RETURN(const config::Config* const config, session.Config());
  return config->snapshot.timeout;
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
  ASSIGN_OR_RETURN(const Duration timeout, TimeoutOf(session, options));
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
                                                               .timeout = timeout,
                                                               .on_progress = progress},
                                                              *store));
  RETURN_IF_ERROR(outcome.verdict);
  PrintSaved(outcome, options);
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
