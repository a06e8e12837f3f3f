// What /metrics shows of the configuration and of the surroundings, as the report wants it.
#pragma once

#include "config/config.h"
#include "etcd/call_counts.h"
#include "etcd/client.h"
#include "http/guard.h"
#include "io/context.h"
#include "report/metrics.h"
#include "sidecar/certificates.h"

namespace etcdrill::sidecar {

report::FixedFacts FixedFactsOf(const config::Config& config, const etcd::Client& client,
                                WallTime state_created, WallTime process_start);
report::LiveFacts ReadLiveFacts(const Context& context, const config::Config& config,
                                const etcd::CallCounts& counts, Certificates& certificates,
                                http::Guard& web);

}  // namespace etcdrill::sidecar
