// What tests of copies share: a snapshot, a site in memory that can fail or lie, and a look at what
// is there afterwards.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "sites/packing.h"
#include "sites/seal_copy.h"
#include "support/catch.h"
#include "support/fake_clock.h"
#include "support/faulty_objects.h"
#include "support/lying_objects.h"
#include "support/made_copy.h"
#include "support/memory_objects.h"
#include "support/objects_at.h"
#include "support/snapshots.h"
#include "support/test_context.h"

namespace etcdrill::testing {

inline std::string SnapshotBytes() {
  std::string bytes(300'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * i % 251);
  return bytes;
}

class SealRehearsal {
 public:
  explicit SealRehearsal(objects::Properties properties = {}) : memory(clock, properties) {
    WriteFile(request.path, SnapshotBytes());
  }

  Result<sites::CopyRecord> Seal() { return sites::SealCopy(context, site, request); }
  objects::Lock LockFor(std::chrono::hours length, objects::ObjectLockMode mode) {
    return {.mode = mode, .until = clock.Now() + length};
  }
  // The records of the copies that are there, each of which must be whole.
  std::vector<sites::CopyRecord> WholeCopies() {
    std::vector<sites::CopyRecord> records;
    for (const std::string& key : NamesAt(memory, sites::kManifestsFolder)) {
      const auto read =
          sites::ParseCopyRecord(BytesAt(memory, key), *sites::CopyOfManifestKey(key), {});
      REQUIRE(read.ok());
      CheckWhole(read->record);
      records.push_back(read->record);
    }
    return records;
  }
  void CheckWhole(const sites::CopyRecord& record) {
    const std::string packed = BytesAt(memory, record.key());
    CHECK(packed.size() == record.size_bytes);
    CHECK(Hex(Sha256Of(packed)) == record.sha256);
    std::string plain;
    sites::Unpacker unpacker(record.encoding, record.manifest.size_bytes, {identity},
                             [&](std::string_view bytes) {
                               plain += bytes;
                               return OkStatus();
                             });
    CHECK(unpacker.Append(packed).ok());
    CHECK(unpacker.Finish().ok());
    CHECK((plain == SnapshotBytes()));
  }
  // Not even as an old version that nobody sees.
  size_t VersionsBelow(std::string_view prefix) {
    size_t count = 0;
    REQUIRE(memory
                .ListVersions(std::string(prefix),
                              [&](const auto&) {
                                ++count;
                                return OkStatus();
                              })
                .ok());
    return count;
  }
  void CheckNothingIsThere() {
    CHECK(NamesAt(memory, sites::kManifestsFolder).empty());
    CHECK(NamesAt(memory, sites::kSnapshotsFolder).empty());
    if (!memory.properties().has_versions) return;
    CHECK(VersionsBelow(sites::kManifestsFolder) == 0);
    CHECK(VersionsBelow(sites::kSnapshotsFolder) == 0);
  }
  size_t Calls(ObjectCall call) {
    const auto calls = faulty.calls();
    return static_cast<size_t>(std::ranges::count(calls, call));
  }

  TestContext real;
  FakeClock clock{*ParseRfc3339("2026-11-22T09:00:00Z")};
  Context context = WithClock(real.context(), clock);
  MemoryObjects memory;
  FaultyObjects faulty{memory};
  LyingObjects site{faulty};
  AgeIdentity identity = AgeIdentity::Make();
  sites::SealCopyRequest request = {.path = real.Path("snapshot.db"),
                                    .manifest = MadeManifest(SnapshotBytes()),
                                    .encoding = {.zstd = true, .age = true},
                                    .recipients = {identity.recipient()},
                                    .writer = "node-1-01234567"};
};

}  // namespace etcdrill::testing
