// Whether a site holds the locks that it confirmed when copies were sealed. Only a Head tells: no
// listing shows locks. So few are asked for at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "io/context.h"
#include "objects/object_store.h"
#include "sites/contents.h"
#include "sites/site_reader.h"

namespace etcdrill::sites {

// Asks for the locks of copies and of their manifests, each once a day. Not thread-safe; `site`
// must outlive it.
class LockWatch {
 public:
  explicit LockWatch(objects::ObjectStore& site) : site_(site) {}

  // At most 200 requests, two for each copy: the newest first, as most would be lost with them; but
  // at least half of the requests are for those that have waited longest. After an error what was
  // found until then counts.
  Status Look(const Context& context, const SiteState& state);
  std::vector<SiteFinding> Findings() const;

 private:
  struct Looked {
    MonotonicTime at;
    std::vector<SiteFinding> findings;
  };
  Status LookAt(const CopyRecord& record, std::vector<SiteFinding>& findings) const;
  std::vector<const CopyRecord*> Due(const Context& context, const SiteState& state) const;

  objects::ObjectStore& site_;
  std::map<std::string, Looked> looked_;  // by COPY
};

}  // namespace etcdrill::sites
