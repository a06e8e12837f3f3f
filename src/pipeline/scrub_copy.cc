// How one copy is scrubbed, from top to bottom.
#include "pipeline/scrub_copy.h"

#include "sites/fetch_copy.h"
#include "sites/records.h"

namespace etcdrill::pipeline {

ScrubOutcome ScrubCopy(const Context& context, sites::Site& site, const sites::CopyRecord& copy,
                       const catalog::CatalogEntry& entry, const store::LocalStore& store) {
  // Hash: every byte comes over the line. What it finds is so old as its beginning.
  const WallTime began = context.clock.Now();
  ScrubOutcome outcome{.bytes = sites::HashCopy(context, site.objects(), copy,
                                                site.config().scrub.bytes_per_second)};
  const bool right = outcome.bytes.ok();
  // What is out of reach now may be back later.
  if (!right && ReasonOf(outcome.bytes) != Reason::kDamaged) return outcome;

  // Record: damage stands until the bytes are found right.
  const std::string answers = entry.AnsweredByItsBytes();
  outcome.right_again = right && (entry.checks.damaged.has_value() || !answers.empty());
  Checks checks = entry.checks;
  right ? checks.FoundRight(began, answers)
        : checks.FoundDamaged(context.clock.Now(), MessageOf(outcome.bytes));
  const auto writer = store.Id();
  outcome.recorded = writer.ok() ? sites::WriteChecks(site.objects(), copy.copy, *writer, checks)
                                 : writer.status();
  return outcome;
}

}  // namespace etcdrill::pipeline
