// Each step is asked for: after Finish the site says by Head what it has, and only that counts. So
// a lost answer is no failure, and a promise that was not kept is none that we pass on.
#include "sites/seal_copy.h"

#include <fmt/format.h>

#include <chrono>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "objects/retry.h"
#include "objects/whole.h"
#include "sites/delete_object.h"
#include "sites/lock_object.h"
#include "sites/packing.h"
#include "sites/records.h"

namespace etcdrill::sites {
namespace {

using objects::Lock;
using objects::ObjectInfo;
using objects::ObjectStore;
using objects::PutOptions;

constexpr int kSealTries = 3;
// Letters only, because not all stores take a hyphen. objects/s3 has a nonce of its own, under
// another name: it tells of one request, this one of a copy.
constexpr const char* kNonceField = "nonce";

// Sites know whole seconds, and the lock must not end before what was asked for.
std::optional<Lock> InWholeSeconds(std::optional<Lock> lock) {
  if (lock.has_value()) lock->until = std::chrono::ceil<std::chrono::seconds>(lock->until);
  return lock;
}

// One try, under names of its own.
class SealTry {
 public:
  SealTry(const Context& context, ObjectStore& site, const SealCopyRequest& request);

  Status Run();
  // Deletes what it wrote. Bytes stay as long as their manifest may be there.
  Status Discard();
  const CopyRecord& record() const { return record_; }

 private:
  Status PutBytes();
  Status Pack(const ReadableFile& file, objects::ObjectWriter& writer);
  Status FinishBytes(objects::ObjectWriter& writer);
  bool IsOurs(const ObjectInfo& there) const;
  Status NotOurs(const ObjectInfo& there) const;
  Status PutManifest();
  Status CheckBytesStillThere();
  Status CompareManifest(const std::string& text);
  Status LockManifest();
  Status NotAsInManifest(std::string_view what) const;

  const Context& context_;
  ObjectStore& site_;
  const SealCopyRequest& request_;
  const std::optional<Lock> lock_;  // that is wanted
  CopyRecord record_;
  bool has_put_bytes_ = false;  // or may have
  bool has_put_manifest_ = false;
};

SealTry::SealTry(const Context& context, ObjectStore& site, const SealCopyRequest& request)
    : context_(context), site_(site), request_(request), lock_(InWholeSeconds(request.lock)) {
  Random& random = context.random;
  record_.manifest = request.manifest;
  record_.copy = CopyName(request.manifest.name, static_cast<uint32_t>(random.Next()));
  record_.encoding = request.encoding;
  record_.nonce = fmt::format("{:016x}{:016x}", random.Next(), random.Next());
  if (request.encoding.age) {
    for (const AgeRecipient& recipient : request.recipients)
      record_.recipients.push_back(recipient.Text());
  }
  record_.writer = request.writer;
  record_.last_drill = request.last_drill;
}

Status SealTry::Run() {
  RETURN_IF_ERROR(context_.CheckStop());
  RETURN_IF_ERROR(
      MarkSite(site_, request_.manifest.cluster, context_.random, context_.clock.Now()));
  RETURN_IF_ERROR(PutBytes());
  RETURN_IF_ERROR(context_.CheckStop());
  return PutManifest();
}

Status SealTry::NotAsInManifest(std::string_view what) const {
  return Error(Reason::kDamaged,
               "copy {} to {}: the file has {}; it was changed or has decayed since it was sealed, "
               "and is not copied: verify it",
               request_.path, site_.address(), what);
}

Status SealTry::PutBytes() {
  ASSIGN_OR_RETURN(const auto file, context_.fs.OpenForReading(request_.path));
  const Manifest& manifest = request_.manifest;
  if (file->Size() != manifest.size_bytes) {
    return NotAsInManifest(
        fmt::format("{} bytes, and its manifest says {}", file->Size(), manifest.size_bytes));
  }
  const PutOptions options = {.metadata = {{kNonceField, record_.nonce}},
                              .lock = lock_,
                              .size_max = PackedSizeMax(request_.encoding, manifest.size_bytes,
                                                        request_.recipients.size())};
  ASSIGN_OR_RETURN(const auto writer, site_.Create(record_.key(), options));
  RETURN_IF_ERROR(Pack(*file, *writer));
  return FinishBytes(*writer);
}

Status SealTry::Pack(const ReadableFile& file, objects::ObjectWriter& writer) {
  const Manifest& manifest = request_.manifest;
  Sha256 plain_sum;
  Sha256 packed_sum;
  uint64_t read = 0;
  Packer packer(request_.encoding, manifest.size_bytes, request_.recipients,
                [&](std::string_view packed) {
                  packed_sum.Update(packed);
                  record_.size_bytes += packed.size();
                  return writer.Append(packed);
                });
  const auto take = [&](std::string_view plain) -> Status {
    RETURN_IF_ERROR(context_.CheckStop());
    plain_sum.Update(plain);
    RETURN_IF_ERROR(packer.Append(plain));
    read += plain.size();
    request_.on_progress(read, manifest.size_bytes);
    return OkStatus();
  };
  RETURN_IF_ERROR(ReadPieces(file, 0, manifest.size_bytes, take));
  RETURN_IF_ERROR(packer.Finish());
  record_.sha256 = Hex(packed_sum.Finish());
  const std::string sha256 = Hex(plain_sum.Finish());
  if (sha256 == manifest.sha256) return OkStatus();
  return NotAsInManifest(
      fmt::format("the SHA-256 {}, and its manifest says {}", sha256, manifest.sha256));
}

Status SealTry::FinishBytes(objects::ObjectWriter& writer) {
  has_put_bytes_ = true;
  const auto finished = writer.Finish();
  const auto there = site_.Head(record_.key(), finished.ok() ? finished->version_id : "");
  if (!finished.ok() && !(there.ok() && IsOurs(*there))) return finished.status();
  if (!there.ok()) return NotThere(there.status());
  if (!IsOurs(*there)) return NotOurs(*there);
  record_.etag = there->etag;
  record_.version_id = there->version_id;
  record_.lock = there->lock;  // that of the bucket, where none is asked for
  if (!lock_.has_value()) return OkStatus();
  ASSIGN_OR_RETURN(record_.lock, ConfirmLock(site_, *there, *lock_));
  return OkStatus();
}

// A site that keeps no metadata at all, as some rclone remotes, can't tell the nonce. Then the name
// must do, which has random digits and which nobody else was told. Metadata of somebody else are
// somebody else's object.
bool SealTry::IsOurs(const ObjectInfo& there) const {
  if (there.size != record_.size_bytes) return false;
  const auto nonce = there.metadata.find(kNonceField);
  return nonce != there.metadata.end() ? nonce->second == record_.nonce : there.metadata.empty();
}

Status SealTry::NotOurs(const ObjectInfo& there) const {
  if (there.size != record_.size_bytes) {
    return Error(Reason::kIoError, "copy to {}: {} bytes were uploaded as {}, and the site has {}",
                 site_.address(), record_.size_bytes, record_.key(), there.size);
  }
  return Error(Reason::kIoError,
               "copy to {}: the site has an object of another upload under {}: look who else "
               "writes there",
               site_.address(), record_.key());
}

Status SealTry::PutManifest() {
  const std::string text = CopyRecordJson(record_, request_.key);
  const std::string key = ManifestKey(record_.copy);
  has_put_manifest_ = true;
  const Status put = objects::PutBytes(site_, key, text).status();
  const auto there = site_.Head(key);
  if (!there.ok()) return put.ok() ? NotThere(there.status()) : put;
  if (there->size == text.size()) {
    RETURN_IF_ERROR(CompareManifest(text));
    RETURN_IF_ERROR(CheckBytesStillThere());
    return LockManifest();
  }
  return Error(Reason::kIoError, "copy to {}: {} bytes were uploaded as {}, and the site has {}",
               site_.address(), text.size(), key, there->size);
}

// Without a manifest they were nobody's: a sweep with a clock that is ahead may have taken them.
// Before the manifest is locked, so that it can be taken back.
Status SealTry::CheckBytesStillThere() {
  const auto there = site_.Head(record_.key(), record_.version_id);
  if (!there.ok()) return NotThere(there.status());
  return IsOurs(*there) ? OkStatus() : NotOurs(*there);
}

Status SealTry::CompareManifest(const std::string& text) {
  const std::string key = ManifestKey(record_.copy);
  const auto read = objects::GetBytes(site_, key, text.size());
  if (!read.ok()) return NotThere(read.status());
  if (*read == text) return OkStatus();
  return Error(Reason::kIoError, "copy to {}: {} does not come back as it was uploaded",
               site_.address(), key);
}

// Without its manifest a copy is none: so that is locked for as long as the bytes. It comes last,
// as what is locked can't be taken back; and a lost answer is asked for once.
Status SealTry::LockManifest() {
  if (!lock_.has_value()) return OkStatus();
  Status locked;
  for (int tries = 0; tries < 2; ++tries) {
    const auto there = site_.Head(ManifestKey(record_.copy));
    locked = there.ok() ? ConfirmLock(site_, *there, *lock_).status() : NotThere(there.status());
    if (locked.ok() || !objects::MayPass(ReasonOf(locked))) break;
  }
  return locked;
}

Status SealTry::Discard() {
  if (has_put_manifest_) RETURN_IF_ERROR(DeleteWholly(site_, ManifestKey(record_.copy)));
  if (!has_put_bytes_) return OkStatus();
  return DeleteWholly(site_, record_.key(), record_.version_id);
}

// Only what a lock keeps there is worth a word: all else goes with the next sweep.
Status WithWhatStays(const Status& failure, const Status& discarded, const std::string& key) {
  if (!Is(discarded, Reason::kAccessDenied)) return failure;
  Status told = Error(ReasonOf(failure), "{}; {} stays there, though it is no copy: {}",
                      MessageOf(failure), key, MessageOf(discarded));
  const auto after = RetryAfterOf(failure);
  return after.has_value() ? WithRetryAfter(std::move(told), *after) : told;
}

}  // namespace

Result<CopyRecord> SealCopy(const Context& context, ObjectStore& site,
                            const SealCopyRequest& request) {
  if (request.encoding.age && request.recipients.empty()) {
    return Error(Reason::kUsage, "copy {} to {}: nobody is named who can decrypt it",
                 request.manifest.name, site.address());
  }
  objects::Backoff backoff(context, {});
  for (int tries = 1;; ++tries) {
    SealTry seal(context, site, request);
    const Status done = seal.Run();
    if (done.ok()) return seal.record();
    const Status failure = WithWhatStays(done, seal.Discard(), seal.record().key());
    if (tries == kSealTries) return failure;
    RETURN_IF_ERROR(backoff.Wait(failure));
  }
}

}  // namespace etcdrill::sites
