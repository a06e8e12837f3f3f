// Text from outside: is it UTF-8, what of it may be shown, and which known word was meant.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdrill {

// Bytes of the UTF-8 character that `text` begins with (RFC 3629); 0 if it begins with none.
size_t Utf8Length(std::string_view text);
bool IsUtf8(std::string_view text);

// Whether a whole character, as Utf8Length cuts it, moves a terminal instead of being shown: C0,
// DEL, C1.
bool IsControl(std::string_view character);

// The parts between the separators, empty ones included: one more than there are separators.
std::vector<std::string_view> Split(std::string_view text, char separator);

// Without the blanks around it.
std::string_view Trim(std::string_view text, std::string_view blanks = " \t\n\v\f\r");

// All of the text, digits and at most a minus in front, or nothing.
template <std::integral T>
std::optional<T> ParseNumber(std::string_view text, int base = 10) {
  T number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// For a terminal: characters that are shown stay, every other byte is \xNN. A server's answer, the
// name of a file, a name in a manifest may hold escape sequences. `keep` holds controls that stay,
// such as "\n".
std::string Shown(std::string_view text, std::string_view keep = "");

// The one of `known` that `word` was most likely meant to be, for "did you mean"; empty if none is
// near.
std::string Nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace etcdrill
