// The reports as JSON. Scripts rely on the names of fields: they stay.
#include "verify/report.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/json_reader.h"
#include "format/mvcc/buckets.h"
#include "format/mvcc/row.h"
#include "verify/lineage.h"

namespace etcdrill::verify {
namespace {

Json FindingsJson(const Findings& findings) {
  Json list = Json::array();
  for (const Finding& f : findings.kept()) {
    list.push_back({{"code", f.code},
                    {"severity", NameOf(f.severity)},
                    {"page", OrNull(f.page)},
                    {"offset", OrNull(f.offset)},
                    {"text", f.text}});
  }
  return list;
}

void AddFindings(const Findings& findings, Json& json) {
  json["findings"] = FindingsJson(findings);
  json["findings_total"] = findings.total();
  for (const Severity severity : kSeverities) {
    json["findings_dropped"][std::string(NameOf(severity))] = findings.dropped(severity);
  }
}

Json PlaceJson(const Place& place) {
  return {{"file", place.file},
          {"revision", place.head.revision},
          {"compact_revision", place.head.compact_revision},
          {"live_keys", place.head.live_keys},
          {"consistent_index", OrNull(place.consistent_index)},
          {"term", OrNull(place.term)},
          {"auth_revision", place.auth_revision},
          {"members", place.members}};
}

Json ComparedJson(const ComparedHashes& compared) {
  return {{"revision", compared.revision},
          {"compact_revision", compared.compact_revision},
          {"older", compared.older},
          {"newer", compared.newer}};
}

Json LiveMembersJson(const std::vector<LiveMember>& members) {
  Json list = Json::array();
  for (const LiveMember& m : members) {
    Json entry = {{"endpoint", m.endpoint},
                  {"member_id", m.member_id},
                  {"live_keys", OrNull(m.live_keys)},
                  {"result", NameOf(m.result)}};
    if (m.result == Comparison::kNotComparable) {
      entry["problem"] = m.problem;
    } else {
      entry["hashkv"] =
          ComparedJson({m.hashkv.revision, m.hashkv.compact_revision, m.older, m.hashkv.hash});
    }
    list.push_back(std::move(entry));
  }
  return list;
}

Json GroupJson(const char* what, const InventoryGroup& g) {
  return {{what, g.name},
          {"live_keys", g.live_keys},
          {"revisions", g.revisions},
          {"live_value_bytes", g.live_value_bytes},
          {"bytes", g.bytes},
          {"encrypted", g.encrypted},
          {"plain", g.live_keys - g.encrypted}};
}

Json InventoryJson(const Inventory& inventory) {
  Json json = {{"total", GroupJson("name", inventory.total)},
               {"prefixes", Json::array()},
               {"resources", Json::array()},
               {"encryption_keys", Json::array()}};
  for (const InventoryGroup& g : inventory.prefixes)
    json["prefixes"].push_back(GroupJson("prefix", g));
  for (const InventoryGroup& g : inventory.resources)
    json["resources"].push_back(GroupJson("resource", g));
  for (const EncryptionKey& k : inventory.encryption_keys) {
    json["encryption_keys"].push_back({{"provider", k.provider},
                                       {"version", k.version},
                                       {"key", k.key},
                                       {"live_values", k.live_values}});
  }
  return json;
}

Json MembersJson(const std::vector<MemberRecord>& members) {
  Json list = Json::array();
  for (const MemberRecord& m : members) {
    list.push_back(
        {{"id", fmt::format("{:x}", m.id)}, {"name", m.name}, {"peer_urls", m.peer_urls}});
  }
  return list;
}

}  // namespace

std::string VerifyReport::Cause() const {
  if (const Finding* const error = findings.FirstError()) return error->text;
  const Finding* const doubt = findings.FirstDoubt();
  return doubt == nullptr ? "see the report" : doubt->text;
}

namespace {

// A bound of a lost range. Separators of the `key` bucket are revisions.
std::string BoundText(std::string_view bucket, std::string_view key) {
  const auto revision = bucket == mvcc::kKeyBucket ? mvcc::DecodeRevision(key) : std::nullopt;
  return revision.has_value() ? fmt::format("revision {}/{}", revision->main, revision->sub)
                              : fmt::format("key {}", Printable(key));
}

std::string RangeText(const KeyRange& range) {
  if (range.bucket.empty()) return "all buckets, or some of them";
  const std::string bucket = fmt::format("bucket {}", Printable(range.bucket));
  if (range.lower.empty() && !range.upper.has_value()) return bucket + ": everything";
  if (range.lower.empty())
    return fmt::format("{}: everything before {}", bucket, BoundText(range.bucket, *range.upper));
  const std::string from = fmt::format("{}: from {}", bucket, BoundText(range.bucket, range.lower));
  return range.upper.has_value()
             ? fmt::format("{} to before {}", from, BoundText(range.bucket, *range.upper))
             : from + " to the end";
}

}  // namespace

std::vector<std::string> VerifyReport::Affected() const {
  std::vector<std::string> texts;
  std::optional<KeyRange> run;  // ranges come in the order of the keys; neighbours become one
  for (const Finding& f : findings.kept()) {
    if (!f.lost.has_value()) continue;
    if (run.has_value() && run->bucket == f.lost->bucket && run->upper == f.lost->lower) {
      run->upper = f.lost->upper;
      continue;
    }
    if (run.has_value()) texts.push_back(RangeText(*run));
    run = f.lost;
  }
  if (run.has_value()) texts.push_back(RangeText(*run));
  return texts;
}

Json ToJson(const VerifyReport& report) {
  const Keyspace keyspace = report.keyspace.value_or(Keyspace{});
  Json json = NewDocument("VerifyReport");
  json.update({
      {"file", report.file},
      {"verdict", NameOf(report.verdict())},
      {"levels", Json::object()},
      {"size", report.size_bytes},
      {"sha256", report.sha256},
      {"hash", keyspace.hash},
      {"revision", keyspace.hashkv.revision},
      {"total_keys", keyspace.total_keys},
      {"live_keys", keyspace.live_keys},
      {"compact_revision", keyspace.hashkv.compact_revision},
      {"hashkv",
       {{"hash", keyspace.hashkv.hash},
        {"revision", keyspace.hashkv.revision},
        {"compact_revision", keyspace.hashkv.compact_revision}}},
      {"storage_version", keyspace.storage_version},
      {"members", MembersJson(keyspace.members)},
      {"cluster_version", keyspace.cluster_version},
  });
  for (const Level level : kFileLevels)
    json["levels"][std::string(NameOf(level))] = NameOf(report.levels[level]);
  AddFindings(report.findings, json);
  json["affected"] = report.Affected();
  json["duration_seconds"] = report.duration_seconds;
  if (report.inventory.has_value()) json["inventory"] = InventoryJson(*report.inventory);
  return json;
}

Json ToJson(const LineageReport& report) {
  Json json = NewDocument("LineageReport");
  json.update({
      {"verdict", NameOf(report.verdict)},
      {"restored_between", report.restored_between},
      {"older", PlaceJson(report.older)},
      {"newer", report.newer.has_value() ? PlaceJson(*report.newer) : Json(nullptr)},
      {"hashkv", report.compared.has_value() ? ComparedJson(*report.compared) : Json(nullptr)},
      {"members", LiveMembersJson(report.members)},
  });
  AddFindings(report.findings, json);
  json["duration_seconds"] = report.duration_seconds;
  return json;
}

}  // namespace etcdrill::verify
