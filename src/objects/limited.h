// A limit of bandwidth: a copy to a site must not fill the line that etcd's clients use. A token
// bucket that holds a second's worth, for each direction, shared by all that a store moves at a
// time. What is limited is how fast bytes are taken from a writer's caller, or given to a sink: a
// store that collects a part before it sends it does so at the speed of the line, and only their
// average obeys.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "io/context.h"
#include "objects/object_store.h"

namespace etcdrill::objects {

struct Bandwidth {
  std::optional<uint64_t> sent_per_second = {};  // bytes, not zero; none: as fast as it goes
  std::optional<uint64_t> received_per_second = {};
};

// A writer or a sink waits on the context's clock; a stop ends the wait (kInterrupted). `context`
// must outlive the store and its writers.
std::unique_ptr<ObjectStore> Limited(std::unique_ptr<ObjectStore> inner, const Context& context,
                                     const Bandwidth& bandwidth);

}  // namespace etcdrill::objects
