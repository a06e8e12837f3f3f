// X25519 (RFC 7748): a secret that two hold, each of whom knows the public key of the other.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "crypto/secret.h"

namespace etcdrill {

constexpr size_t kX25519Bytes = 32;

// The public key of a secret one; both have 32 bytes.
std::string X25519PublicOf(const Secret& secret);

// None if it is all zero: then `public_key` is one of the few that make every secret the same.
std::optional<Secret> X25519Shared(const Secret& secret, std::string_view public_key);

}  // namespace etcdrill
