// What a scrape and the status page say of the copies of a site.
#pragma once

#include <map>
#include <string>

#include "report/site_view.h"
#include "sites/contents.h"

namespace etcdrill::sidecar {

// Fills what follows from what the site holds; leaves the rest. `extended`: copies that were locked
// for longer since they were sealed, which their manifests don't tell.
void ShowContents(const sites::Contents& contents, const std::map<std::string, WallTime>& extended,
                  WallTime now, report::SiteView& view);

}  // namespace etcdrill::sidecar
