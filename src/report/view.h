// What is known of one cluster at the moment of a scrape or of a request. Every gauge, row and
// answer of report/ is computed from it then, and nothing is kept for the next one.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/names.h"
#include "catalog/catalog.h"
#include "config/config.h"
#include "etcd/health.h"
#include "report/site_view.h"

namespace etcdrill::report {

struct View {
  WallTime now;
  std::shared_ptr<const config::Config> config;  // in force; never null
  // As the store could be read last; null: never yet. While it can't be read, `store_problem` says
  // why: the rows then are those of before, and nothing else tells of them.
  std::shared_ptr<const catalog::Catalog> catalog;
  std::string store_problem;  // empty: the catalogue is what the store holds now
  WallTime state_created;     // of the store
  std::shared_ptr<const etcd::HealthRound> health;  // the last one; null: nobody was asked yet
  // What a comparison of the members found that the store does not tell: that they agree, or a
  // disagreement that could not be kept there.
  std::optional<bool> members_agree;
  std::vector<SiteView> sites;  // in the order of the configuration

  // What the store held when it could be read last.
  const catalog::Catalog& LastRead() const [[clang::lifetimebound]];
  // What it holds; empty while nobody knows.
  const catalog::Catalog& Stored() const [[clang::lifetimebound]];
};

// Whether the members hold the same data, by what was compared last; none: nobody can tell.
std::optional<bool> MembersAgree(const View& view);

// Whether each alarm is raised, by name; none if no member of our cluster answered.
std::optional<std::map<std::string_view, bool>> AlarmsOf(const etcd::HealthRound& round);

enum class Task { kSnapshot, kDrill, kHealth, kHashKv, kScrub };

}  // namespace etcdrill::report

template <>
inline constexpr auto etcdrill::kNames<etcdrill::report::Task> = etcdrill::Names("snapshot",
                                                                                 "drill", "health",
                                                                                 "hashkv", "scrub");

namespace etcdrill::report {

// What the tasks of one cluster are about.
struct Activity {
  struct Times {
    std::optional<double> next_run;  // Unix seconds, as those below
    std::optional<double> last_run;
    bool runs = false;
  };
  std::array<Times, NamesOf<Task>().size()> tasks;
  double snapshot_consecutive_failures = 0;
  std::optional<double> snapshot_last_failure;
  bool drill_in_progress = false;
  std::optional<double> drill_started;

  Times& operator[](Task task) { return tasks[static_cast<size_t>(task)]; }
  const Times& operator[](Task task) const { return tasks[static_cast<size_t>(task)]; }
};

}  // namespace etcdrill::report
