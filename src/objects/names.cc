#include "objects/names.h"

#include <algorithm>

#include "base/text.h"

namespace etcdrill::objects {
namespace {

constexpr std::string_view kNameCharacters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
constexpr std::string_view kMetadataNameCharacters = "abcdefghijklmnopqrstuvwxyz0123456789";

bool IsOnly(std::string_view text, std::string_view characters) {
  return !text.empty() && text.find_first_not_of(characters) == std::string_view::npos;
}

bool IsMetadataValue(std::string_view value) {
  return Trim(value) == value &&
         std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

bool IsNamePart(std::string_view part) {
  return part.size() <= kNamePartBytesMax && IsOnly(part, kNameCharacters) && part.front() != '.';
}

Status CheckName(std::string_view name) {
  if (name.size() <= kNameBytesMax && std::ranges::all_of(Split(name, '/'), IsNamePart))
    return OkStatus();
  return Error(Reason::kUsage,
               "'{}' can't be the name of an object: at most {} characters of A-Z, a-z, 0-9, '.', "
               "'_' and '-', in parts of at most {} between single slashes, none of which begins "
               "with a dot",
               Shown(name), kNameBytesMax, kNamePartBytesMax);
}

Status CheckPut(std::string_view name, const PutOptions& options) {
  RETURN_IF_ERROR(CheckName(name));
  for (const auto& [key, value] : options.metadata) {
    if (IsOnly(key, kMetadataNameCharacters) && IsMetadataValue(value)) continue;
    return Error(Reason::kUsage,
                 "metadata '{}' of object {}: its name must be of a-z and 0-9, its value of "
                 "printable ASCII without blanks at the ends",
                 Shown(key), name);
  }
  return OkStatus();
}

}  // namespace etcdrill::objects
