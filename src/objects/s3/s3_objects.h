// Named bytes in a bucket of an S3-compatible store (docs/dev/adr/0027-sites.md): Amazon's, Ceph's,
// versitygw and others. What each of them leaves out of what it was told, nobody knows before it
// was asked; so nothing here relies on a condition, a lock or a checksum that was only sent.
#pragma once

#include <memory>
#include <string>

#include "io/context.h"
#include "io/http_client.h"
#include "objects/object_store.h"
#include "objects/s3/address.h"
#include "objects/s3/credentials.h"
#include "objects/s3/requester.h"

namespace etcdrill::objects {

class S3Objects final : public ObjectStore {
 public:
  // No request is made. kUsage if the options can't be used. `http`, `credentials` and the seams of
  // `context` must outlive it.
  static Result<std::unique_ptr<S3Objects>> Make(const Context& context, HttpClient& http,
                                                 CredentialsProvider& credentials,
                                                 const S3Options& options);
  S3Objects(const Context& context, HttpClient& http, CredentialsProvider& credentials,
            const S3Options& options, const S3Address& address);

  Result<std::unique_ptr<ObjectWriter>> Create(const std::string& name,
                                               const PutOptions& options) override;
  Status Get(const std::string& name, const ByteRange& range, const ByteSink& sink,
             const std::string& version_id) override;
  Result<ObjectInfo> Head(const std::string& name, const std::string& version_id) override;
  Status List(const std::string& prefix, const std::string& after, const Visit& visit) override;
  Status Delete(const std::string& name, const std::string& version_id) override;
  Status SetLock(const std::string& name, const std::string& version_id, const Lock& lock) override;
  Status ListVersions(const std::string& prefix, const VisitVersion& visit) override;
  Result<size_t> Sweep(const std::string& prefix, WallTime before) override;

  // What S3 has; whether this bucket does, `check store` finds out.
  Properties properties() const override { return {.has_locks = true, .has_versions = true}; }
  const std::string& address() const override { return name_; }

  S3Learned learned() const { return requester_.learned(); }

 private:
  std::string KeyOf(const std::string& name) const { return prefix_ + name; }
  std::string NameOfKey(const std::string& key) const { return key.substr(prefix_.size()); }

  const std::string prefix_;  // empty, or with a slash at its end
  const std::string name_;    // s3://BUCKET/PREFIX
  Requester requester_;
};

}  // namespace etcdrill::objects
