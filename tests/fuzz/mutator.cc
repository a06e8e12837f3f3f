// How libFuzzer changes a database: mostly within one page or one field, and with what guards the
// way in made right again afterwards - page numbers, meta checksums, the trailer. Left to itself,
// nearly every input would end at the first checksum.
#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <span>

#include "base/bytes.h"
#include "support/bolt_builder.h"

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

namespace etcdrill::testing {
namespace {

constexpr size_t kHeaderBytes = 16;
constexpr size_t kMetaBytes = 80;
constexpr size_t kTrailerBytes = 32;

class Mutation {
 public:
  Mutation(char* data, size_t size, size_t max_size, unsigned seed)
      : data_(data), size_(size), max_size_(max_size), random_(seed) {}

  size_t Apply() {
    page_size_ = PageSize();
    if (page_size_ == 0 || Pick(16) == 0) return Anything();
    for (size_t times = 1 + Pick(3); times > 0; --times) Change();
    if (Pick(16) != 0) Repair();
    return size_;
  }

 private:
  size_t Pick(size_t bound) { return random_() % bound; }
  size_t Pages() const { return size_ / page_size_; }
  char* Page(size_t id) const { return data_ + id * page_size_; }

  // 0 if there is not even room for two metas and a page.
  size_t PageSize() const {
    if (size_ < kMetaBytes) return 0;
    const size_t named = LoadLE32(data_ + kHeaderBytes + 8);
    const size_t page_size =
        named >= 1024 && named <= 65536 && (named & (named - 1)) == 0 ? named : 1024;
    return size_ >= 3 * page_size ? page_size : 0;
  }

  size_t Anything() {
    return LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(data_), size_, max_size_);
  }

  void Change() {
    switch (Pick(8)) {
      case 0:
        return CopyPage();
      case 1:
        return Resize();
      case 2:
      case 3:
      case 4:
        return SetField();
      default:
        MutateInPage();
    }
  }

  void MutateInPage() {
    char* page = Page(Pick(Pages()));
    const size_t at = Pick(page_size_);
    const size_t length = std::min(page_size_ - at, size_t{1} << Pick(8));
    LLVMFuzzerMutate(reinterpret_cast<uint8_t*>(page + at), length, length);
  }

  // A number of a page header, of one of the first elements, or of a meta; near what it was, or at
  // a limit.
  void SetField() {
    static constexpr std::array<uint64_t, 10> kLimits = {0,           1,          2,
                                                         0xFFFF,      0x7FFFFFFF, 0x80000000,
                                                         0xFFFFFFFF,  0xFFFFFFF0, uint64_t{1} << 63,
                                                         ~uint64_t{0}};
    char* field = Page(Pick(Pages())) + 4 * Pick(kHeaderBytes);
    uint64_t value = LoadLE64(field);
    switch (Pick(4)) {
      case 0:
        value = kLimits[Pick(kLimits.size())];
        break;
      case 1:
        value = Pick(Pages() + 2);
        break;
      default:
        value += Pick(65) - 32;
    }
    std::memcpy(field, &value, size_t{2} << Pick(3));
  }

  void CopyPage() {
    const size_t to = Pick(Pages());
    std::memmove(Page(to), Page(Pick(Pages())), page_size_);
  }

  void Resize() {
    const bool grow = size_ + page_size_ <= max_size_ && Pick(2) == 0;
    if (grow) {
      std::memset(data_ + size_, 0, page_size_);
      size_ += page_size_;
    } else if (Pages() > 3) {
      size_ -= page_size_;
    }
  }

  void Repair() {
    for (uint64_t id = 0; id < Pages(); ++id) {
      if (Pick(32) != 0) std::memcpy(Page(id), &id, sizeof id);
    }
    for (size_t id = 0; id < 2; ++id) RepairMetaChecksum({data_, size_}, id * page_size_);
    if (size_ % 512 != kTrailerBytes) return;
    const std::string sound = WithTrailer({data_, size_ - kTrailerBytes});
    std::memcpy(data_, sound.data(), size_);
  }

  char* const data_;
  size_t size_;
  const size_t max_size_;
  size_t page_size_ = 0;
  std::minstd_rand random_;
};

}  // namespace
}  // namespace etcdrill::testing

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned seed) {
  return etcdrill::testing::Mutation(reinterpret_cast<char*>(data), size, max_size, seed).Apply();
}
