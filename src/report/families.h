// Metrics as Prometheus' text format has them: what follows from state, computed at the scrape so
// that what is unknown can be left out, and what prometheus-cpp has counted.
#pragma once

#include <prometheus/metric_family.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace prometheus {
class Collectable;
}  // namespace prometheus

namespace etcdrill::report {

// `cluster` is left to Prometheus, which uses it for an external label.
inline constexpr const char* kClusterLabel = "etcd_cluster";

class Families {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string_view>>;

  // Starts a metric; samples that follow belong to it. `help` is one line: prometheus-cpp 1.0.1
  // does not escape it.
  Families& Gauge(std::string name, std::string help) {
    return Start(std::move(name), std::move(help), prometheus::MetricType::Gauge);
  }
  Families& Counter(std::string name, std::string help) {
    return Start(std::move(name), std::move(help), prometheus::MetricType::Counter);
  }
  // Nothing if there is no value. Of a flag, 1 or 0.
  Families& Sample(std::optional<double> value, const Labels& labels = {});

  // Those of a registry.
  void Add(const prometheus::Collectable& counted);
  // Those of one more cluster, which its label names from here on, unless it has no name; what has
  // the same name here becomes one metric.
  void Join(const std::string& cluster, Families of_cluster);

  std::string Text() const;

 private:
  Families& Start(std::string name, std::string help, prometheus::MetricType type);

  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace etcdrill::report
