// Copies at a site in memory, made without the code that seals: so a test can make one that is not
// as it should be, and thousands at a time.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "crypto/hash.h"
#include "sites/copy_record.h"
#include "sites/layout.h"
#include "sites/packing.h"
#include "store/names.h"
#include "support/catch.h"
#include "support/memory_objects.h"
#include "support/objects_at.h"

namespace etcdrill::sites {

using testing::BytesAt;
using testing::PutAt;

struct MadeCopy {
  std::string plain = "the bytes of a snapshot";
  Encoding encoding = {.zstd = true};
  std::vector<AgeRecipient> recipients = {};
  std::string cluster = "a";
  std::string writer = "host-00000001";
  std::optional<SigningKey> key = {};
  std::optional<objects::Lock> lock = {};
};

inline WallTime MadeAt(int64_t seconds) {
  constexpr int64_t kBegin = 1'795'000'000;  // 2026-11-18
  return WallTime(std::chrono::seconds(kBegin + seconds));
}

// The manifest of the snapshot with this number, taken as many seconds after the first.
inline Manifest MadeManifest(int64_t number, const MadeCopy& copy = {}) {
  Manifest m;
  m.cluster = copy.cluster;
  m.revision = number;
  m.taken = MadeAt(number);
  m.name = store::SnapshotName(m.cluster, m.revision, m.taken);
  m.place = static_cast<uint64_t>(number);
  m.size_bytes = copy.plain.size();
  m.sha256 = Hex(Sha256Of(copy.plain));
  m.verdict = Verdict::kProven;
  return m;
}

inline std::string Packed(const MadeCopy& copy) {
  std::string packed;
  Packer packer(copy.encoding, copy.plain.size(), copy.recipients, [&](std::string_view bytes) {
    packed += bytes;
    return OkStatus();
  });
  REQUIRE(packer.Append(copy.plain).ok());
  REQUIRE(packer.Finish().ok());
  return packed;
}

// Puts the bytes, then the manifest.
inline CopyRecord Seal(objects::ObjectStore& site, const Manifest& manifest,
                       const MadeCopy& copy = {}, uint32_t random = 1) {
  const std::string packed = Packed(copy);
  CopyRecord record;
  record.manifest = manifest;
  record.copy = CopyName(manifest.name, random);
  record.encoding = copy.encoding;
  record.size_bytes = packed.size();
  record.sha256 = Hex(Sha256Of(packed));
  record.nonce = "0123456789abcdef";
  for (const AgeRecipient& recipient : copy.recipients)
    record.recipients.push_back(recipient.Text());
  record.writer = copy.writer;
  record.lock = copy.lock;
  const objects::ObjectInfo put = PutAt(site, record.key(), packed);
  record.etag = put.etag;
  record.version_id = put.version_id;
  PutAt(site, ManifestKey(record.copy), CopyRecordJson(record, copy.key));
  return record;
}

struct MadeDrill {
  std::string drilled;  // NAME or COPY
  WallTime finished{};
  Verdict verdict = Verdict::kProven;
  std::string sha256 = {};  // of the bytes that it was to read
  bool read_them = true;
  std::string writer = "host-00000001";
};

// Puts the report; returns its name.
inline std::string PutDrill(objects::ObjectStore& site, const MadeDrill& drill) {
  const bool passed = drill.verdict == Verdict::kProven;
  Json report = {{"apiVersion", "etcdrill/v1"},
                 {"kind", "DrillReport"},
                 {"snapshot", drill.drilled},
                 {"verdict", std::string(NameOf(drill.verdict))},
                 {"level_reached", passed ? 5 : 1},
                 {"started", FormatRfc3339(drill.finished)},
                 {"finished", FormatRfc3339(drill.finished)},
                 {"rto_seconds", 1.5},
                 {"stages", Json::array()},
                 {"checks", Json::array()}};
  report["checks"].push_back({{"name", "sha256"},
                              {"result", drill.read_them ? "pass" : "fail"},
                              {"expected", drill.sha256},
                              {"actual", ""}});
  const std::string name = fmt::format("{}-{}", drill.drilled, FormatCompactUtc(drill.finished));
  PutAt(site, DrillKey(drill.writer, name), Dump(report));
  return name;
}

}  // namespace etcdrill::sites
