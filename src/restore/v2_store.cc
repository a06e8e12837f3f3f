// Tree: / has 0 (the cluster) and 1 (keys of users, none); /0/members/ID/raftAttributes is a
// member's peer URLs.
#include "restore/v2_store.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"

namespace etcdrill::restore {
namespace {

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

std::string V2StoreJson(const NewCluster& cluster) {
  Json members = Json::object();
  uint64_t index = 0;
  for (const NewMember& member : cluster.members) {
    const std::string id = fmt::format("{:x}", member.id);
    const std::string path = "/0/members/" + id;
    ++index;
    Json attributes =
        Node(path + "/raftAttributes", index, Json{{"peerURLs", member.peer_urls}}.dump(), nullptr);
    members[id] = Node(path, index, "", {{"raftAttributes", std::move(attributes)}});
  }
  Json cluster_dir =
      Node("/0", 0, "", {{"members", Node("/0/members", 1, "", std::move(members))}});
  Json root =
      Node("/", 0, "", {{"0", std::move(cluster_dir)}, {"1", Node("/1", 0, "", Json::object())}});
  return Json{{"Root", std::move(root)}, {"CurrentIndex", index}, {"CurrentVersion", 2}}.dump();
}

}  // namespace etcdrill::restore
