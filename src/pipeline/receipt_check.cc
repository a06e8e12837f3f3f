#include "pipeline/receipt_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "capture/receipt.h"
#include "etcd/ids.h"
#include "etcd/roll_call.h"
#include "pipeline/store_lineage.h"
#include "verify/verify.h"

namespace etcdrill::pipeline {
namespace {

Comparison CompareHashes(const Context& context, const snapshot::Image& image,
                         const Manifest& manifest, const capture::ReceiptEntry& entry) {
  if (entry.revision != manifest.revision || entry.compact_revision < manifest.compact_revision)
    return Comparison::kNotComparable;
  if (entry.compact_revision == manifest.compact_revision && entry.hash == manifest.hashkv)
    return Comparison::kEqual;
  // Only the file itself knows all that a member may answer.
  const auto hashkv = verify::HashKvOf(context, image, entry.revision, entry.compact_revision);
  if (!hashkv.ok()) return Comparison::kNotComparable;
  switch (mvcc::Match(*hashkv, entry.hash)) {
    case mvcc::HashMatch::kEqual:
      return Comparison::kEqual;
    case mvcc::HashMatch::kDiffers:
      return Comparison::kDiffers;
    case mvcc::HashMatch::kMayVary:
      return Comparison::kNotComparable;
  }
  return Comparison::kNotComparable;
}

// Who a record is of. One of 0.1.0 always has an id where it has an answer.
std::string WhoOf(const ReceiptRecord& record) {
  return record.member_id.empty() ? record.endpoint : record.member_id;
}

std::string Describe(const ReceiptRecord& record, uint64_t keys_of_file) {
  if (!record.live_keys.has_value() || *record.live_keys == static_cast<int64_t>(keys_of_file))
    return record.endpoint;
  return fmt::format("{} (it counts {} keys, the snapshot has {})", record.endpoint,
                     *record.live_keys, keys_of_file);
}

struct Voices {
  std::set<std::string> equal;
  std::set<std::string> differ;
  std::set<std::string> all;
  bool of_outvoted = false;  // one that was outvoted holds the same
};

Voices VoicesOf(const Manifest& manifest) {
  Voices voices;
  for (const ReceiptRecord& record : manifest.receipt) {
    const std::string who = WhoOf(record);
    voices.all.insert(who);
    voices.of_outvoted |= record.outvoted && record.result == Comparison::kEqual;
    if (record.outvoted) continue;
    if (record.result == Comparison::kEqual) voices.equal.insert(who);
    if (record.result == Comparison::kDiffers) voices.differ.insert(who);
  }
  for (const std::string& who : voices.differ) voices.equal.erase(who);  // the worse answer counts
  return voices;
}

bool AnyDiffers(const Manifest& manifest) {
  return std::ranges::any_of(
      manifest.receipt, [](const ReceiptRecord& r) { return r.result == Comparison::kDiffers; });
}

// It is the copy of a member that most others differed from, as far as anybody says: behind the
// address of many, who was asked to be copied may be another one than who was.
bool IsOfOutvoted(const Manifest& manifest, const Voices& voices) {
  const bool source_answered = std::ranges::any_of(manifest.receipt, [&](const ReceiptRecord& r) {
    return !manifest.member_id.empty() && r.member_id == manifest.member_id && r.error.empty();
  });
  return voices.of_outvoted && voices.equal.empty() && !source_answered;
}

}  // namespace

Status CompareWithMembers(const Context& context, const etcd::Client& client,
                          const etcd::RollCall& roll, const MemberIds& ids,
                          const Outvoted& outvoted, const snapshot::Image& image,
                          Manifest& manifest) {
  const auto entries =
      capture::CollectReceipt(client, roll, manifest.revision, manifest.compact_revision);
  RETURN_IF_ERROR(context.CheckStop());
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
                        : CompareHashes(context, image, manifest, entry);
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
  const Voices voices = VoicesOf(manifest);
  if (manifest.adopted.has_value() && voices.equal.empty() && !voices.of_outvoted) {
    const std::string other = FindOtherHistory(client, roll, std::move(voters), manifest, ids);
    if (!other.empty()) {
      manifest.other_history = true;
      manifest.lineage = Diverged(other);
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

Disagreement DisagreementOf(const Manifest& manifest) {
  const Voices voices = VoicesOf(manifest);
  if (manifest.other_history) return {};
  if (IsOfOutvoted(manifest, voices)) {
    return {.of_majority = false,
            .text = fmt::format(
                "at revision {} {} holds what only a member holds that most others differed from: "
                "it is the copy of a corrupt member; see suspects.json in the store",
                manifest.revision,
                manifest.adopted.has_value() ? manifest.adopted->path : manifest.endpoint)};
  }
  if (!AnyDiffers(manifest)) return {};
  Disagreement found;
  found.of_majority = voices.differ.empty() || voices.equal.size() > voices.differ.size();
  std::vector<std::string> differ;
  for (const ReceiptRecord& record : manifest.receipt) {
    if (record.result == Comparison::kDiffers)
      differ.push_back(Describe(record, manifest.live_keys));
  }
  found.text = fmt::format(
      "at revision {} the snapshot from {} and the live data of {} differ: one of the members is "
      "corrupt; compare them with `etcdctl endpoint hashkv --cluster` before you trust either",
      manifest.revision, manifest.adopted.has_value() ? manifest.adopted->path : manifest.endpoint,
      fmt::join(differ, ", "));
  return found;
}

ReceiptCount CountReceipt(const Manifest& manifest) {
  const Voices voices = VoicesOf(manifest);
  return {voices.equal.size(), voices.all.size()};
}

std::optional<bool> MembersAgreed(const Manifest& manifest) {
  if (manifest.other_history) return std::nullopt;
  if (AnyDiffers(manifest)) return false;
  Voices voices = VoicesOf(manifest);
  if (voices.equal.empty()) return std::nullopt;
  if (!manifest.member_id.empty()) voices.equal.insert(manifest.member_id);
  return voices.equal.size() > 1 ? std::optional(true) : std::nullopt;
}

}  // namespace etcdrill::pipeline
