// The reading half of base/json.h, and what its readers share.
#include "base/json_reader.h"

namespace etcdrill {

namespace {

// None of ours has more than a few levels; what has a million exhausts the stack of whoever copies
// or prints it.
constexpr int kLevelsMax = 64;

Json ParseShallow(std::string_view text, std::string_view without) {
  bool is_deep = false;
  const auto keep = [&](int depth, Json::parse_event_t event, const Json& parsed) {
    is_deep |= depth > kLevelsMax;
    const bool is_left_out =
        !without.empty() && depth == 1 && event == Json::parse_event_t::key && parsed == without;
    return !is_deep && !is_left_out;
  };
  Json json = Json::parse(text, keep, /*allow_exceptions=*/false);
  return is_deep ? Json(Json::value_t::discarded) : json;
}

}  // namespace

Json ParseJson(std::string_view text) { return ParseShallow(text, {}); }

Result<Json> ParseDocument(std::string_view kind, std::string_view what, std::string_view text,
                           std::string_view without) {
  Json json = ParseShallow(text, without);
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
