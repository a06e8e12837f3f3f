// Whether what is put comes back: the same bytes, the size and the metadata that were told, in a
// listing, by a clock that can be trusted.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/units.h"
#include "crypto/hash.h"
#include "sites/store_probe.h"

namespace etcdrill::sites {
namespace {

using namespace std::chrono_literals;
using objects::ByteRange;
using objects::Lock;
using objects::ObjectInfo;
using objects::ObjectStore;

constexpr uint64_t kPieceBytes = uint64_t{1} << 20;
constexpr ByteRange kMiddle = {.offset = 30'001, .size = 20'003};
constexpr int kListTries = 10;
constexpr Duration kListPause = 1s;
constexpr Duration kClocksMayDiffer = 1min;
constexpr const char* kMetadataName = "probe";  // letters only: objects/names.h

// The content of every probe: numbered lines, so that no two pieces are equal.
constexpr uint64_t kLineBytes = 16;
std::string ProbeBytes(uint64_t offset, uint64_t size) {
  std::string lines;
  for (uint64_t line = offset / kLineBytes; lines.size() < size + kLineBytes; ++line)
    lines += fmt::format("{:015x}\n", line);
  return lines.substr(offset % kLineBytes, size);
}

// OK if these bytes of a probe come, and no others.
Status CheckProbeBytes(ObjectStore& objects, const std::string& name, const ByteRange& range) {
  const uint64_t wanted = range.size.value_or(0);
  uint64_t came = 0;
  bool same = true;
  RETURN_IF_ERROR(objects.Get(name, range, [&](std::string_view bytes) {
    same = same && bytes == ProbeBytes(range.offset + came, bytes.size());
    came += bytes.size();
    return OkStatus();
  }));
  if (same && came == wanted) return OkStatus();
  return Error(Reason::kIoError, "{} in {}: {} bytes came that are not the {} that were put there",
               name, objects.address(), came, wanted);
}

}  // namespace

Result<ObjectInfo> StoreProbe::Put(ObjectStore& objects, const std::string& name, uint64_t size,
                                   const std::optional<Lock>& lock) {
  Probe& probe = put_.emplace_back(Probe{name, ""});
  ASSIGN_OR_RETURN(const auto writer, objects.Create(name, {.metadata = {{kMetadataName, prefix_}},
                                                            .lock = lock,
                                                            .size_max = size}));
  for (uint64_t at = 0; at < size; at += kPieceBytes)
    RETURN_IF_ERROR(writer->Append(ProbeBytes(at, std::min(kPieceBytes, size - at))));
  ASSIGN_OR_RETURN(ObjectInfo info, writer->Finish());
  probe.version_id = info.version_id;
  return info;
}

StoreProbe::Answer StoreProbe::AskList() {
  const Status listed =
      objects_.List(std::string(kProbeFolder), "", [](const ObjectInfo&) { return OkStatus(); });
  if (listed.ok()) return {ProbeResult::kYes, fmt::format("{} can be listed", objects_.address())};
  Answer answer = Fatal(listed);
  if (!Is(listed, Reason::kAccessDenied)) blocked_by_ = "list";
  if (Is(listed, Reason::kAccessDenied))
    answer.advice = "grant the right to list: without it nobody knows which copies are there";
  return answer;
}

StoreProbe::Answer StoreProbe::AskPut() {
  before_put_ = context_.clock.Now();
  const auto put = Put(objects_, Name("small"), kSmallBytes);
  after_put_ = context_.clock.Now();
  if (put.ok()) return {ProbeResult::kYes, FormatSize(kSmallBytes) + " were put"};
  blocked_by_ = "put";
  return Fatal(put.status());
}

StoreProbe::Answer StoreProbe::AskReadBack() {
  const Status read = CheckProbeBytes(objects_, Name("small"), {.offset = 0, .size = kSmallBytes});
  return read.ok() ? Answer{ProbeResult::kYes, "the same bytes came back"} : Fatal(read);
}

StoreProbe::Answer StoreProbe::AskHead() {
  const auto head = objects_.Head(Name("small"));
  if (!head.ok()) return Fatal(head.status());
  small_ = *head;
  if (head->size == kSmallBytes) return {ProbeResult::kYes, "it tells the size that was put"};
  return Fatal(Error(Reason::kIoError, "{} in {}: {} bytes were put, and HEAD tells {}", head->name,
                     objects_.address(), kSmallBytes, head->size));
}

StoreProbe::Answer StoreProbe::AskMetadata() {
  if (!small_.has_value()) return {.text = "not asked, because head failed"};
  const auto kept = small_->metadata.find(kMetadataName);
  if (kept != small_->metadata.end() && kept->second == prefix_)
    return {ProbeResult::kYes, "it is kept as it was put"};
  return {ProbeResult::kNo, "the store dropped or changed it",
          "an upload whose answer is lost can't be recognised, and makes one more copy"};
}

StoreProbe::Answer StoreProbe::AskRange() {
  const Status read = CheckProbeBytes(objects_, Name("small"), kMiddle);
  if (read.ok()) return {ProbeResult::kYes, "the bytes that were asked for came"};
  if (!Is(read, Reason::kIoError)) return Failed(read);
  return {ProbeResult::kNo, std::string(MessageOf(read)),
          "a fetch that breaks off fails, because it can't go on where it was"};
}

StoreProbe::Answer StoreProbe::AskListAfterPut() {
  const Stopwatch watch(context_.clock);
  for (int tries = 1;; ++tries) {
    auto listed = ListProbes();
    if (!listed.ok()) return Failed(listed.status());
    listed_ = *std::move(listed);
    if (listed_.contains(Name("small"))) break;
    if (tries == kListTries) {
      return Fatal(Error(Reason::kIoError,
                         "{}: the listing does not show what was put {} ago; copies would be made "
                         "again and again",
                         objects_.address(), FormatDuration(watch.Elapsed())));
    }
    if (!context_.clock.SleepFor(kListPause, context_.stop))
      return Failed(Error(Reason::kInterrupted, "interrupted"));
  }
  if (watch.Elapsed() < kListPause) return {ProbeResult::kYes, "it is listed at once"};
  return {ProbeResult::kNo, fmt::format("it was listed after {}", FormatDuration(watch.Elapsed())),
          "a copy may look missing for a while, and be made once more"};
}

// By the time of an object. It has whole seconds.
StoreProbe::Answer StoreProbe::AskClock() {
  if (!store_.has_own_times) return {.text = "it tells the times of our files, not its own"};
  if (!small_.has_value() || small_->modified == WallTime())
    return {.text = "the store told no time of the object"};
  const WallTime site = small_->modified;
  if (site < before_put_ - 1s) ahead_ = site - before_put_;
  if (site > after_put_ + 1s) ahead_ = site - after_put_;
  if (ahead_ == Duration()) return {ProbeResult::kYes, "the clocks agree"};
  const std::string text =
      fmt::format("the site's clock is {} {}", FormatDuration(ahead_ < 0s ? -ahead_ : ahead_),
                  ahead_ < 0s ? "behind" : "ahead");
  if (std::max(ahead_, -ahead_) <= kClocksMayDiffer) return {ProbeResult::kYes, text};
  return {ProbeResult::kNo, text,
          "synchronise the clocks: locks end by the site's clock, and S3 refuses requests that are "
          "15 minutes off"};
}

StoreProbe::Answer StoreProbe::AskPutMultipart() {
  const std::string name = Name("large");
  if (const auto put = Put(objects_, name, kLargeBytes); !put.ok()) return Fatal(put.status());
  const auto head = objects_.Head(name);
  if (!head.ok()) return Fatal(head.status());
  const Status read = CheckProbeBytes(objects_, name, {.offset = 0, .size = kLargeBytes});
  if (!read.ok()) return Fatal(read);
  large_ = *head;
  return {ProbeResult::kYes, FormatSize(kLargeBytes) + " were put, and came back"};
}

// A copy counts as replaced where the listing tells another etag than was told of it before.
StoreProbe::Answer StoreProbe::AskEtag() {
  if (!small_.has_value() || !listed_.contains(small_->name))
    return {.text = "not asked, because head or list_after_put failed"};
  if (auto listed = ListProbes(); listed.ok()) listed_ = *std::move(listed);
  for (const auto& info : {small_, large_}) {
    if (!info.has_value() || !listed_.contains(info->name)) continue;
    const std::string& listed = listed_.at(info->name).etag;
    if (listed == info->etag) continue;
    return Fatal(
        Error(Reason::kIoError,
              "{} in {}: HEAD tells the etag \"{}\", and the listing \"{}\": each copy would "
              "look overwritten",
              info->name, objects_.address(), info->etag, listed));
  }
  if (small_->etag.empty()) {
    return {ProbeResult::kNo, "the store tells none",
            "a copy that was replaced shows only when it is read: keep `scrub` on"};
  }
  const bool is_md5 = small_->etag == Hex(Md5(ProbeBytes(0, kSmallBytes)));
  return {ProbeResult::kYes,
          is_md5 ? "the MD5 of the bytes" : fmt::format("a mark of its own: {}", small_->etag)};
}

StoreProbe::Answer StoreProbe::AskPutIfAbsent() {
  constexpr const char* kNotNeeded = "nothing depends on it: no name is written twice";
  const auto put = Put(*store_.conditional, Name("small"), kSmallBytes);
  if (put.ok()) return {ProbeResult::kNo, "If-None-Match was ignored: overwritten", kNotNeeded};
  if (Is(put, Reason::kAlreadyExists)) return {ProbeResult::kYes, "the second put was refused"};
  if (IsInterrupted(put.status())) return Failed(put.status());
  return {ProbeResult::kUnknown, std::string(MessageOf(put.status())), kNotNeeded};
}

}  // namespace etcdrill::sites
