// One that is not understood makes all of them damaged: who is left out would be trusted.
#include "store/suspects.h"

#include <nlohmann/json.hpp>

namespace etcdrill::store {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kKind = "Suspects";

// nlohmann throws where a key is missing or of another type.
Suspect ReadSuspect(const Json& json) {
  Suspect suspect{
      .cluster = json.at("cluster").get<std::string>(),
      .member_id = json.at("member_id").get<std::string>(),
      .endpoint = json.at("endpoint").get<std::string>(),
      .revision = json.at("revision").get<int64_t>(),
      .first_revision = json.value("first_revision", json.at("revision").get<int64_t>()),
      .side = json.value("side", json.at("member_id").get<std::string>()),
      .outvoted = json.at("outvoted").get<bool>()};
  suspect.found = ParseRfc3339(json.at("found").get<std::string>()).value_or(WallTime());
  return suspect;
}

}  // namespace

std::string ToJson(const std::vector<Suspect>& suspects) {
  Json members = Json::array();
  for (const Suspect& s : suspects) {
    members.push_back({{"cluster", s.cluster},
                       {"member_id", s.member_id},
                       {"endpoint", s.endpoint},
                       {"revision", s.revision},
                       {"first_revision", s.first_revision},
                       {"side", s.side},
                       {"found", FormatRfc3339(s.found)},
                       {"outvoted", s.outvoted}});
  }
  const Json json = {
      {"apiVersion", "etcdrill/v1"}, {"kind", kKind}, {"members", std::move(members)}};
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<std::vector<Suspect>> ParseSuspects(std::string_view text) {
  try {
    const Json json = Json::parse(text);
    std::vector<Suspect> suspects;
    for (const Json& member : json.at("members")) suspects.push_back(ReadSuspect(member));
    if (json.at("kind") == kKind) return suspects;
  } catch (const Json::exception&) {
    // told below
  }
  return Error(Reason::kDamaged, "not a record of suspects");
}

}  // namespace etcdrill::store
