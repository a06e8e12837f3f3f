// The part of the file that says where copies of sealed snapshots go: store.sites, store.keep_local
// and store.signing (docs/dev/adr/0027-sites.md).
#pragma once

#include <string>
#include <vector>

#include "config/config.h"
#include "config/section.h"

namespace etcdrill::config {

// Reads them from the mapping `store`. drill.scratch_dir must have been read: there rclone spools.
void ReadSites(Section& store, Config& config);
// All paths in them, which are relative to the file when they are read. They live as long as
// `config` is not changed.
std::vector<std::string*> PathsOfSites(Config& config [[clang::lifetimebound]]);
// What can only be told of all sites together, with full paths.
std::vector<std::string> ProblemsOfSites(const Config& config);
// Of each site its name and where it is: what a reload can't change.
std::vector<std::string> NamesAndPlacesOf(const std::vector<SiteConfig>& sites);
// What sites may say, but hardly mean. No file is read.
void WarnOfSites(const Config& config, std::vector<std::string>& warnings);

}  // namespace etcdrill::config
