// Bech32 by the check values of BIP 173, and the keys of age as people have them in files.
#include "base/bytes.h"
#include "crypto/age/keys.h"
#include "crypto/bech32.h"
#include "crypto/x25519.h"
#include "support/catch.h"
#include "support/hex.h"

namespace etcdrill {
namespace {

// Of the age program: a pair that belongs together.
constexpr std::string_view kPublicText =
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
constexpr std::string_view kSecretText =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";

template <typename Key>
void CheckRefused(const Result<Key>& key, const std::string& word) {
  REQUIRE(Is(key, Reason::kConfig));
  CHECK_THAT(std::string(MessageOf(key.status())), Catch::Matchers::ContainsSubstring(word));
}

TEST_CASE("Bech32: the valid texts of BIP 173, but in one case, are read and written again") {
  for (const std::string text : {
           "a12uel5l",
           "an83characterlonghumanreadablepartthatcontainsthenumber1andtheexcludedcharactersbio1tt5"
           "tgs",
           "split1checkupstagehandshakeupstreamerranterredcaperred2y9e3w",
       }) {
    const auto decoded = DecodeBech32(text);
    if (text.starts_with("split")) {
      REQUIRE(decoded.has_value());
      CHECK(Hex(decoded->bytes) == "c5f38b70305f519bf66d85fb6cf03058f3dde463ecd7918f2dc743918f2d");
    }
    REQUIRE(decoded.has_value());
    CHECK(EncodeBech32(decoded->prefix, decoded->bytes) == text);
  }
  CHECK(DecodeBech32("A12UEL5L")->prefix == "a");
}

TEST_CASE("Bech32: every length there and back, also beyond 90 characters") {
  for (size_t size = 0; size < 200; ++size) {
    const std::string bytes = RandomBytes(size);
    const auto decoded = DecodeBech32(EncodeBech32("any", bytes));
    REQUIRE(decoded.has_value());
    CHECK(decoded->bytes == bytes);
  }
}

TEST_CASE("Bech32: what is mistyped is not read") {
  for (const char* text :
       {"", "1", "a1", "x1b4n0q5v", "li1dgmt3", "A1G7SGD8", "10a06t8", "1qzzfhee", "a12UEL5L",
        "\x20"
        "1nwldj5",
        "\x7f"
        "1axkwrx",
        "pzry9x0s0muk"})
    CHECK_FALSE(DecodeBech32(text).has_value());
  const std::string sound(kPublicText);
  for (size_t at = 0; at < sound.size(); ++at) {
    for (const char other : {'q', 'p', 'l', '7', '1', 'b', 'Q'}) {
      std::string text = sound;
      text[at] = other;
      CHECK((other == sound[at] || !DecodeBech32(text).has_value()));
    }
  }
  // One byte, padded with zeros; with a bit that is set; with a digit too many. All checksums fit.
  CHECK(DecodeBech32("age1pypwtrqg")->bytes == "\x09");
  CHECK_FALSE(DecodeBech32("age1p9uclka6").has_value());
  CHECK_FALSE(DecodeBech32("age1pyqnah45n").has_value());
}

TEST_CASE("keys are read and written as the age program does") {
  const auto identity = AgeIdentity::Parse(kSecretText);
  REQUIRE(identity.ok());
  CHECK(identity->Text() == kSecretText);
  CHECK(identity->secret().view() == std::string(32, '\x42'));
  CHECK(identity->recipient().Text() == kPublicText);
  const auto recipient = AgeRecipient::Parse(kPublicText);
  REQUIRE(recipient.ok());
  CHECK(recipient->Text() == kPublicText);
  CHECK(*recipient == identity->recipient());
}

TEST_CASE("no two new identities are the same") {
  const AgeIdentity one = AgeIdentity::Make();
  const AgeIdentity other = AgeIdentity::Make();
  CHECK(one.Text() != other.Text());
  CHECK(!(one.recipient() == other.recipient()));
  CHECK(AgeIdentity::Parse(one.Text())->recipient() == one.recipient());
}

TEST_CASE("files of keys have comments, empty lines and Windows' line ends") {
  const AgeIdentity a = AgeIdentity::Make();
  const AgeIdentity b = AgeIdentity::Make();
  const auto identities = ParseAgeIdentities(
      "# created: 2026-01-01T00:00:00Z\r\n# public key: " + a.recipient().Text() + "\r\n" +
      a.Text() + "\r\n\n  \n" + b.Text());
  REQUIRE(identities.ok());
  REQUIRE(identities->size() == 2);
  CHECK((*identities)[0].recipient() == a.recipient());
  CHECK((*identities)[1].recipient() == b.recipient());
  const auto recipients = ParseAgeRecipients("# daily\n" + a.recipient().Text() +
                                             "\n\n# in the safe\n" + b.recipient().Text() + "\n");
  REQUIRE(recipients.ok());
  CHECK(*recipients == std::vector{a.recipient(), b.recipient()});
}

TEST_CASE("a bad line is told by its number") {
  const std::string sound = AgeIdentity::Make().recipient().Text();
  CheckRefused(ParseAgeRecipients(sound + "\n# note\n" + sound.substr(1) + "\n"), "line 3: not an");
  CheckRefused(ParseAgeRecipients("# nothing\n\n"), "it holds no recipient");
  CheckRefused(ParseAgeIdentities(""), "it holds no identity");
}

TEST_CASE("what can't be a recipient is refused by what it is") {
  const std::string secret = AgeIdentity::Make().Text();
  const std::string sound = AgeIdentity::Make().recipient().Text();
  const auto identity = AgeRecipient::Parse(secret);
  CheckRefused(identity, "this is an identity, which is secret");
  CHECK_THAT(std::string(MessageOf(identity.status())),
             !Catch::Matchers::ContainsSubstring(secret.substr(20, 10)));
  CheckRefused(ParseAgeRecipients(secret), "line 1: this is an identity");
  CheckRefused(AgeRecipient::Parse("age1pq1xyz"), "post-quantum recipient");
  CheckRefused(AgeRecipient::Parse("age1yubikey1qwerty"), "a recipient of an age plugin");
  CheckRefused(AgeRecipient::Parse("AGE-PLUGIN-YUBIKEY-1QWERTY"), "identity of an age plugin");
  CheckRefused(AgeRecipient::Parse("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI"), "an SSH key");
  for (const std::string& text :
       {std::string("age1"), std::string("hello"), sound + "q", sound.substr(0, 40),
        EncodeBech32("age", std::string(31, 'x')), EncodeBech32("agf", std::string(32, 'x'))})
    CheckRefused(AgeRecipient::Parse(text), "not an age recipient");
  CheckRefused(AgeRecipient::Parse(EncodeBech32("age", std::string(32, '\0'))),
               "everybody can open");
}

TEST_CASE("what can't be an identity is refused by what it is, and never repeated") {
  const std::string sound = AgeIdentity::Make().Text();
  const std::string lower = EncodeBech32("age-secret-key-", std::string(32, 'x'));
  CheckRefused(AgeIdentity::Parse(lower), "not an age identity");
  CheckRefused(AgeIdentity::Parse("AGE-SECRET-KEY-PQ-1QWERTY"), "post-quantum identity");
  CheckRefused(AgeIdentity::Parse("AGE-PLUGIN-YUBIKEY-1QWERTY"), "identity of an age plugin");
  CheckRefused(AgeIdentity::Parse(kPublicText), "this is a recipient");
  CheckRefused(ParseAgeIdentities("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"), "SSH or PEM key");
  CheckRefused(ParseAgeIdentities("age-encryption.org/v1\n-> scrypt x 18\n"), "`age -d`");
  CheckRefused(ParseAgeIdentities("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n"), "`age -d`");
  for (const std::string& text : {sound.substr(0, sound.size() - 1), sound + "Q", "a" + sound}) {
    const auto refused = AgeIdentity::Parse(text);
    CheckRefused(refused, "not an age identity");
    CHECK_THAT(std::string(MessageOf(refused.status())),
               !Catch::Matchers::ContainsSubstring(sound.substr(20, 10)));
  }
}

}  // namespace
}  // namespace etcdrill
