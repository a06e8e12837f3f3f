// Fields that are not known are left out.
#include "store/checks.h"

#include <nlohmann/json.hpp>

namespace etcdrill::store {
namespace {

using Json = nlohmann::ordered_json;

void Put(Json& json, const char* key, const std::optional<WallTime>& time) {
  if (time.has_value()) json[key] = FormatRfc3339(*time);
}

std::string Text(const Json& json, const char* key) {
  return json.contains(key) && json[key].is_string() ? json[key].get<std::string>() : "";
}

}  // namespace

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

std::string ToJson(const Checks& checks) {
  Json json = {{"apiVersion", "etcdrill/v1"}, {"kind", "SnapshotChecks"}};
  Put(json, "confirmed", checks.confirmed);
  Put(json, "hashed", checks.hashed);
  Put(json, "damaged", checks.damaged);
  Put(json, "rehashed", checks.rehashed);
  if (!checks.damage.empty()) json["damage"] = checks.damage;
  if (!checks.answered.empty()) json["answered"] = checks.answered;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Checks> ParseChecks(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object() || Text(json, "kind") != "SnapshotChecks") {
    return Error(Reason::kDamaged, "not a record of checks");
  }
  return Checks{.confirmed = ParseRfc3339(Text(json, "confirmed")),
                .hashed = ParseRfc3339(Text(json, "hashed")),
                .damaged = ParseRfc3339(Text(json, "damaged")),
                .rehashed = ParseRfc3339(Text(json, "rehashed")),
                .damage = Text(json, "damage"),
                .answered = Text(json, "answered")};
}

}  // namespace etcdrill::store
