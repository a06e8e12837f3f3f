// Published check values: RFC 4231, RFC 5869, RFC 7748; and what a seal must not let through.
#include "crypto/hmac.h"

#include "base/bytes.h"
#include "crypto/chacha20_poly1305.h"
#include "crypto/x25519.h"
#include "support/catch.h"
#include "support/hex.h"

namespace etcdrill {
namespace {

using testing::FromHex;

std::string RowOfBytes(int first, int last) {
  std::string bytes;
  for (int byte = first; byte <= last; ++byte) bytes += static_cast<char>(byte);
  return bytes;
}

TEST_CASE("HMAC-SHA256, with short keys and with one longer than a block") {
  CHECK(Hex(HmacSha256(std::string(20, '\x0b'), "Hi There")) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  CHECK(Hex(HmacSha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(Hex(HmacSha256(std::string(131, '\xaa'),
                       "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST_CASE("HKDF-SHA256: over two blocks, over three, and without salt and info") {
  const std::string secret(22, '\x0b');
  CHECK(Hex(HkdfSha256(secret, RowOfBytes(0, 12), RowOfBytes(0xf0, 0xf9), 42)) ==
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
  CHECK(
      Hex(HkdfSha256(RowOfBytes(0, 0x4f), RowOfBytes(0x60, 0xaf), RowOfBytes(0xb0, 0xff), 82)) ==
      "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c59045a99cac7827271cb41c65e5"
      "90e09da3275600c2f09b8367793a9aca3db71cc30c58179ec3e87c14c01d5c1f3434f1d87");
  CHECK(Hex(HkdfSha256(secret, "", "", 42)) ==
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST_CASE("X25519: both sides hold the same secret") {
  const Secret a(FromHex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const Secret b(FromHex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  const std::string a_public = X25519PublicOf(a);
  const std::string b_public = X25519PublicOf(b);
  CHECK(Hex(a_public) == "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  CHECK(Hex(b_public) == "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
  const char* shared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";
  CHECK(Hex(X25519Shared(a, b_public)->view()) == shared);
  CHECK(Hex(X25519Shared(b, a_public)->view()) == shared);
}

TEST_CASE("X25519: a public key that makes every secret zero is refused") {
  for (const char* low_order : {
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000000",
           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
       })
    CHECK_FALSE(X25519Shared(RandomSecret(kX25519Bytes), FromHex(low_order)).has_value());
}

TEST_CASE("a seal opens under its own key and nonce, and only whole and unchanged") {
  const Secret key = RandomSecret(ChaCha20Poly1305::kKeyBytes);
  ChaCha20Poly1305 cipher(key);
  const std::string nonce(ChaCha20Poly1305::kNonceBytes, '\x07');
  for (const std::string plain : {"", "a", "some bytes that are sealed"}) {
    std::string sealed;
    std::string opened = "left over";
    cipher.Seal(nonce, plain, sealed);
    REQUIRE(sealed.size() == plain.size() + ChaCha20Poly1305::kTagBytes);
    CHECK(ChaCha20Poly1305(key).Open(nonce, sealed, opened));
    CHECK(opened == plain);
    CHECK_FALSE(cipher.Open(std::string(nonce.size(), '\x08'), sealed, opened));
    CHECK_FALSE(ChaCha20Poly1305(RandomSecret(32)).Open(nonce, sealed, opened));
    for (size_t size = 0; size < sealed.size(); ++size)
      CHECK_FALSE(cipher.Open(nonce, sealed.substr(0, size), opened));
    for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      std::string flipped = sealed;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ 1 << bit % 8);
      CHECK_FALSE(cipher.Open(nonce, flipped, opened));
      CHECK(opened.empty());
    }
  }
}

}  // namespace
}  // namespace etcdrill
