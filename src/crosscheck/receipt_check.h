// Compares a fresh snapshot with the live members, exactly: the file is hashed again for the
// compact revision of each member that has compacted further meanwhile (docs/dev/formats.md §5.5).
// Members are counted by their ids: one that answers under two names has one voice.
#pragma once

#include "capture/receipt.h"
#include "crosscheck/other_history.h"
#include "crosscheck/suspicion.h"
#include "etcd/client.h"
#include "format/snapshot/image.h"
#include "io/context.h"
#include "proof/manifest.h"

namespace etcdrill::crosscheck {

// Fills manifest.receipt, from the members of `roll`; where `manifest` does not say what it is of,
// its cluster_id, too, if one of them holds the same. kMembersDisagree, naming the members, if more
// of them, or as many, hold other data as hold the same: then the snapshot may be of a corrupt
// member. A member that can't be asked, or whose answer does not compare, is no proof of anything;
// nor is one of `outvoted`. But who holds the same as it, and as nobody else, at a revision at
// which it differed, is its copy.
//
// An adopted file is no copy of a member. If all who compare differ from it, but not from each
// other, or it ends beyond the newest revision or the raft log of the source, or nobody holds the
// same and not one of its members (`ids`, for an adopted file only) is the source's, it is of
// another history, whoever wrote it: the status is OK, and other_history and lineage say so.
Status CompareWithMembers(const Context& context, const etcd::Client& client,
                          const etcd::RollCall& roll, const MemberIds& ids,
                          const Outvoted& outvoted, const snapshot::Image& image,
                          Manifest& manifest);

// Whether a member holds what the snapshot holds, as far as its manifest tells: the answer is the
// file's own hash, or one that was found equal before. It takes the file to know of any other
// compaction, so false is no proof of a difference.
bool IsKnownEqual(const Manifest& manifest, const capture::ReceiptEntry& entry);

}  // namespace etcdrill::crosscheck
