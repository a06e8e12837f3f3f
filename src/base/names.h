// The words of an enum, both ways: how a value is called in JSON, metrics and on the command line,
// and which value a word means. Each enum has one table, which stands next to it:
//
//   template <>
//   inline constexpr auto kNames<Verdict> = Names("proven", "damaged", "not_provable");
//
// A table that lacks a name, or has one too many, does not compile where it is used.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace etcdrill {

// The names of the values 0, 1, 2, ...
template <typename... Text>
constexpr std::array<std::string_view, sizeof...(Text)> Names(Text... names) {
  return {std::string_view(names)...};
}

template <typename Enum>
inline constexpr std::array<std::string_view, 0> kNames{};

namespace internal {

// GCC and clang write a value without an enumerator as a cast: "kValue = (etcdrill::Verdict)3".
template <auto kValue>
constexpr bool IsEnumerator() {
  return std::string_view(__PRETTY_FUNCTION__).find("= (") == std::string_view::npos;
}

template <typename Enum>
constexpr bool HasNameForEach() {
  constexpr size_t kSize = kNames<Enum>.size();
  return IsEnumerator<static_cast<Enum>(kSize - 1)>() && !IsEnumerator<static_cast<Enum>(kSize)>();
}

}  // namespace internal

template <typename Enum>
constexpr const auto& NamesOf() {
  static_assert(internal::HasNameForEach<Enum>(), "one name for each value of the enum");
  return kNames<Enum>;
}

template <typename Enum>
constexpr std::string_view NameOf(Enum value) {
  return NamesOf<Enum>()[static_cast<size_t>(value)];
}

// All values, in their order.
template <typename Enum>
constexpr auto ValuesOf() {
  std::array<Enum, NamesOf<Enum>().size()> values{};
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<Enum>(i);
  return values;
}

// nullopt if no value has this name.
template <typename Enum>
constexpr std::optional<Enum> FromName(std::string_view name) {
  for (const Enum value : ValuesOf<Enum>()) {
    if (NameOf(value) == name) return value;
  }
  return std::nullopt;
}

// In the order of the names.
template <typename Enum, typename T>
std::map<std::string, T> ByName(const std::map<Enum, T>& by_value) {
  std::map<std::string, T> by_name;
  for (const auto& [value, mapped] : by_value) by_name.emplace(NameOf(value), mapped);
  return by_name;
}

}  // namespace etcdrill
