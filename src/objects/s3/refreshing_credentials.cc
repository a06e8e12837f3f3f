#include "objects/s3/refreshing_credentials.h"

#include <chrono>

namespace etcdrill::objects {
namespace {

using namespace std::chrono_literals;

constexpr Duration kTryFrom = 15min;   // before the end
constexpr Duration kMustFrom = 10min;  // the same
// Between two questions, while the kept keys do: instances get the next keys only some minutes
// before the end of the last ones, and each part of an upload comes by here.
constexpr Duration kPause = 30s;

}  // namespace

bool RefreshingCredentials::MustAsk(WallTime now) const {
  if (!kept_.has_value() || refused_) return true;
  const Duration left = *kept_->end - now;
  if (left >= kTryFrom) return false;
  if (left <= kMustFrom && has_failed_) return true;
  return left <= Duration::zero() || context_.clock.Monotonic() - asked_ >= kPause;
}

Result<Credentials> RefreshingCredentials::Current() {
  const std::lock_guard lock(mutex_);
  const WallTime now = context_.clock.Now();
  if (!MustAsk(now)) return *kept_;
  Result<Credentials> keys = AskSource(now);
  asked_ = context_.clock.Monotonic();
  has_failed_ = !keys.ok();
  if (keys.ok()) {
    refused_ = false;
    kept_.reset();
    if (keys->end.has_value()) kept_ = *keys;
    return keys;
  }
  const bool will_do = kept_.has_value() && !refused_ && *kept_->end - now > kMustFrom;
  if (!will_do || IsInterrupted(keys.status())) return keys;
  context_.log.Warn("credentials could not be refreshed, those at hand are used",
                    {{"source", kept_->source},
                     {"until", FormatRfc3339(*kept_->end)},
                     {"error", std::string(MessageOf(keys.status()))}});
  return *kept_;
}

Result<Credentials> RefreshingCredentials::AskSource(WallTime now) {
  ASSIGN_OR_RETURN(Asked asked, source_->Ask());
  if (!asked.credentials.has_value()) return Error(Reason::kCredentials, asked.why_not);
  Credentials keys = *std::move(asked.credentials);
  if (!keys.end.has_value() || *keys.end > now) return keys;
  return Error(Reason::kCredentials,
               "{}: the keys ended at {}, before they came; does the clock of this machine go "
               "right?",
               keys.source, FormatRfc3339(*keys.end));
}

void RefreshingCredentials::Refused() {
  const std::lock_guard lock(mutex_);
  refused_ = true;
}

}  // namespace etcdrill::objects
