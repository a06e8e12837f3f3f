#include "store/drill_order.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/json.h"
#include "store/names.h"

namespace etcdrill::store {

std::optional<DrillLink> PreviousDrill(std::string_view json) {
  // The object stands at the end, behind the verifier's whole report, which takes far longer to
  // parse.
  const size_t at = json.rfind("\"evidence\"");
  if (at == std::string_view::npos) return std::nullopt;
  const Json end = ParseJson("{" + std::string(json.substr(at)));
  if (!end.is_object() || !end["evidence"].is_object() || !end["evidence"].contains("previous"))
    return std::nullopt;
  const Json& previous = end["evidence"]["previous"];
  if (previous.is_null()) return DrillLink();
  if (!previous.is_object()) return std::nullopt;
  const auto text = [&](const char* field) {
    const auto found = previous.find(field);
    return found != previous.end() && found->is_string() ? found->get<std::string>() : "";
  };
  return DrillLink{text("name"), text("sha256")};
}

std::vector<DrillFile> InOrderOfWriting(std::vector<DrillFile> drills) {
  std::unordered_map<std::string_view, size_t> by_name;
  for (size_t i = 0; i < drills.size(); ++i) by_name[drills[i].name] = i;
  constexpr size_t kNone = ~size_t{0};
  std::vector<size_t> next(drills.size(), kNone);
  std::vector<bool> follows(drills.size(), false);
  for (size_t i = 0; i < drills.size(); ++i) {
    const auto before = by_name.find(drills[i].previous.value_or(DrillLink()).name);
    if (before == by_name.end() || next[before->second] != kNone) continue;
    next[before->second] = i;
    follows[i] = true;
  }
  std::vector<DrillFile> ordered;
  ordered.reserve(drills.size());
  std::vector<bool> done(drills.size(), false);
  const auto take_row = [&](size_t at) {
    for (; at != kNone && !done[at]; at = next[at]) {
      done[at] = true;
      ordered.push_back(std::move(drills[at]));
    }
  };
  for (size_t i = 0; i < drills.size(); ++i) {
    if (!follows[i]) take_row(i);
  }
  for (size_t i = 0; i < drills.size(); ++i) take_row(i);  // a circle, which only others can make
  return ordered;
}

std::string_view TimeOfDrillName(std::string_view name) { return name.substr(name.rfind('-') + 1); }

std::string_view SnapshotOfDrillName(std::string_view name) {
  return name.substr(0, name.rfind('-'));
}

WallTime NextDrillTime(const std::string& last, WallTime finished) {
  const auto before = ClaimsOfName(TimeOfDrillName(last)).taken;
  if (!before.has_value() || IsFuture(*before, finished)) return finished;
  return std::max<WallTime>(finished, *before + std::chrono::seconds(1));
}

}  // namespace etcdrill::store
