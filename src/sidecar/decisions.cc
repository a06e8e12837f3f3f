// What is told again and again is not read.
#include "sidecar/decisions.h"

#include <utility>

#include "base/status.h"

namespace etcdrill::sidecar {
namespace {

EndpointNews::Kind KindOf(etcd::Standing standing) {
  switch (standing) {
    case etcd::Standing::kMember:
      return EndpointNews::Kind::kMemberAgain;
    case etcd::Standing::kSecondName:
      return EndpointNews::Kind::kSecondName;
    case etcd::Standing::kSilent:
    case etcd::Standing::kRemoved:
    case etcd::Standing::kOtherCluster:
      break;
  }
  return EndpointNews::Kind::kNotOurs;
}

using File = AfterAdoption::File;
using Tell = AfterAdoption::Tell;

// What says nothing of the file (no space, a disk that fails) must not cost it its turn.
AfterAdoption AfterRefusal(Reason reason, bool is_known) {
  switch (reason) {
    case Reason::kBusy:
      return {File::kTryAgain, Tell::kNothing};
    case Reason::kAlreadyExists:
      // A new mode, owner or link of the very file is nothing new. The time of one that is old is
      // none, and hides nothing that waits with it.
      return is_known ? AfterAdoption{File::kAdopted, Tell::kNothing}
                      : AfterAdoption{File::kDone, Tell::kOldBytes};
    case Reason::kNotProvable:
      return {File::kDone, Tell::kNoSnapshot};
    case Reason::kDamaged:
      return {File::kDone, Tell::kOutcome};
    default:
      return {File::kTryAgain, Tell::kOutcome};
  }
}

}  // namespace

std::vector<EndpointNews> ToldEndpoints::NewsOf(const etcd::RollCall& roll) {
  std::vector<EndpointNews> news;
  const bool is_torn = Is(roll.outcome, Reason::kOtherCluster);
  const std::string why(is_torn ? MessageOf(roll.outcome) : "");
  if (std::exchange(torn_, why) != why && is_torn)
    news.push_back({EndpointNews::Kind::kTorn, "", why});
  if (is_torn) return news;
  for (const etcd::RollEntry& entry : roll.entries) {
    std::string& told = remarks_[entry.address];
    if (entry.remark == told || entry.standing == etcd::Standing::kSilent) continue;
    told = entry.remark;
    news.push_back({KindOf(entry.standing), entry.address, entry.remark});
  }
  return news;
}

std::vector<Finding> NewWarnings(const std::vector<Finding>& findings,
                                 std::set<std::string>& told) {
  std::vector<Finding> fresh;
  std::set<std::string> codes;
  for (const Finding& finding : findings) {
    if (finding.severity != Severity::kWarning) continue;
    std::string code(finding.code);
    if (codes.insert(code).second && !told.contains(code)) fresh.push_back(finding);
  }
  told = std::move(codes);
  return fresh;
}

AfterAdoption JudgeAdoption(const Result<pipeline::SnapshotOutcome>& outcome, bool is_known) {
  if (!outcome.ok()) return AfterRefusal(ReasonOf(outcome.status()), is_known);
  const bool is_sound = outcome->verdict.ok() || Is(outcome->verdict, Reason::kNotProvable);
  if (!is_sound) return {File::kDone, Tell::kOutcome};
  if (outcome->manifest.other_history) return {File::kDone, Tell::kOtherHistory};
  return {File::kAdopted, Tell::kOutcome};
}

}  // namespace etcdrill::sidecar
