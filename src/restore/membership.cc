// The rules for URLs are etcd's: http or https with host and port and no path, or unix sockets.
#include "restore/membership.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "crypto/hash.h"

namespace etcdrill::restore {
namespace {

uint64_t IdOf(std::string_view bytes) { return LoadBE64(Sha1(bytes).data()); }

Status CheckPeerUrl(std::string_view url) {
  const auto refuse = [&](std::string_view why) {
    return Error(Reason::kUsage,
                 fmt::format("peer URL \"{}\" {}; write it as http://HOST:PORT or https://HOST:PORT", url, why));
  };
  const size_t scheme_end = url.find("://");
  if (scheme_end == std::string_view::npos) return refuse("has no scheme");
  const std::string_view scheme = url.substr(0, scheme_end);
  const std::string_view rest = url.substr(scheme_end + 3);
  if (scheme == "unix" || scheme == "unixs") return rest.empty() ? refuse("names no socket") : OkStatus();
  if (scheme != "http" && scheme != "https") return refuse("has an unknown scheme");
  if (rest.find('/') != std::string_view::npos) return refuse("has a path");
  const size_t colon = rest.rfind(':');
  const bool port_follows = colon != std::string_view::npos && colon > 0 && colon + 1 < rest.size() &&
                            rest.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
  return port_follows ? OkStatus() : refuse("has no port");
}

// "a=u1,b=u2,a=u3" to {a: [u1, u3], b: [u2]}.
Result<std::map<std::string, std::vector<std::string>>> ParseInitialCluster(std::string_view text) {
  std::map<std::string, std::vector<std::string>> members;
  while (!text.empty()) {
    const std::string_view item = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), item.size() + 1));
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Error(Reason::kUsage, fmt::format("--initial-cluster: \"{}\" is not NAME=PEER-URL", item));
    }
    RETURN_IF_ERROR(Annotate(CheckPeerUrl(item.substr(equals + 1)), "--initial-cluster"));
    members[std::string(item.substr(0, equals))].emplace_back(item.substr(equals + 1));
  }
  return members;
}

Status CheckNoDuplicates(const std::map<std::string, std::vector<std::string>>& members) {
  std::map<std::string, std::string> owner;
  for (const auto& [name, urls] : members) {
    for (const std::string& url : urls) {
      const auto [at, fresh] = owner.emplace(url, name);
      if (fresh) continue;
      return Error(Reason::kUsage,
                   fmt::format("--initial-cluster: {} is given to both {} and {}", url, at->second, name));
    }
  }
  return OkStatus();
}

}  // namespace

std::string NewMember::ToJson() const {
  nlohmann::ordered_json json = {{"id", id}, {"peerURLs", peer_urls}};
  if (!name.empty()) json["name"] = name;
  return json.dump();
}

Result<NewCluster> MakeCluster(const MembershipOptions& options) {
  std::vector<std::string> own_urls = options.advertise_peer_urls;
  std::sort(own_urls.begin(), own_urls.end());
  for (const std::string& url : own_urls) {
    RETURN_IF_ERROR(Annotate(CheckPeerUrl(url), "--initial-advertise-peer-urls"));
  }
  ASSIGN_OR_RETURN(auto members, ParseInitialCluster(options.initial_cluster));
  RETURN_IF_ERROR(CheckNoDuplicates(members));
  NewCluster cluster;
  for (auto& [name, urls] : members) {
    std::sort(urls.begin(), urls.end());
    cluster.members.push_back({IdOf(fmt::format("{}{}", fmt::join(urls, ""), options.token)), name, urls});
    if (name == options.name) cluster.own_id = cluster.members.back().id;
  }
  if (cluster.own_id == 0) {
    return Error(Reason::kUsage,
                 fmt::format("couldn't find --name {} in --initial-cluster \"{}\"; name every member of the new "
                             "cluster there, this one included",
                             options.name, options.initial_cluster));
  }
  if (members[options.name] != own_urls) {
    return Error(Reason::kUsage,
                 fmt::format("--initial-cluster has {}={}, but --initial-advertise-peer-urls is {}; they must be equal",
                             options.name, fmt::join(members[options.name], ","), fmt::join(own_urls, ",")));
  }
  std::sort(cluster.members.begin(), cluster.members.end(),
            [](const NewMember& a, const NewMember& b) { return a.id < b.id; });
  std::string ids;
  for (const NewMember& member : cluster.members) AppendBE64(ids, member.id);
  cluster.id = IdOf(ids);
  return cluster;
}

}  // namespace etcdrill::restore
