// The list of members is taken apart as etcd does it: empty items are passed over, and a name is
// all that stands before its =, blanks included.
#include "restore/membership.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/bytes.h"
#include "base/text.h"
#include "base/url.h"
#include "crypto/hash.h"

namespace etcdrill::restore {
namespace {

uint64_t IdOf(std::string_view bytes) { return LoadBE64(Sha1(bytes).data()); }

// They end in JSON, in the log of the restored member.
Status CheckClaims(std::string_view name) {
  return IsUtf8(name) ? OkStatus()
                      : Error(Reason::kUsage, "the member name \"{}\" is not UTF-8", Shown(name));
}

// "a=u1,b=u2,a=u3" to {a: [u1, u3], b: [u2]}.
Result<std::map<std::string, std::vector<std::string>>> ParseInitialCluster(std::string_view text) {
  std::map<std::string, std::vector<std::string>> members;
  for (const std::string_view item : Split(text, ',')) {
    if (item.empty()) continue;
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos || equals == 0) {
      return Error(Reason::kUsage, "--initial-cluster: \"{}\" is not NAME=PEER-URL", item);
    }
    const std::string_view name = item.substr(0, equals);
    RETURN_IF_ERROR(Annotate(CheckClaims(name), "--initial-cluster"));
    const Result<Url> url = ParsePeerUrl(item.substr(equals + 1));
    RETURN_IF_ERROR(Annotate(url.status(), "--initial-cluster"));
    members[std::string(name)].push_back(url->text);
  }
  return members;
}

Status CheckNoDuplicates(const std::map<std::string, std::vector<std::string>>& members) {
  std::map<std::string, std::string> owner;
  for (const auto& [name, urls] : members) {
    for (const std::string& url : urls) {
      const auto [at, fresh] = owner.emplace(url, name);
      if (fresh) continue;
      return Error(Reason::kUsage, "--initial-cluster: {} is given to both {} and {}", url,
                   at->second, name);
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
  std::vector<std::string> own_urls;
  for (const std::string& written : options.advertise_peer_urls) {
    const Result<Url> url = ParsePeerUrl(written);
    RETURN_IF_ERROR(Annotate(url.status(), "--initial-advertise-peer-urls"));
    own_urls.push_back(url->text);
  }
  std::ranges::sort(own_urls);
  ASSIGN_OR_RETURN(auto members, ParseInitialCluster(options.initial_cluster));
  RETURN_IF_ERROR(CheckNoDuplicates(members));
  NewCluster cluster;
  for (auto& [name, urls] : members) {
    std::ranges::sort(urls);
    cluster.members.push_back(
        {IdOf(fmt::format("{}{}", fmt::join(urls, ""), options.token)), name, urls});
    if (name == options.name) cluster.own_id = cluster.members.back().id;
  }
  if (cluster.own_id == 0) {
    return Error(Reason::kUsage,
                 "couldn't find --name {} in --initial-cluster \"{}\"; name every member of the "
                 "new cluster there, this one included",
                 options.name, options.initial_cluster);
  }
  if (members[options.name] != own_urls) {
    return Error(
        Reason::kUsage,
        "--initial-cluster has {}={}, but --initial-advertise-peer-urls is {}; they must be equal",
        options.name, fmt::join(members[options.name], ","), fmt::join(own_urls, ","));
  }
  std::ranges::sort(cluster.members, {}, &NewMember::id);
  std::string ids;
  for (const NewMember& member : cluster.members) AppendBE64(ids, member.id);
  cluster.id = IdOf(ids);
  return cluster;
}

}  // namespace etcdrill::restore
