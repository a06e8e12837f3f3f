// One that was outvoted has no voice, but is named.
#include "proof/receipt_view.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

namespace etcdrill {
namespace {

// Who a record is of. One of 0.1.0 always has an id where it has an answer.
std::string WhoOf(const ReceiptRecord& record) {
  return record.member_id.empty() ? record.endpoint : record.member_id;
}

std::string Describe(const ReceiptRecord& record, uint64_t keys_of_file) {
  if (!record.live_keys.has_value() || *record.live_keys == static_cast<int64_t>(keys_of_file))
    return record.endpoint;
  return fmt::format("{} ({} keys, the snapshot has {})", record.endpoint, *record.live_keys,
                     keys_of_file);
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

Sides SidesOf(const Manifest& manifest) {
  std::map<Comparison, Side> groups;
  std::set<std::string> told;
  for (const ReceiptRecord& record : manifest.receipt) {
    if (record.result != Comparison::kEqual && record.result != Comparison::kDiffers) continue;
    groups[record.result].push_back({record.member_id, record.endpoint});
    told.insert(record.member_id);
  }
  // What was copied is what that member held, whatever it answers now.
  if (!manifest.member_id.empty() && told.insert(manifest.member_id).second) {
    groups[Comparison::kEqual].push_back({manifest.member_id, manifest.endpoint});
  }
  if (manifest.other_history || !groups.contains(Comparison::kEqual)) return {};
  return ToSides(std::move(groups));
}

Disagreement DisagreementOf(const Manifest& manifest) {
  const Voices voices = VoicesOf(manifest);
  if (manifest.other_history) return {};
  if (IsOfOutvoted(manifest, voices)) {
    return {.of_majority = false,
            .text = fmt::format(
                "at revision {} {} has the data of a member that differed from most others: it is "
                "a copy of a corrupt member. See suspects.json in the store",
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
      "corrupt. Compare them with `etcdctl endpoint hashkv --cluster` before you trust either",
      manifest.revision, manifest.adopted.has_value() ? manifest.adopted->path : manifest.endpoint,
      fmt::join(differ, ", "));
  return found;
}

ReceiptCount CountReceipt(const Manifest& manifest) {
  const Voices voices = VoicesOf(manifest);
  return {voices.equal.size(), voices.all.size(), voices.of_outvoted};
}

std::optional<bool> MembersAgreed(const Manifest& manifest) {
  if (manifest.other_history) return std::nullopt;
  if (AnyDiffers(manifest)) return false;
  Voices voices = VoicesOf(manifest);
  if (voices.equal.empty()) return std::nullopt;
  if (!manifest.member_id.empty()) voices.equal.insert(manifest.member_id);
  return voices.equal.size() > 1 ? std::optional(true) : std::nullopt;
}

}  // namespace etcdrill
