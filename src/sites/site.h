// One site, as the configuration describes it: its object store, with retries, metering and limits
// around it, and the keys that its copies need. Sites know nothing of each other.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "crypto/age/keys.h"
#include "crypto/signature.h"
#include "io/context.h"
#include "objects/metered.h"
#include "objects/object_store.h"
#include "objects/retry.h"
#include "objects/s3/credentials.h"
#include "sites/layout.h"

namespace etcdrill::sites {

// One that is away is told soon: whoever works with it, comes again.
inline constexpr objects::RetryLimits kSiteRetries = {.give_up_after = std::chrono::minutes(1)};

// Safe for use from any thread. No error names the site: who asks knows it, and says it once. Key
// files are read each time they are needed, so a changed file counts at once.
class Site {
 public:
  // Asks nobody, but rclone for its version. kConfig if what the configuration names can't be used.
  // `context` and `meter` must outlive it.
  static Result<std::unique_ptr<Site>> Open(const Context& context, const config::SiteConfig& site,
                                            const config::SigningConfig& signing,
                                            objects::Meter& meter,
                                            const objects::RetryLimits& retries = kSiteRetries);
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  ~Site();

  const config::SiteConfig& config() const [[clang::lifetimebound]] { return config_; }
  const std::string& name() const [[clang::lifetimebound]] { return config_.name; }
  objects::ObjectStore& objects() [[clang::lifetimebound]] { return *objects_; }
  Encoding encoding() const {
    return {.zstd = config_.compress, .age = config_.encrypt.has_value()};
  }

  // Empty where copies are not encrypted. Errors of the file, kConfig if it holds none.
  Result<std::vector<AgeRecipient>> Recipients() const;
  // For copies that are encrypted. kNoIdentity, naming the key, where the configuration has none.
  Result<std::vector<AgeIdentity>> Identities() const;
  // The same for one copy; empty where that is not encrypted.
  Result<std::vector<AgeIdentity>> IdentitiesFor(const Encoding& of_copy) const;
  Result<std::optional<SigningKey>> Signing() const;
  // Whose signatures count: those of the file, and of our own key. Empty: any manifest counts.
  Result<std::vector<VerifyingKey>> Signers() const;
  // The keys that requests are signed with now; empty where the site needs none.
  Result<std::optional<objects::Credentials>> Credentials();
  // When the keys end that were used last; none: they do not, or nobody has asked yet.
  std::optional<WallTime> CredentialsEnd() const;

 private:
  class SeenCredentials;
  // What the requests to a bucket stand on.
  struct S3Access;

  Site(const Context& context, const config::SiteConfig& site,
       const config::SigningConfig& signing);
  using OpenedStore = Result<std::unique_ptr<objects::ObjectStore>>;
  OpenedStore OpenPlace(const config::S3Place& place);
  OpenedStore OpenPlace(const config::DirectoryPlace& place);
  OpenedStore OpenPlace(const config::RclonePlace& place);

  const Context& context_;
  const config::SiteConfig config_;
  const config::SigningConfig signing_;
  std::unique_ptr<S3Access> s3_;  // null at other places
  std::unique_ptr<objects::ObjectStore> objects_;
};

}  // namespace etcdrill::sites
