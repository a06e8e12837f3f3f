#include "sites/records.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "objects/whole.h"
#include "sites/layout.h"

namespace etcdrill::sites {

Status MarkSite(objects::ObjectStore& site, const std::string& cluster, WallTime now) {
  constexpr int kFormat = 1;
  const std::string key(kStoreKey);
  const Status there = site.Head(key).status();
  if (there.ok() || Is(there, Reason::kAccessDenied)) return OkStatus();
  if (!Is(there, Reason::kNotFound)) return there;
  Json json = NewDocument("SiteStore");
  json.update({{"format", kFormat}, {"created", FormatRfc3339(now)}, {"cluster", cluster}});
  const Status put = objects::PutBytes(site, key, Dump(json) + "\n").status();
  return Is(put, Reason::kAlreadyExists) ? OkStatus() : put;
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
