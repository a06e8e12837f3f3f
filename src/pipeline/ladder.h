// The ladder of a drill, L0 to L5: select, checksum, restore, boot, health, verify, cleanup, with
// nothing but a file and an etcd binary.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "config/config.h"
#include "format/snapshot/image.h"
#include "io/context.h"
#include "pipeline/drill_report.h"
#include "pipeline/drill_stages.h"
#include "proof/manifest.h"

namespace etcdrill::pipeline {

struct FileDrillRequest {
  std::string path;
  // Brings the file there first; it is a part of the stage select, and so of the measured restore.
  std::function<Status(const Context&)> fetch = nullptr;
  std::optional<Manifest> manifest;  // if there is one
  config::DrillConfig config;
  bool full_cluster = false;
};

// `image` is opened once, for as long as `stages` lives: what is verified is what is restored.
// Whatever happens is in the report of `stages`; neither processes nor data are left.
void Climb(DrillStages& stages, const FileDrillRequest& request,
           std::optional<snapshot::Image>& image);

// A drill of a file of no store: it has no history and no source, and nothing is kept. Never fails,
// as above.
DrillReport DrillFile(const Context& context, const FileDrillRequest& request);

}  // namespace etcdrill::pipeline
