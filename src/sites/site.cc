// Around each store, from the inside: the limit, so that what is sent once more is slow, too; the
// meter, so that each try counts; the retries.
#include "sites/site.h"

#include <fmt/format.h>

#include <array>
#include <mutex>
#include <utility>
#include <variant>

#include "io/http_client.h"
#include "io/process.h"
#include "objects/directory_objects.h"
#include "objects/limited.h"
#include "objects/rclone_objects.h"
#include "objects/retry.h"
#include "objects/s3/s3_objects.h"

namespace etcdrill::sites {
namespace {

constexpr uint64_t kKeyFileMax = uint64_t{1} << 20;
// rclone inherits nothing else: settings and secrets of remotes are in its configuration file.
constexpr std::array kInheritedByRclone = {
    "RCLONE_CONFIG_PASS", "HTTPS_PROXY", "https_proxy", "HTTP_PROXY",
    "http_proxy",         "NO_PROXY",    "no_proxy"};

// What the configuration says; where it says nothing, the first of these variables that is set.
std::string SettingOr(const std::string& configured, const objects::Environment& environment,
                      const std::vector<std::string>& names) {
  std::string value = configured;
  for (const std::string& name : names) {
    if (value.empty()) value = objects::ValueIn(environment, name);
  }
  return value;
}

template <typename Keys>
Result<Keys> ReadKeyFile(FileSystem& fs, const std::string& path,
                         Result<Keys> (*parse)(std::string_view)) {
  Result<std::string> text = fs.ReadWhole(path, kKeyFileMax);
  RETURN_IF_ERROR(text.status());
  const Secret secret(*std::move(text));
  Result<Keys> keys = parse(secret.view());
  if (!keys.ok()) return Annotate(keys.status(), path);
  return keys;
}

}  // namespace

// Keys as their source has them, and when those end that it gave last.
class Site::SeenCredentials final : public objects::CredentialsProvider {
 public:
  explicit SeenCredentials(std::unique_ptr<objects::CredentialsProvider> source)
      : source_(std::move(source)) {}

  Result<objects::Credentials> Current() override {
    Result<objects::Credentials> keys = source_->Current();
    if (!keys.ok()) return keys;
    const std::lock_guard lock(mutex_);
    end_ = keys->end;
    return keys;
  }
  void Refused() override { source_->Refused(); }
  std::optional<WallTime> end() const {
    const std::lock_guard lock(mutex_);
    return end_;
  }

 private:
  const std::unique_ptr<objects::CredentialsProvider> source_;
  mutable std::mutex mutex_;
  std::optional<WallTime> end_;  // guarded by mutex_
};

// Who hands out keys is never asked over a connection that is not verified, even where the bucket
// is: a token of a service account is worth more than the bucket.
struct Site::S3Access {
  S3Access(const config::S3Place& place, const std::string& ca_file)
      : bucket(MakeHttpClient({.ca_file = ca_file,
                               .verifies_certificates = place.verifies_certificates,
                               .proxy = place.proxy,
                               .stall_max = place.stall_max})),
        direct(MakeHttpClient(objects::DirectHttpOptions())),
        sts(MakeHttpClient({.ca_file = ca_file, .proxy = place.proxy})) {}

  const std::unique_ptr<HttpClient> bucket;
  const std::unique_ptr<HttpClient> direct;
  const std::unique_ptr<HttpClient> sts;
  std::unique_ptr<SeenCredentials> credentials;
};

Site::Site(const Context& context, const config::SiteConfig& site,
           const config::SigningConfig& signing)
    : context_(context), config_(site), signing_(signing) {}

Site::~Site() = default;

Result<std::unique_ptr<Site>> Site::Open(const Context& context, const config::SiteConfig& site,
                                         const config::SigningConfig& signing,
                                         objects::Meter& meter,
                                         const objects::RetryLimits& retries) {
  std::unique_ptr<Site> opened(new Site(context, site, signing));
  OpenedStore store =
      std::visit([&](const auto& place) { return opened->OpenPlace(place); }, site.place);
  RETURN_IF_ERROR(store.status());
  auto limited = objects::Limited(*std::move(store), context, site.bandwidth);
  opened->objects_ = WithRetries(objects::Metered(std::move(limited), meter), context, retries);
  return opened;
}

Site::OpenedStore Site::OpenPlace(const config::S3Place& place) {
  const objects::Environment environment = ProcessEnvironment();
  objects::S3Options bucket = place.bucket;
  bucket.region = SettingOr(bucket.region, environment, {"AWS_REGION", "AWS_DEFAULT_REGION"});
  bucket.endpoint =
      SettingOr(bucket.endpoint, environment, {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"});
  objects::CredentialsOptions options = place.credentials;
  options.region = bucket.region;
  options.environment = environment;

  s3_ = std::make_unique<S3Access>(place, SettingOr(place.ca_file, environment, {"AWS_CA_BUNDLE"}));
  ASSIGN_OR_RETURN(auto source, objects::MakeCredentials(context_, {*s3_->direct, *s3_->sts},
                                                         std::move(options)));
  s3_->credentials = std::make_unique<SeenCredentials>(std::move(source));
  auto store = objects::S3Objects::Make(context_, *s3_->bucket, *s3_->credentials, bucket);
  if (store.ok()) return *std::move(store);
  return Error(Reason::kConfig,
               "{}; it is from the configuration, or from AWS_* in the environment",
               MessageOf(store.status()));
}

Site::OpenedStore Site::OpenPlace(const config::DirectoryPlace& place) {
  return objects::MakeDirectoryObjects(context_, place.path);
}

Site::OpenedStore Site::OpenPlace(const config::RclonePlace& place) {
  objects::RcloneOptions options = {.program = place.program,
                                    .config_file = place.config_file,
                                    .remote = place.remote,
                                    .scratch_dir = place.scratch_dir};
  const objects::Environment environment = ProcessEnvironment();
  for (const char* name : kInheritedByRclone) {
    const std::string value = objects::ValueIn(environment, name);
    if (!value.empty()) options.environment.push_back(fmt::format("{}={}", name, value));
  }
  return objects::RcloneObjects::Open(context_, std::move(options));
}

Result<std::vector<AgeRecipient>> Site::Recipients() const {
  if (!config_.encrypt.has_value()) return std::vector<AgeRecipient>{};
  auto keys = ReadKeyFile(context_.fs, config_.encrypt->recipients_file, ParseAgeRecipients);
  if (!keys.ok()) return Annotate(keys.status(), "encrypt.recipients_file");
  return keys;
}

Result<std::vector<AgeIdentity>> Site::Identities() const {
  if (!config_.encrypt.has_value() || !config_.CanDecrypt()) {
    return Error(Reason::kNoIdentity,
                 "encrypted copies can't be opened here: encrypt.identity_file is not set. Set it, "
                 "or go where the identity is");
  }
  auto keys = ReadKeyFile(context_.fs, config_.encrypt->identity_file, ParseAgeIdentities);
  if (!keys.ok()) return Annotate(keys.status(), "encrypt.identity_file");
  return keys;
}

Result<std::vector<AgeIdentity>> Site::IdentitiesFor(const Encoding& of_copy) const {
  if (!of_copy.age) return std::vector<AgeIdentity>();
  return Identities();
}

Result<std::optional<SigningKey>> Site::Signing() const {
  if (signing_.key_file.empty()) return std::optional<SigningKey>();
  auto key = ReadKeyFile(context_.fs, signing_.key_file, SigningKey::FromPem);
  if (!key.ok()) return Annotate(key.status(), "store.signing.key_file");
  return std::optional<SigningKey>(*std::move(key));
}

Result<std::vector<VerifyingKey>> Site::Signers() const {
  std::vector<VerifyingKey> signers;
  if (!signing_.signers_file.empty()) {
    auto keys = ReadKeyFile(context_.fs, signing_.signers_file, VerifyingKey::AllFromPem);
    if (!keys.ok()) return Annotate(keys.status(), "store.signing.signers_file");
    signers = *std::move(keys);
  }
  ASSIGN_OR_RETURN(const std::optional<SigningKey> own, Signing());
  if (own.has_value()) signers.push_back(own->verifying_key());
  return signers;
}

Result<std::optional<objects::Credentials>> Site::Credentials() {
  if (s3_ == nullptr) return std::optional<objects::Credentials>();
  auto keys = s3_->credentials->Current();
  RETURN_IF_ERROR(keys.status());
  return std::optional<objects::Credentials>(*std::move(keys));
}

std::optional<WallTime> Site::CredentialsEnd() const {
  return s3_ == nullptr ? std::nullopt : s3_->credentials->end();
}

}  // namespace etcdrill::sites
