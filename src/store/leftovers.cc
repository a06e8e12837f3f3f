// WriteFileDurably writes NAME as ".NAME.part".
#include "store/leftovers.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "store/drill_order.h"
#include "store/names.h"

namespace etcdrill::store {
namespace {

constexpr std::string_view kSnapshotSuffix = ".db";
constexpr std::string_view kManifestSuffix = ".json";
constexpr size_t kRandomDigits = 16;

// What is between the two; "" if it is not between them.
std::string_view Between(std::string_view name, std::string_view prefix, std::string_view suffix) {
  const bool fits = name.size() >= prefix.size() + suffix.size() && name.starts_with(prefix) &&
                    name.ends_with(suffix);
  return fits ? name.substr(prefix.size(), name.size() - prefix.size() - suffix.size()) : "";
}

bool IsRandom(std::string_view digits) {
  return digits.size() == kRandomDigits &&
         digits.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

bool IsStaged(std::string_view name) { return IsRandom(Between(name, ".", ".db.part")); }

// A manifest or a record of checks.
bool IsUnfinishedRecord(std::string_view name) {
  return IsSnapshotName(Between(name, ".", ".json.part"));
}

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::binary_search(names, name);
}

bool HasManifest(const std::vector<std::string>& store_names, std::string_view snapshot) {
  return Has(store_names, fmt::format("{}{}", snapshot, kManifestSuffix));
}

bool HasFile(const std::vector<std::string>& store_names, std::string_view snapshot) {
  return Has(store_names, fmt::format("{}{}", snapshot, kSnapshotSuffix));
}

bool IsUnproven(const std::vector<std::string>& store_names, std::string_view snapshot) {
  return HasFile(store_names, snapshot) && !HasManifest(store_names, snapshot);
}

template <typename IsLeft>
std::vector<std::string> Those(const std::vector<std::string>& names, IsLeft is_left) {
  std::vector<std::string> left;
  std::copy_if(names.begin(), names.end(), std::back_inserter(left), is_left);
  return left;
}

}  // namespace

std::string StagingName(uint64_t random) {
  return fmt::format(".{:0{}x}.db.part", random, kRandomDigits);
}

std::string UnsealedName(std::string_view snapshot) {
  return fmt::format(".{}.json.part", snapshot);
}

std::vector<std::string> UnprovenIn(const std::vector<std::string>& names) {
  std::vector<std::string> unproven;
  for (const std::string& name : names) {
    const std::string_view snapshot = Between(name, "", kSnapshotSuffix);
    if (IsSnapshotName(snapshot) && !HasManifest(names, snapshot)) unproven.emplace_back(snapshot);
  }
  return unproven;
}

std::vector<std::string> UnsealedIn(const std::vector<std::string>& names) {
  return Those(UnprovenIn(names),
               [&](std::string_view snapshot) { return Has(names, UnsealedName(snapshot)); });
}

std::vector<std::string> LeftInStore(const std::vector<std::string>& names) {
  return Those(names, [&](std::string_view name) {
    if (IsUnfinishedRecord(name)) return !IsUnproven(names, Between(name, ".", ".json.part"));
    return IsStaged(name) || IsSnapshotName(Between(name, "..", ".json.part.part")) ||
           name == ".state.json.part" || name == ".suspects.json.part" || name == "..owner.part" ||
           name == "..sites.part";
  });
}

std::vector<std::string> LeftInDrills(const std::vector<std::string>& names) {
  return Those(names, [](std::string_view name) {
    const std::string_view report = Between(name, ".", ".json.part");  // SNAPSHOT-UTC
    const std::string_view snapshot = SnapshotOfDrillName(report);
    // Of a copy at a site the name goes on (sites/layout.h).
    return IsSnapshotName(snapshot) || IsSnapshotName(snapshot.substr(0, snapshot.rfind('-')));
  });
}

std::vector<std::string> LeftInChecks(const std::vector<std::string>& names,
                                      const std::vector<std::string>& store_names) {
  return Those(names, [&](std::string_view name) {
    const std::string_view snapshot = Between(name, "", kManifestSuffix);
    return IsUnfinishedRecord(name) ||
           (IsSnapshotName(snapshot) && !HasManifest(store_names, snapshot) &&
            !HasFile(store_names, snapshot));
  });
}

}  // namespace etcdrill::store
