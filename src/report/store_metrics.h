// The metrics that describe what is in a store: snapshots, their proof, the history of drills. The
// sidecar's page has all of them, and the file of a single `verify` or `drill` (textfile.h) those
// that it knows.
#pragma once

#include "report/metrics.h"
#include "report/metrics_page.h"

namespace etcdrill::report {

void AddNewestSnapshot(const std::optional<StoreFacts::Newest>& newest, MetricsPage& page);
void AddStore(const StoreFacts& s, MetricsPage& page);
void AddProof(const StoreFacts& s, MetricsPage& page);
void AddDrillStart(std::optional<double> started, MetricsPage& page);
void AddDrillHistory(const StoreFacts& s, MetricsPage& page);

}  // namespace etcdrill::report
