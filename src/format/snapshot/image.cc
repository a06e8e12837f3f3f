// See image.h.
#include "format/snapshot/image.h"

#include <utility>

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
      reader_(std::make_unique<InterruptibleFile>(*file_, stop)) {}

Result<Image> Image::Open(const Context& context, const std::string& path) {
  ASSIGN_OR_RETURN(auto file, context.fs.OpenForReading(path));
  return Image(path, std::move(file), context.stop);
}

}  // namespace etcdrill::snapshot
