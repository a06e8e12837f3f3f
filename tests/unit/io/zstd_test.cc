// Frames of zstd, there and back; what is cut, flipped, larger than allowed, or not ours.
#include "io/zstd.h"

#include <filesystem>

#include "support/byte_filters.h"
#include "support/catch.h"
#include "support/shell.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill {
namespace {

using testing::AppendTo;
using testing::Feed;
using testing::ReadFile;
using testing::RunShell;
using testing::TestContext;
using testing::WriteFile;

constexpr uint64_t kNoLimit = uint64_t{1} << 40;

// Compresses to about a half.
std::string ZstdContent(size_t size) {
  std::string content;
  content.reserve(size + 32);
  for (uint64_t i = 0; content.size() < size; ++i) content += std::to_string(i * i * 2654435761);
  content.resize(size);
  return content;
}

std::string Compressed(std::string_view content, std::optional<uint64_t> content_size = {},
                       size_t piece = 100'000) {
  std::string frame;
  ZstdWriter writer(content_size, AppendTo(frame));
  REQUIRE(Feed(writer, content, piece).ok());
  return frame;
}

struct Decompressed {
  Status status;
  std::string content;
};

Decompressed Decompress(std::string_view frames, uint64_t size_max = kNoLimit,
                        size_t piece = 100'000) {
  Decompressed decompressed;
  ZstdReader reader(size_max, AppendTo(decompressed.content));
  decompressed.status = Feed(reader, frames, piece);
  return decompressed;
}

void CheckDamaged(const Status& status, const std::string& word) {
  CHECK(Is(status, Reason::kDamaged));
  CHECK_THAT(std::string(MessageOf(status)), Catch::Matchers::ContainsSubstring(word));
}

TEST_CASE("zstd: there and back, with and without a size, in pieces of any size") {
  for (const size_t size :
       std::initializer_list<size_t>{0, 1, 131'071, 131'072, 131'073, 262'144, 5'000'000}) {
    INFO("size " << size);
    const std::string content = ZstdContent(size);
    for (const size_t piece : {size_t{1000}, size_t{131'072}, size_t{10'000'000}}) {
      for (const bool known : {false, true}) {
        const std::string frame =
            Compressed(content, known ? std::optional<uint64_t>(size) : std::nullopt, piece);
        const Decompressed back = Decompress(frame, size, piece);
        REQUIRE(back.status.ok());
        REQUIRE((back.content == content));
      }
    }
  }
  const std::string content = ZstdContent(3000);
  CHECK(Decompress(Compressed(content, 3000, 1), kNoLimit, 1).content == content);
}

TEST_CASE("zstd: what repeats itself becomes small") {
  CHECK(Compressed(std::string(1'000'000, 'x')).size() < 200);
  CHECK(Compressed(ZstdContent(1'000'000)).size() < 600'000);
}

TEST_CASE("zstd: several frames are one content, and frames to be skipped are") {
  const std::string skipped = std::string("\x50\x2a\x4d\x18\x03\0\0\0abc", 11);
  const std::string frames =
      Compressed("one, ") + skipped + Compressed("") + Compressed("two") + skipped;
  for (const size_t piece : {size_t{1}, size_t{7}, frames.size()}) {
    const Decompressed back = Decompress(frames, kNoLimit, piece);
    CHECK(back.status.ok());
    CHECK(back.content == "one, two");
  }
}

TEST_CASE("zstd: every cut is an error, also between the content and its checksum") {
  const std::string frame = Compressed(ZstdContent(2000));
  for (size_t size = 0; size < frame.size(); ++size)
    CheckDamaged(Decompress(frame.substr(0, size)).status, "cut off");
  const std::string two = Compressed("one") + frame;
  for (size_t size = two.size() - frame.size() + 1; size < two.size(); ++size)
    CheckDamaged(Decompress(two.substr(0, size)).status, "cut off");
  const std::string large = Compressed(ZstdContent(3'000'000));
  for (size_t size = 1; size < large.size(); size += large.size() / 50)
    CheckDamaged(Decompress(large.substr(0, size)).status, "cut off");
}

TEST_CASE("zstd: every flipped bit is an error or changes nothing") {
  const std::string content = ZstdContent(500);
  const std::string frame = Compressed(content, content.size());
  size_t unnoticed = 0;
  for (size_t bit = 0; bit < frame.size() * 8; ++bit) {
    std::string flipped = frame;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const Decompressed back = Decompress(flipped, 10'000);
    if (back.status.ok()) CHECK(back.content == content);
    if (back.status.ok()) ++unnoticed;
    if (!back.status.ok()) CHECK(Is(back.status, Reason::kDamaged));
  }
  CHECK(unnoticed < 10);  // bits that the format passes over
}

TEST_CASE("zstd: what is no frame, and what follows one, is refused") {
  const std::string frame = Compressed("abc");
  CheckDamaged(Decompress("SQLite format 3").status, "not a frame");
  CheckDamaged(Decompress("").status, "cut off");
  CheckDamaged(Decompress(frame + "garbage").status, "not a frame");
  CheckDamaged(Decompress(frame + std::string(8, '\0')).status, "not a frame");
}

TEST_CASE("zstd: a small frame with a large content stops at the limit") {
  const std::string frame = Compressed(std::string(50'000'000, '\0'));
  REQUIRE(frame.size() < 10'000);
  const Decompressed back = Decompress(frame, 1'000'000);
  CheckDamaged(back.status, "more than 1000000 bytes");
  CHECK(back.content.size() <= 1'000'000);
}

TEST_CASE("zstd: a window of 128 MiB is taken, and a larger one is refused by name") {
  // A frame without a size, with a window of 2 to the power of 27 or 28, of one empty block.
  const auto frame = [](char window) {
    return std::string("\x28\xb5\x2f\xfd\0", 5) + window + std::string("\1\0\0", 3);
  };
  const Decompressed taken = Decompress(frame('\x88'));
  CHECK(taken.status.ok());
  CHECK(taken.content.empty());
  CheckDamaged(Decompress(frame('\x90')).status, "more than 128 MiB");
}

TEST_CASE("zstd: fewer or more bytes than were announced are an error") {
  for (const uint64_t announced : {uint64_t{999}, uint64_t{1001}, uint64_t{0}}) {
    std::string frame;
    ZstdWriter writer(announced, AppendTo(frame));
    CHECK(Is(Feed(writer, std::string(1000, 'x'), 100), Reason::kIoError));
    CHECK_FALSE(Decompress(frame).status.ok());
  }
}

TEST_CASE("zstd: the sink's error comes back as it is, each time") {
  const ByteSink full = [](std::string_view) {
    return Error(Reason::kNoSpace, "the disk is full");
  };
  const std::string content = ZstdContent(1'000'000);
  ZstdWriter writer(std::nullopt, full);
  CHECK(Is(writer.Append(content), Reason::kNoSpace));
  CHECK(Is(writer.Append(content), Reason::kNoSpace));
  CHECK(Is(writer.Finish(), Reason::kNoSpace));
  ZstdReader reader(kNoLimit, full);
  CHECK(Is(reader.Append(Compressed(content)), Reason::kNoSpace));
  CHECK(Is(reader.Finish(), Reason::kNoSpace));
}

TEST_CASE("zstd: the zstd program reads ours, with size and checksum, and we read its frames") {
  if (!std::filesystem::exists("/usr/bin/zstd")) SKIP("/usr/bin/zstd is missing");
  TestContext test;
  const std::string content = ZstdContent(5'000'000);
  WriteFile(test.Path("plain"), content);
  WriteFile(test.Path("ours.zst"), Compressed(content, content.size()));
  const auto listed = RunShell(test, "zstd -q -d ours.zst -o back && zstd -lv ours.zst");
  REQUIRE(listed.ok());
  CHECK((ReadFile(test.Path("back")) == content));
  CHECK_THAT(*listed, Catch::Matchers::ContainsSubstring("(5000000 B)"));
  CHECK_THAT(*listed, Catch::Matchers::ContainsSubstring("XXH64"));
  for (const std::string options : {"-1", "-3 --no-check", "-19", "--long=27", "--rsyncable"}) {
    REQUIRE(RunShell(test, "zstd -q -f " + options + " plain -o theirs.zst").ok());
    const Decompressed back = Decompress(ReadFile(test.Path("theirs.zst")));
    CHECK(back.status.ok());
    CHECK((back.content == content));
  }
}

}  // namespace
}  // namespace etcdrill
