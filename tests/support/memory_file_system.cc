// Reading from a string, by several threads at a time.
#include "support/memory_file_system.h"

#include <algorithm>

namespace etcdrill::testing {

class MemoryFileSystem::File final : public ReadableFile {
 public:
  explicit File(MemoryFileSystem& fs) : fs_(fs), bytes_(fs.bytes_) {}

  Status Read(uint64_t offset, std::span<char> out) const override {
    const bool shrunk = fs_.reads_.fetch_add(1) >= fs_.reads_left_;
    const uint64_t size =
        shrunk ? std::min<uint64_t>(fs_.shrunk_size_, bytes_.size()) : bytes_.size();
    if (offset > size || out.size() > size - offset) {
      return Error(Reason::kIoError,
                   "read memory: the file ends before, another process truncates it");
    }
    std::copy_n(bytes_.data() + offset, out.size(), out.data());
    return OkStatus();
  }
  uint64_t Size() const override { return bytes_.size(); }
  WallTime Modified() const override { return {}; }
  Result<bool> IsUnchanged() const override {
    return fs_.reads_ <= fs_.reads_left_ || fs_.shrunk_size_ >= bytes_.size();
  }

 private:
  MemoryFileSystem& fs_;
  const std::string_view bytes_;
};

Result<std::unique_ptr<ReadableFile>> MemoryFileSystem::OpenForReading(const std::string&) {
  reads_ = 0;
  return std::make_unique<File>(*this);
}

}  // namespace etcdrill::testing
