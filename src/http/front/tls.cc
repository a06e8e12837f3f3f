// The settings one by one. Every read of a PEM gets a passphrase callback that has none, or OpenSSL
// would ask on the terminal.
#include "http/front/tls.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <algorithm>

#include "crypto/certificate.h"
#include "crypto/openssl.h"

namespace etcdrill::http {
namespace {

constexpr uint64_t kPemBytesMax = 4 << 20;
constexpr const char* kDefaultCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Freer<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freer<GENERAL_NAMES_free>>;

// Why the last call failed, in OpenSSL's words.
std::string Why() {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return reason != nullptr ? reason : "unknown to OpenSSL";
}

Status TlsError(std::string_view text) { return Error(Reason::kTls, text); }

struct Pem {
  std::string text;
  std::string what;  // for messages
};

Result<Pem> Read(FileSystem& fs, const PemSource& source, std::string_view key) {
  if (source.file.empty()) return Pem{source.text, std::string(key)};
  Result<std::string> text = fs.ReadWhole(source.file, kPemBytesMax);
  if (!text.ok()) return TlsError(fmt::format("{}_file: {}", key, MessageOf(text.status())));
  return Pem{*std::move(text), fmt::format("{}_file {}", key, source.file)};
}

Bio Open(const Pem& pem) {
  return Bio(BIO_new_mem_buf(pem.text.data(), static_cast<int>(pem.text.size())));
}

Result<std::vector<Certificate>> Certificates(const Pem& pem) {
  const Bio bio = Open(pem);
  std::vector<Certificate> all;
  while (X509* one = PEM_read_bio_X509(bio.get(), nullptr, NoPassphrase, nullptr))
    all.emplace_back(one);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!at_end) return TlsError(fmt::format("{} has a damaged certificate: {}", pem.what, Why()));
  ERR_clear_error();
  if (all.empty()) return TlsError(fmt::format("{} has no certificate in PEM format", pem.what));
  return all;
}

Result<Key> PrivateKey(const Pem& pem) {
  const Bio bio = Open(pem);
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassphrase, nullptr));
  if (key == nullptr) {
    return TlsError(fmt::format("{} has no private key in PEM format without a passphrase: {}",
                                pem.what, Why()));
  }
  return key;
}

int ProtocolOf(TlsVersion version) {
  return version == TlsVersion::k12 ? TLS1_2_VERSION : TLS1_3_VERSION;
}

std::string TextOf(const GENERAL_NAME& name) {
  if (name.type == GEN_IPADD) {
    char text[INET6_ADDRSTRLEN] = "";
    const int size = ASN1_STRING_length(name.d.iPAddress);
    inet_ntop(size == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(name.d.iPAddress), text,
              sizeof text);
    return text;
  }
  if (name.type != GEN_DNS && name.type != GEN_EMAIL && name.type != GEN_URI) return "";
  const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(name.d.ia5));
  return std::string(bytes, static_cast<size_t>(ASN1_STRING_length(name.d.ia5)));
}

bool HasOneOf(const X509* certificate, const std::vector<std::string>& allowed) {
  const Names names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names != nullptr && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    if (std::ranges::find(allowed, TextOf(*sk_GENERAL_NAME_value(names.get(), i))) !=
        allowed.end()) {
      return true;
    }
  }
  return false;
}

}  // namespace

// Fills a TlsServer, a step each.
class TlsServer::Builder {
 public:
  Builder(TlsServer& server, const WebTls& tls)
      : server_(server), context_(server.context_.get()), tls_(tls) {}

  Status UseCertificate(FileSystem& fs);
  Status UseVersionsAndCiphers();
  Status UseClientCertificates(FileSystem& fs);

 private:
  // Of a client's certificate: the chain, if it is to be verified, and its names, if only some are
  // allowed.
  static int Verify(X509_STORE_CTX* chain, void* server) {
    const auto& self = *static_cast<const TlsServer*>(server);
    if (self.verifies_ && X509_verify_cert(chain) != 1) return 0;
    if (self.allowed_sans_.empty() || HasOneOf(X509_STORE_CTX_get0_cert(chain), self.allowed_sans_))
      return 1;
    X509_STORE_CTX_set_error(chain, X509_V_ERR_APPLICATION_VERIFICATION);
    return 0;
  }

  TlsServer& server_;
  ssl_ctx_st* context_;
  const WebTls& tls_;
};

Status TlsServer::Builder::UseCertificate(FileSystem& fs) {
  ASSIGN_OR_RETURN(const Pem cert_pem, Read(fs, tls_.cert, "cert"));
  ASSIGN_OR_RETURN(const Pem key_pem, Read(fs, tls_.key, "key"));
  ASSIGN_OR_RETURN(const auto chain, Certificates(cert_pem));
  server_.certificate_ = CertificateEndsOf(cert_pem.text).value_or(CertificateEnds{}).first;
  ASSIGN_OR_RETURN(const Key key, PrivateKey(key_pem));
  if (SSL_CTX_use_certificate(context_, chain.front().get()) != 1) {
    return TlsError(fmt::format("{} is unusable: {}", cert_pem.what, Why()));
  }
  for (size_t i = 1; i < chain.size(); ++i) SSL_CTX_add1_chain_cert(context_, chain[i].get());
  if (SSL_CTX_use_PrivateKey(context_, key.get()) != 1 ||
      SSL_CTX_check_private_key(context_) != 1) {
    return TlsError(fmt::format("{} does not match {}: {}", key_pem.what, cert_pem.what, Why()));
  }
  return OkStatus();
}

Status TlsServer::Builder::UseVersionsAndCiphers() {
  SSL_CTX_set_min_proto_version(context_, ProtocolOf(tls_.min_version));
  SSL_CTX_set_max_proto_version(context_, ProtocolOf(tls_.max_version));
  SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  if (tls_.prefer_server_ciphers) SSL_CTX_set_options(context_, SSL_OP_CIPHER_SERVER_PREFERENCE);
  std::vector<std::string> ciphers;
  for (const std::string& suite : tls_.cipher_suites) {
    if (suite.find("_WITH_") != std::string::npos)
      ciphers.emplace_back(OPENSSL_cipher_name(suite.c_str()));
  }
  // Only suites of TLS 1.3, which can't be chosen, leave nothing for 1.2.
  if (ciphers.empty() && !tls_.cipher_suites.empty())
    SSL_CTX_set_min_proto_version(context_, TLS1_3_VERSION);
  const std::string list =
      ciphers.empty() ? kDefaultCiphers : fmt::format("{}", fmt::join(ciphers, ":"));
  if (SSL_CTX_set_cipher_list(context_, list.c_str()) != 1)
    return TlsError(fmt::format("cipher_suites: {}", Why()));
  std::vector<std::string_view> curves;
  for (const std::string_view curve : tls_.curves) {
    curves.push_back(curve == "CurveP256"   ? "P-256"
                     : curve == "CurveP384" ? "P-384"
                     : curve == "CurveP521" ? "P-521"
                                            : curve);
  }
  if (curves.empty()) return OkStatus();
  if (SSL_CTX_set1_curves_list(context_, fmt::format("{}", fmt::join(curves, ":")).c_str()) == 1)
    return OkStatus();
  return TlsError(fmt::format("curve_preferences: {}", Why()));
}

Status TlsServer::Builder::UseClientCertificates(FileSystem& fs) {
  if (tls_.client_auth == ClientAuth::kNone) return OkStatus();
  const bool required = tls_.client_auth == ClientAuth::kRequireAny ||
                        tls_.client_auth == ClientAuth::kRequireAndVerify;
  server_.verifies_ = tls_.client_auth == ClientAuth::kVerifyIfGiven ||
                      tls_.client_auth == ClientAuth::kRequireAndVerify;
  server_.allowed_sans_ = tls_.client_allowed_sans;
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER | (required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  SSL_CTX_set_cert_verify_callback(context_, Verify, &server_);
  if (tls_.client_ca.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const Pem pem, Read(fs, tls_.client_ca, "client_ca"));
  ASSIGN_OR_RETURN(const auto authorities, Certificates(pem));
  for (const Certificate& one : authorities) {
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context_), one.get());
    SSL_CTX_add_client_CA(context_, one.get());
  }
  return OkStatus();
}

TlsServer::TlsServer() : context_(SSL_CTX_new(TLS_server_method())) {
  SSL_CTX_set_mode(context_.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // A resumed session is one of this very context: after a reload, certificates are looked at anew.
  constexpr unsigned char kId[] = "etcdrill";
  SSL_CTX_set_session_id_context(context_.get(), kId, sizeof kId);
}

void TlsServer::Deleter::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

std::unique_ptr<Channel> TlsServer::NewChannel(int fd) const {
  return MakeTlsChannel(SSL_new(context_.get()), fd);
}

Result<std::shared_ptr<const TlsServer>> TlsServer::Create(FileSystem& fs, const WebTls& tls) {
  const std::shared_ptr<TlsServer> server(new TlsServer());
  Builder builder(*server, tls);
  RETURN_IF_ERROR(builder.UseCertificate(fs));
  RETURN_IF_ERROR(builder.UseVersionsAndCiphers());
  RETURN_IF_ERROR(builder.UseClientCertificates(fs));
  return std::shared_ptr<const TlsServer>(server);
}

}  // namespace etcdrill::http
