// Is this member alive and able to serve, as `etcdctl endpoint health` judges it (formats.md 7.1)?
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/status.h"
#include "etcd/endpoint.h"
#include "etcd/types.h"

namespace etcdrill::etcd {

struct HealthProbe {
  bool healthy = false;
  std::string problem;                 // why not; empty if healthy
  etcdrill::Status failed_call;        // of the call that could not be made, if that is why
  Duration latency{};                  // of the read through the cluster; of Status where no such read was made
  std::optional<MemberStatus> status;  // not set: the member did not answer, or the user may not ask
  std::vector<Alarm> alarms;
};

HealthProbe ProbeHealth(const Endpoint& endpoint, Clock& clock);

}  // namespace etcdrill::etcd
