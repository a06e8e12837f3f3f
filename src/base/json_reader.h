// Reads the fields of a JSON object into typed values. Unknown fields are passed over, so that an
// older etcdrill reads what a newer one wrote. What is missing, of another type, or a word that no
// value of its enum has, is an error that names the field. For .cc files alone: the header of the
// JSON library costs a second for each.
#pragma once

#include <concepts>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/names.h"

namespace etcdrill {

// Null if there is none.
template <typename T>
Json OrNull(const std::optional<T>& value) {
  return value.has_value() ? Json(*value) : Json(nullptr);
}

// Keeps the first problem; the values that it could not read stay as they are. `json` must outlive
// it, and be an object.
class JsonReader {
 public:
  explicit JsonReader(const Json& json) : json_(json) {}

  template <typename T>
  void Read(const char* key, T& value) {
    const auto at = json_.find(key);
    Take(key, at == json_.end() ? std::nullopt : ValueOf<T>(*at), value);
  }
  // One that may be absent, or null.
  template <typename T>
  void ReadIf(const char* key, T& value) {
    if (Has(key)) Read(key, value);
  }
  template <typename T>
  void ReadIf(const char* key, std::optional<T>& value) {
    if (Has(key)) Read(key, value.emplace());
  }
  // `read` gets a reader of the object there.
  template <typename Body>
  void ReadObject(const char* key, Body&& read) {
    const auto at = json_.find(key);
    if (at == json_.end()) return Fail(key);
    ReadInner(key, *at, read);
  }
  // The same with a record to fill, if there is an object.
  template <typename T>
  void ReadRecord(const char* key, std::optional<T>& record, void (*read)(JsonReader&, T&)) {
    if (!Has(key)) return;
    ReadObject(key, [&](JsonReader& inner) { read(inner, record.emplace()); });
  }
  // The same for each object of the list there.
  template <typename T>
  void ReadRecords(const char* key, std::vector<T>& records, void (*read)(JsonReader&, T&)) {
    const auto at = json_.find(key);
    if (at == json_.end() || !at->is_array()) return Fail(key);
    for (const Json& json : *at) {
      ReadInner(key, json, [&](JsonReader& inner) { read(inner, records.emplace_back()); });
    }
  }
  bool Has(const char* key) const {
    const auto at = json_.find(key);
    return at != json_.end() && !at->is_null();
  }
  // kDamaged, with the field, if one was not right.
  Status status() const;

 private:
  template <typename T>
  static std::optional<T> ValueOf(const Json& json) {
    const std::string* const text = json.get_ptr<const Json::string_t*>();
    if constexpr (std::same_as<T, std::string>) {
      return text != nullptr ? std::optional(*text) : std::nullopt;
    } else if constexpr (std::is_enum_v<T>) {
      return text != nullptr ? FromName<T>(*text) : std::nullopt;
    } else if constexpr (std::same_as<T, WallTime>) {
      return text != nullptr ? ParseRfc3339(*text) : std::nullopt;
    } else {
      const bool fits = std::same_as<T, bool>         ? json.is_boolean()
                        : std::is_floating_point_v<T> ? json.is_number()
                        : std::is_unsigned_v<T>       ? json.is_number_unsigned()
                                                      : json.is_number_integer();
      return fits ? std::optional(json.get<T>()) : std::nullopt;
    }
  }
  template <typename T>
  void Take(const char* key, std::optional<T> read, T& value) {
    if (!read.has_value()) return Fail(key);
    value = *std::move(read);
  }
  template <typename Body>
  void ReadInner(const char* key, const Json& json, Body&& read) {
    if (!json.is_object()) return Fail(key);
    JsonReader inner(json);
    read(inner);
    if (problem_.empty()) problem_ = inner.problem_;
  }
  void Fail(const char* key) {
    if (problem_.empty()) problem_ = key;
  }

  const Json& json_;
  std::string problem_;
};

}  // namespace etcdrill
