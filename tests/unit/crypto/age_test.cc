// Files of age, there and back; and every way in which one may be cut, flipped, put together anew
// or made for somebody else.
#include <algorithm>

#include "crypto/age/stream.h"
#include "crypto/base64.h"
#include "crypto/hmac.h"
#include "support/byte_filters.h"
#include "support/catch.h"

namespace etcdrill {
namespace {

using testing::AppendTo;
using testing::Feed;

constexpr size_t kChunk = 65536;

std::string AgePattern(size_t size) {
  std::string bytes(size, '\0');
  uint32_t state = 1;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

std::string SealFor(const std::vector<AgeRecipient>& recipients, std::string_view plain,
                    size_t piece = 10'000) {
  std::string sealed;
  AgeWriter writer(recipients, AppendTo(sealed));
  REQUIRE(Feed(writer, plain, piece).ok());
  return sealed;
}

struct Opened {
  Status status;
  std::string plain;  // what came out before an error
};

Opened OpenWith(const std::vector<AgeIdentity>& identities, std::string_view sealed,
                size_t piece = 10'000) {
  Opened opened;
  AgeReader reader(identities, AppendTo(opened.plain));
  opened.status = Feed(reader, sealed, piece);
  return opened;
}

// A file that AgeWriter would never write: its header and each of its chunks are chosen.
class HandMade {
 public:
  explicit HandMade(const AgeIdentity& identity)
      : head_(MakeAgeHeader(file_key_, std::vector{identity.recipient()})) {
    head_.resize(head_.rfind("---"));
    Mac();
  }

  // More stanzas, before the first, or behind it.
  HandMade& Before(std::string_view lines) {
    head_.insert(head_.find("->"), lines);
    return Mac();
  }
  HandMade& Behind(std::string_view lines) {
    head_ += lines;
    return Mac();
  }
  HandMade& Replace(std::string_view old_text, std::string_view new_text) {
    head_.replace(head_.find(old_text), old_text.size(), new_text);
    return Mac();
  }
  HandMade& LastLine(std::string line) {
    last_line_ = std::move(line);
    return *this;
  }
  HandMade& Chunk(uint64_t number, bool last, std::string_view plain) {
    std::string sealed;
    cipher_.Seal(Nonce(number, last), plain, sealed);
    body_ += sealed;
    return *this;
  }
  HandMade& Raw(std::string_view bytes) {
    body_ += bytes;
    return *this;
  }

  const std::string& last_line() const { return last_line_; }
  std::string Header() const { return head_ + last_line_; }
  std::string Bytes() const { return Header() + nonce_ + body_; }

 private:
  static std::string Nonce(uint64_t number, bool last) {
    std::string nonce(12, '\0');
    nonce[9] = static_cast<char>(number >> 8);
    nonce[10] = static_cast<char>(number);
    nonce[11] = last ? '\1' : '\0';
    return nonce;
  }
  HandMade& Mac() {
    const std::string mac =
        HmacSha256(HkdfSha256(file_key_.view(), "", "header", 32), head_ + "---");
    std::string text = EncodeBase64(mac);
    text.pop_back();
    last_line_ = "--- " + text + "\n";
    return *this;
  }

  const Secret file_key_ = RandomSecret(kAgeFileKeyBytes);
  const std::string nonce_ = RandomBytes(16);
  ChaCha20Poly1305 cipher_{Secret(HkdfSha256(file_key_.view(), nonce_, "payload", 32))};
  std::string head_;
  std::string last_line_;
  std::string body_;
};

TEST_CASE("age: there and back at every border of a chunk, in pieces of any size") {
  const AgeIdentity identity = AgeIdentity::Make();
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{15}, size_t{16}, kChunk - 1, kChunk, kChunk + 1,
        2 * kChunk - 1, 2 * kChunk, 2 * kChunk + 1, size_t{5'000'000}}) {
    INFO("size " << size);
    const std::string plain = AgePattern(size);
    for (const size_t piece : {size_t{4096}, kChunk, kChunk + 16, size_t{10'000'000}}) {
      const std::string sealed = SealFor({identity.recipient()}, plain, piece);
      REQUIRE(sealed.size() == AgeSealedSize(size, AgeHeaderSize(1)));
      REQUIRE(AgePlainSize(sealed.size(), AgeHeaderSize(1)) == size);
      const Opened opened = OpenWith({identity}, sealed, piece);
      REQUIRE(opened.status.ok());
      REQUIRE((opened.plain == plain));
    }
  }
  const std::string plain = AgePattern(1000);
  const Opened opened = OpenWith({identity}, SealFor({identity.recipient()}, plain, 1), 1);
  CHECK(opened.status.ok());
  CHECK(opened.plain == plain);
}

TEST_CASE("age: the numbers of chunks go beyond one byte") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string plain(257 * kChunk + 1, '\0');
  const std::string sealed = SealFor({identity.recipient()}, plain, 1 << 20);
  const Opened opened = OpenWith({identity}, sealed, 1 << 20);
  CHECK(opened.status.ok());
  CHECK((opened.plain == plain));
}

TEST_CASE("age: each identity of several recipients opens the file, and no other") {
  std::vector<AgeIdentity> identities;
  std::vector<AgeRecipient> recipients;
  for (int i = 0; i < 3; ++i) {
    identities.push_back(AgeIdentity::Make());
    recipients.push_back(identities.back().recipient());
  }
  const std::string sealed = SealFor(recipients, "for three");
  for (const AgeIdentity& identity : identities)
    CHECK(OpenWith({AgeIdentity::Make(), identity}, sealed).plain == "for three");
  const Opened refused = OpenWith({AgeIdentity::Make(), AgeIdentity::Make()}, sealed);
  CHECK(Is(refused.status, Reason::kNoIdentity));
  CHECK_THAT(std::string(MessageOf(refused.status)),
             Catch::Matchers::ContainsSubstring("recipients: 3"));
  CHECK(Is(OpenWith({}, sealed).status, Reason::kNoIdentity));
  CHECK(refused.plain.empty());
}

TEST_CASE("age: two files of the same bytes have nothing in common") {
  const AgeRecipient recipient = AgeIdentity::Make().recipient();
  const std::string plain(100, 'x');
  const std::string one = SealFor({recipient}, plain);
  const std::string other = SealFor({recipient}, plain);
  const size_t header = AgeHeaderSize(1);
  CHECK(one.substr(header, 16) != other.substr(header, 16));
  CHECK(one.substr(header + 16) != other.substr(header + 16));
  CHECK(one.substr(0, header) != other.substr(0, header));
}

TEST_CASE("age: a small file that is cut anywhere is an error") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string sealed = SealFor({identity.recipient()}, AgePattern(100));
  for (size_t size = 0; size < sealed.size(); ++size) {
    INFO("cut to " << size);
    const Opened opened = OpenWith({identity}, sealed.substr(0, size));
    CHECK(Is(opened.status, Reason::kDamaged));
    CHECK(opened.plain.empty());
  }
}

TEST_CASE("age: a file of many chunks that is cut says where, and what came before is right") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string plain = AgePattern(3 * kChunk);
  const std::string sealed = SealFor({identity.recipient()}, plain);
  struct Cut {
    size_t bytes;
    const char* says;
    size_t chunks;
  };
  for (const Cut& cut : {
           Cut{1, "chunk 3 is damaged, or cut off", 2},
           Cut{16, "chunk 3 is damaged, or cut off", 2},
           Cut{kChunk, "chunk 3 is damaged, or cut off", 2},
           Cut{kChunk + 1, "cut off in chunk 3", 2},
           Cut{kChunk + 16, "cut off after chunk 2", 1},
           Cut{kChunk + 17, "chunk 2 is damaged, or cut off", 1},
           Cut{2 * (kChunk + 16), "cut off after chunk 1", 0},
       }) {
    INFO("cut by " << cut.bytes);
    const Opened opened = OpenWith({identity}, sealed.substr(0, sealed.size() - cut.bytes));
    CHECK(Is(opened.status, Reason::kDamaged));
    CHECK_THAT(std::string(MessageOf(opened.status)), Catch::Matchers::ContainsSubstring(cut.says));
    CHECK((opened.plain == plain.substr(0, cut.chunks * kChunk)));
  }
}

TEST_CASE("age: every flipped bit of a small file is an error, and nothing comes out") {
  const AgeIdentity identity = AgeIdentity::Make();
  const AgeIdentity other = AgeIdentity::Make();
  const std::string sealed = SealFor({other.recipient(), identity.recipient()}, AgePattern(100));
  const size_t header = AgeHeaderSize(2);
  for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
    INFO("bit " << bit);
    std::string flipped = sealed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    const Opened opened = OpenWith({identity}, flipped);
    // A recipient's part that was changed looks like that of somebody else.
    CHECK((Is(opened.status, Reason::kDamaged) ||
           (bit / 8 < header && Is(opened.status, Reason::kNoIdentity))));
    CHECK(opened.plain.empty());
  }
}

TEST_CASE("age: a flipped bit of a large file is found in its chunk") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string plain = AgePattern(4 * kChunk + 1000);
  const std::string sealed = SealFor({identity.recipient()}, plain);
  const size_t begin = AgeHeaderSize(1) + 16;
  for (size_t at = begin; at < sealed.size(); at += 5003) {
    std::string flipped = sealed;
    flipped[at] = static_cast<char>(flipped[at] ^ 1 << at % 8);
    const size_t chunk = (at - begin) / (kChunk + 16);
    const Opened opened = OpenWith({identity}, flipped);
    CHECK(Is(opened.status, Reason::kDamaged));
    CHECK_THAT(std::string(MessageOf(opened.status)),
               Catch::Matchers::ContainsSubstring("chunk " + std::to_string(chunk + 1) + " "));
    CHECK((opened.plain == plain.substr(0, chunk * kChunk)));
  }
}

TEST_CASE("age: chunks that are moved, left out, repeated or added are errors") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string full(kChunk, 'x');
  const auto sound = [&] { return HandMade(identity); };
  REQUIRE(OpenWith({identity}, sound().Chunk(0, true, "abc").Bytes()).plain == "abc");
  REQUIRE(OpenWith({identity}, sound().Chunk(0, false, full).Chunk(1, true, "abc").Bytes())
              .status.ok());
  REQUIRE(OpenWith({identity}, sound().Chunk(0, true, "").Bytes()).status.ok());
  const std::vector<std::string> wrong = {
      sound().Bytes(),
      sound().Chunk(0, false, "abc").Bytes(),
      sound().Chunk(1, true, "abc").Bytes(),
      sound().Chunk(0, false, full).Bytes(),
      sound().Chunk(0, false, full).Chunk(1, true, "").Bytes(),
      sound().Chunk(0, false, full).Chunk(2, true, "abc").Bytes(),
      sound().Chunk(0, false, full).Chunk(0, true, "abc").Bytes(),
      sound().Chunk(1, false, full).Chunk(0, true, full).Bytes(),
      sound().Chunk(0, true, full).Chunk(1, true, "abc").Bytes(),
      sound().Chunk(0, true, full).Chunk(0, true, full).Bytes(),
      sound().Chunk(0, true, full).Raw("x").Bytes(),
      sound().Chunk(0, true, "abc").Raw("x").Bytes(),
      sound().Chunk(0, true, "abc").Chunk(1, true, "abc").Bytes(),
      sound().Chunk(0, false, "abc").Chunk(1, true, "abc").Bytes(),
  };
  for (const std::string& bytes : wrong) {
    INFO("case " << &bytes - wrong.data());
    CHECK(Is(OpenWith({identity}, bytes).status, Reason::kDamaged));
  }
  CHECK_THAT(std::string(MessageOf(OpenWith({identity}, wrong[8]).status)),
             Catch::Matchers::ContainsSubstring("bytes follow chunk 1"));
}

TEST_CASE("age: stanzas of unknown kinds are passed over with their bodies") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string line(64, 'A');
  for (const std::string& other : std::vector<std::string>{
           "-> grease\n\n", "-> x y z !\"#$~\nAAAA\n", "-> full " + line + "\n" + line + "\n\n",
           "-> long\n" + line + "\n" + line + "\nAA\n", "-> x25519 arg\nAAAA\n"}) {
    for (const bool before : {true, false}) {
      HandMade made(identity);
      made.Chunk(0, true, "abc");
      const std::string bytes = (before ? made.Before(other) : made.Behind(other)).Bytes();
      CHECK(OpenWith({identity}, bytes).plain == "abc");
      const auto facts = ReadAgeHeader(bytes);
      REQUIRE(facts.ok());
      CHECK(*facts == AgeHeaderFacts{.size = made.Header().size(), .x25519 = 1, .others = 1});
    }
  }
}

TEST_CASE("age: a header that could be written in another way is refused") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string line(64, 'A');
  std::vector<std::string> wrong;
  for (const std::string& stanza : std::vector<std::string>{
           "-> \n\n",
           "->\n\n",
           "-> a  b\n\n",
           "-> a \n\n",
           "->a\n\n",
           " -> a\n\n",
           "-> a\r\n\n",
           "-> \xc3\xa4\n\n",
           "-> a\tb\n\n",
           "-> a\nAAA=\n",
           "-> a\nAB\n",
           "-> a\nA\n",
           "-> a\n AAA\n",
           "-> a\nAAAA\r\n",
           "-> a\nAA-A\n",
           "-> a\n",
           "-> a\n" + line + "\n",
           "-> a\n" + line + "AAAA\n\n",
           "-> a\nAAAA\nAAAA\n",
           "\n",
           "-> X25519\n\n",
           "-> X25519 AAAA\n" + line.substr(0, 43) + "\n",
           "-> X25519 " + line.substr(0, 43) + " A\n" + line.substr(0, 43) + "\n",
           "-> X25519 " + line.substr(0, 43) + "\n" + line.substr(0, 42) + "\n",
           "-> scrypt AAAAAAAAAAAAAAAAAAAAAA 1\n" + line.substr(0, 43) + "\n",
       }) {
    wrong.push_back(HandMade(identity).Before(stanza).Bytes());
    wrong.push_back(HandMade(identity).Behind(stanza).Bytes());
  }
  const std::string mac = HandMade(identity).last_line();
  for (const std::string& last :
       {mac.substr(0, mac.size() - 2) + "\n", "---" + mac.substr(4), "---  " + mac.substr(4),
        mac.substr(0, mac.size() - 1) + " \n", mac.substr(0, mac.size() - 1) + "=\n",
        mac.substr(0, mac.size() - 1) + "\r\n", std::string("---\n"), std::string("--- \n"), mac})
    wrong.push_back(HandMade(identity).LastLine(last).Chunk(0, true, "abc").Bytes());
  wrong.push_back(HandMade(identity).Replace("v1", "v2").Bytes());
  wrong.push_back(HandMade(identity).Replace("v1\n", "v1\r\n").Bytes());
  for (const std::string& bytes : wrong) {
    INFO("case " << &bytes - wrong.data());
    const Opened opened = OpenWith({identity}, bytes);
    CHECK(Is(opened.status, Reason::kDamaged));
    CHECK_THAT(std::string(MessageOf(opened.status)), Catch::Matchers::StartsWith("age header: "));
    CHECK(opened.plain.empty());
  }
}

TEST_CASE("age: a header ends with its last line") {
  const HandMade made(AgeIdentity::Make());
  CHECK(AgeHeader::Parse(made.Header()).ok());
  CHECK(Is(AgeHeader::Parse(made.Header() + "x"), Reason::kDamaged));
}

TEST_CASE("age: a share that makes every secret zero is damage") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string zeros(43, 'A');
  const std::string bytes = "age-encryption.org/v1\n-> X25519 " + zeros + "\n" + zeros + "\n--- " +
                            zeros + "\n" + std::string(32, 'x');
  const Opened opened = OpenWith({identity}, bytes);
  CHECK(Is(opened.status, Reason::kDamaged));
  CHECK_THAT(std::string(MessageOf(opened.status)), Catch::Matchers::ContainsSubstring("zero"));
}

TEST_CASE("age: what is not for us, and what is no age file, is refused by name") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string zeros(43, 'A');
  const auto with = [&](const std::string& stanza) {
    return "age-encryption.org/v1\n" + stanza + "--- " + zeros + "\n" + std::string(32, 'x');
  };
  const auto says = [&](const std::string& bytes, Reason reason, const std::string& word) {
    const Opened opened = OpenWith({identity}, bytes);
    CHECK(Is(opened.status, reason));
    CHECK_THAT(std::string(MessageOf(opened.status)), Catch::Matchers::ContainsSubstring(word));
  };
  says(with("-> scrypt AAAAAAAAAAAAAAAAAAAAAA 18\n" + zeros + "\n"), Reason::kNoIdentity,
       "passphrase");
  says(with("-> mlkem768x25519 AAAA\n\n"), Reason::kNoIdentity, "other kinds");
  says("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n", Reason::kDamaged, "armored");
  says("age-encryption.org/v2\n", Reason::kDamaged, "version 1");
  says("Salted__12345678", Reason::kDamaged, "not a file of age");
  says("", Reason::kDamaged, "empty");
}

TEST_CASE("age: a header that never ends is given up") {
  std::string bytes = "age-encryption.org/v1\n";
  while (bytes.size() < 4 * kAgeHeaderMax) bytes += "-> grease\n\n";
  size_t taken = 0;
  AgeReader reader({AgeIdentity::Make()}, [](std::string_view) { return OkStatus(); });
  Status status;
  while (status.ok() && taken < bytes.size()) {
    status = reader.Append(std::string_view(bytes).substr(taken, 1000));
    taken += 1000;
  }
  CHECK(Is(status, Reason::kDamaged));
  CHECK(taken < kAgeHeaderMax + 2000);
  CHECK(Is(ReadAgeHeader(bytes), Reason::kDamaged));
}

TEST_CASE("age: the header tells how many recipients there are, without a key") {
  std::vector<AgeRecipient> recipients;
  for (uint64_t count = 1; count <= 4; ++count) {
    recipients.push_back(AgeIdentity::Make().recipient());
    const std::string sealed = SealFor(recipients, AgePattern(300));
    const auto facts = ReadAgeHeader(sealed);
    REQUIRE(facts.ok());
    CHECK(*facts == AgeHeaderFacts{.size = AgeHeaderSize(count), .x25519 = count});
    CHECK(AgePlainSize(sealed.size(), facts->size) == 300);
    AgeReader reader({}, [](std::string_view) { return OkStatus(); });
    CHECK(Is(reader.Append(sealed), Reason::kNoIdentity));
    CHECK(reader.header() == *facts);
  }
}

TEST_CASE("age: exactly the sizes that a file can have give a plain size") {
  constexpr uint64_t kHeader = 200;
  std::vector<uint64_t> sizes;
  for (uint64_t plain = 0; plain < 3 * kChunk; ++plain)
    sizes.push_back(AgeSealedSize(plain, kHeader));
  CHECK(std::ranges::is_sorted(sizes));
  for (uint64_t sealed = 0; sealed <= sizes.back(); ++sealed) {
    const auto found = std::ranges::lower_bound(sizes, sealed);
    const auto plain = AgePlainSize(sealed, kHeader);
    if (plain.has_value() != (*found == sealed)) FAIL("size " << sealed);
    if (plain.has_value() && *plain != static_cast<uint64_t>(found - sizes.begin()))
      FAIL("size " << sealed);
  }
  CHECK(AgePlainSize(AgeSealedSize(6'000'000'000, kHeader), kHeader) == 6'000'000'000);
  CHECK_FALSE(AgePlainSize(0, ~uint64_t{0} / 2).has_value());
}

TEST_CASE("age: the sink's error comes back as it is, each time") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string plain = AgePattern(3 * kChunk);
  int calls = 0;
  const ByteSink full = [&calls](std::string_view) {
    return ++calls < 2 ? OkStatus() : Error(Reason::kNoSpace, "the disk is full");
  };
  AgeWriter writer({identity.recipient()}, full);
  CHECK(Is(writer.Append(plain), Reason::kNoSpace));
  CHECK(Is(writer.Append("x"), Reason::kNoSpace));
  CHECK(Is(writer.Finish(), Reason::kNoSpace));
  CHECK(calls == 2);
  calls = 0;
  AgeReader reader({identity}, full);
  CHECK(Is(reader.Append(SealFor({identity.recipient()}, plain)), Reason::kNoSpace));
  CHECK(Is(reader.Append("x"), Reason::kNoSpace));
  CHECK(Is(reader.Finish(), Reason::kNoSpace));
  CHECK(calls == 2);
}

TEST_CASE("age: after damage a reader lets nothing more through") {
  const AgeIdentity identity = AgeIdentity::Make();
  const std::string sealed = SealFor({identity.recipient()}, AgePattern(3 * kChunk));
  const size_t second = AgeHeaderSize(1) + 16 + kChunk + 16;
  std::string plain;
  AgeReader reader({identity}, AppendTo(plain));
  std::string damaged = sealed;
  damaged[second + 5] = static_cast<char>(damaged[second + 5] ^ 1);
  CHECK(Is(reader.Append(damaged), Reason::kDamaged));
  CHECK(Is(reader.Append(std::string_view(sealed).substr(second)), Reason::kDamaged));
  CHECK(Is(reader.Finish(), Reason::kDamaged));
  CHECK(plain.size() == kChunk);
}

}  // namespace
}  // namespace etcdrill
