// Filling prometheus-cpp's structs.
#include "report/metrics_page.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>

namespace etcdrill::report {
namespace {

void Set(prometheus::ClientMetric& metric, double value) {
  metric.gauge.value = value;
  metric.counter.value = value;  // the serializer takes the one that fits the type
}

}  // namespace

std::map<std::string, double> AsNumbers(const std::map<std::string, bool>& flags) {
  std::map<std::string, double> numbers;
  for (const auto& [name, flag] : flags) numbers[name] = flag ? 1 : 0;
  return numbers;
}

MetricsPage& MetricsPage::Start(std::string& name, std::string& help, prometheus::MetricType type) {
  families_.push_back({std::move(name), std::move(help), type, {}});
  return *this;
}

prometheus::ClientMetric& MetricsPage::NewSample(const Labels& labels) {
  prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
  for (const auto& [name, value] : labels) metric.label.push_back({name, value});
  return metric;
}

prometheus::ClientMetric& MetricsPage::NewClusterSample(const Labels& labels) {
  prometheus::ClientMetric& metric = NewSample(labels);
  if (!cluster_.empty()) {
    prometheus::ClientMetric::Label label{kClusterLabel, cluster_};
    metric.label.insert(metric.label.begin(), std::move(label));
  }
  return metric;
}

MetricsPage& MetricsPage::Sample(double value, const Labels& labels) {
  Set(NewClusterSample(labels), value);
  return *this;
}

MetricsPage& MetricsPage::ProcessSample(std::optional<double> value, const Labels& labels) {
  if (value.has_value()) Set(NewSample(labels), *value);
  return *this;
}

MetricsPage& MetricsPage::Sample(std::optional<double> value, const Labels& labels) {
  return value.has_value() ? Sample(*value, labels) : *this;
}

MetricsPage& MetricsPage::Samples(const std::string& label,
                                  const std::map<std::string, double>& values) {
  for (const auto& [name, value] : values) Sample(value, {{label, name}});
  return *this;
}

MetricsPage& MetricsPage::Sample(const Histogram& histogram, const Labels& labels) {
  prometheus::ClientMetric::Histogram& out = NewClusterSample(labels).histogram;
  out.sample_count = histogram.count();
  out.sample_sum = histogram.sum();
  uint64_t cumulative = 0;
  for (size_t i = 0; i < histogram.bounds().size(); ++i) {
    cumulative += histogram.counts()[i];
    out.bucket.push_back({cumulative, histogram.bounds()[i]});
  }
  out.bucket.push_back({histogram.count(), std::numeric_limits<double>::infinity()});
  return *this;
}

std::string MetricsPage::Text() const {
  std::vector<prometheus::MetricFamily> present;
  std::copy_if(families_.begin(), families_.end(), std::back_inserter(present),
               [](const prometheus::MetricFamily& f) { return !f.metric.empty(); });
  return prometheus::TextSerializer().Serialize(present);
}

}  // namespace etcdrill::report
