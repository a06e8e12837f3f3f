#include "sites/packing.h"

#include <utility>

#include "base/check.h"

namespace etcdrill::sites {
namespace {

// A block that does not compress is stored as it is, behind 3 bytes for at most 128 KiB; the rest
// is the frame's header and checksum (RFC 8878, 3.1.1). Small files have few blocks, too.
uint64_t ZstdSizeMax(uint64_t plain_size) {
  constexpr uint64_t kBlockBytes = 1024;  // the least that zstd takes for a whole window
  constexpr uint64_t kFrameBytes = 64;
  return plain_size + plain_size / kBlockBytes * 3 + kFrameBytes;
}

}  // namespace

uint64_t PackedSizeMax(const Encoding& encoding, uint64_t plain_size, uint64_t recipients) {
  const uint64_t size = encoding.zstd ? ZstdSizeMax(plain_size) : plain_size;
  return encoding.age ? AgeSealedSize(size, AgeHeaderSize(recipients)) : size;
}

Packer::Packer(const Encoding& encoding, uint64_t plain_size, std::vector<AgeRecipient> recipients,
               ByteSink sink)
    : sink_(std::move(sink)) {
  CHECK(!encoding.age || !recipients.empty());
  if (encoding.age) age_.emplace(std::move(recipients), sink_);
  if (!encoding.zstd) return;
  zstd_.emplace(plain_size, [this](std::string_view bytes) {
    return age_.has_value() ? age_->Append(bytes) : sink_(bytes);
  });
}

Status Packer::Append(std::string_view plain) {
  RETURN_IF_ERROR(failed_);
  if (zstd_.has_value()) return Step(zstd_->Append(plain));
  return Step(age_.has_value() ? age_->Append(plain) : sink_(plain));
}

Status Packer::Finish() {
  RETURN_IF_ERROR(failed_);
  if (zstd_.has_value()) RETURN_IF_ERROR(Step(zstd_->Finish()));
  return age_.has_value() ? Step(age_->Finish()) : OkStatus();
}

Status Packer::Step(const Status& done) {
  if (!done.ok()) failed_ = done;
  return done;
}

Unpacker::Unpacker(const Encoding& encoding, uint64_t plain_size_max,
                   std::vector<AgeIdentity> identities, ByteSink sink)
    : plain_size_max_(plain_size_max), left_(plain_size_max), sink_(std::move(sink)) {
  const ByteSink hand_out = [this](std::string_view plain) { return HandOut(plain); };
  if (encoding.zstd) zstd_.emplace(plain_size_max, hand_out);
  if (!encoding.age) return;
  age_.emplace(std::move(identities), [this](std::string_view bytes) {
    return zstd_.has_value() ? zstd_->Append(bytes) : HandOut(bytes);
  });
}

Status Unpacker::Append(std::string_view packed) {
  RETURN_IF_ERROR(failed_);
  if (age_.has_value()) return Step(age_->Append(packed));
  return Step(zstd_.has_value() ? zstd_->Append(packed) : HandOut(packed));
}

Status Unpacker::Finish() {
  RETURN_IF_ERROR(failed_);
  if (age_.has_value()) RETURN_IF_ERROR(Step(age_->Finish()));
  return zstd_.has_value() ? Step(zstd_->Finish()) : OkStatus();
}

Status Unpacker::HandOut(std::string_view plain) {
  if (plain.size() > left_)
    return Error(Reason::kDamaged, "it has more than {} bytes when unpacked", plain_size_max_);
  left_ -= plain.size();
  return plain.empty() ? OkStatus() : sink_(plain);
}

Status Unpacker::Step(const Status& done) {
  if (!done.ok()) failed_ = done;
  return done;
}

}  // namespace etcdrill::sites
