// Fields that are not known are left out.
#include "proof/checks.h"

#include "base/json_reader.h"

namespace etcdrill {

constexpr std::string_view kChecksKind = "SnapshotChecks";

void Checks::FoundRight(WallTime now, std::string_view answers) {
  hashed = now;
  if (!answers.empty()) answered = answers;
  damaged.reset();
  rehashed.reset();
  damage.clear();
}

void Checks::FoundDamaged(WallTime now, std::string_view how) {
  if (!damaged.has_value()) damaged = now;
  rehashed = now;
  damage = how;
}

Json ToJson(const Checks& checks) {
  Json json = NewDocument(kChecksKind);
  const auto put = [&](const char* key, const std::optional<WallTime>& time) {
    if (time.has_value()) json[key] = FormatRfc3339(*time);
  };
  put("confirmed", checks.confirmed);
  put("hashed", checks.hashed);
  put("damaged", checks.damaged);
  put("rehashed", checks.rehashed);
  if (!checks.damage.empty()) json["damage"] = checks.damage;
  if (!checks.answered.empty()) json["answered"] = checks.answered;
  return json;
}

Result<Checks> ParseChecks(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, ParseDocument(kChecksKind, "a record of checks", text));
  Checks checks;
  JsonReader reader(json);
  reader.ReadIf("confirmed", checks.confirmed);
  reader.ReadIf("hashed", checks.hashed);
  reader.ReadIf("damaged", checks.damaged);
  reader.ReadIf("rehashed", checks.rehashed);
  reader.ReadIf("damage", checks.damage);
  reader.ReadIf("answered", checks.answered);
  RETURN_IF_ERROR(reader.status());
  return checks;
}

}  // namespace etcdrill
