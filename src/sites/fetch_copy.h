// Brings one copy back from its site: into a file, unpacked on the way, or through a hash only.
// What comes is held to the manifest, both as it lies there and as the snapshot that it is.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "crypto/age/keys.h"
#include "io/context.h"
#include "objects/object_store.h"
#include "sites/copy_record.h"

namespace etcdrill::sites {

// Bytes of the object, so far and in all.
using OnFetched = std::function<void(uint64_t, uint64_t)>;

// Writes the snapshot to `path`, a name that is free, in a directory with room for it: kNoSpace
// before the first byte if there is not. The bytes are those of the manifest, or there is an error
// and no file.
//
// kDamaged only after a second fetch gave the same wrong bytes; if the two differ it is the way,
// and kIoError. Bytes that are those that were sealed, and still not the snapshot, are kDamaged at
// once. kNoIdentity if none of the identities opens it; kNotFound if the object is gone.
Status FetchCopy(
    const Context& context, objects::ObjectStore& site, const CopyRecord& record,
    std::span<const AgeIdentity> identities, const std::string& path,
    const OnFetched& on_fetched = [](uint64_t, uint64_t) {});

// Hashes the object as it lies there, which needs no key and no disk, at `bytes_per_second` on
// average. Errors as above.
Status HashCopy(const Context& context, objects::ObjectStore& site, const CopyRecord& record,
                std::optional<uint64_t> bytes_per_second);

}  // namespace etcdrill::sites
