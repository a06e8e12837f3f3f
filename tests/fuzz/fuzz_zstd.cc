// The reader of zstd frames on any bytes. Beyond not crashing: it never hands out more than it may,
// what it takes whole gives the same in pieces and twice in a row, and what is compressed expands.
#include "base/check.h"
#include "io/zstd.h"

namespace etcdrill {
namespace {

constexpr uint64_t kLimit = uint64_t{1} << 20;

struct Expanded {
  Status status;
  std::string content;
};

Expanded Expand(std::string_view frames, uint64_t limit, size_t piece) {
  Expanded expanded;
  ZstdReader reader(limit, [&expanded](std::string_view bytes) {
    expanded.content += bytes;
    return OkStatus();
  });
  for (size_t at = 0; at < frames.size() && expanded.status.ok(); at += piece)
    expanded.status = reader.Append(frames.substr(at, piece));
  if (expanded.status.ok()) expanded.status = reader.Finish();
  return expanded;
}

std::string Compressed(std::string_view content) {
  std::string frame;
  ZstdWriter writer(content.size(), [&frame](std::string_view bytes) {
    frame += bytes;
    return OkStatus();
  });
  CHECK(writer.Append(content).ok() && writer.Finish().ok());
  return frame;
}

// libzstd looks at the size of the window only of frames that do not come whole.
bool IsOfWindow(const Status& status) {
  return MessageOf(status).find("window") != std::string_view::npos;
}

void Fuzz(std::string_view bytes) {
  const Expanded whole = Expand(bytes, kLimit, bytes.size() + 1);
  CHECK(whole.content.size() <= kLimit);
  CHECK(whole.status.ok() || Is(whole.status, Reason::kDamaged));
  const Expanded pieces = Expand(bytes, kLimit, 7);
  CHECK(pieces.content.size() <= kLimit);
  CHECK(whole.status.ok() == pieces.status.ok() || IsOfWindow(pieces.status));
  if (whole.status.ok()) {
    CHECK(!pieces.status.ok() || pieces.content == whole.content);
    const std::string twice = std::string(bytes) + std::string(bytes);
    const Expanded doubled = Expand(twice, 2 * kLimit, twice.size());
    CHECK(doubled.status.ok() && doubled.content == whole.content + whole.content);
  }
  const Expanded back = Expand(Compressed(bytes), bytes.size(), 1000);
  CHECK(back.status.ok() && back.content == bytes);
}

}  // namespace
}  // namespace etcdrill

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  etcdrill::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
