// Collecting findings under a cap.
#include "format/finding.h"

#include <utility>

namespace etcdrill {

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return "";
}

void Findings::Add(Finding finding) {
  ++total_;
  if (finding.severity == Severity::kError) ++errors_;
  if (kept_.size() < kFindingsKept) kept_.push_back(std::move(finding));
}

void Findings::Merge(Findings other) {
  const uint64_t not_kept = other.total_ - other.kept_.size();
  const uint64_t errors_not_kept = other.errors_ - [&] {
    uint64_t n = 0;
    for (const Finding& f : other.kept_) n += f.severity == Severity::kError ? 1 : 0;
    return n;
  }();
  for (Finding& f : other.kept_) Add(std::move(f));
  total_ += not_kept;
  errors_ += errors_not_kept;
}

}  // namespace etcdrill
