// snapshot list: what the store holds; with --site, what a site holds, and what is wrong there.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "base/units.h"
#include "catalog/follower.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/session.h"

namespace etcdrill::cli {
namespace {

// What is said of a snapshot and of a copy alike.
class ListedSnapshot {
 public:
  ListedSnapshot(const catalog::CatalogEntry& entry, const Manifest& manifest, WallTime now)
      : entry_(entry), m_(manifest), is_future_(IsFuture(manifest.taken, now)) {}

  void AddTo(Json& json) const {
    json.update({{"taken", FormatRfc3339(m_.taken)},
                 {"from_future", is_future_},
                 {"other_history", m_.other_history},
                 {"revision", m_.revision},
                 {"keys", m_.live_keys},
                 {"size", m_.size_bytes},
                 {"sha256", m_.sha256},
                 {"state", NameOf(entry_.state)},
                 {"last_drill", Drilled("")}});
  }
  std::string Taken() const {
    return FormatRfc3339(m_.taken) + (is_future_ ? " (in the future)" : "");
  }
  std::string State() const {
    return fmt::format("{}{}", NameOf(entry_.state),
                       m_.other_history ? " (of another history)" : "");
  }
  std::string Drilled(const std::string& never) const {
    return entry_.last_drill.has_value() ? FormatRfc3339(entry_.last_drill->finished) : never;
  }

 private:
  const catalog::CatalogEntry& entry_;
  const Manifest& m_;
  const bool is_future_;
};

Json SnapshotJson(const ListedSnapshot& listed, const Manifest& m) {
  Json json = {{"name", m.name}};
  listed.AddTo(json);
  return json;
}

Row SnapshotRow(const ListedSnapshot& listed, const Manifest& m) {
  return {m.name,
          listed.Taken(),
          std::to_string(m.revision),
          std::to_string(m.live_keys),
          FormatSize(m.size_bytes),
          m.sha256.substr(0, 12),
          listed.State(),
          listed.Drilled("never")};
}

Json CopyJson(const ListedSnapshot& listed, const sites::CopyRecord& copy,
              const catalog::CatalogEntry& entry) {
  Json json = {{"name", copy.copy}, {"snapshot", copy.manifest.name}};
  listed.AddTo(json);
  json.update(
      {{"object", copy.key()},
       {"object_size", copy.size_bytes},
       {"object_sha256", copy.sha256},
       {"writer", copy.writer},
       {"locked_until", copy.lock.has_value() ? Json(FormatRfc3339(copy.lock->until)) : Json()},
       {"problem", entry.problem}});
  return json;
}

Row CopyRow(const ListedSnapshot& listed, const sites::CopyRecord& copy) {
  const Manifest& m = copy.manifest;
  return {copy.copy,
          listed.Taken(),
          std::to_string(m.revision),
          std::to_string(m.live_keys),
          FormatSize(m.size_bytes),
          FormatSize(copy.size_bytes),
          copy.lock.has_value() ? FormatRfc3339(copy.lock->until) : "no",
          listed.State(),
          listed.Drilled("never")};
}

Result<ExitCode> ListStore(const Context& context, Session& session, OutputFormat format) {
  ASSIGN_OR_RETURN(const store::LocalStore* const store, session.Store());
  ASSIGN_OR_RETURN(const catalog::Catalog catalog, catalog::ReadCatalog(context, *store));
  const WallTime now = context.clock.Now();
  Json json = Json::array();
  Rows rows;
  for (const catalog::CatalogEntry& entry : catalog.snapshots) {
    const ListedSnapshot listed(entry, entry.manifest, now);
    json.push_back(SnapshotJson(listed, entry.manifest));
    rows.push_back(SnapshotRow(listed, entry.manifest));
  }
  const std::vector<std::string> head = {"NAME", "TAKEN",  "REVISION", "KEYS",
                                         "SIZE", "SHA256", "STATE",    "LAST-DRILL"};
  PrintList(format, json, head, rows);
  return ExitCode::kOk;
}

// What should not be there is told on stderr.
Result<ExitCode> ListSite(const Context& context, Session& session, const ListOptions& options) {
  ASSIGN_OR_RETURN(const auto contents, session.ContentsOf(options.site));
  const WallTime now = context.clock.Now();
  Json json = Json::array();
  Rows rows;
  for (const catalog::CatalogEntry& entry : contents->catalog.snapshots) {
    const auto copy = contents->records.find(entry.manifest.name);
    if (copy == contents->records.end()) continue;
    const ListedSnapshot listed(entry, copy->second.manifest, now);
    json.push_back(CopyJson(listed, copy->second, entry));
    rows.push_back(CopyRow(listed, copy->second));
  }
  const std::vector<std::string> head = {"NAME",   "TAKEN",        "REVISION", "KEYS",      "SIZE",
                                         "STORED", "LOCKED-UNTIL", "STATE",    "LAST-DRILL"};
  PrintList(options.format, json, head, rows);
  std::fflush(stdout);
  if (contents->catalog.HoldsNone() && contents->catalog.of_others > 0) {
    fmt::print(stderr,
               "warning: site {}: none of the {} copies is of cluster {}. Correct cluster.name\n",
               options.site, contents->catalog.of_others, Shown(session.Cluster()));
  }
  for (const sites::SiteFinding& f : contents->findings)
    fmt::print(stderr, "warning: site {}: {}: {}\n", options.site, NameOf(f.oddity), Shown(f.text));
  return ExitCode::kOk;
}

}  // namespace

Result<ExitCode> SnapshotList(const Context& context, const ListOptions& options) {
  Session session(context, options.config_file);
  return options.site.empty() ? ListStore(context, session, options.format)
                              : ListSite(context, session, options);
}

}  // namespace etcdrill::cli
