// Keys, kept for as long as they hold. Keys without an end (files, environment) are asked for each
// time, which costs a read of two small files, so a file that was exchanged counts at once. Keys
// with an end are kept, and asked for again 15 minutes before it; if that fails, they do until 10
// minutes before it, as botocore has it.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "io/context.h"
#include "objects/s3/credential_source.h"

namespace etcdrill::objects {

// Safe for use from any thread; those that come while the source is asked wait for its answer.
class RefreshingCredentials final : public CredentialsProvider {
 public:
  RefreshingCredentials(const Context& context, std::unique_ptr<CredentialSource> source)
      : context_(context), source_(std::move(source)) {}

  // kCredentials also for keys that ended before they came.
  Result<Credentials> Current() override;
  void Refused() override;

 private:
  bool MustAsk(WallTime now) const;
  Result<Credentials> AskSource(WallTime now);

  const Context context_;
  std::mutex mutex_;
  const std::unique_ptr<CredentialSource> source_;  // guarded by mutex_, as all that follows
  std::optional<Credentials> kept_;                 // with an end
  MonotonicTime asked_{};
  bool has_failed_ = false;  // then
  bool refused_ = false;
};

}  // namespace etcdrill::objects
