// Bytes that nobody may find later: keys. They are overwritten before their memory is given back,
// so that no core dump and no later reader of that memory has them.
#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace etcdrill {

class Secret {
 public:
  Secret() = default;
  // Takes the bytes over; a copy that the caller has kept is the caller's to guard.
  explicit Secret(std::string bytes) : bytes_(std::move(bytes)) {}
  Secret(const Secret&) = default;
  Secret(Secret&&) noexcept = default;
  Secret& operator=(Secret other) noexcept {
    bytes_.swap(other.bytes_);
    return *this;
  }
  ~Secret();

  std::string_view view() const [[clang::lifetimebound]] { return bytes_; }

 private:
  std::string bytes_;
};

// From OpenSSL's generator for what must never be guessed.
Secret RandomSecret(size_t size);
// From its generator for what may be seen, such as nonces.
std::string RandomBytes(size_t size);

// Takes as long wherever they differ, so that time tells nothing of the bytes.
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace etcdrill
