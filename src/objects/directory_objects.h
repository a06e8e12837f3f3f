// A site in a directory: another disk, a NAS that is mounted. An object is a file below the root,
// with the object's bytes and nothing else, so that any tool reads it. What is hidden is not an
// object's: the bytes of a writer, and the metadata of objects that have some.
//
// The etag is the file's size and time of change, as web servers make it (nginx does): it tells of
// a file that was replaced, without reading it, and it stays when the directory is copied by
// `cp -a` or `rsync -a`. A copy without times looks replaced, and has lost its metadata.
#pragma once

#include <memory>
#include <string>

#include "io/context.h"
#include "objects/object_store.h"

namespace etcdrill::objects {

// The root is never made: where it is missing a disk is not mounted (kBucketMissing), and what was
// written there would go astray. `context` must outlive the store and its writers. Any number of
// processes may use a directory at a time.
// - Without locks and versions: what asks for them is kUsage.
// - Whose name is no object's, and links, are passed over by a listing.
// - An object and a folder of that name exclude each other.
// - A folder stays when its last object goes.
std::unique_ptr<ObjectStore> MakeDirectoryObjects(const Context& context, std::string root);

}  // namespace etcdrill::objects
