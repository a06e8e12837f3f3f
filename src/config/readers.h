// One function for each big section of the file. Each reads all its keys and reports the unknown
// ones.
#pragma once

#include "config/config.h"
#include "config/section.h"

namespace etcdrill::config {

void ReadCluster(Section section, ClusterConfig& cluster);
void ReadSnapshot(Section section, SnapshotConfig& snapshot);
void ReadDrill(Section section, DrillConfig& drill);

}  // namespace etcdrill::config
