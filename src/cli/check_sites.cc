#include "cli/check_sites.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "crypto/certificate.h"
#include "objects/s3/key_files.h"
#include "objects/s3/profiles.h"
#include "sites/site.h"

namespace etcdrill::cli {
namespace {

constexpr uint64_t kAuthoritiesMax = uint64_t{4} << 20;

// The first file of keys that can't be used. Those that a role or a profile leads to are elsewhere.
Status CheckCredentialFiles(FileSystem& fs, const objects::CredentialsOptions& options) {
  for (const auto& [file, what] : {std::pair(&options.access_key_id_file, "access_key_id_file"),
                                   {&options.secret_access_key_file, "secret_access_key_file"},
                                   {&options.session_token_file, "session_token_file"},
                                   {&options.web_identity_token_file, "web_identity_token_file"}}) {
    if (!file->empty()) RETURN_IF_ERROR(objects::ReadSecret(fs, *file, what).status());
  }
  if (!options.credentials_file.empty()) {
    const objects::ProfileFiles files =
        objects::FindProfileFiles({}, options.credentials_file, options.profile);
    RETURN_IF_ERROR(objects::ReadProfiles(fs, files).status());
  }
  const std::string& dir = options.credentials_dir;
  if (dir.empty()) return OkStatus();
  if (!fs.Exists(JoinPath(dir, "roleARN"))) return objects::FindKeyFiles(fs, dir).status();
  return objects::ReadSecret(fs, JoinPath(dir, "token"), "token").status();
}

Status CheckAuthorities(FileSystem& fs, const std::string& ca_file) {
  if (ca_file.empty()) return OkStatus();
  ASSIGN_OR_RETURN(const std::string pem, fs.ReadWhole(ca_file, kAuthoritiesMax));
  if (CertificateEndsOf(pem).has_value()) return OkStatus();
  return Error(Reason::kTls,
               "{} has no certificate in it, which begins with -----BEGIN CERTIFICATE", ca_file);
}

Status CheckPlace(FileSystem& fs, const config::S3Place& place) {
  RETURN_IF_ERROR(CheckCredentialFiles(fs, place.credentials));
  return Annotate(CheckAuthorities(fs, place.ca_file), "ca_file");
}
Status CheckPlace(FileSystem& fs, const config::DirectoryPlace& place) {
  const Result<FileInfo> info = fs.Stat(place.path);
  if (info.ok() && info->kind == FileInfo::Kind::kDirectory) return OkStatus();
  if (!info.ok()) return Annotate(info.status(), "directory");
  return Error(Reason::kConfig, "{} is not a directory", place.path);
}
Status CheckPlace(FileSystem& fs, const config::RclonePlace& place) {
  return Annotate(fs.OpenForReading(place.config_file).status(), "rclone.config_file");
}

// Nothing happens if it is none.
void AddProblem(const std::string& site, const Status& problem, SiteRemarks& remarks) {
  if (problem.ok()) return;
  remarks.problems.push_back(fmt::format("site {}: {}", site, MessageOf(problem)));
}

// Whether what is uploaded can be opened again.
void CheckEncryption(const sites::Site& site, SiteRemarks& remarks) {
  if (!site.config().encrypt.has_value()) return;
  const auto recipients = site.Recipients();
  AddProblem(site.name(), recipients.status(), remarks);
  if (recipients.ok() && recipients->size() == 1) {
    remarks.warnings.push_back(fmt::format(
        "site {}: encrypt.recipients_file has one recipient: if its identity is lost, no copy can "
        "be opened. Add a second one, whose identity is kept in a safe",
        site.name()));
  }
  const auto identities = site.Identities();
  if (Is(identities, Reason::kNoIdentity)) return;  // said by config::WarningsOf
  AddProblem(site.name(), identities.status(), remarks);
  if (!identities.ok() || !recipients.ok() || AnyOpens(*identities, *recipients)) return;
  remarks.warnings.push_back(
      fmt::format("site {}: no identity of encrypt.identity_file belongs to a recipient of "
                  "encrypt.recipients_file: new copies cannot be opened here",
                  site.name()));
}

}  // namespace

SiteRemarks CheckSites(const Context& context, const config::Config& config) {
  SiteRemarks remarks;
  objects::Meter meter;
  bool has_checked_signing = false;  // it is the same for all
  for (const config::SiteConfig& one : config.sites) {
    const Status place =
        std::visit([&](const auto& at) { return CheckPlace(context.fs, at); }, one.place);
    AddProblem(one.name, place, remarks);
    const auto site = sites::Site::Open(context, one, config.signing, meter);
    AddProblem(one.name, site.status(), remarks);
    if (!site.ok()) continue;
    CheckEncryption(**site, remarks);
    if (!std::exchange(has_checked_signing, true))
      AddProblem(one.name, (*site)->Signers().status(), remarks);
  }
  return remarks;
}

}  // namespace etcdrill::cli
