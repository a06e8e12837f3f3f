// The manifest as JSON. Fields that 0.1.0 did not write may be absent.
#include "proof/manifest.h"

#include "base/json_reader.h"

namespace etcdrill {
namespace {

constexpr std::string_view kManifestKind = "SnapshotManifest";

Json ToJson(const ReceiptRecord& r) {
  Json json = {{"endpoint", r.endpoint}};
  if (!r.error.empty()) {
    json["error"] = r.error;
    return json;
  }
  json.update({{"member_id", r.member_id},
               {"hash", r.hash},
               {"revision", r.revision},
               {"compact_revision", r.compact_revision},
               {"live_keys", OrNull(r.live_keys)},
               {"result", NameOf(r.result)}});
  if (r.outvoted) json["outvoted"] = true;
  return json;
}

void Read(JsonReader& reader, ReceiptRecord& r) {
  reader.Read("endpoint", r.endpoint);
  reader.ReadIf("error", r.error);
  if (!r.error.empty()) return;
  reader.Read("member_id", r.member_id);
  reader.Read("hash", r.hash);
  reader.Read("revision", r.revision);
  reader.Read("compact_revision", r.compact_revision);
  reader.ReadIf("live_keys", r.live_keys);
  reader.Read("result", r.result);
  reader.ReadIf("outvoted", r.outvoted);
}

Json ToJson(const LineageRecord& lineage) {
  return {{"older", lineage.older},
          {"result", NameOf(lineage.result)},
          {"text", lineage.text},
          {"duration_seconds", lineage.duration_seconds}};
}

void Read(JsonReader& reader, LineageRecord& lineage) {
  reader.Read("older", lineage.older);
  reader.Read("result", lineage.result);
  reader.Read("text", lineage.text);
  reader.Read("duration_seconds", lineage.duration_seconds);
}

Json ToJson(const AdoptedRecord& adopted) {
  return {{"path", adopted.path},
          {"size", adopted.size_bytes},
          {"modified", FormatRfc3339(adopted.modified)},
          {"changed", FormatRfc3339(adopted.changed)}};
}

void Read(JsonReader& reader, AdoptedRecord& adopted) {
  reader.Read("path", adopted.path);
  reader.Read("size", adopted.size_bytes);
  reader.Read("modified", adopted.modified);
  reader.ReadIf("changed", adopted.changed);
}

}  // namespace

Json ToJson(const Manifest& m) {
  Json json = NewDocument(kManifestKind);
  json.update({{"name", m.name},
               {"cluster", m.cluster},
               {"place", m.place},
               {"taken", FormatRfc3339(m.taken)},
               {"size", m.size_bytes},
               {"sha256", m.sha256},
               {"revision", m.revision},
               {"compact_revision", m.compact_revision},
               {"hash", m.hash},
               {"hashkv", m.hashkv},
               {"total_keys", m.total_keys},
               {"live_keys", m.live_keys},
               {"storage_version", m.storage_version},
               {"verdict", NameOf(m.verdict)},
               {"source",
                {{"endpoint", m.endpoint},
                 {"chosen", m.chosen},
                 {"member_id", m.member_id},
                 {"cluster_id", m.cluster_id},
                 {"etcd_version", m.etcd_version}}},
               {"duration_seconds", m.duration_seconds},
               {"receipt", Json::array()},
               {"lineage", m.lineage.has_value() ? ToJson(*m.lineage) : Json(nullptr)},
               {"adopted", m.adopted.has_value() ? ToJson(*m.adopted) : Json(nullptr)},
               {"other_history", m.other_history}});
  for (const ReceiptRecord& r : m.receipt) json["receipt"].push_back(ToJson(r));
  return json;
}

Result<Manifest> ParseManifest(std::string_view text) {
  ASSIGN_OR_RETURN(const Json json, ParseDocument(kManifestKind, "a snapshot manifest", text));
  Manifest m;
  JsonReader reader(json);
  reader.Read("name", m.name);
  reader.Read("cluster", m.cluster);
  reader.ReadIf("place", m.place);
  reader.Read("taken", m.taken);
  reader.Read("size", m.size_bytes);
  reader.Read("sha256", m.sha256);
  reader.Read("revision", m.revision);
  reader.Read("compact_revision", m.compact_revision);
  reader.Read("hash", m.hash);
  reader.Read("hashkv", m.hashkv);
  reader.Read("total_keys", m.total_keys);
  reader.Read("live_keys", m.live_keys);
  reader.Read("storage_version", m.storage_version);
  reader.Read("verdict", m.verdict);
  reader.Read("duration_seconds", m.duration_seconds);
  reader.ReadObject("source", [&](JsonReader& source) {
    source.Read("endpoint", m.endpoint);
    source.ReadIf("chosen", m.chosen);
    source.Read("member_id", m.member_id);
    source.Read("cluster_id", m.cluster_id);
    source.Read("etcd_version", m.etcd_version);
  });
  if (reader.Has("receipt")) reader.ReadRecords<ReceiptRecord>("receipt", m.receipt, Read);
  reader.ReadRecord<LineageRecord>("lineage", m.lineage, Read);
  reader.ReadRecord<AdoptedRecord>("adopted", m.adopted, Read);
  reader.ReadIf("other_history", m.other_history);
  RETURN_IF_ERROR(reader.status());
  return m;
}

}  // namespace etcdrill
