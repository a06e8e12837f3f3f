// verify and hashkv.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "app/commands.h"
#include "app/etcdutl_output.h"
#include "app/inventory_text.h"
#include "app/targets.h"
#include "app/textfile_out.h"
#include "base/text.h"
#include "base/units.h"
#include "config/load.h"
#include "pipeline/claims_check.h"
#include "pipeline/manifest_check.h"
#include "store/local_store.h"
#include "verify/verify.h"

namespace etcdrill::app {
namespace {

Colour ColourOf(verify::Verdict verdict) {
  switch (verdict) {
    case verify::Verdict::kProven:
      return Colour::kGreen;
    case verify::Verdict::kDamaged:
      return Colour::kRed;
    case verify::Verdict::kNotProvable:
      return Colour::kYellow;
  }
  return Colour::kYellow;
}

Rows LevelRows(const verify::VerifyReport& report) {
  const auto row = [](std::string level, verify::LevelResult result, std::string what) {
    return Row{std::move(level), verify::LevelResultName(result), std::move(what)};
  };
  std::string keyspace;
  if (report.keyspace.has_value()) {
    const verify::Keyspace& k = *report.keyspace;
    keyspace = fmt::format("revision {}, {} keys, hash {:x}, hashkv {:x}", k.hashkv.revision,
                           k.live_keys, k.hash, k.hashkv.hash);
    if (k.hashkv.compact_revision > 0)
      keyspace += fmt::format(", compacted at {}", k.hashkv.compact_revision);
  }
  return {row("L0 present", report.levels.present, FormatSize(report.size_bytes)),
          row("L1 transfer", report.levels.transfer,
              report.sha256.empty() ? "" : "sha256 " + report.sha256),
          row("L2 structure", report.levels.structure, ""),
          row("L3 keyspace", report.levels.keyspace, keyspace)};
}

void PrintReport(const verify::VerifyReport& report, int level, OutputFormat format) {
  if (format == OutputFormat::kJson) {
    PrintJson(verify::ToJson(report));
    return;
  }
  fmt::print("{}: {}\n", Shown(report.file),
             Coloured(verify::VerdictName(report.verdict), ColourOf(report.verdict)));
  const std::vector<std::string> head = {"LEVEL", "RESULT", "FACTS"};
  fmt::print("{}", format == OutputFormat::kTable ? FramedTable(head, LevelRows(report))
                                                  : PlainTable(head, LevelRows(report)));
  for (const std::string& part : report.Affected()) fmt::print("affected: {}\n", Shown(part));
  PrintFindings(report.findings);
  if (level < verify::kLevelMax && report.verdict != verify::Verdict::kDamaged) {
    fmt::print("levels above {} were not asked for (--level), so they are not proven\n", level);
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
    const verify::Levels& levels = report.levels;
    const auto all = {levels.present, levels.transfer, levels.structure, levels.keyspace};
    const auto count = [&](verify::LevelResult result) {
      return std::count(all.begin(), all.end(), result);
    };
    const auto skipped = count(verify::LevelResult::kSkipped);
    const bool asked_for_less =
        skipped > 0 && count(verify::LevelResult::kPass) + skipped == std::ssize(all);
    return report.verdict == verify::Verdict::kProven ||
           (report.verdict == verify::Verdict::kNotProvable && asked_for_less);
  }
};

Status Record(const Context& context, const Target& target, const std::string& config_file,
              const std::function<void(store::Checks&)>& change) {
  ASSIGN_OR_RETURN(const config::Config config, config::Load(context.fs, config_file));
  ASSIGN_OR_RETURN(const auto store, store::LocalStore::Open(context, config.store_path));
  return store->UpdateChecks(target.name, change);
}

// Bytes that are not those that were stored. What else is wrong with a snapshot a drill says.
void TellDamaged(const Context& context, const Target& target, const verify::VerifyReport& report,
                 const std::string& config_file) {
  if (report.verdict != verify::Verdict::kDamaged || report.sha256 == target.manifest->sha256)
    return;
  const Status told =
      Record(context, target, config_file, [&, now = context.clock.Now()](store::Checks& checks) {
        checks.FoundDamaged(now, report.Cause());
      });
  if (!told.ok()) {
    context.log.Warn("a snapshot is damaged, but that can't be recorded",
                     {{"snapshot", target.name}, {"err", MessageOf(told)}});
  }
}

// What was read when it was found damaged was not what is on the disk, if every byte is as it was
// stored. What a drill found in these very bytes is healed only by a proof of the whole.
void TellHealed(const Context& context, const Target& target, const verify::VerifyReport& report,
                const std::string& config_file) {
  if (!target.damaged.has_value() || report.sha256 != target.manifest->sha256) return;
  const pipeline::CatalogEntry& damaged = *target.damaged;
  const bool proven = report.verdict == verify::Verdict::kProven;
  const std::string answers = proven ? damaged.AnsweredByProof() : damaged.AnsweredByItsBytes();
  if (answers.empty() && !damaged.checks.damaged.has_value()) return;
  const bool stands = answers.empty() && damaged.damaging_drill.has_value();
  const Status healed =
      Record(context, target, config_file, [&, now = context.clock.Now()](store::Checks& checks) {
        damaged.RecordRight(checks, now, answers);
      });
  if (healed.ok()) {
    fmt::print(stderr,
               "{}: it was found damaged once, and has its right bytes again; the record is taken "
               "away{}\n",
               Shown(target.name), stands ? ", but what a drill found in these bytes stands" : "");
  } else {
    context.log.Warn("a snapshot has its right bytes again, but that can't be recorded",
                     {{"snapshot", target.name}, {"err", MessageOf(healed)}});
  }
}

Result<Verified> VerifyTarget(const Context& context, const VerifyOptions& options) {
  ASSIGN_OR_RETURN(const Target target, FindTarget(context, options.target, options.config_file));
  pipeline::Freshness freshness{.others = target.others};
  if (!options.max_age.empty()) {
    ASSIGN_OR_RETURN(freshness.max_age, ParseDuration(options.max_age));
  }
  Verified verified;
  ASSIGN_OR_RETURN(const auto image, snapshot::Image::Open(context, target.path));
  ASSIGN_OR_RETURN(verified.report,
                   pipeline::VerifyWithManifest(context, image, target.manifest, options.level));
  if (target.in_store) {
    TellDamaged(context, target, verified.report, options.config_file);
    TellHealed(context, target, verified.report, options.config_file);
  }
  verified.taken = pipeline::TakenAt(image, target.manifest, verified.report);
  verified.fresh =
      pipeline::CheckFreshness(verified.taken, context.clock.Now(), freshness, verified.report);
  // Over a broken structure the numbers would say nothing.
  if (options.inventory && verified.report.levels.structure == verify::LevelResult::kPass) {
    ASSIGN_OR_RETURN(verified.report.inventory, verify::TakeInventory(context, image));
  }
  return verified;
}

Result<ExitCode> PrintAndJudge(const Result<Verified>& verified, const VerifyOptions& options) {
  RETURN_IF_ERROR(verified.status());
  PrintReport(verified->report, options.level, options.format);
  if (!verified->IsGood()) return ExitCodeOf(verified->report.verdict);
  return verified->fresh ? ExitCode::kOk : ExitCode::kObjectiveMissed;
}

report::VerifyRun ToVerifyRun(const Result<Verified>& verified, WallTime now) {
  report::VerifyRun run{.ended = UnixSeconds(now)};
  if (!verified.ok()) {
    if (ReasonOf(verified.status()) == Reason::kNotFound) run.levels["present"] = false;
    return run;
  }
  const verify::VerifyReport& r = verified->report;
  run.seconds = r.duration_seconds;
  run.passed = verified->IsGood();
  for (const auto& [name, result] :
       {std::pair("present", r.levels.present), std::pair("transfer", r.levels.transfer),
        std::pair("structure", r.levels.structure), std::pair("keyspace", r.levels.keyspace)}) {
    if (result == verify::LevelResult::kPass || result == verify::LevelResult::kFail) {
      run.levels[name] = result == verify::LevelResult::kPass;
    }
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

ExitCode ExitCodeOf(verify::Verdict verdict) {
  switch (verdict) {
    case verify::Verdict::kProven:
      return ExitCode::kOk;
    case verify::Verdict::kDamaged:
      return ExitCode::kVerificationFailed;
    case verify::Verdict::kNotProvable:
      return ExitCode::kFailed;
  }
  return ExitCode::kFailed;
}

Result<ExitCode> Verify(const Context& context, const VerifyOptions& options) {
  const Result<Verified> verified = VerifyTarget(context, options);
  Result<ExitCode> result = PrintAndJudge(verified, options);
  if (options.textfile_out.empty() || IsInterrupted(result.status())) return result;
  const report::VerifyRun run = ToVerifyRun(verified, context.clock.Now());
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

}  // namespace etcdrill::app
