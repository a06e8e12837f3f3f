// Collects samples and writes them in Prometheus' text format. The only user of prometheus-cpp,
// whose serializer is all that is needed of it: values come from plain state, so that what is
// unknown can be left out.
#pragma once

#include <prometheus/metric_family.h>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/metrics.h"

namespace etcdrill::report {

// 1 and 0.
std::map<std::string, double> AsNumbers(const std::map<std::string, bool>& flags);

// What tells the series of one cluster from those of another.
inline constexpr const char* kClusterLabel = "etcd_cluster";

class MetricsPage {
 public:
  using Labels = std::vector<std::pair<std::string, std::string>>;

  // Each sample carries this name in kClusterLabel, but for those of the process. Empty: nobody
  // knows the name, and no sample has the label.
  explicit MetricsPage(std::string cluster) : cluster_(std::move(cluster)) {}

  // Starts a metric; samples that follow belong to it. `help` is one line: prometheus-cpp 1.0.1
  // does not escape it.
  MetricsPage& Gauge(std::string name, std::string help) {
    return Start(name, help, prometheus::MetricType::Gauge);
  }
  MetricsPage& Counter(std::string name, std::string help) {
    return Start(name, help, prometheus::MetricType::Counter);
  }
  MetricsPage& Histograms(std::string name, std::string help) {
    return Start(name, help, prometheus::MetricType::Histogram);
  }

  MetricsPage& Sample(double value, const Labels& labels = {});
  MetricsPage& Sample(std::optional<double> value,
                      const Labels& labels = {});  // nothing if there is no value
  MetricsPage& Samples(const std::string& label, const std::map<std::string, double>& values);
  MetricsPage& Sample(const Histogram& histogram, const Labels& labels = {});
  // Of the process as a whole, and of no cluster.
  MetricsPage& ProcessSample(std::optional<double> value, const Labels& labels = {});

  std::string Text() const;

 private:
  MetricsPage& Start(std::string& name, std::string& help, prometheus::MetricType type);
  prometheus::ClientMetric& NewSample(const Labels& labels);
  prometheus::ClientMetric& NewClusterSample(const Labels& labels);

  const std::string cluster_;
  std::vector<prometheus::MetricFamily> families_;
};

}  // namespace etcdrill::report
