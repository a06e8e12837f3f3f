// Nothing is handed to a caller while the store is locked: it may come back in.
#include "support/memory_objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "crypto/hash.h"
#include "objects/names.h"

namespace etcdrill::testing {
namespace {

using objects::CheckName;
using objects::ObjectLockMode;

std::string EtagOf(const std::string& bytes) {
  std::string etag;
  for (const char byte : Sha256Of(bytes).substr(0, 16))
    etag += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  return etag;
}

// As a listing tells it.
objects::ObjectInfo Listed(objects::ObjectInfo info) {
  info.metadata.clear();
  info.lock.reset();
  return info;
}

}  // namespace

class MemoryObjects::Writer final : public objects::ObjectWriter {
 public:
  Writer(MemoryObjects& store, const std::string& name, const objects::PutOptions& options)
      : store_(store), size_max_(options.size_max) {
    stored_.info.name = name;
    stored_.info.metadata = options.metadata;
    stored_.info.lock = options.lock;
  }

  Status Append(std::string_view bytes) override {
    RETURN_IF_ERROR(failed_);
    stored_.bytes += bytes;
    if (stored_.bytes.size() > size_max_)
      failed_ = Error(Reason::kUsage, "write {}: more than {} bytes", stored_.info.name, size_max_);
    return failed_;
  }
  Result<ObjectInfo> Finish() override {
    RETURN_IF_ERROR(failed_);
    stored_.info.size = stored_.bytes.size();
    stored_.info.etag = EtagOf(stored_.bytes);
    return store_.Put(std::move(stored_));
  }

 private:
  MemoryObjects& store_;
  const uint64_t size_max_;
  Stored stored_;
  Status failed_;
};

MemoryObjects::MemoryObjects(Clock& clock, objects::Properties properties)
    : clock_(clock), properties_(properties) {
  CHECK(properties_.has_versions || !properties_.has_locks);
}

Result<std::unique_ptr<objects::ObjectWriter>> MemoryObjects::Create(
    const std::string& name, const objects::PutOptions& options) {
  RETURN_IF_ERROR(objects::CheckPut(name, options));
  if (options.lock.has_value() && !properties_.has_locks)
    return Error(Reason::kUsage, "lock {}: this store has no locks", name);
  return std::make_unique<Writer>(*this, name, options);
}

Status MemoryObjects::Get(const std::string& name, const objects::ByteRange& range,
                          const ByteSink& sink, const std::string& version_id) {
  RETURN_IF_ERROR(CheckName(name));
  constexpr size_t kPieceBytes = 64 << 10;
  std::string bytes;
  {
    const std::lock_guard lock(mutex_);
    const Stored* const stored = Find(name, version_id);
    if (stored == nullptr) return Missing(name);
    const uint64_t size = stored->bytes.size();
    const uint64_t left = size - std::min(size, range.offset);
    if (range.offset > size || range.size.value_or(0) > left)
      return Error(Reason::kUsage, "read {}: the range ends behind its {} bytes", name, size);
    bytes = stored->bytes.substr(range.offset, range.size.value_or(left));
  }
  for (size_t begin = 0; begin < bytes.size(); begin += kPieceBytes)
    RETURN_IF_ERROR(sink(std::string_view(bytes).substr(begin, kPieceBytes)));
  return OkStatus();
}

Result<objects::ObjectInfo> MemoryObjects::Head(const std::string& name,
                                                const std::string& version_id) {
  RETURN_IF_ERROR(CheckName(name));
  const std::lock_guard lock(mutex_);
  const Stored* const stored = Find(name, version_id);
  if (stored == nullptr) return Missing(name);
  return stored->info;
}

Status MemoryObjects::List(const std::string& prefix, const std::string& after,
                           const Visit& visit) {
  std::vector<ObjectInfo> listed;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, history] : histories_) {
      if (name.starts_with(prefix) && name > after && !history.back().is_delete_marker)
        listed.push_back(Listed(history.back().info));
    }
  }
  for (const ObjectInfo& info : listed) RETURN_IF_ERROR(visit(info));
  return OkStatus();
}

Status MemoryObjects::Delete(const std::string& name, const std::string& version_id) {
  RETURN_IF_ERROR(CheckName(name));
  if (version_id.empty() && properties_.has_versions) {
    Put({.info = {.name = name}, .bytes = "", .is_delete_marker = true});
    return OkStatus();
  }
  const std::lock_guard lock(mutex_);
  const auto at = histories_.find(name);
  if (at == histories_.end()) return OkStatus();
  History& history = at->second;
  const auto version = std::ranges::find_if(history, [&](const Stored& stored) {
    return version_id.empty() || stored.info.version_id == version_id;
  });
  if (version == history.end()) return OkStatus();
  RETURN_IF_ERROR(CheckUnlocked(*version));
  history.erase(version);
  if (history.empty()) histories_.erase(at);
  return OkStatus();
}

Status MemoryObjects::SetLock(const std::string& name, const std::string& version_id,
                              const Lock& lock) {
  if (!properties_.has_locks)
    return Error(Reason::kUsage, "lock {}: this store has no locks", name);
  const std::lock_guard guard(mutex_);
  Stored* const stored = Find(name, version_id);
  if (stored == nullptr) return Missing(name);
  const std::optional<Lock>& held = stored->info.lock;
  const bool weaker =
      held.has_value() && (lock.until < held->until || (held->mode == ObjectLockMode::kCompliance &&
                                                        lock.mode != ObjectLockMode::kCompliance));
  if (weaker) RETURN_IF_ERROR(CheckUnlocked(*stored));
  stored->info.lock = lock;
  return OkStatus();
}

Status MemoryObjects::ListVersions(const std::string& prefix, const VisitVersion& visit) {
  if (!properties_.has_versions) return Error(Reason::kUsage, "this store has no versions");
  std::vector<Version> versions;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, history] : histories_) {
      if (!name.starts_with(prefix)) continue;
      for (auto stored = history.rbegin(); stored != history.rend(); ++stored) {
        versions.push_back({.object = Listed(stored->info),
                            .is_latest = stored == history.rbegin(),
                            .is_delete_marker = stored->is_delete_marker});
      }
    }
  }
  for (const Version& version : versions) RETURN_IF_ERROR(visit(version));
  return OkStatus();
}

MemoryObjects::Stored* MemoryObjects::Find(const std::string& name, const std::string& version_id) {
  const auto at = histories_.find(name);
  if (at == histories_.end()) return nullptr;
  for (auto stored = at->second.rbegin(); stored != at->second.rend(); ++stored) {
    if (version_id.empty() || stored->info.version_id == version_id)
      return stored->is_delete_marker ? nullptr : &*stored;
  }
  return nullptr;
}

Status MemoryObjects::Missing(const std::string& name) const {
  return Error(Reason::kNotFound, "{} has no object {}", address_, name);
}

// Nobody here has the right to bypass a lock.
Status MemoryObjects::CheckUnlocked(const Stored& stored) {
  if (!stored.info.lock.has_value() || stored.info.lock->until <= clock_.Now()) return OkStatus();
  return Error(Reason::kAccessDenied, "object {} is locked until {}", stored.info.name,
               FormatRfc3339(stored.info.lock->until));
}

objects::ObjectInfo MemoryObjects::Put(Stored stored) {
  const std::lock_guard lock(mutex_);
  History& history = histories_[stored.info.name];
  if (!properties_.has_versions) history.clear();
  stored.info.modified = clock_.Now();
  if (properties_.has_versions) stored.info.version_id = fmt::format("v{}", ++versions_);
  history.push_back(std::move(stored));
  return history.back().info;
}

}  // namespace etcdrill::testing
