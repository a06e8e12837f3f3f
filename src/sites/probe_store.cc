// The order of the questions. A store that can't even be listed, or takes nothing, is asked nothing
// more; what was put is deleted all the same.
#include "sites/probe_store.h"

#include <fmt/format.h>

#include <map>
#include <string>

#include "sites/store_probe.h"

namespace etcdrill::sites {

StoreProbe::StoreProbe(const Context& context, const ProbedStore& store, ProbeReport& report)
    : context_(context),
      store_(store),
      objects_(store.objects),
      report_(report),
      prefix_(fmt::format("{}{:016x}-", kProbeFolder, context.random.Next())) {}

void StoreProbe::Run() {
  Ask("list", &StoreProbe::AskList);
  Ask("put", &StoreProbe::AskPut);
  Ask("read_back", &StoreProbe::AskReadBack);
  Ask("head", &StoreProbe::AskHead);
  Ask("metadata", &StoreProbe::AskMetadata);
  Ask("range", &StoreProbe::AskRange);
  Ask("list_after_put", &StoreProbe::AskListAfterPut);
  Ask("clock", &StoreProbe::AskClock);
  Ask("put_multipart", &StoreProbe::AskPutMultipart);
  Ask("etag", &StoreProbe::AskEtag);
  if (store_.conditional != nullptr) Ask("put_if_absent", &StoreProbe::AskPutIfAbsent);
  if (store_.lock.has_value()) {
    Ask("lock", &StoreProbe::AskLock);
    Ask("lock_multipart", &StoreProbe::AskLockMultipart);
  }
  Ask("versions", &StoreProbe::AskVersions);
  if (put_.empty()) return;
  blocked_by_.clear();  // what was put is deleted, whatever failed
  Ask("delete", &StoreProbe::AskDelete);
  Ask("gone", &StoreProbe::AskGone);
}

void StoreProbe::Ask(const char* question, Answer (StoreProbe::*ask)()) {
  Answer answer;
  if (blocked_by_.empty()) {
    answer = (this->*ask)();
  } else {
    answer.text = fmt::format("not asked, because {} failed", blocked_by_);
  }
  report_.answers.push_back({question, answer.result, answer.text, answer.advice});
}

// An error that copies can live with, unless it is the end of all questions.
StoreProbe::Answer StoreProbe::Failed(const Status& error) {
  if (IsInterrupted(error)) MakeUnusable(error, report_);
  return {ProbeResult::kFailed, std::string(MessageOf(error))};
}

StoreProbe::Answer StoreProbe::Fatal(const Status& error) {
  MakeUnusable(error, report_);
  return {ProbeResult::kFailed, std::string(MessageOf(error)), "no copy can be made here"};
}

Result<std::map<std::string, objects::ObjectInfo>> StoreProbe::ListProbes() {
  std::map<std::string, objects::ObjectInfo> listed;
  RETURN_IF_ERROR(objects_.List(prefix_, "", [&](const objects::ObjectInfo& object) {
    listed.emplace(object.name, object);
    return OkStatus();
  }));
  return listed;
}

void ProbeStore(const Context& context, const ProbedStore& store, ProbeReport& report) {
  StoreProbe(context, store, report).Run();
}

}  // namespace etcdrill::sites
