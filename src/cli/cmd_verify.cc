// verify and hashkv.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"
#include "cli/textfile_out.h"
#include "crosscheck/manifest_check.h"
#include "verify/inventory.h"
#include "verify/verify.h"

namespace etcdrill::cli {
namespace {

constexpr size_t kGroupsShown = 20;

Row RowOf(const verify::InventoryGroup& g) {
  return {g.name,
          std::to_string(g.live_keys),
          std::to_string(g.revisions),
          FormatSize(g.live_value_bytes),
          FormatSize(g.bytes),
          std::to_string(g.encrypted),
          std::to_string(g.live_keys - g.encrypted)};
}

void PrintGroups(const char* what, const std::vector<verify::InventoryGroup>& groups,
                 OutputFormat format) {
  if (groups.empty()) return;
  Rows rows;
  for (const verify::InventoryGroup& g : groups) {
    if (rows.size() < kGroupsShown) rows.push_back(RowOf(g));
  }
  PrintTable(format, {what, "KEYS", "REVISIONS", "VALUES", "STORED", "ENCRYPTED", "PLAIN"}, rows);
  if (groups.size() > rows.size())
    fmt::print("... and {} smaller groups. Use -w json to list all\n", groups.size() - rows.size());
}

// Three tables; only the largest groups of each, the whole is in the JSON.
void PrintInventory(const verify::Inventory& inventory, OutputFormat format) {
  std::vector<verify::InventoryGroup> prefixes = {inventory.total};
  prefixes.insert(prefixes.end(), inventory.prefixes.begin(), inventory.prefixes.end());
  PrintGroups("PREFIX", prefixes, format);
  PrintGroups("RESOURCE", inventory.resources, format);
  if (inventory.encryption_keys.empty()) return;
  Rows rows;
  for (const verify::EncryptionKey& k : inventory.encryption_keys) {
    rows.push_back({k.provider, k.version, k.key, std::to_string(k.live_values)});
  }
  PrintTable(format, {"PROVIDER", "VERSION", "KEY", "VALUES"}, rows);
}

Rows LevelRows(const verify::VerifyReport& report) {
  const auto row = [](std::string level, LevelResult result, std::string what) {
    return Row{std::move(level), NameOf(result), std::move(what)};
  };
  std::string keyspace;
  if (report.keyspace.has_value()) {
    const verify::Keyspace& k = *report.keyspace;
    keyspace = fmt::format("revision {}, {} keys, hash {:x}, hashkv {:x}", k.hashkv.revision,
                           k.live_keys, k.hash, k.hashkv.hash);
    if (k.hashkv.compact_revision > 0)
      keyspace += fmt::format(", compacted at {}", k.hashkv.compact_revision);
  }
  return {row("L0 present", report.levels[Level::kPresent], FormatSize(report.size_bytes)),
          row("L1 transfer", report.levels[Level::kTransfer],
              report.sha256.empty() ? "" : "sha256 " + report.sha256),
          row("L2 structure", report.levels[Level::kStructure], ""),
          row("L3 keyspace", report.levels[Level::kKeyspace], keyspace)};
}

void PrintReport(const verify::VerifyReport& report, int level, OutputFormat format) {
  if (format == OutputFormat::kJson) return PrintDocument(report);
  fmt::print("{}: {}\n", Shown(report.file),
             Coloured(NameOf(report.verdict()), LookOf(report.verdict()).colour));
  PrintTable(format, {"LEVEL", "RESULT", "FACTS"}, LevelRows(report));
  for (const std::string& part : report.Affected()) fmt::print("affected: {}\n", Shown(part));
  PrintFindings(report.findings);
  if (level < static_cast<int>(Level::kKeyspace) && report.verdict() != Verdict::kDamaged) {
    fmt::print("levels above {} were not checked (--level), so they are not proven\n", level);
  }
  if (report.inventory.has_value()) PrintInventory(*report.inventory, format);
}

struct Verified {
  verify::VerifyReport report;
  bool fresh = true;
  WallTime taken;

  // The verdict is of the file: what was not looked at is not proven. The exit code is of what was
  // asked: levels that nobody asked for are no failure of the command.
  bool IsGood() const {
    const auto is = [&](LevelResult wanted) {
      return [&, wanted](Level level) { return report.levels[level] == wanted; };
    };
    const auto skipped = std::ranges::count_if(kFileLevels, is(LevelResult::kSkipped));
    const auto passed = std::ranges::count_if(kFileLevels, is(LevelResult::kPass));
    const bool asked_for_less = skipped > 0 && passed + skipped == std::ssize(kFileLevels);
    return report.verdict() == Verdict::kProven ||
           (report.verdict() == Verdict::kNotProvable && asked_for_less);
  }
};

// Bytes that are not those that were stored. What else is wrong with a snapshot a drill says.
void TellDamaged(const Context& context, const Target& target, const verify::VerifyReport& report) {
  if (report.verdict() != Verdict::kDamaged || report.sha256 == target.manifest->sha256) return;
  const Status told = target.store->UpdateChecks(
      target.name,
      [&, now = context.clock.Now()](Checks& checks) { checks.FoundDamaged(now, report.Cause()); });
  if (!told.ok()) {
    context.log.Warn("damage not recorded", {{"snapshot", target.name}, {"err", MessageOf(told)}});
  }
}

// What was read when it was found damaged was not what is on the disk, if every byte is as it was
// stored. What a drill found in these very bytes is healed only by a proof of the whole.
void TellHealed(const Context& context, const Target& target, const verify::VerifyReport& report) {
  if (!target.damaged.has_value() || report.sha256 != target.manifest->sha256) return;
  const catalog::CatalogEntry& damaged = *target.damaged;
  const bool proven = report.verdict() == Verdict::kProven;
  const std::string answers = proven ? damaged.AnsweredByProof() : damaged.AnsweredByItsBytes();
  if (answers.empty() && !damaged.checks.damaged.has_value()) return;
  const bool stands = answers.empty() && damaged.damaging_drill.has_value();
  const Status healed =
      target.store->UpdateChecks(target.name, [&, now = context.clock.Now()](Checks& checks) {
        damaged.RecordRight(checks, now, answers);
      });
  if (healed.ok()) {
    fmt::print(stderr, "{}: the bytes are intact again; the damage record is deleted{}\n",
               Shown(target.name),
               stands ? ", but the damage that a drill found in these bytes stays" : "");
  } else {
    context.log.Warn("damage record not cleared",
                     {{"snapshot", target.name}, {"err", MessageOf(healed)}});
  }
}

Result<Verified> VerifyTarget(const Context& context, Session& session,
                              const VerifyOptions& options) {
  ASSIGN_OR_RETURN(const Target target, FindTarget(context, session, options.target, options.site));
  crosscheck::Freshness freshness{.others = target.others};
  if (!options.max_age.empty()) {
    ASSIGN_OR_RETURN(freshness.max_age, ParseDuration(options.max_age));
  }
  Verified verified;
  ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, target.path));
  ASSIGN_OR_RETURN(verified.report,
                   crosscheck::VerifyWithManifest(context, image, target.manifest,
                                                  static_cast<Level>(options.level)));
  if (target.scratch != nullptr) verified.report.file = target.name;  // scratch is gone by then
  if (target.store != nullptr) {
    TellDamaged(context, target, verified.report);
    TellHealed(context, target, verified.report);
  }
  verified.taken = crosscheck::TakenAt(image, target.manifest, verified.report);
  verified.fresh =
      crosscheck::CheckFreshness(verified.taken, context.clock.Now(), freshness, verified.report);
  // Over a broken structure the numbers would say nothing.
  if (options.inventory && verified.report.levels[Level::kStructure] == LevelResult::kPass) {
    ASSIGN_OR_RETURN(verified.report.inventory, verify::TakeInventory(context, image));
  }
  return verified;
}

// Bad news goes to stderr, too, in one line: cron mails what a job prints there, and no exit code.
Result<ExitCode> PrintAndJudge(const Result<Verified>& verified, const VerifyOptions& options) {
  RETURN_IF_ERROR(verified.status());
  const verify::VerifyReport& report = verified->report;
  PrintReport(report, options.level, options.format);
  if (verified->IsGood() && verified->fresh) return ExitCode::kOk;
  const std::string_view news = verified->IsGood() ? "too old" : NameOf(report.verdict());
  std::fflush(stdout);  // so that it stands behind the report
  fmt::print(stderr, "etcdrill: {}: {}: {}\n", Shown(report.file), news, Shown(report.Cause()));
  return verified->IsGood() ? ExitCode::kObjectiveMissed : LookOf(report.verdict()).exit_code;
}

report::VerifyRun ToVerifyRun(const Result<Verified>& verified, WallTime now) {
  report::VerifyRun run{.ended = UnixSeconds(now)};
  if (!verified.ok()) {
    if (ReasonOf(verified.status()) == Reason::kNotFound) run.levels[Level::kPresent] = false;
    return run;
  }
  const verify::VerifyReport& r = verified->report;
  run.seconds = r.duration_seconds;
  run.passed = verified->IsGood();
  for (const Level level : kFileLevels) {
    const LevelResult result = r.levels[level];
    if (result == LevelResult::kPass || result == LevelResult::kFail)
      run.levels[level] = result == LevelResult::kPass;
  }
  const bool dated = !IsFuture(verified->taken, now);
  if (run.passed && r.keyspace.has_value() && dated) {
    run.snapshot = {.taken = UnixSeconds(verified->taken),
                    .size_bytes = static_cast<double>(r.size_bytes),
                    .revision = static_cast<double>(r.keyspace->hashkv.revision),
                    .keys = static_cast<double>(r.keyspace->live_keys)};
  }
  return run;
}

}  // namespace

Result<ExitCode> Verify(const Context& context, const VerifyOptions& options) {
  Session session(context, options.config_file);
  const Result<Verified> verified = VerifyTarget(context, session, options);
  Result<ExitCode> result = PrintAndJudge(verified, options);
  if (options.textfile_out.empty() || IsInterrupted(result.status())) return result;
  report::VerifyRun run = ToVerifyRun(verified, context.clock.Now());
  run.cluster = session.Cluster();
  return WithTextfile(context, result, WriteVerifyTextfile(context, options.textfile_out, run));
}

Result<ExitCode> HashKv(const Context& context, const HashKvOptions& options) {
  ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, options.file));
  ASSIGN_OR_RETURN(const mvcc::HashKv hashkv,
                   verify::HashKvOf(context, image, options.revision, options.compact_revision));
  const auto cell = [](std::string_view head, std::string_view field, std::string_view key,
                       int64_t value) {
    return EtcdutlCell{head, field, key, value, std::to_string(value)};
  };
  PrintAsEtcdutl(
      {cell("HASH", "Hash", "hash", hashkv.hash),
       cell("HASH REVISION", "Hash revision", "hashRevision", hashkv.revision),
       cell("COMPACT REVISION", "Compact revision", "compactRevision", hashkv.compact_revision)},
      options.format);
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
