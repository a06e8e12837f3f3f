// What has to be known of a snapshot file before its pages are walked: which meta counts, how far it is compacted, at
// which revision it ends.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "base/status.h"
#include "format/bbolt/meta.h"
#include "format/finding.h"
#include "format/mvcc/store_state.h"
#include "io/context.h"
#include "io/file_system.h"

namespace etcdrill::verify {

// Passes reads on until a stop is requested: so a look at many gigabytes ends within a page, wherever it is.
class InterruptibleFile final : public ReadableFile {
 public:
  static Result<InterruptibleFile> Open(const Context& context, const std::string& path);

  Status Read(uint64_t offset, std::span<char> out) const override;
  uint64_t Size() const override { return file_->Size(); }
  Result<bool> IsUnchanged() const override { return file_->IsUnchanged(); }

 private:
  InterruptibleFile(std::unique_ptr<ReadableFile> file, std::stop_token stop)
      : file_(std::move(file)), stop_(std::move(stop)) {}

  std::unique_ptr<ReadableFile> file_;
  std::stop_token stop_;
};

struct Facts {
  uint64_t body = 0;  // bytes without the trailer
  bbolt::Meta meta;
  mvcc::StoreState state;
  int64_t revision = 0;  // at which a server booted on the file would be
};

// nullopt, with a finding, if neither meta can be used.
Result<std::optional<Facts>> ReadFacts(const ReadableFile& file, Findings& findings);

struct OpenedSnapshot {
  InterruptibleFile file;
  Facts facts;
};

// For those who need the facts to go on: kDamaged if neither meta can be used.
Result<OpenedSnapshot> OpenSnapshot(const Context& context, const std::string& path, Findings& findings);

}  // namespace etcdrill::verify
