// A snapshot's manifest and the record of a copy of it, with something in each field that may be
// left out: for tests of what sites hold.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "crypto/hash.h"
#include "sites/copy_record.h"

namespace etcdrill::testing {

// Of a snapshot that consists of `bytes`.
inline Manifest MadeManifest(std::string_view bytes) {
  Manifest m;
  m.name = "prod-00000000000000001234-20261122T080000Z";
  m.cluster = "prod";
  m.place = 7;
  m.taken = *ParseRfc3339("2026-11-22T08:00:00Z");
  m.size_bytes = bytes.size();
  m.sha256 = Hex(Sha256Of(bytes));
  m.revision = 1234;
  m.compact_revision = 1000;
  m.hash = 0xfffffff0;
  m.hashkv = 17;
  m.total_keys = 20;
  m.live_keys = 10;
  m.storage_version = "3.6.0";
  m.verdict = Verdict::kProven;
  m.endpoint = "https://10.0.0.1:2379";
  m.chosen = "follower, 0 entries behind";
  m.member_id = "8e9e05c52164694d";
  m.cluster_id = "cdf818194e3a8c32";
  m.etcd_version = "3.6.1";
  m.duration_seconds = 0.1;  // which no binary fraction is
  m.receipt = {{.endpoint = m.endpoint,
                .member_id = m.member_id,
                .hash = 17,
                .revision = 1234,
                .compact_revision = 1000,
                .result = Comparison::kEqual,
                .error = {},
                .live_keys = 10}};
  m.lineage = LineageRecord{.older = "prod-00000000000000001200-20261122T070000Z",
                            .result = Continuity::kContinues,
                            .text = "",
                            .duration_seconds = 1.0 / 3};
  return m;
}

inline sites::CopyRecord MadeCopyRecord() {
  sites::CopyRecord record;
  record.manifest = MadeManifest("the snapshot");
  record.copy = sites::CopyName(record.manifest.name, 0xc0ffee);
  record.encoding = {.zstd = true, .age = true};
  record.size_bytes = 300;
  record.sha256 = Hex(Sha256Of("the object"));
  record.etag = "9bb58f26192e4ba00f01e2e7b136bbd8-2";
  record.version_id = "3sL4kqtJlcpXroDTDmJ-rmSpXd3dIbrHY";
  record.nonce = "00112233445566778899aabbccddeeff";
  record.recipients = {"age1first", "age1second"};
  record.lock = objects::Lock{.mode = objects::ObjectLockMode::kCompliance,
                              .until = *ParseRfc3339("2026-12-22T08:00:00Z")};
  record.writer = "node-1-01234567";
  record.last_drill = store::DrillLink{.name = record.manifest.name + "-20261122T090000Z",
                                       .sha256 = Hex(Sha256Of("the report"))};
  return record;
}

}  // namespace etcdrill::testing
