// Encoding. Zero fields are set on purpose: etcd up to 3.6 writes them, and the bytes shall be
// equal to the official tool's.
#include "format/wal/wal.h"

#include <fmt/format.h>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "proto/raftpb.pb.h"
#include "proto/snappb.pb.h"
#include "proto/walpb.pb.h"

namespace etcdrill::wal {
namespace {

constexpr uint64_t kFirstTerm = 1;
constexpr int32_t kEntryConfChange = 1;
constexpr int32_t kConfChangeAddNode = 0;

raftpb::ConfState Voters(const InitialCluster& cluster) {
  raftpb::ConfState state;
  for (const InitialMember& member : cluster.members) state.add_voters(member.id);
  state.set_auto_leave(false);
  return state;
}

std::string AddNodeEntry(const InitialMember& member, uint64_t index) {
  raftpb::ConfChange change;
  change.set_id(0);
  change.set_type(kConfChangeAddNode);
  change.set_node_id(member.id);
  change.set_context(member.json);
  raftpb::Entry entry;
  entry.set_type(kEntryConfChange);
  entry.set_term(kFirstTerm);
  entry.set_index(index);
  entry.set_data(change.SerializeAsString());
  return entry.SerializeAsString();
}

}  // namespace

void SegmentBuilder::Add(RecordType type, std::string_view data) {
  walpb::Record record;
  record.set_type(static_cast<int64_t>(type));
  if (type != RecordType::kCrc) {
    crc_ = Crc32c(crc_, data);
    record.set_data(std::string(data));
  }
  record.set_crc(crc_);
  const std::string bytes = record.SerializeAsString();
  const size_t padding = (8 - bytes.size() % 8) % 8;
  const uint64_t flag = padding == 0 ? 0 : (0x80 | padding) << 56;
  AppendLE64(bytes_, bytes.size() | flag);
  bytes_ += bytes;
  bytes_.append(padding, '\0');
}

std::string FirstSegment(const InitialCluster& cluster) {
  const uint64_t last_index = cluster.members.size();
  SegmentBuilder segment;
  segment.Add(RecordType::kCrc, {});

  walpb::Metadata metadata;
  metadata.set_nodeid(cluster.own_id);
  metadata.set_clusterid(cluster.cluster_id);
  segment.Add(RecordType::kMetadata, metadata.SerializeAsString());

  walpb::Snapshot start;
  start.set_index(0);
  start.set_term(0);
  segment.Add(RecordType::kSnapshot, start.SerializeAsString());

  uint64_t index = 0;
  for (const InitialMember& member : cluster.members) {
    segment.Add(RecordType::kEntry, AddNodeEntry(member, ++index));
  }

  raftpb::HardState state;
  state.set_term(kFirstTerm);
  state.set_vote(cluster.members.front().id);
  state.set_commit(last_index);
  segment.Add(RecordType::kState, state.SerializeAsString());

  walpb::Snapshot restored;
  restored.set_index(last_index);
  restored.set_term(kFirstTerm);
  *restored.mutable_conf_state() = Voters(cluster);
  segment.Add(RecordType::kSnapshot, restored.SerializeAsString());
  return segment.bytes();
}

std::string FirstSnapshotFile(const InitialCluster& cluster, std::string_view v2_store_json) {
  raftpb::Snapshot snapshot;
  snapshot.set_data(std::string(v2_store_json));
  *snapshot.mutable_metadata()->mutable_conf_state() = Voters(cluster);
  snapshot.mutable_metadata()->set_index(cluster.members.size());
  snapshot.mutable_metadata()->set_term(kFirstTerm);
  snappb::Snapshot file;
  file.set_data(snapshot.SerializeAsString());
  file.set_crc(Crc32c(0, file.data()));
  return file.SerializeAsString();
}

std::string FirstSnapshotName(const InitialCluster& cluster) {
  return fmt::format("{:016x}-{:016x}.snap", kFirstTerm, cluster.members.size());
}

}  // namespace etcdrill::wal
