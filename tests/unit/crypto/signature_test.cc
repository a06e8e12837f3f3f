// Ed25519 by the check values of RFC 8032, and by the openssl program; keys that can't be used.
#include "crypto/signature.h"

#include <filesystem>

#include "base/bytes.h"
#include "crypto/base64.h"
#include "support/catch.h"
#include "support/hex.h"
#include "support/shell.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill {
namespace {

using testing::FromHex;
using testing::ReadFile;
using testing::RunShell;
using testing::TestContext;
using testing::WriteFile;

// PKCS#8 of an Ed25519 key is its 32 bytes behind 16 fixed ones (RFC 8410).
std::string PemOfSeed(std::string_view seed) {
  return "-----BEGIN PRIVATE KEY-----\n" +
         EncodeBase64(FromHex("302e020100300506032b657004220420") + FromHex(seed)) +
         "\n-----END PRIVATE KEY-----\n";
}

std::string PublicPem(const SigningKey& key) { return key.verifying_key().Pem(); }

void CheckRefused(const Status& status, const std::string& word) {
  CHECK(Is(status, Reason::kConfig));
  CHECK_THAT(std::string(MessageOf(status)), Catch::Matchers::ContainsSubstring(word));
}

TEST_CASE("Ed25519: the tests 1 to 3 of RFC 8032") {
  struct Vector {
    const char *secret, *public_key, *message, *signature;
  };
  for (const Vector& vector : {
           Vector{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                  "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
                  "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac"
                  "c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"},
           Vector{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                  "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
                  "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e"
                  "458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"},
           Vector{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                  "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
                  "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290"
                  "ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"},
       }) {
    const auto key = SigningKey::FromPem(PemOfSeed(vector.secret));
    REQUIRE(key.ok());
    CHECK(Hex(key->verifying_key().Raw()) == vector.public_key);
    const std::string message = FromHex(vector.message);
    CHECK(Hex(key->Sign(message)) == vector.signature);
    CHECK(key->verifying_key().Verifies(message, FromHex(vector.signature)));
    CHECK(key->Pem() == PemOfSeed(vector.secret));
  }
}

TEST_CASE("a signature fits one text and one key, whole and unchanged") {
  const SigningKey key = SigningKey::Make();
  const VerifyingKey verifying = *VerifyingKey::FromPem(PublicPem(key));
  const std::string text = "the bytes of a manifest";
  const std::string signature = key.Sign(text);
  REQUIRE(signature.size() == SigningKey::kSignatureBytes);
  CHECK(verifying.Verifies(text, signature));
  CHECK_FALSE(verifying.Verifies(text + " ", signature));
  CHECK_FALSE(verifying.Verifies("", signature));
  CHECK_FALSE(SigningKey::Make().verifying_key().Verifies(text, signature));
  for (const size_t size : std::initializer_list<size_t>{0, 1, 32, 63})
    CHECK_FALSE(verifying.Verifies(text, signature.substr(0, size)));
  CHECK_FALSE(verifying.Verifies(text, signature + '\0'));
  for (size_t bit = 0; bit < signature.size() * 8; ++bit) {
    std::string flipped = signature;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
    CHECK_FALSE(verifying.Verifies(text, flipped));
  }
}

TEST_CASE("a key has an id, the same for both of its halves, and no other has it") {
  const SigningKey key = SigningKey::Make();
  CHECK(key.verifying_key().Id().size() == 16);
  CHECK(key.verifying_key().Id() == VerifyingKey::FromPem(PublicPem(key))->Id());
  CHECK(key.verifying_key().Id() == SigningKey::FromPem(key.Pem())->verifying_key().Id());
  CHECK(key.verifying_key().Id() != SigningKey::Make().verifying_key().Id());
}

TEST_CASE("a file may hold several public keys between comments") {
  const SigningKey first = SigningKey::Make();
  const SigningKey second = SigningKey::Make();
  const auto keys = VerifyingKey::AllFromPem("# node a\n" + PublicPem(first) + "\n# node b\n" +
                                             PublicPem(second) + "# end\n");
  REQUIRE(keys.ok());
  REQUIRE(keys->size() == 2);
  CHECK((*keys)[0].Id() == first.verifying_key().Id());
  CHECK((*keys)[1].Id() == second.verifying_key().Id());
  CheckRefused(VerifyingKey::FromPem(PublicPem(first) + PublicPem(second)).status(),
               "more than one");
}

TEST_CASE("what can't be a key is refused by what it is, and no secret is repeated") {
  const SigningKey key = SigningKey::Make();
  const std::string secret = key.Pem();
  CheckRefused(VerifyingKey::FromPem(secret).status(), "this is a secret key");
  CheckRefused(VerifyingKey::FromPem(PublicPem(key) + secret).status(), "this is a secret key");
  CheckRefused(VerifyingKey::FromPem("").status(), "no public key");
  CheckRefused(VerifyingKey::FromPem("ssh-ed25519 AAAA").status(), "no public key");
  CheckRefused(
      VerifyingKey::AllFromPem(PublicPem(key) + "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC "
                                                "KEY-----\n")
          .status(),
      "damaged");
  CheckRefused(SigningKey::FromPem(PublicPem(key)).status(), "but a public one");
  CheckRefused(SigningKey::FromPem("").status(), "openssl genpkey");
  std::string broken = secret;
  broken.replace(40, 4, "####");
  const auto refused = SigningKey::FromPem(broken);
  CheckRefused(refused.status(), "no signing key");
  CHECK_THAT(std::string(MessageOf(refused.status())),
             !Catch::Matchers::ContainsSubstring(broken.substr(50, 8)));
}

TEST_CASE("the openssl program reads our keys, and we read its keys and signatures") {
  if (!std::filesystem::exists("/usr/bin/openssl")) SKIP("/usr/bin/openssl is missing");
  TestContext test;
  const SigningKey ours = SigningKey::Make();
  WriteFile(test.Path("ours.pem"), ours.Pem());
  WriteFile(test.Path("text"), "signed by both");
  REQUIRE(RunShell(test,
                   "openssl pkey -in ours.pem -pubout -out ours.pub && openssl pkeyutl -sign "
                   "-inkey ours.pem -rawin -in text -out ours.sig && openssl genpkey -algorithm "
                   "ed25519 -out theirs.pem && openssl pkeyutl -sign -inkey theirs.pem -rawin -in "
                   "text -out theirs.sig")
              .ok());
  CHECK(ReadFile(test.Path("ours.pub")) == PublicPem(ours));
  CHECK(ReadFile(test.Path("ours.sig")) == ours.Sign("signed by both"));
  const auto theirs = SigningKey::FromPem(ReadFile(test.Path("theirs.pem")));
  REQUIRE(theirs.ok());
  CHECK(theirs->verifying_key().Verifies("signed by both", ReadFile(test.Path("theirs.sig"))));
}

TEST_CASE("keys of other kinds, and one with a passphrase, are refused by name") {
  if (!std::filesystem::exists("/usr/bin/openssl")) SKIP("/usr/bin/openssl is missing");
  TestContext test;
  REQUIRE(RunShell(test,
                   "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem && "
                   "openssl pkey -in ec.pem -pubout -out ec.pub && openssl genpkey -algorithm "
                   "ed25519 -aes256 -pass pass:word -out locked.pem")
              .ok());
  CheckRefused(SigningKey::FromPem(ReadFile(test.Path("ec.pem"))).status(), "kind EC");
  CheckRefused(VerifyingKey::FromPem(ReadFile(test.Path("ec.pub"))).status(), "kind EC");
  CheckRefused(SigningKey::FromPem(ReadFile(test.Path("locked.pem"))).status(), "passphrase");
}

}  // namespace
}  // namespace etcdrill
