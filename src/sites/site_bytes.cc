// A listing is the site's word on each object, for one request in a thousand of them: it shows what
// is gone and what was written over. What it does not show as it was sealed is asked for by name,
// before anybody is alarmed: listings of some servers lag behind (Ceph multisite, Swift).
#include <algorithm>
#include <unordered_map>
#include <utility>

#include "sites/at_once.h"
#include "sites/layout.h"
#include "sites/site_reader.h"

namespace etcdrill::sites {
namespace {

// How many copies are asked for in a round, at up to three requests each. Listings that lag would
// cost as many requests as there are copies, each time. Only the first round asks for all in doubt,
// as of them nothing is known.
constexpr size_t kConfirmedAtOnce = 20;

using ListedBytes = std::unordered_map<std::string, ObjectMark>;  // by key

bool IsAsSealed(const ObjectMark& mark, const CopyRecord& record) {
  return mark.size == record.size_bytes &&
         (mark.etag.empty() || record.etag.empty() || mark.etag == record.etag);
}

Result<ListedBytes> ListBytes(objects::ObjectStore& site) {
  ListedBytes listed;
  RETURN_IF_ERROR(
      site.List(std::string(kSnapshotsFolder), "", [&](const objects::ObjectInfo& object) {
        if (ParseBytesKey(object.name).has_value())
          listed.emplace(object.name, ObjectMark::Of(object));
        return OkStatus();
      }));
  return listed;
}

}  // namespace

Result<SiteReader::Confirmed> SiteReader::Confirm(const CopyRecord& record) const {
  SeenBytes odd;
  if (!record.version_id.empty() && site_.properties().has_versions) {
    const auto sealed = site_.Head(record.key(), record.version_id);
    if (!sealed.ok() && !Is(sealed, Reason::kNotFound)) return sealed.status();
    odd.by_version = sealed.ok() && IsAsSealed(ObjectMark::Of(*sealed), record);
  }
  const auto there = site_.Head(record.key());
  if (!there.ok() && !Is(there, Reason::kNotFound)) return there.status();
  odd.listed = there.ok() ? std::optional(ObjectMark::Of(*there)) : std::nullopt;
  if (there.ok() && IsAsSealed(*odd.listed, record)) return Confirmed{};
  if (there.ok() || odd.by_version) return Confirmed{.odd = odd};
  const auto manifest = site_.Head(ManifestKey(record.copy));
  if (Is(manifest, Reason::kNotFound)) return Confirmed{.deleted = true, .odd = {}};
  RETURN_IF_ERROR(manifest.status());
  return Confirmed{.odd = odd};
}

// What was confirmed and looks as it did then is not asked for again: where all bytes are gone,
// that would be thousands of requests each time.
const SeenBytes* SiteReader::KnownOdd(const std::string& copy,
                                      const std::optional<ObjectMark>& listed) const {
  if (!state_.bytes.has_value()) return nullptr;
  const auto odd = state_.bytes->odd.find(copy);
  if (odd == state_.bytes->odd.end() || odd->second.by_version) return nullptr;
  const std::optional<ObjectMark>& before = odd->second.listed;
  if (before.has_value() != listed.has_value()) return nullptr;
  return !listed.has_value() || listed->IsSame(*before) ? &odd->second : nullptr;
}

// Leaves those for later rounds for which there is no turn now: they stay as they were known. Each
// has its turn, also where a listing goes on lagging.
void SiteReader::Postpone(std::vector<const CopyRecord*>& doubts, BytesListing& bytes) {
  if (!state_.bytes.has_value() || doubts.size() <= kConfirmedAtOnce) return;
  const auto next = std::ranges::upper_bound(doubts, last_confirmed_, {}, &CopyRecord::copy);
  std::rotate(doubts.begin(), next, doubts.end());
  for (size_t i = kConfirmedAtOnce; i < doubts.size(); ++i) {
    const std::string& copy = doubts[i]->copy;
    const auto before = state_.bytes->odd.find(copy);
    const bool was_odd = before != state_.bytes->odd.end();
    if (was_odd) bytes.odd.insert(*before);
    if (!was_odd || before->second.by_version) bytes.sizes[copy] = doubts[i]->size_bytes;
    bytes.in_doubt.insert(copy);
  }
  doubts.resize(kConfirmedAtOnce);
  last_confirmed_ = doubts.back()->copy;
}

Status SiteReader::CheckBytes(const Context& context) {
  ASSIGN_OR_RETURN(const ListedBytes listed, ListBytes(site_));
  BytesListing bytes;
  std::vector<const CopyRecord*> doubts;  // in the order of their names
  for (const auto& [copy, seen] : state_.manifests) {
    if (!seen.read.ok()) continue;
    const CopyRecord& record = seen.read->record;
    const auto at = listed.find(record.key());
    const auto mark = at == listed.end() ? std::nullopt : std::optional(at->second);
    bytes.sizes[copy] = mark.has_value() ? mark->size : 0;
    if (mark.has_value() && IsAsSealed(*mark, record)) continue;
    if (const SeenBytes* const known = KnownOdd(copy, mark)) {
      bytes.odd.emplace(copy, *known);
    } else {
      doubts.push_back(&record);
    }
  }
  for (const auto& [key, mark] : listed) {
    std::string copy = ParseBytesKey(key)->copy;
    if (!state_.manifests.contains(copy)) bytes.unsealed.push_back(std::move(copy));
  }
  Postpone(doubts, bytes);
  std::vector<Confirmed> confirmed(doubts.size());
  RETURN_IF_ERROR(ForEachAtOnce(context, doubts.size(), [&](size_t i) -> Status {
    ASSIGN_OR_RETURN(confirmed[i], Confirm(*doubts[i]));
    return OkStatus();
  }));
  for (size_t i = 0; i < doubts.size(); ++i) {
    const std::string copy = doubts[i]->copy;
    const std::optional<SeenBytes>& odd = confirmed[i].odd;
    const bool lies_there = !odd.has_value() || odd->by_version;
    if (lies_there && !confirmed[i].deleted) bytes.sizes[copy] = doubts[i]->size_bytes;
    if (odd.has_value()) bytes.odd.emplace(copy, *odd);
    if (!confirmed[i].deleted) continue;
    state_.manifests.erase(copy);
    has_left_ |= pinned_.erase(copy) == 0 && !forgotten_.contains(copy);
  }
  state_.bytes = std::move(bytes);
  return OkStatus();
}

}  // namespace etcdrill::sites
