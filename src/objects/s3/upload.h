// One object on its way up: in one PUT, or in parts where it is large
// (docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html). Nothing is visible before the
// PUT or the completion.
//
// The hard fact: the answer may be lost, and then the store has the object, though we don't know.
// Each upload has a nonce in its metadata, and a look at the object tells whether it is ours.
#pragma once

#include <memory>
#include <string>

#include "objects/object_store.h"
#include "objects/s3/requester.h"

namespace etcdrill::objects {

// What comes up to here goes in one PUT, and is what an upload holds in memory.
inline constexpr size_t kOnePutMax = size_t{16} << 20;

// Of an upload of at most `size_max` bytes: 8 MiB, or so many that 9,000 are enough, where the
// store takes 10,000.
uint64_t PartSizeFor(uint64_t size_max);

// `requester` must outlive it. `key` has the prefix, `name` is the one for the caller.
std::unique_ptr<ObjectWriter> StartUpload(Requester& requester, const std::string& key,
                                          const std::string& name, const PutOptions& options);

}  // namespace etcdrill::objects
