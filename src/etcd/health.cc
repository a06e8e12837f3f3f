// A member is healthy if a linearizable read goes through it (a refusal for lack of rights went
// through the cluster too, so it counts) and no alarm is raised anywhere. Two things differ from
// etcdctl: a member that knows of no leader is not made to wait for a read that can't succeed, and
// a learner, which may not read through the cluster, is judged by its own Status.
#include "etcd/health.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace etcdrill::etcd {
namespace {

std::string DescribeAlarms(const std::vector<Alarm>& alarms) {
  std::string text;
  for (const Alarm& alarm : alarms) {
    text += fmt::format("{}{} of member {:x}", text.empty() ? "active alarm: " : ", ",
                        NameOf(alarm.type), alarm.member_id);
  }
  return text;
}

// A learner answers neither reads through the cluster nor Alarm; Status lists its alarms as texts.
std::string ProblemOfLearner(const MemberStatus& status) {
  return status.errors.empty()
             ? std::string()
             : fmt::format("the learner reports: {}", fmt::join(status.errors, ", "));
}

// Remembers the call that failed; returns why, with what was asked for before it.
std::string FailedCall(HealthProbe& probe, const etcdrill::Status& status,
                       std::string_view asked = "") {
  probe.failed_call = status;
  return fmt::format("{}{}", asked, MessageOf(status));
}

// Empty if a read went through the cluster.
std::string ProblemOfRead(const Endpoint& endpoint, HealthProbe& probe) {
  const Result<RangeAnswer> answer = endpoint.Range({.key = kHealthKey});
  if (answer.ok() || Is(answer, Reason::kPermission)) return {};
  return FailedCall(probe, answer.status());
}

std::string ProblemOfVoter(const Endpoint& endpoint, Clock& clock, HealthProbe& probe) {
  const Stopwatch watch(clock);
  std::string problem = ProblemOfRead(endpoint, probe);
  probe.latency = watch.Elapsed();
  if (!problem.empty()) return problem;
  Result<std::vector<Alarm>> alarms = endpoint.Alarms();
  if (Is(alarms, Reason::kPermission)) return {};  // some releases ask for root here
  if (!alarms.ok()) return FailedCall(probe, alarms.status(), "cannot read the alarms: ");
  probe.alarms = *std::move(alarms);
  return DescribeAlarms(probe.alarms);
}

std::string ProblemOf(const Endpoint& endpoint, Clock& clock, HealthProbe& probe) {
  const Stopwatch watch(clock);
  Result<MemberStatus> status = endpoint.Status();
  probe.latency = watch.Elapsed();
  if (!status.ok() && !Is(status, Reason::kPermission)) return FailedCall(probe, status.status());
  if (!status.ok()) return ProblemOfVoter(endpoint, clock, probe);
  probe.status = *std::move(status);
  if (probe.status->leader_id == 0) return endpoint.address() + ": the member has no leader";
  return probe.status->is_learner ? ProblemOfLearner(*probe.status)
                                  : ProblemOfVoter(endpoint, clock, probe);
}

}  // namespace

HealthProbe ProbeHealth(const Endpoint& endpoint, Clock& clock) {
  HealthProbe probe;
  probe.problem = ProblemOf(endpoint, clock, probe);
  probe.healthy = probe.problem.empty();
  return probe;
}

bool HealthRound::IsOurs(size_t endpoint) const {
  const Standing standing = roll.entries[endpoint].standing;
  return standing == Standing::kMember || standing == Standing::kSecondName;
}

HealthRound ProbeAll(const Client& client, Clock& clock, std::optional<uint64_t> known) {
  HealthRound round;
  std::vector<RollEntry> entries;
  for (size_t i = 0; i < client.endpoints().size(); ++i) {
    const Endpoint& endpoint = client.endpoints()[i];
    const HealthProbe& probe = round.probes.emplace_back(ProbeHealth(endpoint, clock));
    RollEntry& entry =
        entries.emplace_back(RollEntry{.endpoint = i, .address = endpoint.address()});
    entry.status = probe.status;
    // A user who may not ask for Status can find a member healthy, but not whose it is.
    entry.error = probe.failed_call.ok()
                      ? Error(Reason::kPermission, entry.address + ": Status: permission denied")
                      : probe.failed_call;
  }
  round.roll = JudgeRoll(client, std::move(entries), known);
  for (const RollEntry& entry : round.roll.entries) {
    HealthProbe& probe = round.probes[entry.endpoint];
    if (entry.standing == Standing::kSecondName) {
      probe.same_as = entry.same_as;
    } else if (!entry.remark.empty()) {
      probe.healthy = false;
      probe.problem = entry.remark;
    }
  }
  return round;
}

}  // namespace etcdrill::etcd
