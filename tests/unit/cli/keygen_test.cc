// What keygen writes is what sites read, and what other programs read: tests of crypto/ hold that
// with age and openssl.
#include <sys/stat.h>

#include <string>

#include "cli/commands.h"
#include "crypto/age/keys.h"
#include "crypto/signature.h"
#include "support/catch.h"
#include "support/test_context.h"

namespace etcdrill::cli {
namespace {

using etcdrill::testing::TestContext;

std::string ReadKey(TestContext& test, const std::string& path) {
  return test.fs().ReadWhole(path, 1 << 16).value();
}

unsigned ModeOf(const std::string& path) {
  struct stat info {};
  REQUIRE(stat(path.c_str(), &info) == 0);
  return info.st_mode & 0777U;
}

TEST_CASE("an identity is for its owner's eyes, and names its recipient") {
  TestContext test;
  const std::string path = test.Path("identity.txt");
  REQUIRE(KeygenIdentity(test.context(), {.out = path}).ok());
  CHECK(ModeOf(path) == 0600);
  const std::string text = ReadKey(test, path);
  const auto identities = ParseAgeIdentities(text);
  REQUIRE(identities.ok());
  REQUIRE(identities->size() == 1);
  CHECK(text.starts_with("# created: "));
  CHECK(text.find("# public key: " + identities->front().recipient().Text() + "\n") !=
        std::string::npos);

  const auto again = KeygenIdentity(test.context(), {.out = path});
  CHECK(Is(again, Reason::kAlreadyExists));
  CHECK(ReadKey(test, path) == text);
}

TEST_CASE("a signing key comes with its public key, and both or none are written") {
  TestContext test;
  const std::string path = test.Path("signing.pem");
  REQUIRE(KeygenSigning(test.context(), {.out = path}).ok());
  CHECK(ModeOf(path) == 0600);
  const auto key = SigningKey::FromPem(ReadKey(test, path));
  const auto verifying_key = VerifyingKey::FromPem(ReadKey(test, path + ".pub"));
  REQUIRE(key.ok());
  REQUIRE(verifying_key.ok());
  CHECK(verifying_key->Verifies("x", key->Sign("x")));

  CHECK(Is(KeygenSigning(test.context(), {.out = path}), Reason::kAlreadyExists));
  REQUIRE(test.fs().Unlink(path + ".pub").ok());
  CHECK(Is(KeygenSigning(test.context(), {.out = path}), Reason::kAlreadyExists));
  CHECK_FALSE(test.fs().Exists(path + ".pub"));  // it would belong to no key
  CHECK(SigningKey::FromPem(ReadKey(test, path))->Pem() == key->Pem());
}

}  // namespace
}  // namespace etcdrill::cli
