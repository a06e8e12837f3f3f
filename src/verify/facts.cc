// The newest row stands last in the file's order, and the compact revisions in a bucket behind it; both are needed
// first.
#include "verify/facts.h"

#include <fmt/format.h>

#include <algorithm>

#include "format/bbolt/tree.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/revision.h"
#include "format/snapshot/trailer.h"

namespace etcdrill::verify {
namespace {

Result<int64_t> CurrentRevision(const ReadableFile& file, const Facts& facts) {
  ASSIGN_OR_RETURN(const auto last_key, bbolt::LastKey(file, facts.body, facts.meta, mvcc::kKeyBucket));
  const auto last = last_key.has_value() ? mvcc::DecodeRevision(*last_key) : std::nullopt;
  const int64_t empty_store = 1;
  return std::max({last.has_value() ? last->main : empty_store, facts.state.CompactRevision(), empty_store});
}

}  // namespace

Result<InterruptibleFile> InterruptibleFile::Open(const Context& context, const std::string& path) {
  ASSIGN_OR_RETURN(auto file, context.fs.OpenForReading(path));
  return InterruptibleFile(std::move(file), context.stop);
}

Status InterruptibleFile::Read(uint64_t offset, std::span<char> out) const {
  if (stop_.stop_requested()) return Error(Reason::kInterrupted, "interrupted while verifying");
  return file_->Read(offset, out);
}

Result<std::optional<Facts>> ReadFacts(const ReadableFile& file, Findings& findings) {
  Facts facts;
  facts.body = snapshot::BodySize(file.Size());
  ASSIGN_OR_RETURN(const std::optional<bbolt::Meta> meta, bbolt::ReadMetas(file, facts.body, findings));
  if (!meta.has_value()) return std::optional<Facts>();
  facts.meta = *meta;
  ASSIGN_OR_RETURN(facts.state, mvcc::ReadStoreState(file, facts.body, facts.meta));
  ASSIGN_OR_RETURN(facts.revision, CurrentRevision(file, facts));
  return std::optional(facts);
}

Result<OpenedSnapshot> OpenSnapshot(const Context& context, const std::string& path, Findings& findings) {
  ASSIGN_OR_RETURN(InterruptibleFile file, InterruptibleFile::Open(context, path));
  ASSIGN_OR_RETURN(const std::optional<Facts> facts, ReadFacts(file, findings));
  if (!facts.has_value()) return Error(Reason::kDamaged, fmt::format("{}: {}", path, findings.kept().front().text));
  return OpenedSnapshot{std::move(file), *facts};
}

}  // namespace etcdrill::verify
