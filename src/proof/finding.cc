#include "proof/finding.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace etcdrill {
namespace {

// How dear it is where not all can be kept.
Severity WeightOf(const Finding& finding) {
  return finding.prevents_proof ? Severity::kError : finding.severity;
}

}  // namespace

void Findings::Add(Finding finding) {
  ++found_[static_cast<size_t>(finding.severity)];
  Keep(std::move(finding));
}

void Findings::Merge(Findings other) {
  for (size_t i = 0; i < found_.size(); ++i) found_[i] += other.found_[i];
  for (Finding& f : other.kept_) Keep(std::move(f));
}

const Finding* Findings::FirstError() const {
  const auto first = std::ranges::find(kept_, Severity::kError, &Finding::severity);
  return first == kept_.end() ? nullptr : &*first;
}

const Finding* Findings::FirstDoubt() const {
  const auto first = std::ranges::find_if(kept_, &Finding::prevents_proof);
  return first == kept_.end() ? nullptr : &*first;
}

void Findings::Keep(Finding finding) {
  if (kept_.size() >= kFindingsKept) {
    const auto has_some = [](uint64_t n) { return n > 0; };
    const auto least =
        static_cast<Severity>(std::ranges::find_if(weights_, has_some) - weights_.begin());
    if (WeightOf(finding) <= least) return;
    DropLast(least);
  }
  ++kept_of_[static_cast<size_t>(finding.severity)];
  ++weights_[static_cast<size_t>(WeightOf(finding))];
  kept_.push_back(std::move(finding));
}

void Findings::DropLast(Severity weight) {
  const auto last = std::find_if(kept_.rbegin(), kept_.rend(),
                                 [=](const Finding& f) { return WeightOf(f) == weight; });
  --kept_of_[static_cast<size_t>(last->severity)];
  --weights_[static_cast<size_t>(weight)];
  kept_.erase(std::next(last).base());
}

}  // namespace etcdrill
