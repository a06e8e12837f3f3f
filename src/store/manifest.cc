// The manifest as JSON. Unknown fields are passed over, so that an older etcdrill reads what a
// newer one wrote.
#include "store/manifest.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace etcdrill::store {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kManifestBytesMax = uint64_t{4} << 20;

// Reads typed fields; remembers the first that is missing or of another type.
class FieldReader {
 public:
  explicit FieldReader(const Json& json) : json_(json) {}

  void Read(const char* key, std::string& out) {
    ReadIf(key, out, [](const Json& v) { return v.is_string(); });
  }
  void Read(const char* key, double& out) {
    ReadIf(key, out, [](const Json& v) { return v.is_number(); });
  }
  void Read(const char* key, bool& out) {
    ReadIf(key, out, [](const Json& v) { return v.is_boolean(); });
  }
  template <std::integral T>
  void Read(const char* key, T& out) {
    ReadIf(key, out, [](const Json& v) {
      return std::is_signed_v<T> ? v.is_number_integer() : v.is_number_unsigned();
    });
  }
  const std::string& problem() const { return problem_; }

 private:
  template <typename T, typename IsRight>
  void ReadIf(const char* key, T& out, IsRight&& is_right) {
    const auto at = json_.find(key);
    if (at == json_.end() || !is_right(*at)) {
      if (problem_.empty()) problem_ = key;
      return;
    }
    out = at->template get<T>();
  }

  const Json& json_;
  std::string problem_;
};

Json ReceiptJson(const std::vector<ReceiptRecord>& receipt) {
  Json list = Json::array();
  for (const ReceiptRecord& r : receipt) {
    Json entry = {{"endpoint", r.endpoint}};
    if (r.error.empty()) {
      entry.update({{"member_id", r.member_id},
                    {"hash", r.hash},
                    {"revision", r.revision},
                    {"compact_revision", r.compact_revision},
                    {"live_keys", r.live_keys.has_value() ? Json(*r.live_keys) : Json(nullptr)},
                    {"result", r.result}});
      if (r.outvoted) entry["outvoted"] = true;
    } else {
      entry["error"] = r.error;
    }
    list.push_back(std::move(entry));
  }
  return list;
}

Json LineageJson(const std::optional<LineageRecord>& lineage) {
  if (!lineage.has_value()) return nullptr;
  return {{"older", lineage->older},
          {"result", lineage->result},
          {"text", lineage->text},
          {"duration_seconds", lineage->duration_seconds}};
}

std::optional<LineageRecord> ParseLineage(const Json& json) {
  if (!json.contains("lineage") || !json["lineage"].is_object()) return std::nullopt;
  LineageRecord lineage;
  FieldReader reader(json["lineage"]);
  reader.Read("older", lineage.older);
  reader.Read("result", lineage.result);
  reader.Read("text", lineage.text);
  reader.Read("duration_seconds", lineage.duration_seconds);
  return lineage;
}

Json AdoptedJson(const std::optional<AdoptedRecord>& adopted) {
  if (!adopted.has_value()) return nullptr;
  return {{"path", adopted->path},
          {"size", adopted->size_bytes},
          {"modified", FormatRfc3339(adopted->modified)},
          {"changed", FormatRfc3339(adopted->changed)}};
}

std::optional<AdoptedRecord> ParseAdopted(const Json& json) {
  if (!json.contains("adopted") || !json["adopted"].is_object()) return std::nullopt;
  AdoptedRecord adopted;
  std::string modified;
  FieldReader reader(json["adopted"]);
  reader.Read("path", adopted.path);
  reader.Read("size", adopted.size_bytes);
  reader.Read("modified", modified);
  adopted.modified = ParseRfc3339(modified).value_or(WallTime());
  if (json["adopted"].contains("changed")) {
    std::string changed;
    reader.Read("changed", changed);
    adopted.changed = ParseRfc3339(changed).value_or(WallTime());
  }
  return adopted;
}

std::vector<ReceiptRecord> ParseReceipt(const Json& json) {
  std::vector<ReceiptRecord> receipt;
  if (!json.contains("receipt") || !json["receipt"].is_array()) return receipt;
  for (const Json& entry : json["receipt"]) {
    if (!entry.is_object()) continue;
    ReceiptRecord& r = receipt.emplace_back();
    FieldReader reader(entry);
    reader.Read("endpoint", r.endpoint);
    reader.Read("member_id", r.member_id);
    reader.Read("hash", r.hash);
    reader.Read("revision", r.revision);
    reader.Read("compact_revision", r.compact_revision);
    reader.Read("result", r.result);
    if (const Json keys = entry.value("live_keys", Json()); keys.is_number_integer())
      r.live_keys = keys.get<int64_t>();
    if (entry.contains("outvoted")) reader.Read("outvoted", r.outvoted);
    if (entry.contains("error")) reader.Read("error", r.error);
  }
  return receipt;
}

}  // namespace

std::string ToJson(const Manifest& m) {
  return Json{{"apiVersion", "etcdrill/v1"},
              {"kind", "SnapshotManifest"},
              {"name", m.name},
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
              {"verdict", m.verdict},
              {"source",
               {{"endpoint", m.endpoint},
                {"chosen", m.chosen},
                {"member_id", m.member_id},
                {"cluster_id", m.cluster_id},
                {"etcd_version", m.etcd_version}}},
              {"duration_seconds", m.duration_seconds},
              {"receipt", ReceiptJson(m.receipt)},
              {"lineage", LineageJson(m.lineage)},
              {"adopted", AdoptedJson(m.adopted)},
              {"other_history", m.other_history}}
             .dump(2, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

Result<Manifest> ParseManifest(std::string_view text) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  std::string kind;
  if (json.is_object()) FieldReader(json).Read("kind", kind);
  if (kind != "SnapshotManifest" || !json.contains("source") || !json["source"].is_object()) {
    return Error(Reason::kDamaged, "not a snapshot manifest");
  }
  Manifest m;
  std::string taken;
  FieldReader reader(json);
  reader.Read("name", m.name);
  reader.Read("cluster", m.cluster);
  reader.Read("taken", taken);
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
  FieldReader source(json["source"]);
  source.Read("endpoint", m.endpoint);
  source.Read("member_id", m.member_id);
  source.Read("cluster_id", m.cluster_id);
  source.Read("etcd_version", m.etcd_version);
  const std::string& problem = reader.problem().empty() ? source.problem() : reader.problem();
  if (!problem.empty())
    return Error(Reason::kDamaged, "the field \"{}\" is missing or of another type", problem);
  const auto time = ParseRfc3339(taken);
  if (!time.has_value()) return Error(Reason::kDamaged, "\"taken\": \"{}\" is not a time", taken);
  m.taken = *time;
  if (const Json place = json.value("place", Json()); place.is_number_unsigned()) m.place = place;
  if (const Json chosen = json["source"].value("chosen", Json()); chosen.is_string())
    m.chosen = chosen;
  m.receipt = ParseReceipt(json);
  m.lineage = ParseLineage(json);
  m.adopted = ParseAdopted(json);
  m.other_history = json.value("other_history", Json()) == true;
  return m;
}

Result<Manifest> ReadManifest(FileSystem& fs, const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, fs.ReadWhole(path, kManifestBytesMax));
  auto manifest = ParseManifest(text);
  if (!manifest.ok()) return Annotate(manifest.status(), path);
  return manifest;
}

Result<Manifest> ReadManifestOf(FileSystem& fs, const std::string& snapshot_path) {
  const std::string stem = snapshot_path.substr(0, snapshot_path.rfind('.'));
  const std::string path = stem + ".json";
  ASSIGN_OR_RETURN(Manifest manifest, ReadManifest(fs, path));
  // A manifest speaks for its own file only.
  if (manifest.name == BaseName(stem)) return manifest;
  return Error(Reason::kDamaged, "{}: it is the manifest of {}", path, manifest.name);
}

constexpr std::string_view kTail =
    "-dddddddddddddddddddd-ddddddddTddddddZ";  // of a name; d: a digit

std::string SnapshotName(std::string_view cluster, int64_t revision, WallTime taken) {
  return fmt::format("{}-{:020}-{}", cluster, revision, FormatCompactUtc(taken));
}

bool IsSnapshotName(std::string_view name) {
  if (name.size() <= kTail.size()) return false;
  const std::string_view tail = name.substr(name.size() - kTail.size());
  for (size_t i = 0; i < kTail.size(); ++i) {
    const bool digit = tail[i] >= '0' && tail[i] <= '9';
    if (kTail[i] == 'd' ? !digit : tail[i] != kTail[i]) return false;
  }
  return true;
}

std::string_view ClusterOfName(std::string_view name) {
  return IsSnapshotName(name) ? name.substr(0, name.size() - kTail.size()) : "";
}

}  // namespace etcdrill::store
