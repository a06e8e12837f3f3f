// What is packed comes back, in any pieces, and never needs more room than was announced.
#include "sites/packing.h"

#include <array>
#include <random>

#include "support/catch.h"

namespace etcdrill::sites {
namespace {

constexpr std::array kAllEncodings = {Encoding{false, false}, Encoding{true, false},
                                      Encoding{false, true}, Encoding{true, true}};

// Random bytes, which get larger when they are compressed.
std::string Incompressible(size_t size) {
  std::mt19937 random(7);
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

ByteSink Into(std::string& out) {
  return [&out](std::string_view bytes) {
    out += bytes;
    return OkStatus();
  };
}

std::string Packed(const Encoding& encoding, const std::vector<AgeRecipient>& recipients,
                   const std::string& plain) {
  std::string out;
  Packer packer(encoding, plain.size(), recipients, Into(out));
  const std::string_view all = plain;
  for (size_t at = 0; at < all.size(); at += 70'001)
    REQUIRE(packer.Append(all.substr(at, 70'001)).ok());
  REQUIRE(packer.Finish().ok());
  return out;
}

Status Unpack(Unpacker& unpacker, std::string_view packed, size_t piece) {
  for (size_t at = 0; at < packed.size(); at += piece)
    RETURN_IF_ERROR(unpacker.Append(packed.substr(at, piece)));
  return unpacker.Finish();
}

TEST_CASE("what is packed comes back, and fits into what was announced") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::vector<AgeRecipient> recipients = {AgeIdentity::Make().recipient(),
                                                identity.recipient()};
  for (const Encoding& encoding : kAllEncodings) {
    for (const size_t size : {0U, 1U, 1000U, 65'536U, 131'073U, 3'000'000U}) {
      INFO("zstd " << encoding.zstd << ", age " << encoding.age << ", size " << size);
      const std::string plain = Incompressible(size);
      const std::string packed = Packed(encoding, recipients, plain);
      const uint64_t size_max = PackedSizeMax(encoding, size, recipients.size());
      CHECK(packed.size() <= size_max);
      if (!encoding.zstd) CHECK(packed.size() == size_max);
      std::string back;
      Unpacker unpacker(encoding, size, {identity}, Into(back));
      REQUIRE(Unpack(unpacker, packed, 4097).ok());
      CHECK((back == plain));
    }
  }
}

TEST_CASE("a small file that holds the same byte everywhere packs small") {
  const std::string plain(1'000'000, 'x');
  CHECK(Packed({.zstd = true}, {}, plain).size() < 1000);
}

TEST_CASE("more bytes than were sealed, a cut end and a flipped bit are damage") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string plain = Incompressible(200'000);
  for (const Encoding& encoding : kAllEncodings) {
    INFO("zstd " << encoding.zstd << ", age " << encoding.age);
    std::string packed = Packed(encoding, {identity.recipient()}, plain);
    std::string back;
    Unpacker small(encoding, plain.size() - 1, {identity}, Into(back));
    CHECK(Is(Unpack(small, packed, packed.size()), Reason::kDamaged));
    CHECK(back.size() < plain.size());
    CHECK(Is(small.Finish(), Reason::kDamaged));  // the same error from then on
    if (encoding == Encoding{}) continue;         // has neither an end nor a checksum
    Unpacker cut(encoding, plain.size(), {identity}, Into(back));
    CHECK(Is(Unpack(cut, std::string_view(packed).substr(0, packed.size() - 1), packed.size()),
             Reason::kDamaged));
    packed[packed.size() / 2] ^= 1;
    Unpacker flipped(encoding, plain.size(), {identity}, Into(back));
    CHECK(Is(Unpack(flipped, packed, packed.size()), Reason::kDamaged));
  }
}

TEST_CASE("an object for others says that it needs another identity") {
  const std::string packed = Packed({true, true}, {AgeIdentity::Make().recipient()}, "x");
  std::string back;
  Unpacker unpacker({true, true}, 1, {AgeIdentity::Make()}, Into(back));
  CHECK(Is(Unpack(unpacker, packed, packed.size()), Reason::kNoIdentity));
}

TEST_CASE("the error of a sink comes back as it is, again and again") {
  const AgeIdentity identity = AgeIdentity::Make();
  const auto full = [](std::string_view) { return Error(Reason::kNoSpace, "full"); };
  for (const Encoding& encoding : kAllEncodings) {
    INFO("zstd " << encoding.zstd << ", age " << encoding.age);
    const std::string plain = Incompressible(1'000'000);
    Packer packer(encoding, plain.size(), {identity.recipient()}, full);
    CHECK(Is(packer.Append(plain), Reason::kNoSpace));
    CHECK(Is(packer.Finish(), Reason::kNoSpace));
    Unpacker unpacker(encoding, plain.size(), {identity}, full);
    CHECK(Is(Unpack(unpacker, Packed(encoding, {identity.recipient()}, plain), 100'000),
             Reason::kNoSpace));
    CHECK(Is(unpacker.Finish(), Reason::kNoSpace));
  }
}

}  // namespace
}  // namespace etcdrill::sites
