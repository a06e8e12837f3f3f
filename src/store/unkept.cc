#include "store/unkept.h"

namespace etcdrill::store {

constexpr size_t kReportsMax = 100;

void Unkept::AddChecks(const std::string& name, std::string base, Checks checks,
                       const Status& why) {
  const std::lock_guard lock(mutex_);
  checks_[name] = {std::move(base), std::move(checks)};
  why_ = MessageOf(why);
}

void Unkept::RemoveChecks(const std::string& name) {
  const std::lock_guard lock(mutex_);
  checks_.erase(name);
}

std::optional<Checks> Unkept::FindChecks(const std::string& name, const Result<std::string>& text) {
  const std::lock_guard lock(mutex_);
  const auto at = checks_.find(name);
  if (at == checks_.end()) return std::nullopt;
  if (!text.ok() || at->second.base == *text) return at->second.checks;
  checks_.erase(at);
  return std::nullopt;
}

std::vector<std::string> Unkept::ChecksNames() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [name, held] : checks_) names.push_back(name);
  return names;
}

void Unkept::AddReport(NewReport report, const Status& why) {
  const std::lock_guard lock(mutex_);
  if (reports_.size() == kReportsMax) reports_.erase(reports_.begin());
  reports_.push_back(std::move(report));
  why_ = MessageOf(why);
}

void Unkept::RemoveFirstReport() {
  const std::lock_guard lock(mutex_);
  if (!reports_.empty()) reports_.erase(reports_.begin());
}

std::vector<NewReport> Unkept::Reports() const {
  const std::lock_guard lock(mutex_);
  return reports_;
}

std::string Unkept::why() const {
  const std::lock_guard lock(mutex_);
  return checks_.empty() && reports_.empty() ? "" : why_;
}

}  // namespace etcdrill::store
