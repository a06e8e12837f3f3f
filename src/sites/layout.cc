#include "sites/layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "objects/names.h"
#include "store/names.h"

namespace etcdrill::sites {
namespace {

constexpr std::string_view kJsonEnding = ".json";
constexpr size_t kRandomDigits = 8;

bool IsDigitOfCopy(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); }

std::string_view EndingOf(const Encoding& encoding) {
  if (encoding.zstd) return encoding.age ? ".db.zst.age" : ".db.zst";
  return encoding.age ? ".db.age" : ".db";
}

// What stands between a folder and an ending; none if it does not stand there.
std::optional<std::string_view> StemOfKey(std::string_view key, std::string_view folder,
                                          std::string_view ending) {
  if (key.size() < folder.size() + ending.size() || !key.starts_with(folder) ||
      !key.ends_with(ending))
    return std::nullopt;
  return key.substr(folder.size(), key.size() - folder.size() - ending.size());
}

// FOLDER/FIRST/SECOND.json.
struct KeyParts {
  std::string first;
  std::string second;
};
std::optional<KeyParts> PartsOfKey(std::string_view key, std::string_view folder) {
  const auto stem = StemOfKey(key, folder, kJsonEnding);
  if (!stem.has_value()) return std::nullopt;
  const size_t slash = stem->find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  KeyParts parts{std::string(stem->substr(0, slash)), std::string(stem->substr(slash + 1))};
  if (!objects::IsNamePart(parts.first) || !objects::IsNamePart(parts.second)) return std::nullopt;
  return parts;
}

// SNAPSHOT-UTC, where SNAPSHOT may be a copy.
bool IsNameOfReport(std::string_view report) {
  const size_t dash = report.rfind('-');
  if (dash == std::string_view::npos) return false;
  const std::string_view snapshot = report.substr(0, dash);
  const std::string_view time = report.substr(dash + 1);
  const bool is_time = time.size() == std::string_view("20261122T080000Z").size() &&
                       store::ClaimsOfName(time).taken.has_value();
  return is_time && (store::IsSnapshotName(snapshot) || SnapshotOfCopy(snapshot).has_value());
}

}  // namespace

std::string CopyName(std::string_view snapshot, uint32_t random) {
  return fmt::format("{}-{:08x}", snapshot, random);
}

std::optional<std::string> SnapshotOfCopy(std::string_view copy) {
  if (!objects::IsNamePart(copy) || copy.size() < kRandomDigits + 1) return std::nullopt;
  const size_t dash = copy.size() - kRandomDigits - 1;
  const std::string_view snapshot = copy.substr(0, dash);
  if (copy[dash] != '-' || !std::ranges::all_of(copy.substr(dash + 1), IsDigitOfCopy) ||
      !store::IsSnapshotName(snapshot))
    return std::nullopt;
  return std::string(snapshot);
}

std::string BytesKey(std::string_view copy, const Encoding& encoding) {
  return fmt::format("{}{}{}", kSnapshotsFolder, copy, EndingOf(encoding));
}

std::string ManifestKey(std::string_view copy) {
  return fmt::format("{}{}{}", kManifestsFolder, copy, kJsonEnding);
}

std::string ChecksKey(std::string_view copy, std::string_view writer) {
  return fmt::format("{}{}/{}{}", kChecksFolder, copy, writer, kJsonEnding);
}

std::string DrillKey(std::string_view writer, std::string_view report) {
  return fmt::format("{}{}/{}{}", kDrillsFolder, writer, report, kJsonEnding);
}

std::string WriterKey(std::string_view writer) {
  return fmt::format("{}{}{}", kWritersFolder, writer, kJsonEnding);
}

std::optional<std::string> CopyOfManifestKey(std::string_view key) {
  const auto copy = StemOfKey(key, kManifestsFolder, kJsonEnding);
  if (!copy.has_value() || !SnapshotOfCopy(*copy).has_value()) return std::nullopt;
  return std::string(*copy);
}

std::optional<BytesName> ParseBytesKey(std::string_view key) {
  constexpr std::array kEncodings = {Encoding{false, false}, Encoding{true, false},
                                     Encoding{false, true}, Encoding{true, true}};
  for (const Encoding& encoding : kEncodings) {
    const auto copy = StemOfKey(key, kSnapshotsFolder, EndingOf(encoding));
    if (copy.has_value() && SnapshotOfCopy(*copy).has_value())
      return BytesName{std::string(*copy), encoding};
  }
  return std::nullopt;
}

std::optional<ByWriter> ParseChecksKey(std::string_view key) {
  auto parts = PartsOfKey(key, kChecksFolder);
  if (!parts.has_value() || !SnapshotOfCopy(parts->first).has_value()) return std::nullopt;
  return ByWriter{.what = std::move(parts->first), .writer = std::move(parts->second)};
}

std::optional<ByWriter> ParseDrillKey(std::string_view key) {
  auto parts = PartsOfKey(key, kDrillsFolder);
  if (!parts.has_value() || !IsNameOfReport(parts->second)) return std::nullopt;
  return ByWriter{.what = std::move(parts->second), .writer = std::move(parts->first)};
}

std::optional<std::string> WriterOfKey(std::string_view key) {
  const auto writer = StemOfKey(key, kWritersFolder, kJsonEnding);
  if (!writer.has_value() || !objects::IsNamePart(*writer)) return std::nullopt;
  return std::string(*writer);
}

}  // namespace etcdrill::sites
