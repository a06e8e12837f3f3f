// A problem in an examined file, as data. Finding one is a success of ours, not an error: checks go on after it, so
// that a report shows the extent of a damage. Only the first kFindingsKept are kept, all are counted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace etcdrill {

enum class Severity {
  kInfo,     // worth knowing when restoring
  kWarning,  // unusual, but no proof of damage
  kError,    // the file is wrong
};
std::string_view SeverityName(Severity severity);

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
};

// Not thread-safe.
class Findings {
 public:
  static constexpr size_t kFindingsKept = 100;

  void Add(Finding finding);
  void Merge(Findings other);

  const std::vector<Finding>& kept() const { return kept_; }
  uint64_t total() const { return total_; }
  uint64_t errors() const { return errors_; }

 private:
  std::vector<Finding> kept_;
  uint64_t total_ = 0;
  uint64_t errors_ = 0;
};

}  // namespace etcdrill
