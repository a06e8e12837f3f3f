#include <nlohmann/json.hpp>

#include "cli/output.h"
#include "pipeline/drill_report.h"
#include "proof/manifest.h"
#include "verify/lineage.h"
#include "verify/report.h"

namespace etcdrill::cli {

void PrintDocument(const Manifest& manifest) { PrintJson(ToJson(manifest)); }
void PrintDocument(const pipeline::DrillReport& report) { PrintJson(ToJson(report)); }
void PrintDocument(const verify::LineageReport& report) { PrintJson(ToJson(report)); }
void PrintDocument(const verify::VerifyReport& report) { PrintJson(ToJson(report)); }

}  // namespace etcdrill::cli
