// Objects wherever the rclone program reaches: Azure, GCS, SFTP, WebDAV and the rest. Each call is
// a process of its own. What was measured of rclone 1.75 decides how it is used:
//
// - `rcat` publishes a stream that was cut as a whole object, with exit code 0. So what is written
//   is spooled to a file first, and `copyto` uploads that; it checks size and hash.
// - `cat` of an object that is not there may print nothing, with exit code 0. So bytes are counted.
// - `lsjson --stat` makes a directory of an object that is not there. So the folder is listed.
// - `copyto --immutable` overwrites all the same: no name must ever be written twice.
// - `copyto` makes a bucket that is missing. So the remote's path must be there before.
//
// There are no locks and no versions. The etag is size and time: a hash would make rclone read the
// bytes where the provider keeps none. Metadata is kept where the provider has some, and dropped
// elsewhere.
#pragma once

#include <memory>
#include <string>

#include "objects/object_store.h"
#include "objects/rclone_program.h"

namespace etcdrill::objects {

// Must outlive its writers. What a writer was given lies in the scratch directory until it goes.
class RcloneObjects final : public ObjectStore {
 public:
  // Asks rclone for its version, not the remote for anything. Errors as RcloneProgram::Open.
  static Result<std::unique_ptr<RcloneObjects>> Open(const Context& context, RcloneOptions options);

  // kBucketMissing if the remote's path is not there.
  Result<std::unique_ptr<ObjectWriter>> Create(const std::string& name,
                                               const PutOptions& options) override;
  Status Get(const std::string& name, const ByteRange& range, const ByteSink& sink,
             const std::string& version_id) override;
  Result<ObjectInfo> Head(const std::string& name, const std::string& version_id) override;
  // The names are collected and sorted first: some 200 bytes of memory for each.
  Status List(const std::string& prefix, const std::string& after, const Visit& visit) override;
  Status Delete(const std::string& name, const std::string& version_id) override;
  Status SetLock(const std::string& name, const std::string& version_id, const Lock& lock) override;
  Status ListVersions(const std::string& prefix, const VisitVersion& visit) override;
  // What a killed rclone leaves in directories: NAME.RANDOM.partial.
  Result<size_t> Sweep(const std::string& prefix, WallTime before) override;
  Properties properties() const override { return {}; }
  const std::string& address() const override { return program_.options().remote; }

 private:
  class Writer;
  RcloneObjects(const Context& context, RcloneProgram program)
      : context_(context), program_(std::move(program)) {}

  std::string PathOf(std::string_view name) const;
  Result<ObjectInfo> Find(const std::string& name) const;
  Status CheckRoot() const;
  Status Remove(const std::string& name) const;
  // Calls `visit` for each file of a folder ("" is the remote's path), in no order, and for those
  // below it if `recurses`. A folder that is not there has none. There must be a `filter` (options
  // of rclone): only with one, a file of the folder's name is not taken for what is in it.
  Status ListFolder(const std::string& folder, bool recurses,
                    const std::vector<std::string>& filter, const Visit& visit) const;
  Status Upload(const std::string& file, const std::string& name, const PutOptions& options,
                uint64_t size) const;

  const Context context_;
  const RcloneProgram program_;
};

}  // namespace etcdrill::objects
