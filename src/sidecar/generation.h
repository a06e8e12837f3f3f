// What one configuration decides: how the sidecar acts, and whom it asks. A reload makes another
// one beside it; the one before ends what it had begun (docs/dev/adr/0016-reload.md).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/status.h"
#include "config/config.h"
#include "crypto/certificate.h"
#include "etcd/client.h"
#include "io/context.h"
#include "io/watched.h"
#include "objects/metered.h"
#include "sites/site.h"

namespace etcdrill::sidecar {

// What `run` works by: the configuration, and whom it connects to. Read at start, and again at each
// reload.
struct Settings {
  config::Config config;
  etcd::ConnectionOptions connection;
  LogLevel log_level = LogLevel::kInfo;
};

using LoadSettings = std::function<Result<Settings>()>;

// What was asked of each site since the process started, by its name. Never changes but in what is
// counted.
using SiteMeters = std::map<std::string, objects::Meter>;

// Never changes, but for being retired. Safe for use from any thread. Each run holds the one by
// which it began.
class Generation {
 public:
  // Asks nobody and does nothing yet. Errors as Client::Create, and those of the scratch directory.
  // `context` must outlive it.
  static Result<std::shared_ptr<Generation>> Create(const Context& context,
                                                    const Settings& settings,
                                                    std::shared_ptr<etcd::CallCounts> counts,
                                                    std::shared_ptr<SiteMeters> meters);
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  const config::Config& config() const { return *config_; }
  const std::shared_ptr<const config::Config>& shared_config() const { return config_; }
  etcd::Client& client() const { return *client_; }
  std::vector<std::string> Endpoints() const;  // their addresses
  // `name` is one of the configuration.
  std::shared_ptr<sites::Site> site(const std::string& name) const { return sites_.at(name); }
  const SiteMeters& meters() const { return *meters_; }
  // When the certificates end that it names, by the metric's label: the first of the client's chain
  // to expire, and the last of the CAs, as a bundle keeps those that have. A file that can't be
  // read right now is absent. One that has not changed is not taken apart again: a bundle of all
  // CAs takes 15 ms.
  std::map<std::string, Validity> Certificates() const { return *certificates_->Now(); }

  // Ends what waits for its turn, but not what has begun. A stop of the process retires it, too.
  void Retire() { retired_.request_stop(); }
  std::stop_token retired() const { return retired_.get_token(); }

 private:
  using WatchedCertificates = Watched<const std::map<std::string, Validity>>;
  using Sites = std::map<std::string, std::shared_ptr<sites::Site>>;
  Generation(const Context& context, const Settings& settings, std::unique_ptr<etcd::Client> client,
             std::shared_ptr<WatchedCertificates> certificates, std::shared_ptr<SiteMeters> meters,
             Sites sites)
      : config_(std::make_shared<const config::Config>(settings.config)),
        client_(std::move(client)),
        certificates_(std::move(certificates)),
        meters_(std::move(meters)),
        sites_(std::move(sites)),
        on_stop_(context.stop, [this] { Retire(); }) {}

  const std::shared_ptr<const config::Config> config_;
  const std::unique_ptr<etcd::Client> client_;
  const std::shared_ptr<WatchedCertificates> certificates_;
  const std::shared_ptr<SiteMeters> meters_;  // outlive the sites
  const Sites sites_;                         // by name
  std::stop_source retired_;
  const std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace etcdrill::sidecar
