// How a copy is drilled, from top to bottom.
#include "pipeline/drill_copy.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "format/snapshot/image.h"
#include "io/scratch_dir.h"
#include "pipeline/drill_evidence.h"
#include "pipeline/drill_stages.h"
#include "pipeline/ladder.h"
#include "sites/fetch_copy.h"
#include "sites/records.h"

namespace etcdrill::pipeline {
namespace {

// The manifest of the snapshot under the name of its copy, which the report is about.
Manifest ManifestOf(const sites::CopyRecord& copy) {
  Manifest manifest = copy.manifest;
  manifest.name = copy.copy;
  return manifest;
}

// The newest report of this copy.
Status CopyReport(const DrillCopyRequest& request, const store::LocalStore& store) {
  ASSIGN_OR_RETURN(const auto names, store.DrillNames());
  const auto last = std::find_if(names.rbegin(), names.rend(), [&](const std::string& name) {
    return store::SnapshotOfDrillName(name) == request.copy.copy;
  });
  if (last == names.rend()) return OkStatus();  // somebody deleted it
  const store::DrillFile report = store.ReadDrill(*last);
  RETURN_IF_ERROR(report.problem);
  ASSIGN_OR_RETURN(const std::string writer, store.Id());
  return sites::WriteDrillReport(request.site.objects(), writer, report);
}

}  // namespace

StoredDrill DrillCopy(const Context& context, const DrillCopyRequest& request,
                      store::LocalStore& store) {
  TellOfKilledDrills(context, store);

  // Mark: until the drill ends, it is the report of what happens if the drill never does.
  const std::string id = fmt::format("{:016x}", context.random.Next());
  const DrillSubject subject{
      .snapshot = request.copy.copy, .site = request.site.name(), .newest = request.newest};
  auto mark = LeaveMark(context, id, subject, store);
  if (!mark.ok()) context.log.Warn("drill mark not written", {{"err", MessageOf(mark.status())}});

  // The ladder, L0 to L5, of the file that is fetched first.
  DrillStages stages(context, subject.snapshot, request.config.timeout);
  stages.report().site = subject.site;
  std::optional<snapshot::Image> image;
  const auto scratch = ScratchDir::Create(context, request.config.scratch_dir);
  const std::string path =
      scratch.ok() ? JoinPath((*scratch)->path(), subject.snapshot + ".db") : "";
  const auto fetch = [&](const Context& drill) -> Status {
    RETURN_IF_ERROR(scratch.status());
    ASSIGN_OR_RETURN(const auto identities, request.site.IdentitiesFor(request.copy.encoding));
    return Annotate(sites::FetchCopy(drill, request.site.objects(), request.copy, identities, path),
                    "site {}", request.site.name());
  };
  Climb(stages,
        {.path = path,
         .fetch = fetch,
         .manifest = ManifestOf(request.copy),
         .config = request.config,
         .full_cluster = request.full_cluster},
        image);
  StoredDrill drill{.report = stages.Finish(), .kept = OkStatus(), .source = OkStatus()};
  DrillReport& report = drill.report;
  if (IsInterrupted(report.outcome)) return drill;
  report.id = id;
  report.newest = request.newest;

  // Advice: what a restore would meet now.
  AddAdvice(request.copy.manifest, request.client, drill);

  // Evidence: the report joins the row, and says what the mark was left for.
  drill.kept = KeepReport(store, report, store::IfRefused::kCount);
  if (mark.ok()) mark->reset();
  // Its site gets it at once: the next reader may be on another machine.
  if (drill.kept.ok()) drill.at_site = CopyReport(request, store);
  return drill;
}

}  // namespace etcdrill::pipeline
