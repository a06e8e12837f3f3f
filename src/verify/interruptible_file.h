// A file whose reads fail once a stop is requested: so a look at many gigabytes ends within a page, wherever it is.
#pragma once

#include <memory>
#include <stop_token>

#include "io/file_system.h"

namespace etcdrill::verify {

class InterruptibleFile final : public ReadableFile {
 public:
  InterruptibleFile(std::unique_ptr<ReadableFile> file, std::stop_token stop)
      : file_(std::move(file)), stop_(std::move(stop)) {}

  Status Read(uint64_t offset, std::span<char> out) const override {
    if (stop_.stop_requested()) return Error(Reason::kInterrupted, "interrupted while verifying");
    return file_->Read(offset, out);
  }
  uint64_t Size() const override { return file_->Size(); }

 private:
  const std::unique_ptr<ReadableFile> file_;
  const std::stop_token stop_;
};

}  // namespace etcdrill::verify
