#include "crosscheck/receipt_check.h"

#include <algorithm>

#include "capture/receipt.h"
#include "crosscheck/hash_comparer.h"
#include "etcd/roll_call.h"
#include "proof/receipt_view.h"
#include "verify/lineage.h"

namespace etcdrill::crosscheck {
namespace {

Comparison CompareHashes(HashComparer& hashes, const capture::ReceiptEntry& entry) {
  const auto file = hashes.FileFor(
      {.hash = entry.hash, .revision = entry.revision, .compact_revision = entry.compact_revision});
  if (!file.ok() || !file->has_value()) return Comparison::kNotComparable;
  switch (mvcc::Match(**file, entry.hash)) {
    case mvcc::HashMatch::kEqual:
      return Comparison::kEqual;
    case mvcc::HashMatch::kDiffers:
      return Comparison::kDiffers;
    case mvcc::HashMatch::kMayVary:
      return Comparison::kNotComparable;
  }
  return Comparison::kNotComparable;
}

}  // namespace

Status CompareWithMembers(const Context& context, const etcd::Client& client,
                          const etcd::RollCall& roll, const MemberIds& ids,
                          const Outvoted& outvoted, const snapshot::Image& image,
                          Manifest& manifest) {
  const auto entries =
      capture::CollectReceipt(client, roll, manifest.revision, manifest.compact_revision);
  RETURN_IF_ERROR(context.CheckStop());
  HashComparer hashes(context, image,
                      {.hash = manifest.hashkv,
                       .revision = manifest.revision,
                       .compact_revision = manifest.compact_revision});
  std::vector<capture::ReceiptEntry> voters;
  for (const capture::ReceiptEntry& entry : entries) {
    ReceiptRecord& record = manifest.receipt.emplace_back();
    record.endpoint = entry.endpoint;
    record.error = entry.error;
    if (!entry.error.empty()) continue;
    record.member_id = etcd::IdText(entry.member_id);
    record.hash = entry.hash;
    record.revision = entry.revision;
    record.compact_revision = entry.compact_revision;
    record.live_keys = entry.live_keys;
    record.result = verify::CountsMore(entry.live_keys, manifest.live_keys)
                        ? Comparison::kDiffers
                        : CompareHashes(hashes, entry);
    // What it held before it differed counts.
    const auto differed = outvoted.find(entry.member_id);
    record.outvoted = differed != outvoted.end() && (record.result != Comparison::kEqual ||
                                                     manifest.revision >= differed->second);
    if (record.result != Comparison::kNotComparable && !record.outvoted) voters.push_back(entry);
    if (record.result == Comparison::kEqual && manifest.cluster_id.empty())
      manifest.cluster_id = etcd::IdText(*roll.cluster_id);
  }
  // Their own hashing may have been interrupted, too.
  RETURN_IF_ERROR(context.CheckStop());
  const ReceiptCount count = CountReceipt(manifest);
  if (manifest.adopted.has_value() && count.equal == 0 && !count.of_outvoted) {
    const std::string other = FindOtherHistory(client, roll, std::move(voters), manifest, ids);
    if (!other.empty()) {
      manifest.other_history = true;
      manifest.lineage = {.result = Continuity::kDiverged, .text = other};
    }
  }
  const Disagreement found = DisagreementOf(manifest);
  return found.of_majority ? OkStatus() : Error(Reason::kMembersDisagree, found.text);
}

bool IsKnownEqual(const Manifest& manifest, const capture::ReceiptEntry& entry) {
  if (!entry.error.empty() || entry.revision != manifest.revision) return false;
  if (entry.live_keys.has_value() && *entry.live_keys != static_cast<int64_t>(manifest.live_keys))
    return false;
  const auto is = [&](int64_t compact_revision, uint32_t hash) {
    return entry.compact_revision == compact_revision && entry.hash == hash;
  };
  return is(manifest.compact_revision, manifest.hashkv) ||
         std::ranges::any_of(manifest.receipt, [&](const ReceiptRecord& r) {
           return r.result == Comparison::kEqual && r.revision == manifest.revision &&
                  is(r.compact_revision, r.hash);
         });
}

}  // namespace etcdrill::crosscheck
