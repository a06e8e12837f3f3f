// What was read of a site becomes a catalogue, by the rules of catalog/. A pure function: no site
// is asked here.
//
// The hard fact: what is written to a site comes from many clocks. Of one writer the order is known
// (of manifests by their place, of reports by their links); what two writers wrote only a time can
// order, and one from the future orders nothing.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "sites/contents.h"
#include "sites/site_reader.h"

namespace etcdrill::sites {

// Of the copies of this cluster; of all if the name is empty.
Contents JudgeCopies(const SiteState& state, std::string_view cluster, WallTime now);

// Whether a copy with this name is of a cluster that is none of ours, as far as the name tells.
bool IsCopyOfOthers(std::string_view copy, std::string_view cluster);

}  // namespace etcdrill::sites
