#include "base/json.h"

#include "base/json_reader.h"

namespace etcdrill {

std::string Dump(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

Json NewDocument(std::string_view kind) { return {{"apiVersion", "etcdrill/v1"}, {"kind", kind}}; }

Result<Json> ParseDocument(std::string_view kind, std::string_view what, std::string_view text,
                           std::string_view without) {
  const auto keep = [=](int depth, Json::parse_event_t event, const Json& parsed) {
    return depth != 1 || event != Json::parse_event_t::key || parsed != without;
  };
  Json json = Json::parse(text, without.empty() ? nullptr : Json::parser_callback_t(keep),
                          /*allow_exceptions=*/false);
  std::string found;
  if (json.is_object()) JsonReader(json).ReadIf("kind", found);
  if (found != kind) return Error(Reason::kDamaged, "not {}", what);
  return json;
}

Status JsonReader::status() const {
  if (problem_.empty()) return OkStatus();
  return Error(Reason::kDamaged, "field \"{}\" is missing or has the wrong type", problem_);
}

}  // namespace etcdrill
