// snapshot copy: one snapshot to one site, from the store or from another site.
#include <fmt/format.h>

#include "base/text.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "pipeline/copy_to_site.h"
#include "sites/seal_copy.h"

namespace etcdrill::cli {
namespace {

// The snapshot in the clear, from wherever it comes.
Result<Target> FindSource(const Context& context, Session& session, const CopyOptions& options) {
  ASSIGN_OR_RETURN(Target source, FindTarget(context, session, options.name, options.from));
  if (!source.manifest.has_value()) {
    return Error(Reason::kUsage,
                 "{} has no manifest. Only snapshots of the store or of a site can be copied",
                 options.name);
  }
  if (source.damaged.has_value()) {
    return Error(Reason::kDamaged, "snapshot {} is damaged: {}. It is not copied", source.name,
                 source.damaged->checks.damage);
  }
  return source;
}

}  // namespace

Result<ExitCode> SnapshotCopy(const Context& context, const CopyOptions& options) {
  Session session(context, options.config_file);
  ASSIGN_OR_RETURN(sites::Site* const to, session.Site(options.to));
  ASSIGN_OR_RETURN(store::LocalStore* const store, session.Store());
  ASSIGN_OR_RETURN(const Target source, FindSource(context, session, options));
  const auto place = pipeline::RecognizeSite(*store, *to, {});
  if (!place.ok()) return Annotate(place.status(), "site {}", options.to);
  auto seal =
      pipeline::SealRequestFor(*to, *store, *source.manifest, source.path, context.clock.Now());
  if (!seal.ok()) return Annotate(seal.status(), "site {}", options.to);
  seal->on_progress = ProgressLine("copy", options.progress, context.clock);
  const auto copy = sites::SealCopy(context, to->objects(), *seal);
  if (!copy.ok()) return Annotate(copy.status(), "site {}", options.to);
  if (options.format == OutputFormat::kJson) {
    fmt::print("{}", sites::CopyRecordJson(*copy, seal->key));
    return ExitCode::kOk;
  }
  fmt::print("Copied {} to {}/{}: {}, {} in the clear{}\n", Shown(copy->manifest.name),
             Shown(to->objects().address()), copy->key(), FormatSize(copy->size_bytes),
             FormatSize(copy->manifest.size_bytes),
             copy->lock.has_value()
                 ? fmt::format(", locked until {}", FormatRfc3339(copy->lock->until))
                 : "");
  return ExitCode::kOk;
}

}  // namespace etcdrill::cli
