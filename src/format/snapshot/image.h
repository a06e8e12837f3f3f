// A snapshot file, opened once. The hard fact: every producer publishes by rename, so a path that
// is opened twice can be two files. Whoever verifies, hashes, counts or restores a snapshot reads
// this one open file; so what was proven is what is restored.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "format/bbolt/database.h"
#include "io/context.h"
#include "proof/finding.h"

namespace etcdrill::snapshot {

// The SHA-256 at the end of a snapshot. Source: docs/dev/formats.md §4.1: it is the hash of
// everything before it, and a file has one exactly if its size leaves 32 when divided by 512 (bbolt
// files are multiples of their page size).
inline constexpr uint64_t kTrailerBytes = 32;
inline constexpr uint64_t kSectorBytes = 512;

inline constexpr bool HasTrailer(uint64_t file_size) {
  return file_size % kSectorBytes == kTrailerBytes;
}
// Bytes of the database in a file of this size.
inline constexpr uint64_t BodySize(uint64_t file_size) {
  return HasTrailer(file_size) ? file_size - kTrailerBytes : file_size;
}

// Safe for concurrent reads. Reads by reader() end with kInterrupted as soon as the stop of the
// context that opened it is requested: a look at many gigabytes ends within a page, wherever it is.
class Image {
 public:
  // The error of opening it: kNotFound, kPermission, ...
  static Result<Image> Open(const Context& context, const std::string& path);

  // As it was opened, for texts. By now it may lead to another file.
  const std::string& path() const [[clang::lifetimebound]] { return path_; }
  uint64_t size() const { return file_->Size(); }  // bytes, trailer included
  uint64_t body_size() const { return BodySize(size()); }

  const ReadableFile& reader() const [[clang::lifetimebound]] { return *reader_; }
  // What the metas say, read when it was opened. Null if neither can be used; why stands in
  // meta_findings(). The error is that of reading them.
  Result<const bbolt::Database*> database() const [[clang::lifetimebound]];
  const Findings& meta_findings() const [[clang::lifetimebound]] { return meta_findings_; }
  // For those who need it to go on, and say of which file they speak. kNotProvable, with the next
  // step, if the file is something else that is known; kDamaged if neither meta can be used.
  Result<const bbolt::Database*> RequireDatabase() const [[clang::lifetimebound]];

  // The same file without the look at the stop, for the kernel to copy from.
  const ReadableFile& file() const [[clang::lifetimebound]] { return *file_; }

 private:
  Image(std::string path, std::unique_ptr<ReadableFile> file, const std::stop_token& stop);

  std::string path_;
  std::unique_ptr<ReadableFile> file_;
  std::unique_ptr<ReadableFile> reader_;  // of file_
  Findings meta_findings_;
  Result<std::optional<bbolt::Database>> database_;  // by reader_
};

}  // namespace etcdrill::snapshot
