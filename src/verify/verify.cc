// The ladder. L1 reads the file front to back on a thread of its own, while L2 and L3 walk the
// tree: SHA-256 is the slowest part, and the two share the page cache.
#include "verify/verify.h"

#include <fmt/format.h>

#include <algorithm>
#include <future>

#include "format/bbolt/database.h"
#include "format/snapshot/image.h"
#include "proof/finding_codes.h"
#include "verify/check_keyspace.h"
#include "verify/facts.h"

namespace etcdrill::verify {
namespace {

void CheckSize(const snapshot::Image& image, const bbolt::Database& database, Findings& findings) {
  const uint64_t body = database.body_size();
  const bbolt::Meta& meta = database.meta();
  const uint64_t pages = body / meta.page_size;
  if (pages < meta.high_water) {  // compared in pages: the product may wrap
    findings.Add({codes::kFileTruncated, Severity::kError, pages, body,
                  fmt::format("the file has {} pages, {} are in use: the file is truncated", pages,
                              meta.high_water)});
  } else if (snapshot::HasTrailer(image.size()) && body > database.bytes_in_use()) {
    findings.Add({codes::kFileTooLong, Severity::kWarning, std::nullopt, database.bytes_in_use(),
                  fmt::format("{} bytes are between the last page and the trailer",
                              body - database.bytes_in_use())});
  }
}

// L2 alone: nobody looks at the pairs.
class NobodyLooks final : public bbolt::Visitor {
  void OnBucket(std::string_view) override {}
  void OnPairs(std::span<const bbolt::Pair>) override {}
};

// Not damaged: not understood, and so not provable.
void Tell(snapshot::Foreign foreign, VerifyReport& report) {
  report.foreign = foreign;
  report.levels[Level::kKeyspace] = LevelResult::kUnknown;
  report.findings.Add({.code = codes::kNotASnapshot,
                       .severity = Severity::kWarning,
                       .text = std::string(snapshot::Describe(foreign)),
                       .prevents_proof = true});
}

// L2, and L3 in the same walk.
Status CheckContent(const snapshot::Image& image, Level level, uint64_t seed,
                    VerifyReport& report) {
  const uint64_t errors_before = report.findings.errors();
  report.levels[Level::kStructure] = LevelResult::kFail;
  if (level >= Level::kKeyspace) report.levels[Level::kKeyspace] = LevelResult::kUnknown;
  ASSIGN_OR_RETURN(const bbolt::Database* const database, image.database());
  report.findings.Merge(image.meta_findings());
  if (database == nullptr) return OkStatus();

  CheckSize(image, *database, report.findings);
  const auto walk = [&](bbolt::Visitor& visitor) -> Status {
    RETURN_IF_ERROR(database->WalkAll(report.findings, visitor));
    if (report.findings.errors() == errors_before)
      report.levels[Level::kStructure] = LevelResult::kPass;
    return OkStatus();
  };
  if (level < Level::kKeyspace) {
    NobodyLooks nobody;
    return walk(nobody);
  }
  Findings keyspace_findings;
  ASSIGN_OR_RETURN(const Facts facts, ReadFacts(*database));
  ASSIGN_OR_RETURN(KeyBucketCheck key_bucket,
                   KeyBucketCheck::Start(facts, seed, keyspace_findings));
  KeyspaceCheck keyspace(facts, std::move(key_bucket), keyspace_findings);
  RETURN_IF_ERROR(walk(keyspace));
  // Over a broken structure the sums and gaps would say nothing.
  if (report.levels[Level::kStructure] == LevelResult::kFail) return OkStatus();
  ASSIGN_OR_RETURN(report.keyspace, keyspace.Finish());
  if (keyspace.IsOfOtherProgram()) {
    Tell(snapshot::Foreign::kOtherBolt, report);
    report.keyspace.reset();
    return OkStatus();
  }
  report.keyspace->total_bytes = database->bytes_in_use();
  report.levels[Level::kKeyspace] =
      keyspace_findings.errors() == 0 ? LevelResult::kPass : LevelResult::kFail;
  report.findings.Merge(std::move(keyspace_findings));
  return OkStatus();
}

void CheckPresence(const VerifyInput& input, VerifyReport& report) {
  report.levels[Level::kPresent] = LevelResult::kPass;
  if (report.size_bytes == 0) {
    report.levels[Level::kPresent] = LevelResult::kFail;
    report.findings.Add(
        {codes::kEmptyFile, Severity::kError, std::nullopt, std::nullopt, "the file is empty"});
  }
  if (report.file.ends_with(".part") && !input.staged) {
    report.levels[Level::kPresent] = LevelResult::kFail;
    report.findings.Add({codes::kPartialName, Severity::kError, std::nullopt, std::nullopt,
                         "the name ends in .part: the download is unfinished"});
  }
}

// What the file is instead of a database, if that is known, goes into `report`.
Status CheckKind(const snapshot::Image& image, VerifyReport& report) {
  ASSIGN_OR_RETURN(const auto foreign, snapshot::RecognizeForeign(image.reader()));
  if (!foreign.has_value()) return OkStatus();
  report.levels[Level::kStructure] = LevelResult::kUnknown;
  Tell(*foreign, report);
  return OkStatus();
}

// L1 on a thread of its own, beside L2 and L3.
Status CheckBytes(const Context& context, const snapshot::Image& image, const VerifyInput& input,
                  VerifyReport& report) {
  ASSIGN_OR_RETURN(const bbolt::Database* const database, image.database());
  if (database == nullptr) RETURN_IF_ERROR(CheckKind(image, report));
  const bool is_foreign = report.foreign.has_value();
  const TrailerRule rule = is_foreign ? TrailerRule::kNone : TrailerRule::kOfSnapshot;
  Findings transfer_findings;
  auto transfer = std::async(std::launch::async, [&] {
    return CheckTransfer(image, rule, input.expected, transfer_findings);
  });
  const Status content = input.level >= Level::kStructure && !is_foreign
                             ? CheckContent(image, input.level, context.random.Next(), report)
                             : OkStatus();
  const Result<TransferResult> transferred = transfer.get();
  RETURN_IF_ERROR(content);
  RETURN_IF_ERROR(transferred.status());
  report.levels[Level::kTransfer] = transferred->level;
  report.sha256 = transferred->sha256;
  // What the file is comes before what is wrong with its end.
  if (database != nullptr) std::swap(report.findings, transfer_findings);
  report.findings.Merge(std::move(transfer_findings));
  return OkStatus();
}

// What sets times and leaves the bytes, such as `touch`, `rsync -t` and backup agents, is no
// writer.
Result<bool> HasSameBytes(const snapshot::Image& image, const std::string& sha256) {
  Findings told_already;
  const auto again = CheckTransfer(image, TrailerRule::kNone, std::nullopt, told_already);
  if (IsInterrupted(again.status())) return again.status();
  return again.ok() && again->sha256 == sha256;
}

// Bytes that were read before somebody wrote to the file, and bytes that were read after, are not
// one snapshot.
Result<bool> FoundChanged(const snapshot::Image& image, const Status& looked,
                          VerifyReport& report) {
  const Result<bool> unchanged = image.reader().IsUnchanged();
  if (!unchanged.ok() || *unchanged || IsInterrupted(looked)) return false;
  if (looked.ok()) {
    ASSIGN_OR_RETURN(const bool same, HasSameBytes(image, report.sha256));
    if (same) return false;
  }
  report.levels = {};
  report.levels[Level::kPresent] = LevelResult::kUnknown;
  report.keyspace.reset();
  report.foreign.reset();
  report.findings = {};  // of bytes that never were one file
  report.findings.Add({.code = codes::kFileChanged,
                       .severity = Severity::kWarning,
                       .text = "the file changes while etcdrill reads it. Wait until the writer "
                               "has finished, and do not verify the database of a running member",
                       .prevents_proof = true});
  return true;
}

}  // namespace

Result<VerifyReport> Verify(const Context& context, const snapshot::Image& image,
                            const VerifyInput& input) {
  const Stopwatch watch(context.clock);
  VerifyReport report;
  report.file = image.path();
  report.size_bytes = image.size();
  CheckPresence(input, report);
  if (report.size_bytes > 0) {
    const Status looked = CheckBytes(context, image, input, report);
    ASSIGN_OR_RETURN(const bool changed, FoundChanged(image, looked, report));
    if (!changed) RETURN_IF_ERROR(looked);
  }
  report.duration_seconds = watch.Seconds();
  return report;
}

}  // namespace etcdrill::verify
