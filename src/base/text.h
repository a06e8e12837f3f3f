// Text from outside: is it UTF-8, what of it may be shown, and which known word was meant.
#pragma once

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

// For a terminal: characters that are shown stay, every other byte is \xNN. A server's answer, the
// name of a file, a name in a manifest may hold escape sequences. `keep` holds controls that stay,
// such as "\n".
std::string Shown(std::string_view text, std::string_view keep = "");

// The one of `known` that `word` was most likely meant to be, for "did you mean"; empty if none is
// near.
std::string Nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace etcdrill
