// A site in memory: the reference of what objects/object_store.h promises, and the store of tests
// of all that lies above it. With versions and locks as S3 has them, where a test wants those.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "objects/object_store.h"

namespace etcdrill::testing {

// Safe for use from any thread, as its clock is. The clock must outlive it, and it its writers.
class MemoryObjects final : public objects::ObjectStore {
 public:
  using ObjectInfo = objects::ObjectInfo;
  using Lock = objects::Lock;

  // Locks are of versions: without those there are none.
  explicit MemoryObjects(Clock& clock, objects::Properties properties = {});

  Result<std::unique_ptr<objects::ObjectWriter>> Create(
      const std::string& name, const objects::PutOptions& options) override;
  Status Get(const std::string& name, const objects::ByteRange& range, const ByteSink& sink,
             const std::string& version_id = "") override;
  Result<ObjectInfo> Head(const std::string& name, const std::string& version_id = "") override;
  Status List(const std::string& prefix, const std::string& after, const Visit& visit) override;
  Status Delete(const std::string& name, const std::string& version_id = "") override;
  Status SetLock(const std::string& name, const std::string& version_id, const Lock& lock) override;
  Status ListVersions(const std::string& prefix, const VisitVersion& visit) override;
  // A writer that was killed leaves nothing in memory.
  Result<size_t> Sweep(const std::string&, WallTime) override { return size_t{0}; }
  objects::Properties properties() const override { return properties_; }
  const std::string& address() const override { return address_; }

 private:
  class Writer;
  struct Stored {
    ObjectInfo info;
    std::string bytes;
    bool is_delete_marker = false;
  };
  using History = std::vector<Stored>;  // of one name, the oldest first; never empty

  // The newest or the named version; null if there is none, or that is a delete marker.
  Stored* Find(const std::string& name, const std::string& version_id);
  Status Missing(const std::string& name) const;
  Status CheckUnlocked(const Stored& stored);
  ObjectInfo Put(Stored stored);

  Clock& clock_;
  const objects::Properties properties_;
  const std::string address_ = "memory";
  std::mutex mutex_;
  // Guarded by mutex_.
  std::map<std::string, History> histories_;
  uint64_t versions_ = 0;  // that were ever made
};

}  // namespace etcdrill::testing
