// The age program opens what we seal, and we open what it seals; and anybody with `age` and `zstd`
// gets a snapshot back out of an object.
#include <filesystem>

#include "crypto/age/stream.h"
#include "io/zstd.h"
#include "support/catch.h"
#include "support/shell.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill {
namespace {

using testing::ReadFile;
using testing::RunShell;
using testing::TestContext;
using testing::WriteFile;

void NeedsPrograms(const std::vector<std::string>& paths) {
  for (const std::string& path : paths)
    if (!std::filesystem::exists(path)) SKIP(path << " is missing");
}

std::string ProgramPattern(size_t size) {
  std::string bytes(size, '\0');
  uint32_t state = 7;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

const std::vector<size_t>& BorderSizes() {
  static const std::vector<size_t> sizes = {0, 1, 65535, 65536, 65537, 131072, 5'000'000};
  return sizes;
}

void Seal(TestContext& test, const std::vector<AgeRecipient>& recipients, const std::string& plain,
          const std::string& name) {
  std::string sealed;
  AgeWriter writer(recipients, [&sealed](std::string_view bytes) {
    sealed += bytes;
    return OkStatus();
  });
  REQUIRE(writer.Append(plain).ok());
  REQUIRE(writer.Finish().ok());
  WriteFile(test.Path(name), sealed);
}

Result<std::string> Unseal(TestContext& test, const std::vector<AgeIdentity>& identities,
                           const std::string& name) {
  std::string plain;
  AgeReader reader(identities, [&plain](std::string_view bytes) {
    plain += bytes;
    return OkStatus();
  });
  RETURN_IF_ERROR(reader.Append(ReadFile(test.Path(name))));
  RETURN_IF_ERROR(reader.Finish());
  return plain;
}

TEST_CASE("the age program opens what we seal, with each of the identities") {
  NeedsPrograms({"/usr/bin/age", "/usr/bin/age-keygen"});
  TestContext test;
  REQUIRE(RunShell(test, "age-keygen -o theirs.key && age-keygen -y theirs.key > theirs.pub").ok());
  const AgeIdentity ours = AgeIdentity::Make();
  WriteFile(test.Path("ours.key"), "# ours\n" + ours.Text() + "\n");
  const auto keygen = RunShell(test, "age-keygen -y ours.key");
  REQUIRE(keygen.ok());
  CHECK(*keygen == ours.recipient().Text() + "\n");
  auto recipients = ParseAgeRecipients(ReadFile(test.Path("theirs.pub")));
  REQUIRE(recipients.ok());
  recipients->push_back(ours.recipient());
  for (const size_t size : BorderSizes()) {
    INFO("size " << size);
    const std::string plain = ProgramPattern(size);
    Seal(test, *recipients, plain, "sealed");
    for (const std::string key : {"ours.key", "theirs.key"}) {
      REQUIRE(RunShell(test, "age -d -i " + key + " sealed > plain").ok());
      CHECK((ReadFile(test.Path("plain")) == plain));
    }
  }
}

TEST_CASE("we open what the age program seals, with each of the identities") {
  NeedsPrograms({"/usr/bin/age", "/usr/bin/age-keygen"});
  TestContext test;
  REQUIRE(RunShell(test, "age-keygen -o theirs.key && age-keygen -y theirs.key > theirs.pub").ok());
  const auto theirs = ParseAgeIdentities(ReadFile(test.Path("theirs.key")));
  REQUIRE(theirs.ok());
  const AgeIdentity ours = AgeIdentity::Make();
  for (const size_t size : BorderSizes()) {
    INFO("size " << size);
    const std::string plain = ProgramPattern(size);
    WriteFile(test.Path("plain"), plain);
    REQUIRE(RunShell(test, "age -R theirs.pub -r " + ours.recipient().Text() +
                               " plain > sealed && rm plain")
                .ok());
    const uint64_t sealed_size = ReadFile(test.Path("sealed")).size();
    CHECK(AgePlainSize(sealed_size, AgeHeaderSize(2)) == size);
    for (const AgeIdentity& identity : {ours, theirs->front()}) {
      const auto opened = Unseal(test, {identity}, "sealed");
      REQUIRE(opened.ok());
      CHECK((*opened == plain));
    }
    CHECK(Is(Unseal(test, {AgeIdentity::Make()}, "sealed"), Reason::kNoIdentity));
  }
}

TEST_CASE("armored and passphrase files of the age program are refused by name") {
  NeedsPrograms({"/usr/bin/age"});
  TestContext test;
  const AgeIdentity ours = AgeIdentity::Make();
  REQUIRE(RunShell(test, "echo abc | age -a -r " + ours.recipient().Text() + " > sealed").ok());
  const auto armored = Unseal(test, {ours}, "sealed");
  CHECK(Is(armored, Reason::kDamaged));
  CHECK_THAT(std::string(MessageOf(armored.status())),
             Catch::Matchers::ContainsSubstring("armored"));
}

TEST_CASE("`age -d | zstd -d` gives back what was compressed and sealed, and so do we") {
  NeedsPrograms({"/usr/bin/age", "/usr/bin/zstd"});
  TestContext test;
  const AgeIdentity ours = AgeIdentity::Make();
  WriteFile(test.Path("key"), ours.Text() + "\n");
  const std::string plain = ProgramPattern(300'000) + std::string(1'000'000, 'x');
  std::string object;
  AgeWriter age({ours.recipient()}, [&object](std::string_view bytes) {
    object += bytes;
    return OkStatus();
  });
  ZstdWriter zstd(plain.size(), [&age](std::string_view bytes) { return age.Append(bytes); });
  REQUIRE(zstd.Append(plain).ok());
  REQUIRE(zstd.Finish().ok());
  REQUIRE(age.Finish().ok());
  WriteFile(test.Path("NAME.db.zst.age"), object);
  REQUIRE(RunShell(test, "age -d -i key NAME.db.zst.age | zstd -d > plain").ok());
  CHECK((ReadFile(test.Path("plain")) == plain));

  REQUIRE(RunShell(test, "zstd -3 < plain | age -r " + ours.recipient().Text() + " > theirs").ok());
  std::string back;
  ZstdReader expand(plain.size(), [&back](std::string_view bytes) {
    back += bytes;
    return OkStatus();
  });
  AgeReader open({ours}, [&expand](std::string_view bytes) { return expand.Append(bytes); });
  REQUIRE(open.Append(ReadFile(test.Path("theirs"))).ok());
  REQUIRE(open.Finish().ok());
  REQUIRE(expand.Finish().ok());
  CHECK((back == plain));
}

}  // namespace
}  // namespace etcdrill
