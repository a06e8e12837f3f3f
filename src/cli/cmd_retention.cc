// retention: what the sidecar would delete after its next snapshot, or does now.
#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/text.h"
#include "base/units.h"
#include "catalog/follower.h"
#include "catalog/retention.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "sites/plans.h"

namespace etcdrill::cli {
namespace {

void Print(const std::vector<catalog::RetentionDecision>& decisions, OutputFormat format) {
  Json json = Json::array();
  Rows rows;
  for (const catalog::RetentionDecision& d : decisions) {
    const Manifest& m = d.snapshot->manifest;
    const std::string_view fate = catalog::Goes(d.fate) ? "delete" : "keep";
    const std::string why = d.which.empty() ? std::string(NameOf(d.fate)) : d.which;
    const std::string_view state = NameOf(d.snapshot->state);
    json.push_back({{"name", m.name},
                    {"taken", FormatRfc3339(m.taken)},
                    {"size", m.size_bytes},
                    {"state", state},
                    {"fate", fate},
                    {"why", why}});
    rows.push_back({m.name, FormatRfc3339(m.taken), FormatSize(m.size_bytes), std::string(state),
                    std::string(fate), why});
  }
  const std::vector<std::string> head = {"NAME", "TAKEN", "SIZE", "STATE", "FATE", "WHY"};
  PrintList(format, json, head, rows);
}

// A site that does not answer is one that was never read: what it may lack stays.
catalog::CopyState CopiesOf(const Context& context, Session& session, const config::Config& config,
                            const catalog::Catalog& stored) {
  std::vector<std::shared_ptr<const sites::Contents>> all;  // as long as they are looked at
  std::vector<sites::KnownSite> known;
  for (const config::SiteConfig& site : config.sites) {
    const auto contents = session.ContentsOf(site.name);
    if (!contents.ok()) {
      fmt::print(stderr, "warning: {}; what the site may lack stays in the store\n",
                 Shown(MessageOf(contents.status())));
    }
    all.push_back(contents.value_or(nullptr));
    known.push_back({all.back().get(), config.RetentionOf(site), contents.ok()});
  }
  return sites::CopyStateOf(stored, known, config.keep_local, context.clock.Now());
}

}  // namespace

Result<ExitCode> Retention(const Context& context, const RetentionOptions& options) {
  Session session(context, options.config_file);
  ASSIGN_OR_RETURN(const config::Config* const config, session.Config());
  ASSIGN_OR_RETURN(store::LocalStore* const store, session.Store());
  // A sidecar may be reading what is to be deleted: it does this itself after each snapshot.
  if (!options.dry_run) RETURN_IF_ERROR(store->TakeOwnership());
  ASSIGN_OR_RETURN(const catalog::Catalog catalog,
                   catalog::ReadCatalog(context, *store, config->cluster.name));
  const auto decisions =
      catalog::PlanRetention(catalog, config->snapshot.retention, context.clock.Now(),
                             CopiesOf(context, session, *config, catalog));
  Print(decisions, options.format);
  if (options.dry_run) return ExitCode::kOk;
  for (const catalog::RetentionDecision& d : decisions) {
    if (catalog::Goes(d.fate)) RETURN_IF_ERROR(store->Delete(d.snapshot->manifest.name));
  }
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
