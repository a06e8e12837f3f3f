// The page of /metrics. The catalogue is docs/reference/metrics.md; a test holds the two equal.
//
// The rules: times are Unix timestamps, never ages; what is not known is absent, never 0 or 1; what
// describes the store is derived from the store, so it is right from the first scrape after a
// restart; label sets are closed and there from the start.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "crypto/certificate.h"
#include "etcd/client.h"
#include "io/file_system.h"
#include "report/cluster_metrics.h"
#include "report/families.h"
#include "report/view.h"

namespace etcdrill::report {

// Of the process, as it is at the scrape.
struct ProcessFacts {
  WallTime started;
  bool reload_successful = true;
  WallTime reload_succeeded;  // the last time; at first when it started
  uint64_t log_warnings = 0;
  uint64_t log_errors = 0;
  uint64_t log_dropped = 0;
  std::optional<Validity> web_certificate;
};

// What stands around a cluster, as it is at the scrape. What can't be read is absent.
struct Surroundings {
  std::vector<std::pair<std::string, SpaceInfo>> volumes;
  std::map<std::string, Validity> certificates;   // to etcd, by name
  std::shared_ptr<const etcd::CallCounts> calls;  // null: nobody was called yet
};

struct ClusterScrape {
  const ClusterMetrics& metrics;
  View view;
  Surroundings surroundings;
};

// The process_* metrics. `start`: /proc/stat, which would tell, is hidden under ProcSubset=pid.
void AddProcessMetrics(WallTime start, Families& page);

// In text format 0.0.4.
std::string RenderMetrics(const ProcessFacts& process, std::span<const ClusterScrape> clusters);

}  // namespace etcdrill::report
