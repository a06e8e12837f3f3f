// A call that fails is the `actual` of its check: a drill reports what etcd said, it does not stop
// at it.
#include "drill/probe.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "etcd/endpoint.h"
#include "etcd/health.h"

namespace etcdrill::drill {
namespace {

constexpr std::string_view kWriteKeyPrefix = "etcdrill/drill/";

// A kind that only a newer etcd knows can't be disarmed.
std::string_view KnownName(std::string_view alarm) {
  return NameOf(FromName<etcd::AlarmType>(alarm).value_or(etcd::AlarmType::kNone));
}

// Sorted, for comparing and for people.
std::string JoinAlarms(std::vector<std::string> names) {
  std::ranges::sort(names);
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, " "));
}

// What etcd says of the data it holds; any other error is of etcd itself, of its cluster, its time
// or its machine.
bool SpeaksOfData(const Status& status) {
  const std::string_view text = MessageOf(status);
  const auto says = [text](std::string_view part) {
    return text.find(part) != std::string_view::npos;
  };
  return says("has been compacted") || says("is a future revision") || says("corrupt cluster");
}

// An answer that the data is other than it should be fails the check; an etcd that can't answer is
// no proof of anything.
Check Failed(CheckName name, std::string expected, const Status& status) {
  const bool failed = SpeaksOfData(status);
  return {name, failed ? CheckResult::kFail : CheckResult::kSkipped, std::move(expected),
          std::string(MessageOf(status)), failed ? OkStatus() : status};
}

Check CheckAlarms(const etcd::ScratchClient& client, const Expectation& expected) {
  std::vector<std::string> in_file;
  for (const std::string& alarm : expected.alarms) in_file.emplace_back(KnownName(alarm));
  const std::string wanted = JoinAlarms(std::move(in_file));
  const auto alarms = client.endpoint().Alarms();
  if (!alarms.ok()) return Failed(CheckName::kAlarms, wanted, alarms.status());
  std::vector<std::string> names;
  for (const etcd::Alarm& alarm : *alarms) names.emplace_back(NameOf(alarm.type));
  for (const etcd::Alarm& alarm : *alarms) {
    const Status disarmed = client.DisarmAlarm(alarm);
    if (!disarmed.ok()) return Failed(CheckName::kAlarms, wanted, disarmed);
  }
  return Compare(CheckName::kAlarms, wanted, JoinAlarms(std::move(names)));
}

Check CheckRevision(const etcd::ScratchClient& client, const Expectation& expected) {
  const std::string wanted = fmt::format("at least {}", expected.hashkv.revision);
  const auto status = client.endpoint().Status();
  if (!status.ok()) return Failed(CheckName::kRevision, wanted, status.status());
  const int64_t revision = status->revision;
  CheckResult result =
      revision >= expected.hashkv.revision ? CheckResult::kPass : CheckResult::kFail;
  const bool went_back = expected.may_go_back_to > 0 && revision >= expected.may_go_back_to;
  if (result == CheckResult::kFail && went_back) result = CheckResult::kNotComparable;
  return {CheckName::kRevision, result, wanted, std::to_string(revision)};
}

Check CheckKeyCount(const etcd::ScratchClient& client, const Expectation& expected) {
  const std::string wanted = std::to_string(expected.live_keys);
  const auto answer = client.endpoint().CountKeys(expected.hashkv.revision, /*serializable=*/false);
  if (!answer.ok()) return Failed(CheckName::kKeyCount, wanted, answer.status());
  return Compare(CheckName::kKeyCount, wanted, std::to_string(answer->count));
}

std::string HashText(uint32_t hash, int64_t revision, int64_t compact_revision) {
  return fmt::format("{:08x} at revision {} compacted at {}", hash, revision, compact_revision);
}

// At the compact revision itself, releases before 3.4.27 and 3.5.10 refuse, and later ones may
// answer from a cache, with an older compact revision (docs/dev/formats.md §5.4). Asked for the
// head they do neither; but the head may have moved on.
Result<etcd::HashKvAnswer> AskHashKv(const etcd::ScratchClient& client,
                                     const Expectation& expected) {
  const mvcc::HashKv& file = expected.hashkv;
  auto answer = client.endpoint().HashKv(file.revision);
  const bool at_compaction = file.revision == file.compact_revision;
  const bool refused = Is(answer, Reason::kEtcdError);
  const bool cached = answer.ok() && answer->compact_revision != file.compact_revision;
  return at_compaction && (refused || cached) ? client.endpoint().HashKv(0) : answer;
}

Check CheckHashKv(const etcd::ScratchClient& client, const Expectation& expected) {
  const mvcc::HashKv& file = expected.hashkv;
  const auto answer = AskHashKv(client, expected);
  std::string wanted = HashText(file.hash, file.revision, file.compact_revision);
  if (!answer.ok()) return Failed(CheckName::kHashKv, wanted, answer.status());
  std::string actual = HashText(answer->hash, answer->hash_revision, answer->compact_revision);
  const bool same_place =
      answer->hash_revision == file.revision && answer->compact_revision == file.compact_revision;
  if (!same_place)
    return {CheckName::kHashKv, CheckResult::kNotComparable, std::move(wanted), std::move(actual)};
  switch (mvcc::Match(file, answer->hash)) {
    case mvcc::HashMatch::kEqual:
      return Compare(CheckName::kHashKv, actual, actual);
    case mvcc::HashMatch::kDiffers:
      return Compare(CheckName::kHashKv, std::move(wanted), std::move(actual));
    case mvcc::HashMatch::kMayVary:
      break;
  }
  return {CheckName::kHashKv, CheckResult::kNotComparable, std::move(wanted), std::move(actual)};
}

// The proof that raft works: health can be true and reads can answer while every write times out
// (docs/dev/formats.md §6.6).
Check CheckWrite(const etcd::ScratchClient& client, const Context& context) {
  const std::string wanted = "a key put, read and deleted";
  const std::string key = fmt::format("{}{:016x}", kWriteKeyPrefix, context.random.Next());
  const Status put = client.Put(key, "etcdrill");
  if (!put.ok()) return Failed(CheckName::kWrite, wanted, put);
  const auto read = client.endpoint().Range({.key = key});
  if (!read.ok()) return Failed(CheckName::kWrite, wanted, read.status());
  if (read->kvs.size() != 1 || read->kvs[0].value != "etcdrill") {
    return {CheckName::kWrite, CheckResult::kFail, wanted,
            "the key was put, but a read does not return it"};
  }
  const auto deleted = client.Delete(key);
  if (!deleted.ok()) return Failed(CheckName::kWrite, wanted, deleted.status());
  return Compare(CheckName::kWrite, wanted,
                 *deleted == 1 ? wanted : fmt::format("{} keys deleted", *deleted));
}

// The members from `first` on hold what the first one does, which has been compared with the file:
// at the head, which the write has moved beyond any compaction. Each member answers from its own
// store.
Check CheckMembers(CheckName name, const EtcdCluster& cluster, size_t first,
                   const Expectation& expected) {
  const auto text = [](uint64_t keys, const etcd::HashKvAnswer& hash) {
    return fmt::format("{} keys, HashKV {}", keys,
                       HashText(hash.hash, hash.hash_revision, hash.compact_revision));
  };
  const auto proven = cluster.client().endpoint().HashKv(0);
  if (!proven.ok()) return Failed(name, "HashKV of the first member", proven.status());
  const std::string wanted = text(expected.live_keys, *proven);
  const std::vector<const etcd::ScratchClient*> clients = cluster.clients();
  for (size_t i = first; i < clients.size(); ++i) {
    const etcd::Endpoint& member = clients[i]->endpoint();
    const auto answer = member.CountKeys(expected.hashkv.revision, /*serializable=*/false);
    if (!answer.ok()) return Failed(name, wanted, answer.status());
    const auto hash = member.HashKv(proven->hash_revision);
    if (!hash.ok()) return Failed(name, wanted, hash.status());
    if (const std::string actual = text(static_cast<uint64_t>(answer->count), *hash);
        actual != wanted)
      return Compare(name, wanted, actual);
  }
  return Compare(name, wanted, wanted);
}

}  // namespace

std::vector<Check> CheckHealth(const EtcdCluster& cluster, const Expectation& expected,
                               const Context& context) {
  const std::string wanted = "healthy";
  // Alarms first: an alarm that the snapshot brought along must not count against the health.
  std::vector<Check> checks = {CheckAlarms(cluster.client(), expected)};
  std::string problems;
  for (const etcd::ScratchClient* client : cluster.clients()) {
    const etcd::HealthProbe probe = etcd::ProbeHealth(client->endpoint(), context.clock);
    // A call without an answer, because of a signal or a deadline, says nothing about the snapshot.
    if (!probe.failed_call.ok()) {
      checks.push_back(Failed(CheckName::kHealth, wanted, probe.failed_call));
      return checks;
    }
    if (probe.healthy) continue;
    if (probe.alarms.empty()) {  // a cluster without a leader, for one
      checks.push_back(
          Failed(CheckName::kHealth, wanted, Error(Reason::kEtcdNotReady, probe.problem)));
      return checks;
    }
    const bool known = std::ranges::any_of(
        probe.alarms, [](const etcd::Alarm& a) { return a.type != etcd::AlarmType::kNone; });
    if (known) problems += (problems.empty() ? "" : "; ") + probe.problem;
  }
  checks.push_back(Compare(CheckName::kHealth, wanted, problems.empty() ? wanted : problems));
  return checks;
}

std::vector<Check> CheckData(const EtcdCluster& cluster, const Expectation& expected,
                             const Context& context) {
  const etcd::ScratchClient& client = cluster.client();
  std::vector<Check> checks;
  for (const auto check : {CheckRevision, CheckHashKv, CheckKeyCount}) {
    checks.push_back(check(client, expected));
    if (!checks.back().unanswered.ok()) return checks;  // the others would only wait for theirs
    if (WentBack(checks)) return checks;
  }
  checks.push_back(CheckWrite(client, context));
  return checks;
}

bool WentBack(const std::vector<Check>& data_checks) {
  return std::ranges::any_of(data_checks, [](const Check& check) {
    return check.name == CheckName::kRevision && check.result == CheckResult::kNotComparable;
  });
}

Check CheckReplicas(const EtcdCluster& cluster, const Expectation& expected) {
  return CheckMembers(CheckName::kReplicas, cluster, 1, expected);
}

Check CheckNewMember(EtcdCluster& cluster, const Expectation& expected) {
  const size_t members = cluster.clients().size();
  const std::string wanted = "a new member joins and serves";
  const Status grown = cluster.Grow();
  if (!grown.ok())
    return {CheckName::kNewMember, CheckResult::kSkipped, wanted, std::string(MessageOf(grown)),
            grown};
  return CheckMembers(CheckName::kNewMember, cluster, members, expected);
}

}  // namespace etcdrill::drill
