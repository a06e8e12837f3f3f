// From top to bottom: the verdict, the answers, what is wrong and what to do, then the
// evidence.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/units.h"
#include "base/version.h"
#include "crypto/base64.h"
#include "crypto/hash.h"
#include "report/status/assets.h"
#include "report/status/html.h"
#include "report/status/judgement.h"
#include "report/status/site_judgement.h"
#include "report/status/status.h"
#include "report/tally.h"

namespace etcdrill::report {
namespace {

constexpr size_t kSnapshotsShown = 20;
constexpr size_t kDrillsShown = 10;

// Word and sign beside the colour.
std::string_view SignOf(Answer answer) {
  return answer == Answer::kYes ? "\u2714" : answer == Answer::kNo ? "\u2716" : "?";
}

Answer AnswerOf(bool good) { return good ? Answer::kYes : Answer::kNo; }

void Mark(Html& html, Answer answer, std::string_view word) {
  html.Raw(fmt::format("<span class=\"mark {}\"><span aria-hidden=\"true\">{}</span> ",
                       NameOf(answer), SignOf(answer)));
  html.Text(word).Raw("</span>");
}

// How long ago, and when; or instead of the time a name that holds it.
void Time(Html& html, WallTime time, WallTime now, std::string_view name = "") {
  const std::string text = FormatRfc3339(time);
  html.Raw("<time datetime=\"").Text(text).Raw("\">");
  html.Text(IsFuture(time, now) ? "in the future"
                                : Age(UnixSeconds(now) - UnixSeconds(time)) + " ago");
  html.Raw("</time><br><span class=\"soft small\">")
      .Text(name.empty() ? text : name)
      .Raw("</span>");
}

std::string Grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3;) text.insert(at -= 3, "\u202f");
  return text;
}

void Banner(Html& html, const Judgement& j) {
  const Answer overall = j.overall();
  html.Raw(fmt::format(
      "<p id=\"verdict\" role=\"status\" class=\"banner {}\"><span aria-hidden=\"true\">{}</span> ",
      NameOf(overall), SignOf(overall)));
  if (overall == Answer::kYes) {
    html.Raw(j.copied.has_value() ? "The backup is fresh, drilled, restorable and copied."
                                  : "The backup is fresh, drilled and restorable.");
  } else if (overall == Answer::kUnknown) {
    html.Raw("Not everything is known yet.");
  } else {
    html.Raw("Action needed: ");
    const char* separator = "";
    for (const Question* question : j.questions()) {
      if (question->answer != Answer::kNo) continue;
      html.Raw(separator).Text(question->if_no);
      separator = "; ";
    }
    html.Raw(".");
  }
  html.Raw("</p>\n");
}

void Tile(Html& html, std::string_view title, const Question& q) {
  const char* const word = q.answer == Answer::kYes  ? "OK"
                           : q.answer == Answer::kNo ? "Not OK"
                                                     : "Unknown";
  html.Raw(
      fmt::format("<li class=\"tile {}\"><h2>{}</h2><div class=\"answer\">"
                  "<span aria-hidden=\"true\">{}</span> {}</div>",
                  NameOf(q.answer), title, SignOf(q.answer), word));
  html.Raw("<div class=\"fact\">").Text(q.fact);
  if (!q.more.empty()) html.Raw(" <span class=\"more\">(").Text(q.more).Raw(")</span>");
  html.Raw("</div></li>\n");
}

void Troubles(Html& html, const std::vector<Trouble>& troubles) {
  if (troubles.empty()) return;
  html.Raw("<h2>Problems</h2>\n<ul class=\"troubles\">\n");
  for (const Trouble& t : troubles) {
    html.Raw("<li><strong>")
        .Text(t.what)
        .Raw("</strong><br><span class=\"soft\">")
        .Text(t.advice)
        .Raw("</span></li>\n");
  }
  html.Raw("</ul>\n");
}

// Opens a section with a table in it.
void Open(Html& html, std::string_view id, std::string_view title) {
  html.Raw(fmt::format("<section aria-labelledby=\"{0}\"><h2 id=\"{0}\">{1}</h2>\n", id, title));
}

// A table that is wider than the screen scrolls, by keyboard, too.
void OpenTable(Html& html, std::string_view id, std::string_view head) {
  html.Raw(
      fmt::format("<div class=\"card\" id=\"{0}-table\" tabindex=\"0\" role=\"region\" "
                  "aria-labelledby=\"{0}\"><table><thead><tr>{1}</tr></thead><tbody>\n",
                  id, head));
}

void CloseTable(Html& html) { html.Raw("</tbody></table></div>\n"); }

void Empty(Html& html, std::string_view text) {
  html.Raw("<div class=\"card empty\">").Raw(text).Raw("</div>\n");
}

std::string Seconds(double seconds) { return fmt::format("{:.2f}\u00a0s", seconds); }

// The stages one after the other, as wide as they were long.
void Bar(Html& html, const DrillSummary& drill, double scale) {
  std::string label;
  for (const auto& [stage, seconds] : drill.stage_seconds) {
    label += fmt::format("{}{} {}", label.empty() ? "" : ", ", NameOf(stage), Seconds(seconds));
  }
  html.Raw(
      "<svg class=\"bar\" viewBox=\"0 0 1000 14\" preserveAspectRatio=\"none\" role=\"img\" "
      "aria-label=\"");
  html.Text(label).Raw("\">");
  double x = 0;
  for (const auto& [stage, seconds] : drill.stage_seconds) {
    const double width = scale > 0 ? 1000 * seconds / scale : 0;
    html.Raw(fmt::format(
        "<rect class=\"s{}\" x=\"{:.1f}\" y=\"0\" width=\"{:.1f}\" "
        "height=\"14\"><title>{} {}</title></rect>",
        static_cast<int>(stage), x, std::max(width, 2.0), NameOf(stage), Seconds(seconds)));
    x += std::max(width, 2.0);
  }
  html.Raw("</svg><span class=\"soft small\">").Text(label).Raw("</span>");
}

double TotalSeconds(const DrillSummary& drill) {
  double sum = 0;
  for (const auto& [stage, seconds] : drill.stage_seconds) sum += seconds;
  return sum;
}

void Drills(Html& html, const View& view, bool one_runs) {
  Open(html, "drills", "Last drills");
  if (one_runs) html.Raw("<p>A drill is running.</p>\n");
  const auto shown = NewestFirst(view.LastRead().drills, kDrillsShown);
  if (shown.empty()) {
    Empty(html, "No drill yet: no snapshot is known to be restorable.");
    html.Raw("</section>\n");
    return;
  }
  html.Raw("<ul class=\"legend\">");
  for (const StageName stage : ValuesOf<StageName>()) {
    html.Raw(
        fmt::format("<li><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\"><rect class=\"s{}\" "
                    "width=\"12\" height=\"12\"/></svg>{}</li>",
                    static_cast<int>(stage), NameOf(stage)));
  }
  html.Raw("</ul>\n");
  // Every error once: that of the last drill is among the problems, and most repeat.
  const DrillSummary* const last = LastDrillOfNewest(view.LastRead());
  std::set<std::string_view> told;
  if (last != nullptr && !last->passed) told.insert(last->error);
  double scale = 0;
  for (const DrillSummary* drill : shown) scale = std::max(scale, TotalSeconds(*drill));
  OpenTable(html, "drills",
            "<th scope=\"col\">Finished<th scope=\"col\">Result<th scope=\"col\">Stages<th "
            "scope=\"col\" class=\"number\">Restore time");
  for (const DrillSummary* drill : shown) {
    const DrillSummary& d = *drill;
    html.Raw("<tr><th scope=\"row\">");
    Time(html, d.finished, view.now);
    html.Raw("</th><td>");
    Mark(html, AnswerOf(d.passed),
         d.passed ? "passed"
                  : fmt::format("failed: {}",
                                d.failed_stage.has_value() ? NameOf(*d.failed_stage) : "unknown"));
    html.Raw(fmt::format("<br><span class=\"soft small\">level {} of 5{}", d.level_reached,
                         d.etcd_version.empty() ? "" : ", etcd "));
    html.Text(d.etcd_version).Raw("</span></td><td class=\"wide\">");
    Bar(html, d, scale);
    html.Raw("<br><span class=\"soft small\">").Text(d.snapshot).Raw("</span>");
    if (!d.error.empty() && told.insert(d.error).second)
      html.Raw("<br><span class=\"no\">").Text(d.error).Raw("</span>");
    html.Raw("</td><td class=\"number\">")
        .Text(d.passed ? Seconds(d.rto_seconds) : "-")
        .Raw("</td></tr>\n");
  }
  CloseTable(html);
  html.Raw("</section>\n");
}

void State(Html& html, const catalog::CatalogEntry& s) {
  if (!s.Counts()) return Mark(html, Answer::kUnknown, "of another history");
  switch (s.state) {
    case SnapshotState::kRestorable:
      return Mark(html, Answer::kYes, "restorable");
    case SnapshotState::kDamaged:
      return Mark(html, Answer::kNo, "damaged");
    case SnapshotState::kUnreadable:
      return Mark(html, Answer::kUnknown, "unreadable");
    case SnapshotState::kUntested:
      break;
  }
  Mark(html, Answer::kUnknown,
       s.last_drill.has_value() ? "drill did not finish" : "not drilled yet");
}

void Snapshots(Html& html, const View& view) {
  Open(html, "snapshots", "Snapshots");
  const auto& all = view.LastRead().snapshots;
  const auto shown = NewestFirst(all, kSnapshotsShown);
  if (shown.empty()) {
    Empty(html, "The store is empty.");
    html.Raw("</section>\n");
    return;
  }
  OpenTable(html, "snapshots",
            "<th scope=\"col\">Taken<th scope=\"col\">State<th scope=\"col\">Level<th "
            "scope=\"col\" class=\"number\">Revision<th scope=\"col\" class=\"number\">Keys<th "
            "scope=\"col\" class=\"number\">Size<th scope=\"col\">Last drill");
  for (const catalog::CatalogEntry* entry : shown) {
    const Manifest& m = entry->manifest;
    html.Raw("<tr><th scope=\"row\">");
    Time(html, m.taken, view.now, m.name);
    html.Raw("</th><td>");
    State(html, *entry);
    html.Raw(fmt::format(
        "</td><td>{} of 5</td><td class=\"number\">{}</td><td "
        "class=\"number\">{}</td><td class=\"number\">{}</td><td>",
        LevelOf(*entry), Grouped(static_cast<uint64_t>(std::max<int64_t>(m.revision, 0))),
        Grouped(m.live_keys), FormatSize(m.size_bytes)));
    if (entry->last_drill.has_value()) {
      Time(html, entry->last_drill->finished, view.now);
    } else {
      html.Raw("<span class=\"soft\">never</span>");
    }
    html.Raw("</td></tr>\n");
  }
  CloseTable(html);
  if (all.size() > shown.size()) {
    html.Raw(fmt::format("<p class=\"soft small\">The newest {} of {}.</p>\n", shown.size(),
                         all.size()));
  }
  html.Raw("</section>\n");
}

// What is wrong with it stands among the problems, in full.
void SiteProblem(Html& html, const SiteView& site, const View& view) {
  if (!site.problem.ok()) return Mark(html, Answer::kNo, "failing");
  const SiteAnswer copies = JudgeSite(site, view);
  if (copies.answer != Answer::kYes) return Mark(html, copies.answer, copies.fact);
  const size_t troubles = TroublesOf(site, view).size();
  if (troubles == 0) return Mark(html, Answer::kYes, "none");
  Mark(html, Answer::kNo, fmt::format("{} above", troubles));
}

void SiteRow(Html& html, const SiteView& site, const View& view) {
  html.Raw("<tr><th scope=\"row\">").Text(site.name);
  html.Raw("<br><span class=\"soft small\">").Text(site.address).Raw("</span></th>");
  if (site.listed.has_value()) {
    for (const auto& time : {site.newest_copy, site.newest_proven, site.newest_restorable}) {
      html.Raw("<td>");
      if (time.has_value()) {
        Time(html, *time, view.now);
      } else {
        html.Raw("<span class=\"soft\">none</span>");
      }
      html.Raw("</td>");
    }
    html.Raw(fmt::format("<td class=\"number\">{}</td><td>", Grouped(site.waiting)));
    html.Text(site.locked_until.has_value() ? FormatRfc3339(*site.locked_until)
              : site.wants_lock             ? "not locked"
                                            : "-");
    html.Raw("</td><td>");
  } else {
    html.Raw("<td colspan=\"5\" class=\"soft\">not known</td><td>");
  }
  SiteProblem(html, site, view);
  html.Raw("</td></tr>\n");
}

void Sites(Html& html, const View& view) {
  Open(html, "sites", "Sites");
  OpenTable(
      html, "sites",
      "<th scope=\"col\">Site<th scope=\"col\">Newest copy<th scope=\"col\">Newest "
      "proven<th scope=\"col\">Newest restorable<th scope=\"col\" class=\"number\">Waiting<th "
      "scope=\"col\">Locked until<th scope=\"col\">Problem");
  for (const SiteView& site : view.sites) SiteRow(html, site, view);
  CloseTable(html);
  html.Raw("</section>\n");
}

void Members(Html& html, const View& view) {
  Open(html, "members", "Live cluster");
  if (view.health == nullptr) {
    Empty(html, "No health check yet.");
    html.Raw("</section>\n");
    return;
  }
  OpenTable(html, "members",
            "<th scope=\"col\">Endpoint<th scope=\"col\">Health<th scope=\"col\">Role<th "
            "scope=\"col\">Version"
            "<th scope=\"col\" class=\"number\">Revision<th scope=\"col\" class=\"number\">Size<th "
            "scope=\"col\" class=\"number\">Latency");
  const etcd::HealthRound& round = *view.health;
  for (const etcd::RollEntry& entry : round.roll.entries) {
    const etcd::HealthProbe& probe = round.probes[entry.endpoint];
    html.Raw("<tr><th scope=\"row\">").Text(entry.address).Raw("</th><td class=\"wide\">");
    Mark(html, AnswerOf(probe.healthy), probe.healthy ? "healthy" : "not healthy");
    // What is wrong with one that is not healthy is among the problems.
    if (probe.healthy && !probe.same_as.empty()) {
      html.Raw("<br><span class=\"soft small\">the same member as ")
          .Text(probe.same_as)
          .Raw("</span>");
    }
    html.Raw("</td>");
    if (!probe.status.has_value()) {
      html.Raw("<td colspan=\"5\" class=\"soft\">no answer</td></tr>\n");
      continue;
    }
    const etcd::MemberStatus& s = *probe.status;
    html.Raw("<td>").Text(s.role()).Raw("</td><td>").Text(s.version);
    html.Raw(fmt::format(
        "</td><td class=\"number\">{}</td><td class=\"number\">{}</td><td "
        "class=\"number\">{:.1f} ms</td></tr>\n",
        Grouped(static_cast<uint64_t>(std::max<int64_t>(s.revision, 0))),
        FormatSize(static_cast<uint64_t>(s.db_size_bytes)), SecondsOf(probe.latency) * 1000));
  }
  CloseTable(html);
  html.Raw("</section>\n");
}

void Next(Html& html, const Activity& activity, WallTime now) {
  Open(html, "schedule", "Schedule");
  OpenTable(
      html, "schedule",
      "<th scope=\"col\">Task<th scope=\"col\">Next<th scope=\"col\">Last finished since start");
  const auto cell = [&](std::optional<double> unix_seconds, bool is_past) {
    if (!unix_seconds.has_value()) {
      html.Raw("<td class=\"soft\">-</td>");
      return;
    }
    const double distance = *unix_seconds - UnixSeconds(now);
    const std::string text = is_past        ? Age(-distance) + " ago"
                             : distance < 0 ? "now"
                                            : "in " + Age(distance);
    html.Raw("<td>").Text(text).Raw("</td>");
  };
  for (const Task task : ValuesOf<Task>()) {
    html.Raw("<tr><th scope=\"row\">").Text(NameOf(task)).Raw("</th>");
    cell(activity[task].next_run, false);
    cell(activity[task].last_run, true);
    html.Raw("</tr>\n");
  }
  CloseTable(html);
  html.Raw("</section>\n");
}

std::string HashOf(std::string_view text) {
  return fmt::format("'sha256-{}'", EncodeBase64(Sha256Of(text)));
}

}  // namespace

const std::string& StatusPagePolicy() {
  static const std::string policy = fmt::format(
      "default-src 'none'; style-src {}; script-src {}; connect-src 'self'; img-src data:; "
      "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
      HashOf(kStyle), HashOf(kScript));
  return policy;
}

std::string StatusPage(const View& view, const Activity& activity) {
  const Judgement j = Judge(view, activity);
  const std::string& cluster = view.config->cluster.name;
  Html html;
  html.Raw(
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><link rel=\"icon\" "
      "href=\"data:,\"><title>");
  html.Raw(SignOf(j.overall()))
      .Raw(" ")
      .Text(cluster)
      .Raw(" - etcdrill</title><style>")
      .Raw(kStyle);
  html.Raw("</style></head>\n<body><div class=\"wrap\"><header><h1>etcd backup of ")
      .Text(cluster)
      .Raw("</h1>");
  html.Raw("<span class=\"soft\">as of <time id=\"time\">")
      .Text(FormatRfc3339(view.now))
      .Raw("</time></span>");
  html.Raw("<span id=\"refresh\" class=\"no\" role=\"alert\"></span></header>\n<main>\n");
  Banner(html, j);
  html.Raw("<ul class=\"tiles\">\n");
  Tile(html, "Newest snapshot", j.fresh);
  Tile(html, "Last drilled snapshot", j.drilled);
  Tile(html, "Last drill", j.restorable);
  Tile(html, "Restore time", j.in_time);
  if (j.copied.has_value()) Tile(html, "Copies at sites", *j.copied);
  html.Raw("</ul>\n");
  Troubles(html, j.troubles);
  Drills(html, view, activity.drill_in_progress);
  Snapshots(html, view);
  if (!view.sites.empty()) Sites(html, view);
  Members(html, view);
  Next(html, activity, view.now);
  html.Raw("</main>\n<footer><span>etcdrill ").Text(kVersion);
  html.Raw(
      "</span><a href=\"metrics\">Metrics</a><a href=\"api/v1/status\">Status as JSON</a>"
      "<a href=\"api/v1/snapshots\">Snapshots as JSON</a><a href=\"api/v1/drills\">Drills as "
      "JSON</a></footer></div>\n<script>");
  return html.Raw(kScript).Raw("</script></body></html>\n").Take();
}

}  // namespace etcdrill::report
