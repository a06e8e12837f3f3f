#include "report/families.h"

#include <prometheus/collectable.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <iterator>

namespace etcdrill::report {

Families& Families::Start(std::string name, std::string help, prometheus::MetricType type) {
  families_.push_back({std::move(name), std::move(help), type, {}});
  return *this;
}

Families& Families::Sample(std::optional<double> value, const Labels& labels) {
  if (!value.has_value()) return *this;
  prometheus::ClientMetric& metric = families_.back().metric.emplace_back();
  for (const auto& [name, text] : labels)
    metric.label.push_back({std::string(name), std::string(text)});
  metric.gauge.value = *value;
  metric.counter.value = *value;  // the serializer takes the one that fits the type
  return *this;
}

// A registry has no order of its own.
void Families::Add(const prometheus::Collectable& counted) {
  for (prometheus::MetricFamily& family : counted.Collect()) {
    std::ranges::sort(family.metric, {}, &prometheus::ClientMetric::label);
    families_.push_back(std::move(family));
  }
}

void Families::Join(const std::string& cluster, Families of_cluster) {
  for (prometheus::MetricFamily& family : of_cluster.families_) {
    for (prometheus::ClientMetric& metric : family.metric) {
      if (!cluster.empty()) metric.label.insert(metric.label.begin(), {kClusterLabel, cluster});
    }
    const auto known = std::ranges::find(families_, family.name, &prometheus::MetricFamily::name);
    if (known == families_.end()) {
      families_.push_back(std::move(family));
    } else {
      std::ranges::move(family.metric, std::back_inserter(known->metric));
    }
  }
}

std::string Families::Text() const {
  std::vector<prometheus::MetricFamily> present;
  std::ranges::copy_if(families_, std::back_inserter(present),
                       [](const prometheus::MetricFamily& f) { return !f.metric.empty(); });
  return prometheus::TextSerializer().Serialize(present);
}

}  // namespace etcdrill::report
