// The ladder. L1 reads the file front to back on a thread of its own, while L2 and L3 walk the tree: SHA-256 is the
// slowest part, and the two share the page cache.
#include "verify/verify.h"

#include <fmt/format.h>

#include <future>

#include "format/bbolt/tree.h"
#include "format/finding_codes.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/revision.h"
#include "format/snapshot/trailer.h"
#include "verify/check_keyspace.h"
#include "verify/interruptible_file.h"

namespace etcdrill::verify {
namespace {

// The revision a server booted on the file would be at; needed before the walk, which meets the newest row last.
Result<int64_t> CurrentRevision(const ReadableFile& file, uint64_t body, const bbolt::Meta& meta,
                                const mvcc::StoreState& state) {
  ASSIGN_OR_RETURN(const auto last_key, bbolt::LastKey(file, body, meta, mvcc::kKeyBucket));
  const auto last = last_key.has_value() ? mvcc::DecodeRevision(*last_key) : std::nullopt;
  const int64_t empty_store = 1;
  return std::max({last.has_value() ? last->main : empty_store, state.CompactRevision(), empty_store});
}

struct FileFacts {
  uint64_t body = 0;
  bbolt::Meta meta;
  mvcc::StoreState state;
  int64_t revision = 0;
};

// Everything that the walk has to know beforehand; nullopt, with a finding, if neither meta can be used.
Result<std::optional<FileFacts>> ReadFacts(const ReadableFile& file, Findings& findings) {
  FileFacts facts;
  facts.body = snapshot::BodySize(file.Size());
  ASSIGN_OR_RETURN(const std::optional<bbolt::Meta> meta, bbolt::ReadMetas(file, facts.body, findings));
  if (!meta.has_value()) return std::optional<FileFacts>();
  facts.meta = *meta;
  ASSIGN_OR_RETURN(facts.state, mvcc::ReadStoreState(file, facts.body, facts.meta));
  ASSIGN_OR_RETURN(facts.revision, CurrentRevision(file, facts.body, facts.meta, facts.state));
  return std::optional(facts);
}

void CheckSize(const ReadableFile& file, const FileFacts& facts, Findings& findings) {
  const uint64_t pages = facts.body / facts.meta.page_size;
  const uint64_t expected = facts.meta.high_water * facts.meta.page_size;
  if (pages < facts.meta.high_water) {  // compared in pages: the product may wrap
    findings.Add({codes::kFileTruncated, Severity::kError, pages, facts.body,
                  fmt::format("the file holds {} pages, {} are in use: it was cut", pages, facts.meta.high_water)});
  } else if (snapshot::HasTrailer(file.Size()) && facts.body > expected) {
    findings.Add({codes::kFileTooLong, Severity::kWarning, std::nullopt, expected,
                  fmt::format("{} bytes lie between the last page and the trailer", facts.body - expected)});
  }
}

// L2 and L3 in one walk.
Status CheckContent(const ReadableFile& file, int level, uint64_t seed, VerifyReport& report) {
  const uint64_t errors_before = report.findings.errors();
  ASSIGN_OR_RETURN(const std::optional<FileFacts> facts, ReadFacts(file, report.findings));
  report.levels.structure = LevelResult::kFail;
  if (level >= 3) report.levels.keyspace = LevelResult::kUnknown;
  if (!facts.has_value()) return OkStatus();

  CheckSize(file, *facts, report.findings);
  ASSIGN_OR_RETURN(const mvcc::NewestRows newest,
                   mvcc::FindNewestRows(file, facts->body, facts->meta, facts->state, facts->revision,
                                        facts->state.CompactRevision(), seed));
  Findings keyspace_findings;
  KeyspaceCheck keyspace(facts->state, facts->revision, newest, keyspace_findings);
  RETURN_IF_ERROR(bbolt::WalkAll(file, facts->body, facts->meta, report.findings, keyspace));
  if (report.findings.errors() > errors_before) return OkStatus();
  report.levels.structure = LevelResult::kPass;
  if (level < 3) return OkStatus();

  // Over a broken structure the sums and gaps below would say nothing.
  report.keyspace = keyspace.Finish();
  report.keyspace->total_bytes = facts->meta.high_water * facts->meta.page_size;
  report.levels.keyspace = keyspace_findings.errors() == 0 ? LevelResult::kPass : LevelResult::kFail;
  report.findings.Merge(std::move(keyspace_findings));
  return OkStatus();
}

Verdict Judge(const Levels& levels) {
  const auto all = {levels.present, levels.transfer, levels.structure, levels.keyspace};
  const auto any = [&](LevelResult result) { return std::find(all.begin(), all.end(), result) != all.end(); };
  if (any(LevelResult::kFail)) return Verdict::kDamaged;
  const bool complete = !any(LevelResult::kUnknown) && !any(LevelResult::kSkipped);
  return complete ? Verdict::kProven : Verdict::kNotProvable;
}

void CheckPresence(const VerifyInput& input, VerifyReport& report) {
  report.levels.present = LevelResult::kPass;
  if (report.size_bytes == 0) {
    report.levels.present = LevelResult::kFail;
    report.findings.Add({codes::kEmptyFile, Severity::kError, std::nullopt, std::nullopt, "the file is empty"});
  }
  if (input.path.ends_with(".part") && !input.staged) {
    report.levels.present = LevelResult::kFail;
    report.findings.Add({codes::kPartialName, Severity::kError, std::nullopt, std::nullopt,
                         "the name ends in .part: an unfinished download"});
  }
}

}  // namespace

Result<VerifyReport> Verify(const Context& context, const VerifyInput& input) {
  const Stopwatch watch(context.clock);
  ASSIGN_OR_RETURN(auto opened, context.fs.OpenForReading(input.path));
  const InterruptibleFile file(std::move(opened), context.stop);
  VerifyReport report;
  report.file = input.path;
  report.size_bytes = file.Size();
  CheckPresence(input, report);
  if (report.size_bytes > 0) {
    Findings transfer_findings;
    auto transfer =
        std::async(std::launch::async, [&] { return CheckTransfer(file, input.expected, transfer_findings); });
    const Status content =
        input.level >= 2 ? CheckContent(file, input.level, context.random.Next(), report) : OkStatus();
    const Result<TransferResult> transferred = transfer.get();
    RETURN_IF_ERROR(content);
    RETURN_IF_ERROR(transferred.status());
    report.levels.transfer = transferred->level;
    report.sha256 = transferred->sha256;
    transfer_findings.Merge(std::move(report.findings));
    report.findings = std::move(transfer_findings);
  }
  report.verdict = Judge(report.levels);
  report.duration_seconds = watch.Seconds();
  return report;
}

namespace {

class HashKvVisitor final : public bbolt::Visitor {
 public:
  explicit HashKvVisitor(mvcc::HashKvSum& sum) : sum_(sum) {}
  void OnBucket(std::string_view name) override { in_key_bucket_ = name == mvcc::kKeyBucket; }
  void OnPair(const bbolt::Pair& pair) override {
    if (!in_key_bucket_) return;
    const auto row = mvcc::DecodeRevision(pair.key);
    const auto kv = mvcc::DecodeKeyValue(pair.value);
    if (row.has_value() && kv.has_value()) sum_.OnRow(*row, kv->key, pair.key, pair.value);
  }

 private:
  mvcc::HashKvSum& sum_;
  bool in_key_bucket_ = false;
};

}  // namespace

Result<mvcc::HashKv> HashKvOf(const Context& context, const std::string& path, int64_t revision,
                              std::optional<int64_t> compact_revision) {
  ASSIGN_OR_RETURN(auto opened, context.fs.OpenForReading(path));
  const InterruptibleFile file(std::move(opened), context.stop);
  Findings findings;
  ASSIGN_OR_RETURN(const std::optional<FileFacts> facts, ReadFacts(file, findings));
  if (!facts.has_value()) return Error(Reason::kDamaged, fmt::format("{}: {}", path, findings.kept().front().text));
  const int64_t own_compact = facts->state.CompactRevision();
  const int64_t at = revision == 0 ? facts->revision : revision;
  const int64_t compact = compact_revision.value_or(own_compact);
  if (at > facts->revision || at < compact || compact < own_compact) {
    return Error(
        Reason::kUsage,
        fmt::format("{}: no HashKV at revision {} compacted at {}: the file ends at revision {} and is compacted at "
                    "{}; it answers for {} <= compact revision <= revision <= {}",
                    path, at, compact, facts->revision, own_compact, own_compact, facts->revision));
  }
  ASSIGN_OR_RETURN(const mvcc::NewestRows newest, mvcc::FindNewestRows(file, facts->body, facts->meta, facts->state, at,
                                                                       compact, context.random.Next()));
  mvcc::HashKvSum sum(at, compact, newest);
  HashKvVisitor visitor(sum);
  // All buckets are walked, for the findings: a hash over a broken structure would be a number without a meaning.
  RETURN_IF_ERROR(bbolt::WalkAll(file, facts->body, facts->meta, findings, visitor));
  if (findings.errors() > 0) {
    return Error(Reason::kDamaged,
                 fmt::format("{} is damaged: {}; see `etcdrill verify {}`", path, findings.kept().front().text, path));
  }
  return sum.Finish();
}

}  // namespace etcdrill::verify
