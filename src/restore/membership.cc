// The list of members is taken apart as etcd does it: empty items are passed over, and a name is
// all that stands before its =, blanks included.
#include "restore/membership.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/bytes.h"
#include "base/json.h"
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

// A node of the v2 store; a leaf has a value, a directory children.
Json Node(std::string_view path, uint64_t index, Json value, Json children) {
  return {{"Path", path},
          {"CreatedIndex", index},
          {"ModifiedIndex", index},
          {"ExpireTime", "0001-01-01T00:00:00Z"},
          {"Value", std::move(value)},
          {"Children", std::move(children)}};
}

}  // namespace

std::string NewMember::ToJson() const {
  Json json = {{"id", id}, {"peerURLs", peer_urls}};
  if (!name.empty()) json["name"] = name;
  return DumpLine(json);
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
                 "cannot find --name {} in --initial-cluster \"{}\". Name every member of the new "
                 "cluster there, including this one",
                 options.name, options.initial_cluster);
  }
  if (members[options.name] != own_urls) {
    return Error(
        Reason::kUsage,
        "--initial-cluster has {}={}, but --initial-advertise-peer-urls is {}. Make them equal",
        options.name, fmt::join(members[options.name], ","), fmt::join(own_urls, ","));
  }
  std::ranges::sort(cluster.members, {}, &NewMember::id);
  std::string ids;
  for (const NewMember& member : cluster.members) AppendBE64(ids, member.id);
  cluster.id = IdOf(ids);
  return cluster;
}

// Tree: / has 0 (the cluster) and 1 (keys of users, none); /0/members/ID/raftAttributes is a
// member's peer URLs.
std::string V2StoreJson(const NewCluster& cluster) {
  Json members = Json::object();
  uint64_t index = 0;
  for (const NewMember& member : cluster.members) {
    const std::string id = fmt::format("{:x}", member.id);
    const std::string path = "/0/members/" + id;
    ++index;
    Json attributes = Node(path + "/raftAttributes", index,
                           DumpLine(Json{{"peerURLs", member.peer_urls}}), nullptr);
    members[id] = Node(path, index, "", {{"raftAttributes", std::move(attributes)}});
  }
  Json cluster_dir =
      Node("/0", 0, "", {{"members", Node("/0/members", 1, "", std::move(members))}});
  Json root =
      Node("/", 0, "", {{"0", std::move(cluster_dir)}, {"1", Node("/1", 0, "", Json::object())}});
  return DumpLine({{"Root", std::move(root)}, {"CurrentIndex", index}, {"CurrentVersion", 2}});
}

}  // namespace etcdrill::restore
