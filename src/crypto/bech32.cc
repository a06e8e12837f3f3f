#include "crypto/bech32.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace etcdrill {
namespace {

constexpr std::string_view kBech32Digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr size_t kChecksumDigits = 6;

char ToLower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// The checksum's state after these values of five bits.
uint32_t Polymod(uint32_t state, std::string_view values) {
  constexpr std::array<uint32_t, 5> kGenerator = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd,
                                                  0x2a1462b3};
  for (const char value : values) {
    const uint32_t top = state >> 25;
    state = (state & 0x1ffffff) << 5 ^ static_cast<uint8_t>(value);
    for (size_t bit = 0; bit < kGenerator.size(); ++bit)
      if ((top >> bit & 1) != 0) state ^= kGenerator[bit];
  }
  return state;
}

uint32_t StateAfterPrefix(std::string_view prefix) {
  std::string values;
  for (const char c : prefix) values += static_cast<char>(c >> 5);
  values += '\0';
  for (const char c : prefix) values += static_cast<char>(c & 31);
  return Polymod(1, values);
}

// Cuts a row of bits, given as values of `from` bits each, into values of `to` bits. What is left
// at the end is padded with zeros.
std::string Regroup(std::string_view values, unsigned from, unsigned to) {
  std::string out;
  uint32_t bits = 0;
  unsigned held = 0;
  const uint32_t mask = (uint32_t{1} << to) - 1;
  for (const char value : values) {
    bits = (bits << from | static_cast<uint8_t>(value)) & 0xfff;
    for (held += from; held >= to; held -= to) out += static_cast<char>(bits >> (held - to) & mask);
  }
  if (held > 0) out += static_cast<char>(bits << (to - held) & mask);
  return out;
}

// The values of the digits, five bits each; none if one is not a digit.
std::optional<std::string> ValuesOf(std::string_view digits) {
  std::string values;
  for (const char digit : digits) {
    const size_t value = kBech32Digits.find(digit);
    if (value == std::string_view::npos) return std::nullopt;
    values += static_cast<char>(value);
  }
  return values;
}

// The bytes of values of five bits; none if the padding is longer than it must be, or not zero.
std::optional<std::string> BytesOf(std::string_view values) {
  const size_t padding_bits = values.size() * 5 % 8;
  std::string bytes = Regroup(values, 5, 8);
  if (padding_bits == 0) return bytes;
  if (padding_bits >= 5 || bytes.back() != 0) return std::nullopt;
  bytes.pop_back();
  return bytes;
}

}  // namespace

std::string EncodeBech32(std::string_view prefix, std::string_view bytes) {
  std::string values = Regroup(bytes, 8, 5);
  const uint32_t checksum =
      Polymod(Polymod(StateAfterPrefix(prefix), values), std::string(kChecksumDigits, '\0')) ^ 1;
  for (size_t i = kChecksumDigits; i-- > 0;) values += static_cast<char>(checksum >> (5 * i) & 31);
  std::string text = std::string(prefix) + '1';
  for (const char value : values) text += kBech32Digits[static_cast<size_t>(value)];
  return text;
}

std::optional<Bech32> DecodeBech32(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), ToLower);
  const bool has_lower = std::ranges::any_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
  if (has_lower && lower != text) return std::nullopt;
  const size_t separator = lower.rfind('1');
  if (separator == std::string::npos || separator == 0) return std::nullopt;
  const std::string prefix = lower.substr(0, separator);
  if (std::ranges::any_of(prefix, [](char c) { return c < 33 || c > 126; })) return std::nullopt;
  const auto values = ValuesOf(std::string_view(lower).substr(separator + 1));
  if (!values.has_value() || values->size() < kChecksumDigits) return std::nullopt;
  if (Polymod(StateAfterPrefix(prefix), *values) != 1) return std::nullopt;
  auto bytes = BytesOf(std::string_view(*values).substr(0, values->size() - kChecksumDigits));
  if (!bytes.has_value()) return std::nullopt;
  return Bech32{prefix, *std::move(bytes)};
}

}  // namespace etcdrill
