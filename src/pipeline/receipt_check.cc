// "not_comparable" is an answer of its own, never a pass.
#include "pipeline/receipt_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "capture/receipt.h"
#include "verify/verify.h"

namespace etcdrill::pipeline {
namespace {

std::string CompareOne(const Context& context, const snapshot::Image& image, const store::Manifest& manifest,
                       const capture::ReceiptEntry& entry) {
  if (entry.revision != manifest.revision || entry.compact_revision < manifest.compact_revision)
    return "not_comparable";
  if (entry.compact_revision == manifest.compact_revision && entry.hash == manifest.hashkv) return "equal";
  // Only the file itself knows all that a member may answer.
  const auto hashkv = verify::HashKvOf(context, image, entry.revision, entry.compact_revision);
  if (!hashkv.ok()) return "not_comparable";
  switch (mvcc::Match(*hashkv, entry.hash)) {
    case mvcc::HashMatch::kEqual:
      return "equal";
    case mvcc::HashMatch::kDiffers:
      return "differs";
    case mvcc::HashMatch::kMayVary:
      return "not_comparable";
  }
  return "not_comparable";
}

}  // namespace

Status CompareWithMembers(const Context& context, const etcd::Client& client, const snapshot::Image& image,
                          store::Manifest& manifest) {
  for (const capture::ReceiptEntry& entry :
       capture::CollectReceipt(client, manifest.revision, manifest.compact_revision, manifest.size_bytes)) {
    store::ReceiptRecord& record = manifest.receipt.emplace_back();
    record.endpoint = entry.endpoint;
    record.error = entry.error;
    if (!entry.error.empty()) continue;
    record.member_id = fmt::format("{:x}", entry.member_id);
    record.hash = entry.hash;
    record.revision = entry.revision;
    record.compact_revision = entry.compact_revision;
    record.result = CompareOne(context, image, manifest, entry);
  }
  const Disagreement found = DisagreementOf(manifest);
  return found.of_majority ? OkStatus() : Error(Reason::kMembersDisagree, found.text);
}

Disagreement DisagreementOf(const store::Manifest& manifest) {
  std::set<std::string> equal;
  std::set<std::string> differ;
  for (const store::ReceiptRecord& record : manifest.receipt) {
    if (record.result == "equal") equal.insert(record.endpoint);
    if (record.result == "differs") differ.insert(record.endpoint);
  }
  if (differ.empty()) return {};
  Disagreement found;
  found.of_majority = equal.size() > differ.size();
  if (equal.size() != differ.size()) found.distrusted = found.of_majority ? differ : equal;
  found.text = fmt::format(
      "at revision {} the snapshot from {} and the live data of {} differ: one of the members is corrupt; compare them "
      "with `etcdctl endpoint hashkv --cluster` before you trust either",
      manifest.revision, manifest.endpoint, fmt::join(differ, ", "));
  return found;
}

}  // namespace etcdrill::pipeline
