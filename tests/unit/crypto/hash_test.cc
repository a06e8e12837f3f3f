// Published check values.
#include "crypto/hash.h"

#include "base/bytes.h"
#include "support/catch.h"

namespace etcdrill {
namespace {

TEST_CASE("SHA-256, in pieces and with a look in between") {
  Sha256 sum;
  sum.Update("a");
  CHECK(Hex(sum.Peek()) == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb");
  sum.Update("bc");
  CHECK(Hex(sum.Finish()) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST_CASE("SHA-1") { CHECK(Hex(Sha1("abc")) == "a9993e364706816aba3e25717850c26c9cd0d89d"); }

TEST_CASE("CRC-32C, whole and in pieces") {
  CHECK(Crc32c(0, "123456789") == 0xe3069283);
  CHECK(Crc32c(Crc32c(0, "1234"), "56789") == 0xe3069283);
  CHECK(Crc32c(0, "") == 0);
  CHECK(Crc32c(0, "key") == 1084519789);  // HashKV of an empty store, as a live etcd answers
}

}  // namespace
}  // namespace etcdrill
