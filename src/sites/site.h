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
#include "objects/s3/credentials.h"
#include "sites/layout.h"

namespace etcdrill::sites {

// Safe for use from any thread. Key files are read each time they are needed, so a changed file
// counts at once.
class Site {
 public:
  // Asks nobody, but rclone for its version. kConfig, naming the site, if what the configuration
  // names can't be used. `context` and `meter` must outlive it.
  static Result<std::unique_ptr<Site>> Open(const Context& context, const config::SiteConfig& site,
                                            const config::SigningConfig& signing,
                                            objects::Meter& meter);
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
  // kNoIdentity, naming the site and the key, where the configuration has none.
  Result<std::vector<AgeIdentity>> Identities() const;
  Result<std::optional<SigningKey>> Signing() const;
  // Whose signatures count: those of the file, and of our own key. Empty: any manifest counts.
  Result<std::vector<VerifyingKey>> Signers() const;
  // The keys that requests are signed with now; empty where the site needs none.
  Result<std::optional<objects::Credentials>> Credentials();
  // When the keys end that were used last; none: they do not, or nobody has asked yet.
  std::optional<WallTime> CredentialsEnd() const;
};

}  // namespace etcdrill::sites
