// Connection flags, or the section `cluster` of a configuration, to client options.

#include <cstdlib>

#include "base/units.h"
#include "base/url.h"
#include "cli/commands.h"
#include "cli/config_source.h"

namespace etcdrill::cli {
namespace {

constexpr const char* kDefaultEndpoint = "127.0.0.1:2379";

// For a file that names no endpoints: so that one file serves every node of a DaemonSet, each with
// its own member.
std::vector<std::string> EndpointsOfEnvironment() {
  const char* set = std::getenv("ETCDCTL_ENDPOINTS");
  return SplitList(set != nullptr && *set != '\0' ? set : kDefaultEndpoint);
}

}  // namespace

Result<etcd::ConnectionOptions> ToConnectionOptions(const ConnectionFlags& flags) {
  etcd::ConnectionOptions options;
  for (const std::string& list : flags.endpoints) {
    for (std::string& endpoint : SplitList(list)) options.endpoints.push_back(std::move(endpoint));
  }
  if (flags.endpoints.empty()) options.endpoints = {kDefaultEndpoint};
  options.ca_file = flags.ca_file;
  options.cert_file = flags.cert_file;
  options.key_file = flags.key_file;
  options.insecure_skip_verify = flags.insecure_skip_verify;
  const size_t colon = flags.user.find(':');
  options.username = flags.user.substr(0, colon);
  options.password = colon != std::string::npos ? flags.user.substr(colon + 1) : flags.password;
  if (!options.username.empty() && options.password.empty()) {
    return Error(
        Reason::kUsage,
        "--user {} without a password; give --user NAME:PASSWORD, --password or ETCDCTL_PASSWORD",
        options.username);
  }
  ASSIGN_OR_RETURN(options.dial_timeout, ParseDuration(flags.dial_timeout));
  ASSIGN_OR_RETURN(options.command_timeout, ParseDuration(flags.command_timeout));
  return options;
}

Result<etcd::ConnectionOptions> ConnectionOf(const Context& context, const std::string& config_file,
                                             const ConnectionFlags& flags) {
  if (config_file.empty()) return ToConnectionOptions(flags);
  ASSIGN_OR_RETURN(const config::Config config, config::Load(context.fs, config_file));
  return ConnectionOf(config);
}

etcd::ConnectionOptions ConnectionOf(const config::Config& config) {
  etcd::ConnectionOptions options;
  options.endpoints =
      config.cluster.endpoints.empty() ? EndpointsOfEnvironment() : config.cluster.endpoints;
  options.ca_file = config.cluster.tls.ca_file;
  options.cert_file = config.cluster.tls.cert_file;
  options.key_file = config.cluster.tls.key_file;
  options.server_name = config.cluster.tls.server_name;
  options.username = config.cluster.username;
  options.password_file = config.cluster.password_file;
  options.command_timeout = config.health.timeout;
  return options;
}

}  // namespace etcdrill::cli
