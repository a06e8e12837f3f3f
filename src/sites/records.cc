#include "sites/records.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "objects/whole.h"
#include "sites/layout.h"

namespace etcdrill::sites {

namespace {

constexpr std::string_view kSiteStoreKind = "SiteStore";

}  // namespace

Status MarkSite(objects::ObjectStore& site, const std::string& cluster, Random& random,
                WallTime now) {
  constexpr int kFormat = 1;
  const std::string key(kStoreKey);
  const Status there = site.Head(key).status();
  if (there.ok() || Is(there, Reason::kAccessDenied)) return OkStatus();
  if (!Is(there, Reason::kNotFound)) return there;
  Json json = NewDocument(kSiteStoreKind);
  json.update({{"format", kFormat},
               {"id", fmt::format("{:016x}", random.Next())},
               {"created", FormatRfc3339(now)},
               {"cluster", cluster}});
  const Status put = objects::PutBytes(site, key, Dump(json) + "\n").status();
  return Is(put, Reason::kAlreadyExists) ? OkStatus() : put;
}

Result<std::string> ReadSiteId(objects::ObjectStore& site) {
  constexpr uint64_t kBytesMax = uint64_t{64} << 10;
  const std::string key(kStoreKey);
  ASSIGN_OR_RETURN(const std::string text, objects::GetBytes(site, key, kBytesMax));
  ASSIGN_OR_RETURN(const Json json, ParseDocument(kSiteStoreKind, "the mark of a site", text));
  for (const char* const field : {"id", "created"}) {
    const auto value = json.find(field);
    if (value == json.end()) continue;
    if (value->is_string() && !value->get<std::string>().empty()) return value->get<std::string>();
    break;
  }
  return Error(Reason::kDamaged, "{}/{}: it has no id", site.address(), key);
}

Status WriteChecks(objects::ObjectStore& site, const std::string& copy, const std::string& writer,
                   const Checks& checks) {
  return objects::PutBytes(site, ChecksKey(copy, writer), Dump(ToJson(checks)) + "\n").status();
}

Status WriteDrillReport(objects::ObjectStore& site, const std::string& writer,
                        const store::DrillFile& report) {
  return objects::PutBytes(site, DrillKey(writer, report.name), report.json).status();
}

Status WriteWriter(objects::ObjectStore& site, const std::string& writer, const std::string& host,
                   WallTime now) {
  Json json = NewDocument("SiteWriter");
  json.update({{"writer", writer}, {"host", host}, {"last_seen", FormatRfc3339(now)}});
  return objects::PutBytes(site, WriterKey(writer), Dump(json) + "\n").status();
}

}  // namespace etcdrill::sites
