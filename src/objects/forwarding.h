// What a store around another one starts from: all is passed on. Retry, metering and the limit of
// bandwidth override what they change, so that a backend knows only its protocol.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "objects/object_store.h"

namespace etcdrill::objects {

inline const Status& StatusOf(const Status& status [[clang::lifetimebound]]) { return status; }
template <typename T>
const Status& StatusOf(const Result<T>& result [[clang::lifetimebound]]) {
  return result.status();
}

class ForwardingObjects : public ObjectStore {
 public:
  explicit ForwardingObjects(std::unique_ptr<ObjectStore> inner) : inner_(std::move(inner)) {}

  Result<std::unique_ptr<ObjectWriter>> Create(const std::string& name,
                                               const PutOptions& options) override {
    return inner_->Create(name, options);
  }
  Status Get(const std::string& name, const ByteRange& range, const ByteSink& sink,
             const std::string& version_id) override {
    return inner_->Get(name, range, sink, version_id);
  }
  Result<ObjectInfo> Head(const std::string& name, const std::string& version_id) override {
    return inner_->Head(name, version_id);
  }
  Status List(const std::string& prefix, const std::string& after, const Visit& visit) override {
    return inner_->List(prefix, after, visit);
  }
  Status Delete(const std::string& name, const std::string& version_id) override {
    return inner_->Delete(name, version_id);
  }
  Status SetLock(const std::string& name, const std::string& version_id,
                 const Lock& lock) override {
    return inner_->SetLock(name, version_id, lock);
  }
  Status ListVersions(const std::string& prefix, const VisitVersion& visit) override {
    return inner_->ListVersions(prefix, visit);
  }
  Result<size_t> Sweep(const std::string& prefix, WallTime before) override {
    return inner_->Sweep(prefix, before);
  }
  Properties properties() const override { return inner_->properties(); }
  const std::string& address() const [[clang::lifetimebound]] override { return inner_->address(); }

 protected:
  ObjectStore& inner() { return *inner_; }

 private:
  const std::unique_ptr<ObjectStore> inner_;
};

}  // namespace etcdrill::objects
