// Named bytes in a bucket, in a directory, or wherever rclone reaches. No name is written twice,
// and nothing depends on a condition, a lock or a checksum that was only sent: servers ignore such
// headers without a word. What must hold is asked for afterwards, by Head
// (docs/dev/adr/0027-sites.md).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/names.h"
#include "base/status.h"
#include "io/file_system.h"

namespace etcdrill::objects {

// Who may delete a locked object before its time: whoever has the right to bypass it, or nobody.
enum class ObjectLockMode { kGovernance, kCompliance };

struct Lock {
  ObjectLockMode mode = ObjectLockMode::kGovernance;
  WallTime until{};
  bool operator==(const Lock&) const = default;
};

// What the store says of an object. What it did not say is empty.
struct ObjectInfo {
  std::string name;
  uint64_t size = 0;
  WallTime modified{};
  std::string etag;        // a mark of the bytes, without its quotes; compared, never taken apart
  std::string version_id;  // of a bucket with versions
  // Of Head and of what was just written; a listing does not tell.
  std::map<std::string, std::string> metadata;  // names in lower case
  std::optional<Lock> lock;
};

struct PutOptions {
  std::map<std::string, std::string> metadata = {};  // names in lower case, values in ASCII
  std::optional<Lock> lock = {};
  // At most so many bytes come, more are kUsage: the size of the parts follows from it.
  uint64_t size_max = 0;
};

// An object that is being written. Not safe for use from several threads. Destroyed before Finish,
// or after an error of Append, nothing of it becomes visible, and what the store holds of it is
// given up.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual Status Append(std::string_view bytes) = 0;
  // Makes the object visible, whole. After an error it may be there or not, but never in part:
  // Head knows.
  virtual Result<ObjectInfo> Finish() = 0;
};

struct ByteRange {
  uint64_t offset = 0;
  std::optional<uint64_t> size = {};  // none: to the end
};

// What differs from store to store. What a store really does, `check store` finds out.
struct Properties {
  bool has_locks = false;
  bool has_versions = false;
};

// Safe for use from any thread. Names and metadata obey names.h, all else is kUsage. Errors:
// kNotFound if there is no such object; kCredentials, kBucketMissing, kAccessDenied, kUsage for
// what trying again does not mend; what may pass is in retry.h.
class ObjectStore {
 public:
  virtual ~ObjectStore() = default;

  // A name that is written all the same, because its first writer got no answer, leads to the old
  // bytes until Finish, then to the new ones.
  virtual Result<std::unique_ptr<ObjectWriter>> Create(const std::string& name,
                                                       const PutOptions& options) = 0;
  // The bytes of `range`, in order, from one state of the object: the newest version, or that one.
  // Fewer than asked for are an error, though some may have reached `sink` by then; the error of
  // `sink` comes back as it is. A range that begins or ends behind the object's end is kUsage.
  virtual Status Get(const std::string& name, const ByteRange& range, const ByteSink& sink,
                     const std::string& version_id = "") = 0;
  // The newest version, or that one.
  virtual Result<ObjectInfo> Head(const std::string& name, const std::string& version_id = "") = 0;
  // Calls `visit` once for each object whose name begins with `prefix` and comes after `after`, in
  // the order of the names' bytes. Its error ends the listing and comes back as it is.
  using Visit = std::function<Status(const ObjectInfo&)>;
  virtual Status List(const std::string& prefix, const std::string& after, const Visit& visit) = 0;
  // OK if it is not there. Without a version, a bucket with versions only hides the object.
  virtual Status Delete(const std::string& name, const std::string& version_id = "") = 0;

  // Only where has_locks. The store refuses to shorten a compliance lock (kAccessDenied).
  virtual Status SetLock(const std::string& name, const std::string& version_id,
                         const Lock& lock) = 0;
  // A version of an object, or the mark that hides one.
  struct Version {
    ObjectInfo object;
    bool is_latest = false;
    bool is_delete_marker = false;
  };
  using VisitVersion = std::function<Status(const Version&)>;
  // Only where has_versions.
  virtual Status ListVersions(const std::string& prefix, const VisitVersion& visit) = 0;

  // Gives up what a writer that was killed before `before` has left below `prefix`. Returns how
  // many.
  virtual Result<size_t> Sweep(const std::string& prefix, WallTime before) = 0;

  virtual Properties properties() const = 0;
  // For people: s3://BUCKET/PREFIX, a path, REMOTE:PATH. Without secrets.
  virtual const std::string& address() const [[clang::lifetimebound]] = 0;
};

}  // namespace etcdrill::objects

namespace etcdrill {

template <>
inline constexpr auto kNames<objects::ObjectLockMode> = Names("governance", "compliance");

}  // namespace etcdrill
