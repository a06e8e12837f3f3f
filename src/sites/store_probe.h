// The questions of `check store` to one store, in the order in which they are asked, and what one
// hands to the next: what was put, what the site told of it, what must be deleted.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "io/context.h"
#include "objects/object_store.h"
#include "sites/probe.h"
#include "sites/probe_store.h"

namespace etcdrill::sites {

// All arguments must outlive it.
class StoreProbe {
 public:
  StoreProbe(const Context& context, const ProbedStore& store, ProbeReport& report);

  void Run();  // asks all

 private:
  static constexpr uint64_t kSmallBytes = 64 << 10;
  static constexpr uint64_t kLargeBytes = uint64_t{17} << 20;  // more than S3 is given in one PUT

  struct Answer {
    ProbeResult result = ProbeResult::kUnknown;
    std::string text = {};
    std::string advice = {};
  };
  // One version of a probe that is, or may be, there.
  struct Probe {
    std::string name;
    std::string version_id;  // empty: there are none, or nobody told
    auto operator<=>(const Probe&) const = default;
  };
  struct Left {
    std::string name;
    Status why;
    std::optional<objects::Lock> lock;  // that binds now
  };

  void Ask(const char* question, Answer (StoreProbe::*ask)());
  Answer Failed(const Status& error);
  Answer Fatal(const Status& error);

  // In probe_bytes.cc.
  Answer AskList();
  Answer AskPut();
  Answer AskReadBack();
  Answer AskHead();
  Answer AskMetadata();
  Answer AskRange();
  Answer AskListAfterPut();
  Answer AskClock();
  Answer AskPutMultipart();
  Answer AskEtag();
  Answer AskPutIfAbsent();
  Result<objects::ObjectInfo> Put(objects::ObjectStore& objects, const std::string& name,
                                  uint64_t size, const std::optional<objects::Lock>& lock = {});

  // In probe_locks.cc.
  Answer AskLock() { return AskLockOf("locked", kSmallBytes); }
  Answer AskLockMultipart() { return AskLockOf("locked-large", kLargeBytes); }
  Answer AskVersions();
  Answer AskLockOf(std::string_view what, uint64_t size);
  Answer TryToDelete(const objects::ObjectInfo& locked, const objects::Lock& lock, bool was_late);

  // In probe_leftovers.cc.
  Answer AskDelete();
  Answer AskGone();
  bool IsToGo(const objects::ObjectInfo& info) const;
  std::vector<Probe> FindProbes();
  void Delete(const Probe& probe);

  std::string Name(std::string_view what) const { return prefix_ + std::string(what); }
  Result<std::map<std::string, objects::ObjectInfo>> ListProbes();
  bool HasVersions() const { return small_.has_value() && !small_->version_id.empty(); }

  const Context& context_;
  const ProbedStore& store_;
  objects::ObjectStore& objects_;
  ProbeReport& report_;
  const std::string prefix_;
  std::string blocked_by_;                    // the question without which the others make no sense
  std::vector<Probe> put_;                    // also those whose put failed: they may be there
  std::optional<objects::ObjectInfo> small_;  // as Head tells it
  std::optional<objects::ObjectInfo> large_;
  std::map<std::string, objects::ObjectInfo> listed_;
  WallTime before_put_{};
  WallTime after_put_{};
  Duration ahead_{};  // the site's clock is, before ours
  std::vector<std::string> deleted_;
  std::vector<Left> left_;
};

}  // namespace etcdrill::sites
