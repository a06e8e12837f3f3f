#include "objects/s3/ini.h"

#include <algorithm>

#include "base/text.h"

namespace etcdrill::objects {
namespace {

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

Status Wrong(size_t line, std::string_view what) {
  return Error(Reason::kCredentials, "line {}: {}", line, what);
}

}  // namespace

Result<Ini> ParseIni(std::string_view text) {
  Ini ini;
  IniSection* section = nullptr;
  size_t number = 0;
  for (const std::string_view raw : Split(text, '\n')) {
    ++number;
    const std::string_view line = Trim(raw);
    if (line.empty() || line.starts_with('#') || line.starts_with(';')) continue;
    if (raw.starts_with(' ') || raw.starts_with('\t')) continue;
    if (line.starts_with('[')) {
      const size_t end = line.find(']');
      if (end == std::string_view::npos) return Wrong(number, "a section without its ]");
      section = &ini[std::string(Trim(line.substr(1, end - 1)))];
      continue;
    }
    const size_t delimiter = line.find_first_of("=:");
    if (section == nullptr) return Wrong(number, "a key before the first [section]");
    if (delimiter == std::string_view::npos)
      return Wrong(number, "neither [section] nor key = value");
    (*section)[Lower(Trim(line.substr(0, delimiter)))] = Trim(line.substr(delimiter + 1));
  }
  return ini;
}

}  // namespace etcdrill::objects
