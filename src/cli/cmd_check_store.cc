// check store: what each site really does, asked by probe objects, and what follows from it for the
// configuration.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/text.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "objects/metered.h"
#include "sites/probe.h"
#include "sites/site.h"

namespace etcdrill::cli {
namespace {

using sites::ProbeReport;
using sites::ProbeResult;

// A site that can't be opened has a report, too: it must not hide the others.
ProbeReport OpenAndProbe(const Context& context, const config::Config& config,
                         const config::SiteConfig& site) {
  objects::Meter meter;
  const auto opened = sites::Site::Open(context, site, config.signing, meter, sites::kNoRetries);
  if (opened.ok()) return sites::ProbeSite(context, **opened);
  ProbeReport report{.site = site.name};
  sites::MakeUnusable(opened.status(), report);
  return report;
}

// All sites, or the one that is asked for.
Result<std::vector<ProbeReport>> ProbeSites(const Context& context, Session& session,
                                            const CheckStoreOptions& options) {
  ASSIGN_OR_RETURN(const config::Config* const config, session.Config());
  if (!options.site.empty()) {
    ASSIGN_OR_RETURN(const config::SiteConfig* const site, session.SiteConfig(options.site));
    return std::vector{OpenAndProbe(context, *config, *site)};
  }
  if (config->sites.empty()) {
    return Error(Reason::kUsage, "{} names no site to check; list some under store.sites",
                 options.config_file);
  }
  std::vector<ProbeReport> reports;
  for (const config::SiteConfig& site : config->sites)
    reports.push_back(OpenAndProbe(context, *config, site));
  return reports;
}

Json ToJson(const ProbeReport& report) {
  Json answers = Json::array();
  for (const sites::ProbeAnswer& answer : report.answers) {
    answers.push_back({{"question", answer.question},
                       {"result", NameOf(answer.result)},
                       {"text", answer.text},
                       {"advice", answer.advice}});
  }
  Json locked_until;
  if (report.locked_until.has_value()) locked_until = FormatRfc3339(*report.locked_until);
  return {{"site", report.site},
          {"address", report.address},
          {"credentials", report.credentials},
          {"usable", report.usable.ok()},
          {"problem", MessageOf(report.usable)},
          {"locked_until", locked_until},
          {"answers", answers}};
}

Json DocumentOf(const std::vector<ProbeReport>& reports) {
  Json document = NewDocument("StoreCheck");
  document["sites"] = Json::array();
  for (const ProbeReport& report : reports) document["sites"].push_back(ToJson(report));
  return document;
}

Cell CellOf(ProbeResult result) {
  switch (result) {
    case ProbeResult::kYes:
      return {NameOf(result), Colour::kGreen};
    case ProbeResult::kFailed:
      return {NameOf(result), Colour::kRed};
    case ProbeResult::kNo:
    case ProbeResult::kUnknown:
      break;
  }
  return {NameOf(result), Colour::kYellow};
}

void Print(OutputFormat format, const ProbeReport& report) {
  Rows rows;
  for (const sites::ProbeAnswer& answer : report.answers) {
    const std::string_view between = answer.advice.empty() ? "" : "; ";
    rows.push_back({answer.question, CellOf(answer.result),
                    fmt::format("{}{}{}", answer.text, between, answer.advice)});
  }
  if (!rows.empty()) PrintTable(format, {"QUESTION", "ANSWER", "MEANING"}, rows);
  if (report.usable.ok()) {
    fmt::print("site {}: {}, copies can be made at {}\n", Shown(report.site),
               Coloured("usable", Colour::kGreen), Shown(report.address));
  } else {
    fmt::print("{}: {}\n", Coloured("not usable", Colour::kRed), Shown(MessageOf(report.usable)));
  }
}

}  // namespace

Result<ExitCode> CheckStore(const Context& context, const CheckStoreOptions& options) {
  Session session(context, options.config_file);
  ASSIGN_OR_RETURN(const std::vector<ProbeReport> reports, ProbeSites(context, session, options));
  if (options.format == OutputFormat::kJson) {
    PrintJson(DocumentOf(reports));
  } else {
    for (const ProbeReport& report : reports) Print(options.format, report);
  }
  for (const ProbeReport& report : reports) {
    if (!report.usable.ok()) return ExitCodeOf(report.usable);
  }
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
