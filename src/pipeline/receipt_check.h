// Compares a fresh snapshot with the live members, exactly: the file is hashed again for the compact revision of each
// member that has compacted further meanwhile (formats.md 5).
#pragma once

#include <set>
#include <string>

#include "etcd/client.h"
#include "format/snapshot/image.h"
#include "io/context.h"
#include "store/manifest.h"

namespace etcdrill::pipeline {

// Fills manifest.receipt. kMembersDisagree, naming the members, if more of them, or as many, hold other data as hold
// the same: then the snapshot may be of a corrupt member. A member that can't be asked, or whose answer does not
// compare, is no proof of anything.
Status CompareWithMembers(const Context& context, const etcd::Client& client, const snapshot::Image& image,
                          store::Manifest& manifest);

// Where the members stood when a snapshot was taken.
struct Disagreement {
  std::set<std::string> distrusted;  // addresses of the fewer; none where it can't be told
  bool of_majority = true;           // the snapshot holds what most members hold
  std::string text;                  // empty if nobody disagreed
};
Disagreement DisagreementOf(const store::Manifest& manifest);

}  // namespace etcdrill::pipeline
