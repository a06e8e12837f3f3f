// One that is not understood makes all of them damaged: who is left out would be trusted.
#include "store/suspects.h"

#include "base/json_reader.h"

namespace etcdrill::store {
namespace {

constexpr std::string_view kSuspectsKind = "Suspects";

void Read(JsonReader& reader, Suspect& s) {
  reader.Read("cluster", s.cluster);
  reader.Read("member_id", s.member_id);
  reader.Read("endpoint", s.endpoint);
  reader.Read("revision", s.revision);
  s.first_revision = s.revision;
  reader.ReadIf("first_revision", s.first_revision);
  s.side = s.member_id;
  reader.ReadIf("side", s.side);
  reader.Read("found", s.found);
  reader.Read("outvoted", s.outvoted);
}

}  // namespace

Json ToJson(const std::vector<Suspect>& suspects) {
  Json json = NewDocument(kSuspectsKind);
  json["members"] = Json::array();
  for (const Suspect& s : suspects) {
    json["members"].push_back({{"cluster", s.cluster},
                               {"member_id", s.member_id},
                               {"endpoint", s.endpoint},
                               {"revision", s.revision},
                               {"first_revision", s.first_revision},
                               {"side", s.side},
                               {"found", FormatRfc3339(s.found)},
                               {"outvoted", s.outvoted}});
  }
  return json;
}

Result<std::vector<Suspect>> ParseSuspects(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, ParseDocument(kSuspectsKind, "a record of suspects", text));
  std::vector<Suspect> suspects;
  JsonReader reader(json);
  reader.ReadRecords<Suspect>("members", suspects, Read);
  RETURN_IF_ERROR(reader.status());
  return suspects;
}

}  // namespace etcdrill::store
