#include "crypto/signature.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/bytes.h"
#include "base/check.h"
#include "crypto/hash.h"
#include "crypto/openssl.h"

namespace etcdrill {
namespace {

constexpr std::string_view kPublicBegin = "-----BEGIN PUBLIC KEY-----";
constexpr std::string_view kHowToMake = "`openssl genpkey -algorithm ed25519` makes one";

BioPtr ReadingFrom(std::string_view pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free);
  CHECK(bio != nullptr);
  return bio;
}

bool HasText(std::string_view pem, std::string_view text) {
  return pem.find(text) != std::string_view::npos;
}

Status WantsEd25519(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519) return OkStatus();
  const char* kind = EVP_PKEY_get0_type_name(key);
  return Error(Reason::kConfig, "this is a key of kind {}, and Ed25519 is wanted: {}",
               kind != nullptr ? kind : "unknown", kHowToMake);
}

// Of the block that `pem` begins with.
Result<std::shared_ptr<EVP_PKEY>> ReadPublic(std::string_view pem) {
  std::shared_ptr<EVP_PKEY> key(
      PEM_read_bio_PUBKEY(ReadingFrom(pem).get(), nullptr, NoPassphrase, nullptr), EVP_PKEY_free);
  ERR_clear_error();
  if (key == nullptr) return Error(Reason::kConfig, "a public key in it is damaged");
  RETURN_IF_ERROR(WantsEd25519(key.get()));
  return key;
}

// What `write` puts into a bio.
template <typename Write>
std::string Written(const Write& write) {
  const BioPtr bio(BIO_new(BIO_s_mem()), BIO_free);
  CHECK(bio != nullptr && write(bio.get()) == 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

using DigestContext = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

DigestContext NewDigestContext() {
  DigestContext context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  CHECK(context != nullptr);
  return context;
}

}  // namespace

Result<std::vector<VerifyingKey>> VerifyingKey::AllFromPem(std::string_view pem) {
  if (HasText(pem, "PRIVATE KEY-----")) {
    return Error(Reason::kConfig,
                 "this is a secret key, where a public one is wanted; `openssl pkey -in FILE "
                 "-pubout` prints it");
  }
  std::vector<VerifyingKey> keys;
  for (size_t at = pem.find(kPublicBegin); at != std::string_view::npos;
       at = pem.find(kPublicBegin, at + 1)) {
    ASSIGN_OR_RETURN(auto key, ReadPublic(pem.substr(at)));
    keys.push_back(VerifyingKey(std::move(key)));
  }
  if (keys.empty()) {
    return Error(Reason::kConfig,
                 "no public key in it, which begins with -----BEGIN PUBLIC KEY-----; `openssl pkey "
                 "-in FILE -pubout` prints that of a signing key");
  }
  return keys;
}

Result<VerifyingKey> VerifyingKey::FromPem(std::string_view pem) {
  ASSIGN_OR_RETURN(const auto keys, AllFromPem(pem));
  if (keys.size() > 1) return Error(Reason::kConfig, "it holds more than one public key");
  return keys.front();
}

std::string VerifyingKey::Pem() const {
  return Written([this](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key_.get()); });
}

std::string VerifyingKey::Raw() const {
  std::string raw(kBytes, '\0');
  size_t size = raw.size();
  CHECK(EVP_PKEY_get_raw_public_key(key_.get(), Octets(raw), &size) == 1);
  return raw;
}

std::string VerifyingKey::Id() const { return Hex(Sha256Of(Raw()).substr(0, 8)); }

bool VerifyingKey::Verifies(std::string_view bytes, std::string_view signature) const {
  const DigestContext context = NewDigestContext();
  CHECK(EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1);
  const bool fits = EVP_DigestVerify(context.get(), Octets(signature), signature.size(),
                                     Octets(bytes), bytes.size()) == 1;
  if (!fits) ERR_clear_error();
  return fits;
}

SigningKey SigningKey::Make() {
  std::shared_ptr<EVP_PKEY> key(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"), EVP_PKEY_free);
  CHECK(key != nullptr);
  return SigningKey(std::move(key));
}

Result<SigningKey> SigningKey::FromPem(std::string_view pem) {
  if (HasText(pem, "ENCRYPTED PRIVATE KEY-----") || HasText(pem, "Proc-Type: 4,ENCRYPTED")) {
    return Error(Reason::kConfig,
                 "this key needs a passphrase, and nobody is here to be asked for it: `openssl "
                 "pkey -in FILE -out NEW_FILE` takes it off");
  }
  const BioPtr bio = ReadingFrom(pem);
  std::shared_ptr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr),
                                EVP_PKEY_free);
  if (key == nullptr) ERR_clear_error();
  if (key == nullptr) {
    return Error(Reason::kConfig,
                 "no signing key in it, which begins with -----BEGIN PRIVATE KEY-----{}; {}",
                 HasText(pem, "PUBLIC KEY-----") ? ", but a public one, which can't sign" : "",
                 kHowToMake);
  }
  RETURN_IF_ERROR(WantsEd25519(key.get()));
  return SigningKey(std::move(key));
}

std::string SigningKey::Pem() const {
  return Written([this](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

VerifyingKey SigningKey::verifying_key() const {
  std::string raw(VerifyingKey::kBytes, '\0');
  size_t size = raw.size();
  CHECK(EVP_PKEY_get_raw_public_key(key_.get(), Octets(raw), &size) == 1);
  std::shared_ptr<EVP_PKEY> key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, Octets(raw), size), EVP_PKEY_free);
  CHECK(key != nullptr);
  return VerifyingKey(std::move(key));
}

std::string SigningKey::Sign(std::string_view bytes) const {
  const DigestContext context = NewDigestContext();
  CHECK(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1);
  std::string signature(kSignatureBytes, '\0');
  size_t size = signature.size();
  CHECK(EVP_DigestSign(context.get(), Octets(signature), &size, Octets(bytes), bytes.size()) == 1);
  return signature;
}

}  // namespace etcdrill
