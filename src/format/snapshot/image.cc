#include "format/snapshot/image.h"

#include <utility>

#include "format/snapshot/foreign.h"

namespace etcdrill::snapshot {
namespace {

class InterruptibleFile final : public ReadableFile {
 public:
  InterruptibleFile(const ReadableFile& file, std::stop_token stop)
      : file_(file), stop_(std::move(stop)) {}

  Status Read(uint64_t offset, std::span<char> out) const override {
    if (stop_.stop_requested()) return Error(Reason::kInterrupted, "interrupted");
    return file_.Read(offset, out);
  }
  uint64_t Size() const override { return file_.Size(); }
  WallTime Modified() const override { return file_.Modified(); }
  Result<bool> IsUnchanged() const override { return file_.IsUnchanged(); }

 private:
  const ReadableFile& file_;
  const std::stop_token stop_;
};

}  // namespace

Image::Image(std::string path, std::unique_ptr<ReadableFile> file, const std::stop_token& stop)
    : path_(std::move(path)),
      file_(std::move(file)),
      reader_(std::make_unique<InterruptibleFile>(*file_, stop)),
      database_(bbolt::Database::Open(*reader_, body_size(), meta_findings_)) {}

Result<Image> Image::Open(const Context& context, const std::string& path) {
  ASSIGN_OR_RETURN(auto file, context.fs.OpenForReading(path));
  return Image(path, std::move(file), context.stop);
}

Result<const bbolt::Database*> Image::database() const {
  RETURN_IF_ERROR(database_.status());
  return database_->has_value() ? &**database_ : nullptr;
}

Result<const bbolt::Database*> Image::RequireDatabase() const {
  ASSIGN_OR_RETURN(const bbolt::Database* const database, this->database());
  if (database != nullptr) return database;
  ASSIGN_OR_RETURN(const std::optional<Foreign> foreign, RecognizeForeign(*reader_));
  if (foreign.has_value()) return Error(Reason::kNotProvable, Describe(*foreign));
  const Finding* const error = meta_findings_.FirstError();
  return Error(Reason::kDamaged, error != nullptr ? error->text : "no valid meta page");
}

}  // namespace etcdrill::snapshot
