// PEM: RFC 7468. Only its frame is checked, the -----BEGIN and -----END lines.
#include "etcd/tls_files.h"

#include <fmt/format.h>

#include <vector>

#include "base/text.h"
#include "crypto/certificate.h"

namespace etcdrill::etcd {
namespace {

// Is there a block whose label ends in `label` ("EC PRIVATE KEY" for "PRIVATE KEY"), and is the
// last such block whole?
bool HasWholeBlock(std::string_view text, std::string_view label) {
  const std::string line_end = fmt::format("{}-----", label);
  const size_t last = text.rfind(line_end);
  if (last == std::string_view::npos) return false;
  const size_t line = text.rfind('\n', last) + 1;  // npos + 1 is 0: the first line
  return text.substr(line).starts_with("-----END ");
}

// Both ways to say so: "BEGIN ENCRYPTED PRIVATE KEY" (RFC 5958), and a header of the block (RFC
// 1421). What else stands in the file is prose.
bool IsEncrypted(std::string_view text) {
  for (const std::string_view line : Split(text, '\n')) {
    if (line.starts_with("-----BEGIN ENCRYPTED ")) return true;
    if (line.starts_with("Proc-Type:") && line.find("ENCRYPTED") != std::string_view::npos)
      return true;
  }
  return false;
}

Result<std::string> ReadPem(FileSystem& fs, const std::string& path, std::string_view what,
                            std::string_view label) {
  if (path.empty()) return std::string();
  Result<std::string> text = fs.ReadWhole(path, kWatchedBytesMax);
  if (!text.ok()) return Error(Reason::kTls, "{}: {}", what, MessageOf(text.status()));
  if (IsEncrypted(*text)) {
    return Error(Reason::kTls, "{} {} is encrypted. Use one without a passphrase", what, path);
  }
  if (!HasWholeBlock(*text, label)) {
    return Error(Reason::kTls,
                 "{} {} has no complete PEM block \"{}\". Check that the file is the right one, in "
                 "PEM format",
                 what, path, label);
  }
  return text;
}

}  // namespace

bool WantsTls(const ConnectionOptions& options) {
  return !options.ca_file.empty() || !options.cert_file.empty() || !options.key_file.empty() ||
         !options.server_name.empty() || options.insecure_skip_verify;
}

Result<TlsFiles> ReadTlsFiles(FileSystem& fs, const ConnectionOptions& options) {
  if (options.cert_file.empty() != options.key_file.empty()) {
    return Error(Reason::kUsage,
                 "a client certificate needs both its certificate file and its key file");
  }
  TlsFiles files;
  ASSIGN_OR_RETURN(files.ca, ReadPem(fs, options.ca_file, "CA file", "CERTIFICATE"));
  ASSIGN_OR_RETURN(files.cert, ReadPem(fs, options.cert_file, "client certificate", "CERTIFICATE"));
  ASSIGN_OR_RETURN(files.key, ReadPem(fs, options.key_file, "client key", "PRIVATE KEY"));
  if (!files.cert.empty() && !KeyFitsCertificate(files.key, files.cert)) {
    return Error(Reason::kTls,
                 "client certificate {} and key {} do not match, or one of them is damaged",
                 options.cert_file, options.key_file);
  }
  return files;
}

Result<std::shared_ptr<WatchedTlsFiles>> WatchTlsFiles(const ConnectionOptions& options,
                                                       const Context& context) {
  const auto paths = [options] {
    return std::vector{options.ca_file, options.cert_file, options.key_file};
  };
  const auto make = [options, &context]() -> Result<std::shared_ptr<const TlsFiles>> {
    ASSIGN_OR_RETURN(TlsFiles files, ReadTlsFiles(context.fs, options));
    return std::make_shared<const TlsFiles>(std::move(files));
  };
  const auto tell = [options, &context](const Status& made) {
    if (made.ok()) {
      context.log.Info("certificate files reloaded",
                       {{"ca", options.ca_file}, {"cert", options.cert_file}});
    } else {
      context.log.Warn("certificate files rejected, previous ones kept",
                       {{"err", MessageOf(made)}});
    }
  };
  return WatchedTlsFiles::Open(context.fs, {paths, make, tell});
}

}  // namespace etcdrill::etcd
