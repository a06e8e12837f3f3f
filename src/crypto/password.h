// Passwords, as web.config_file holds them: bcrypt.
#pragma once

#include <string>
#include <string_view>

namespace etcdrill {

// Slow on purpose: 70 ms at cost 10. `hash` is a whole bcrypt hash; anything else matches nothing.
bool BcryptMatches(const std::string& password, const std::string& hash);

// In a time that does not depend on where they differ.
bool EqualInConstantTime(std::string_view a, std::string_view b);

}  // namespace etcdrill
