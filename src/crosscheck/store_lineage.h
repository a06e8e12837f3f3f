// Does a fresh snapshot continue the newest one of its store? An adopted one that comes late: the
// one before it, and does the one after it hold the same? If not, the source went back or is
// another cluster. The fresh file is a faithful copy all the same, and its verdict stays what it
// is: the backups of a cluster that was restored on purpose have to go on. So this is a record in
// the manifest, a finding of severity warning whenever the file is verified, and an error in the
// log at the moment when it happens (docs/adr/0008-lineage.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "format/snapshot/image.h"
#include "io/context.h"
#include "store/local_store.h"
#include "verify/lineage.h"

namespace etcdrill::crosscheck {

// Fills manifest.lineage, and other_history of one that was adopted, for the file `image`, which is
// not in the store yet; leaves it empty if there is nothing to compare with. What can't be compared
// is recorded as such, and a store that can't be listed is told in the log; the error is for an
// interruption. `head`: where the source was last seen. If that is below the stored one, the source
// went back, and an adopted file that does not continue the store may well be of it.
Status CompareWithStore(const Context& context, const store::LocalStore& store,
                        const snapshot::Image& image, std::optional<int64_t> head,
                        Manifest& manifest);

}  // namespace etcdrill::crosscheck
