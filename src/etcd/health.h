// Is this member alive and able to serve, as `etcdctl endpoint health` judges it
// (docs/dev/formats.md §7.1)? And is it one of ours at all? An endpoint that leads to another
// cluster is not healthy, however well it serves.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "etcd/endpoint.h"
#include "etcd/roll_call.h"
#include "etcd/types.h"

namespace etcdrill::etcd {

struct HealthProbe {
  bool healthy = false;
  std::string problem;           // why not; empty if healthy
  etcdrill::Status failed_call;  // of the call that could not be made, if that is why
  Duration latency{};  // of the read through the cluster; of Status where no such read was made
  std::optional<MemberStatus> status;  // not set: no answer, or the user may not ask
  std::vector<Alarm> alarms;
  std::string same_as;  // the endpoint that leads to the same member; empty: none before this one
};

HealthProbe ProbeHealth(const Endpoint& endpoint, Clock& clock);

struct HealthRound {
  std::vector<HealthProbe> probes;  // one for each endpoint, in their order
  RollCall roll;

  // Whether what the endpoint says is said of our cluster.
  bool IsOurs(size_t endpoint) const;
};

// Probes all endpoints, one after the other, and judges whose they are. `known` is the cluster that
// the stored snapshots are of.
HealthRound ProbeAll(const Client& client, Clock& clock, std::optional<uint64_t> known);

}  // namespace etcdrill::etcd
