// A problem in an examined file, as data. Finding one is a success of ours, not an error: checks go
// on after it, so that a report shows the extent of a damage. Only kFindingsKept are kept, all are
// counted. Where there are more, the least severe go first: a thousand warnings never hide the
// error behind them, nor what keeps the file from being proven.
#pragma once

#include <fmt/core.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/names.h"

namespace etcdrill {

// The more severe, the greater.
enum class Severity {
  kInfo,     // worth knowing when restoring
  kWarning,  // unusual, but no proof of damage
  kError,    // the file is wrong
};
inline constexpr std::array kSeverities = {Severity::kError, Severity::kWarning, Severity::kInfo};
template <>
inline constexpr auto kNames<Severity> = Names("info", "warning", "error");

// Keys of a bucket from `lower` up to, but without, `upper`; to its end if there is none.
struct KeyRange {
  std::string bucket;
  std::string lower;
  std::optional<std::string> upper;
};

struct Finding {
  std::string_view code;  // a constant of finding_codes.h
  Severity severity = Severity::kError;
  std::optional<uint64_t> page;    // bbolt page number
  std::optional<uint64_t> offset;  // in the file, bytes
  std::string text;
  std::optional<KeyRange> lost = {};  // keys that can't be read because of it
  bool prevents_proof = false;        // though it is no error: nothing vouches for the file
};

// Not thread-safe.
class Findings {
 public:
  static constexpr size_t kFindingsKept = 100;

  void Add(Finding finding);
  // Of the whole: at no place of the file.
  template <typename... Args>
  void Error(std::string_view code, fmt::format_string<Args...> text, Args&&... args) {
    Add({code, Severity::kError, {}, {}, fmt::format(text, std::forward<Args>(args)...)});
  }
  template <typename... Args>
  void Warn(std::string_view code, fmt::format_string<Args...> text, Args&&... args) {
    Add({code, Severity::kWarning, {}, {}, fmt::format(text, std::forward<Args>(args)...)});
  }
  template <typename... Args>
  void Info(std::string_view code, fmt::format_string<Args...> text, Args&&... args) {
    Add({code, Severity::kInfo, {}, {}, fmt::format(text, std::forward<Args>(args)...)});
  }
  void Merge(Findings other);

  // In the order in which they came.
  const std::vector<Finding>& kept() const [[clang::lifetimebound]] { return kept_; }
  // The first error; null if there is none.
  const Finding* FirstError() const [[clang::lifetimebound]];
  // The first that prevents a proof without being an error; null if there is none.
  const Finding* FirstDoubt() const [[clang::lifetimebound]];
  uint64_t total() const { return found_[0] + found_[1] + found_[2]; }
  uint64_t errors() const { return found(Severity::kError); }
  // Of one severity: all, and those that were not kept.
  uint64_t found(Severity severity) const { return found_[static_cast<size_t>(severity)]; }
  uint64_t dropped(Severity severity) const {
    return found(severity) - kept_of_[static_cast<size_t>(severity)];
  }

 private:
  void Keep(Finding finding);
  void DropLast(Severity weight);

  std::vector<Finding> kept_;
  std::array<uint64_t, kNames<Severity>.size()> found_{};  // by severity
  std::array<uint64_t, kNames<Severity>.size()> kept_of_{};
  std::array<uint64_t, kNames<Severity>.size()> weights_{};  // of those that are kept: see WeightOf
};

}  // namespace etcdrill
