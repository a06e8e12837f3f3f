// lineage: does one snapshot, or the live cluster, continue an older snapshot?
#include <fmt/format.h>

#include <utility>

#include "cli/commands.h"
#include "cli/session.h"
#include "crosscheck/lineage.h"
#include "crosscheck/manifest_check.h"
#include "verify/lineage.h"

namespace etcdrill::cli {
namespace {

struct Opened {
  snapshot::Image image;
  verify::Place place;

  verify::Placed placed() const { return {image, place}; }
};

// A damaged file has no lineage. One that nothing proves has: equal hashes prove its history better
// than a trailer.
Result<Opened> OpenPlaced(const Context& context, Session& session, const std::string& word) {
  ASSIGN_OR_RETURN(const Target target, FindTarget(context, session, word));
  ASSIGN_OR_RETURN(auto image, snapshot::Image::Open(context, target.path));
  ASSIGN_OR_RETURN(
      const verify::VerifyReport report,
      crosscheck::VerifyWithManifest(context, image, target.manifest, Level::kKeyspace));
  if (report.verdict() == Verdict::kDamaged) {
    return Error(Reason::kDamaged, "{} is damaged: {}. For all findings, run `etcdrill verify {}`",
                 target.path, report.Cause(), target.path);
  }
  if (!report.keyspace.has_value()) {
    return Error(Reason::kNotProvable, "{}: {}", target.path, report.Cause());
  }
  ASSIGN_OR_RETURN(verify::Place place, verify::ReadPlace(image, report.keyspace->hashkv));
  return Opened{std::move(image), std::move(place)};
}

template <typename T>
std::string OrDash(const std::optional<T>& value) {
  return value.has_value() ? std::to_string(*value) : "-";
}

std::string CompactText(int64_t revision) { return revision > 0 ? std::to_string(revision) : "-"; }

Row PlaceRow(std::string which, const verify::Place& p) {
  return {std::move(which),
          std::to_string(p.head.revision),
          CompactText(p.head.compact_revision),
          OrDash(p.consistent_index),
          OrDash(p.term),
          std::to_string(p.auth_revision),
          std::to_string(p.head.live_keys),
          p.file};
}

Row MemberRow(const verify::LiveMember& m) {
  Row row = {m.endpoint, NameOf(m.result)};
  if (m.result == Comparison::kNotComparable) {
    row.insert(row.end(), {"", "", "", ""});
  } else {
    row.insert(row.end(),
               {std::to_string(m.hashkv.revision), CompactText(m.hashkv.compact_revision),
                fmt::format("{:08x}", m.older), fmt::format("{:08x}", m.hashkv.hash)});
  }
  return row;
}

void PrintReport(const verify::LineageReport& report, OutputFormat format) {
  if (format == OutputFormat::kJson) {
    PrintDocument(report);
    return;
  }
  fmt::print("{}\n", Coloured(NameOf(report.verdict), LookOf(report.verdict).colour));
  Rows places = {PlaceRow("older", report.older)};
  if (report.newer.has_value()) places.push_back(PlaceRow("newer", *report.newer));
  PrintTable(format, {"SNAPSHOT", "REVISION", "COMPACTED", "INDEX", "TERM", "AUTH", "KEYS", "FILE"},
             places);
  if (report.compared.has_value()) {
    const verify::ComparedHashes& c = *report.compared;
    fmt::print("hashkv at revision {} compacted at {}: older {:08x}, newer {:08x}\n", c.revision,
               CompactText(c.compact_revision), c.older, c.newer);
  }
  if (!report.members.empty()) {
    Rows members;
    for (const verify::LiveMember& m : report.members) members.push_back(MemberRow(m));
    PrintTable(format,
               {"MEMBER", "RESULT", "REVISION", "COMPACTED", "FILE-HASHKV", "MEMBER-HASHKV"},
               members);
  }
  PrintFindings(report.findings);
}

Result<verify::LineageReport> Compare(const Context& context, const LineageOptions& options) {
  Session session(context, options.config_file);
  ASSIGN_OR_RETURN(const Opened older, OpenPlaced(context, session, options.older));
  if (!options.newer.empty()) {
    ASSIGN_OR_RETURN(const Opened newer, OpenPlaced(context, session, options.newer));
    return verify::CompareLineage(context, older.placed(), newer.placed());
  }
  ASSIGN_OR_RETURN(const auto connection, session.Connection(options.connection));
  ASSIGN_OR_RETURN(const auto client, etcd::Client::Create(connection, context));
  return crosscheck::CompareWithLiveCluster(context, *client, older.placed());
}

}  // namespace

Result<ExitCode> Lineage(const Context& context, const LineageOptions& options) {
  ASSIGN_OR_RETURN(const verify::LineageReport report, Compare(context, options));
  PrintReport(report, options.format);
  return LookOf(report.verdict).exit_code;
}

}  // namespace etcdrill::cli
