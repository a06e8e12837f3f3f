// How a SnapshotStream over a channel is made; inside etcd/ only.
#pragma once

#include <memory>

#include "etcd/channel.h"
#include "etcd/snapshot_stream.h"

namespace etcdrill::etcd {

std::unique_ptr<SnapshotStream> OpenSnapshotStream(std::shared_ptr<Channel> channel,
                                                   Duration limit);

}  // namespace etcdrill::etcd
