// A store around another one that breaks its promises without a word, as real ones do: it ignores
// locks, tells something else than it has, lists late, or refuses to delete.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "objects/forwarding.h"
#include "support/faulty_objects.h"

namespace etcdrill::testing {

class LyingObjects final : public objects::ForwardingObjects {
 public:
  // The store inside must outlive it.
  explicit LyingObjects(objects::ObjectStore& honest)
      : ForwardingObjects(std::make_unique<FaultyObjects>(honest)) {}

  // What it lies about; each may be set at any time.
  std::function<void(objects::ObjectInfo&)> on_head = [](auto&) {};
  std::function<void(const std::string&, std::string&)> on_get = [](auto&, auto&) {};
  std::function<void(const std::string& prefix)> before_list = [](auto&) {};
  std::function<bool(const std::string& name)> lists = [](auto&) { return true; };
  std::function<bool(const std::string& name)> deletes = [](auto&) { return true; };
  bool locks_on_create = true;
  bool locks_later = true;
  bool tells_versions = true;

  Result<std::unique_ptr<objects::ObjectWriter>> Create(
      const std::string& name, const objects::PutOptions& options) override {
    objects::PutOptions kept = options;
    if (!locks_on_create) kept.lock.reset();
    return inner().Create(name, kept);
  }
  Status Get(const std::string& name, const objects::ByteRange& range, const ByteSink& sink,
             const std::string& version_id) override {
    std::string bytes;
    const auto take = [&](std::string_view piece) {
      bytes += piece;
      return OkStatus();
    };
    RETURN_IF_ERROR(inner().Get(name, range, take, version_id));
    on_get(name, bytes);
    return sink(bytes);
  }
  Result<objects::ObjectInfo> Head(const std::string& name,
                                   const std::string& version_id) override {
    auto info = inner().Head(name, version_id);
    if (info.ok()) on_head(*info);
    return info;
  }
  Status List(const std::string& prefix, const std::string& after, const Visit& visit) override {
    before_list(prefix);
    return inner().List(prefix, after, [&](const objects::ObjectInfo& info) {
      return lists(info.name) ? visit(info) : OkStatus();
    });
  }
  Status Delete(const std::string& name, const std::string& version_id) override {
    if (!deletes(name)) return Error(Reason::kAccessDenied, "{} is not to be deleted", name);
    return inner().Delete(name, version_id);
  }
  Status SetLock(const std::string& name, const std::string& version_id,
                 const objects::Lock& lock) override {
    return locks_later ? inner().SetLock(name, version_id, lock) : OkStatus();
  }
  Status ListVersions(const std::string& prefix, const VisitVersion& visit) override {
    if (!tells_versions) return Error(Reason::kAccessDenied, "versions are not to be listed");
    return inner().ListVersions(prefix, visit);
  }
};

}  // namespace etcdrill::testing
