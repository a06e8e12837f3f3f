// Does a fresh snapshot continue the newest one of its store? An adopted one that comes late: the
// one before it, and does the one after it hold the same? If not, the source went back or is
// another cluster. The fresh file is a faithful copy all the same, and its verdict stays what it
// is: the backups of a cluster that was restored on purpose have to go on. So this is a record in
// the manifest, a finding of severity warning whenever the file is verified, and an error in the
// log at the moment when it happens (docs/dev/adr/0008-lineage.md).
#pragma once

#include <cstdint>
#include <optional>

#include "catalog/catalog.h"
#include "etcd/client.h"
#include "format/snapshot/image.h"
#include "io/context.h"
#include "store/local_store.h"
#include "verify/lineage.h"

namespace etcdrill::crosscheck {

// Fills manifest.lineage, and other_history of one that was adopted, for the file `image`, which is
// not in the store yet; leaves it empty if there is nothing to compare with. What can't be compared
// is recorded as such; the error is for an interruption. `catalog` is what the store holds. `head`:
// where the source was last seen. If that is below the stored one, the source went back, and an
// adopted file that does not continue the store may well be of it.
Status CompareWithStore(const Context& context, const store::LocalStore& store,
                        const catalog::Catalog& catalog, WallTime now, const snapshot::Image& image,
                        std::optional<int64_t> head, Manifest& manifest);

// Does the live cluster still continue a snapshot that was taken days ago? Each member is asked for
// HashKV at the snapshot's revision, and the file is hashed as compacted as that member is: the
// recipe of docs/dev/formats.md §5.5.
//
// Asks each member of the cluster once, one after the other; it costs each a full scan. A member
// that can't be asked, and an endpoint that is not ours, is in the report, not in the status;
// kOtherCluster if nobody can tell which are.
Result<verify::LineageReport> CompareWithLiveCluster(const Context& context,
                                                     const etcd::Client& client,
                                                     const verify::Placed& older);

}  // namespace etcdrill::crosscheck
