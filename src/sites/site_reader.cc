#include "sites/site_reader.h"

#include <algorithm>
#include <set>
#include <utility>

#include "crypto/hash.h"
#include "sites/at_once.h"
#include "sites/layout.h"

namespace etcdrill::sites {
namespace {

// What of ours has more is no record.
constexpr uint64_t kRecordBytesMax = uint64_t{16} << 20;

bool AreSameKeys(const std::vector<VerifyingKey>& a, const std::vector<VerifyingKey>& b) {
  return std::ranges::equal(a, b, {}, &VerifyingKey::Raw, &VerifyingKey::Raw);
}

// Nobody writes a name twice. Where it was written again all the same, the same bytes are a put
// whose answer was lost; else what was read first counts. But the site knows best which was first.
SeenManifest Following(const SeenManifest* before, SeenManifest now) {
  if (before != nullptr && !now.version_id.empty()) {
    now.rewritten = before->rewritten;
    return now;
  }
  if (before == nullptr || !before->read.ok() || before->sha256 == now.sha256) return now;
  SeenManifest first = *before;
  first.mark = now.mark;
  first.rewritten = true;
  return first;
}

// Whether a bit that flipped on the way may be all that is wrong with it.
bool MayHaveComeWrong(const SeenManifest& seen) {
  return seen.read.ok() ? !seen.read->trust.ok() : !seen.sha256.empty();
}

}  // namespace

bool IsOfOneObject(const Status& error) {
  return Is(error, Reason::kDamaged) || Is(error, Reason::kAccessDenied) ||
         Is(error, Reason::kUsage);
}

const CopyRecord* SiteState::Find(std::string_view copy) const {
  const auto at = manifests.find(copy);
  return at == manifests.end() || !at->second.read.ok() ? nullptr : &at->second.read->record;
}

// Manifests come first: what is listed later of a copy belongs to one that is known then.
Status SiteReader::ReadNew(const Context& context, const std::vector<VerifyingKey>& known) {
  if (!AreSameKeys(known, known_)) state_.manifests.clear();
  known_ = known;
  RETURN_IF_ERROR(ReadManifests(context));
  RETURN_IF_ERROR(ReadChecks(context));
  RETURN_IF_ERROR(ReadReports(context));
  return ListWriters();
}

// A range costs no Head first (objects/retry.h).
Result<std::string> SiteReader::Read(const Wanted& wanted) const {
  if (wanted.size > kRecordBytesMax)
    return Error(Reason::kDamaged, "{} of {} has {} bytes, which no record has", wanted.name,
                 site_.address(), wanted.size);
  std::string text;
  const auto append = [&](std::string_view bytes) {
    text += bytes;
    return OkStatus();
  };
  RETURN_IF_ERROR(site_.Get(wanted.name, {.size = wanted.size}, append, wanted.version_id));
  return text;
}

// What is wrong with a manifest stands for as long as its etag is the same. So one answer is not
// enough to say so.
Result<SeenManifest> SiteReader::ReadManifest(const std::string& copy,
                                              const ObjectMark& mark) const {
  ASSIGN_OR_RETURN(SeenManifest seen, ReadManifestOnce(copy, mark));
  if (!MayHaveComeWrong(seen)) return seen;
  return ReadManifestOnce(copy, mark);
}

Result<SeenManifest> SiteReader::ReadManifestOnce(const std::string& copy,
                                                  const ObjectMark& mark) const {
  Wanted wanted{.name = ManifestKey(copy), .size = mark.size};
  if (const auto pinned = pinned_.find(copy); pinned != pinned_.end()) {
    wanted.size = pinned->second.size;
    wanted.version_id = pinned->second.version_id;
  }
  const auto text = Read(wanted);
  if (text.ok())
    return SeenManifest{.mark = mark,
                        .read = ParseCopyRecord(*text, copy, known_),
                        .sha256 = Sha256Of(*text),
                        .version_id = wanted.version_id};
  if (!IsOfOneObject(text.status())) return text.status();
  return SeenManifest{
      .mark = mark, .read = text.status(), .sha256 = "", .version_id = wanted.version_id};
}

Status SiteReader::ReadManifests(const Context& context) {
  std::set<std::string, std::less<>> there;
  Marks wanted;
  const auto visit = [&](const objects::ObjectInfo& object) {
    auto copy = CopyOfManifestKey(object.name);
    if (!copy.has_value()) return OkStatus();
    const auto seen = state_.manifests.find(*copy);
    const ObjectMark mark = ObjectMark::Of(object);
    if (seen == state_.manifests.end() || !seen->second.mark.IsSame(mark) ||
        !IsSettled(seen->second.read))
      wanted.emplace_back(*copy, mark);
    there.insert(*std::move(copy));
    return OkStatus();
  };
  RETURN_IF_ERROR(site_.List(std::string(kManifestsFolder), "", visit));
  for (const auto& [copy, version] : pinned_) {
    if (!there.insert(copy).second) continue;
    const auto seen = state_.manifests.find(copy);
    if (seen == state_.manifests.end() || !IsSettled(seen->second.read))
      wanted.emplace_back(copy, ObjectMark::Of(version));
  }
  std::erase_if(state_.manifests, [&](const auto& seen) {
    if (there.contains(seen.first)) return false;
    has_left_ |= !forgotten_.contains(seen.first);
    return true;
  });
  return ReadManifests(context, wanted);
}

Status SiteReader::ReadManifests(const Context& context, const Marks& wanted) {
  std::vector<std::optional<SeenManifest>> read(wanted.size());
  const Status all = ForEachAtOnce(context, wanted.size(), [&](size_t i) {
    auto seen = ReadManifest(wanted[i].first, wanted[i].second);
    if (seen.ok()) read[i] = *std::move(seen);
    return Is(seen, Reason::kNotFound) ? OkStatus() : seen.status();  // retention was faster
  });
  // Also after an error: the next round need not ask for these again.
  for (size_t i = 0; i < wanted.size(); ++i) {
    const auto before = state_.manifests.find(wanted[i].first);
    const bool known = before != state_.manifests.end();
    if (!read[i].has_value()) continue;
    SeenManifest now = Following(known ? &before->second : nullptr, *std::move(read[i]));
    state_.manifests.insert_or_assign(wanted[i].first, std::move(now));
  }
  return all;
}

Status SiteReader::Pin(const Context& context,
                       std::map<std::string, objects::ObjectInfo> versions) {
  std::erase_if(versions, [&](const auto& one) { return forgotten_.contains(one.first); });
  pinned_ = std::move(versions);
  Marks wanted;
  for (const auto& [copy, version] : pinned_) {
    const auto seen = state_.manifests.find(copy);
    const bool is_seen = seen != state_.manifests.end();
    if (!is_seen || seen->second.version_id != version.version_id || !IsSettled(seen->second.read))
      wanted.emplace_back(copy, is_seen ? seen->second.mark : ObjectMark::Of(version));
  }
  return ReadManifests(context, wanted);
}

void SiteReader::Forget(const std::string& copy) {
  pinned_.erase(copy);
  forgotten_.insert(copy);
}

Status SiteReader::ReadChecks(const Context& context) {
  struct New {
    ByWriter of;
    Wanted wanted;
    SeenChecks* seen;
  };
  decltype(state_.checks) checks;
  std::vector<New> wanted;
  const auto visit = [&](const objects::ObjectInfo& object) {
    const auto of = ParseChecksKey(object.name);
    if (!of.has_value() || !state_.manifests.contains(of->what)) return OkStatus();
    const ObjectMark mark = ObjectMark::Of(object);
    const auto copy = state_.checks.find(of->what);
    if (copy != state_.checks.end()) {
      const auto seen = copy->second.find(of->writer);
      if (seen != copy->second.end() && seen->second.mark.IsSame(mark) &&
          IsSettled(seen->second.read)) {
        checks[of->what].insert(*seen);
        return OkStatus();
      }
    }
    SeenChecks& seen = checks[of->what][of->writer] = {.mark = mark, .read = Checks{}};
    wanted.push_back({*of, {.name = object.name, .size = object.size}, &seen});
    return OkStatus();
  };
  RETURN_IF_ERROR(site_.List(std::string(kChecksFolder), "", visit));
  RETURN_IF_ERROR(ForEachAtOnce(context, wanted.size(), [&](size_t i) {
    const auto text = Read(wanted[i].wanted);
    wanted[i].seen->read = text.ok() ? ParseChecks(*text) : text.status();
    const bool goes_on = text.ok() || Is(text, Reason::kNotFound) || IsOfOneObject(text.status());
    return goes_on ? OkStatus() : text.status();
  }));
  for (const New& one : wanted) {
    if (Is(one.seen->read, Reason::kNotFound)) checks[one.of.what].erase(one.of.writer);
  }
  state_.checks = std::move(checks);
  return OkStatus();
}

Status SiteReader::ListWriters() {
  std::vector<Writer> writers;
  RETURN_IF_ERROR(
      site_.List(std::string(kWritersFolder), "", [&](const objects::ObjectInfo& object) {
        auto name = WriterOfKey(object.name);
        if (name.has_value())
          writers.push_back({.name = *std::move(name), .last_seen = object.modified});
        return OkStatus();
      }));
  state_.writers = std::move(writers);
  return OkStatus();
}

}  // namespace etcdrill::sites
