// The names of what a site holds, below its prefix. No name is ever written with two contents but
// those of checks and writers, and of these each has one writer (docs/dev/adr/0027-sites.md):
//
//   store.json                       when the site was first written to, and in which layout
//   snapshots/COPY.db[.zst][.age]    the bytes of one copy; COPY is NAME-RRRRRRRR, with eight
//                                    random hexadecimal digits, so each try has names of its own
//   manifests/COPY.json              written last: only what has one is a copy
//   checks/COPY/WRITER.json          what one writer found of it later
//   drills/WRITER/REPORT.json        the drill reports of one writer, as its own store has them
//   writers/WRITER.json              who writes here, and when last
//
// Manifests have a folder of their own: so 10,000 snapshots are ten requests to list, not twenty.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/names.h"

namespace etcdrill::sites {

// How the bytes of a copy are packed: first compressed, then encrypted, so that
// `age -d -i KEY COPY.db.zst.age | zstd -d` is the snapshot on any machine.
struct Encoding {
  bool zstd = false;
  bool age = false;
  bool operator==(const Encoding&) const = default;
};

inline constexpr std::string_view kStoreKey = "store.json";
inline constexpr std::string_view kSnapshotsFolder = "snapshots/";
inline constexpr std::string_view kManifestsFolder = "manifests/";
inline constexpr std::string_view kChecksFolder = "checks/";
inline constexpr std::string_view kDrillsFolder = "drills/";
inline constexpr std::string_view kWritersFolder = "writers/";

// COPY.
std::string CopyName(std::string_view snapshot, uint32_t random);
// NAME of a COPY; none if it is no name of a copy.
std::optional<std::string> SnapshotOfCopy(std::string_view copy);

std::string BytesKey(std::string_view copy, const Encoding& encoding);
std::string ManifestKey(std::string_view copy);
std::string ChecksKey(std::string_view copy, std::string_view writer);
std::string DrillKey(std::string_view writer, std::string_view report);
std::string WriterKey(std::string_view writer);

// The way back. None for what is not named so: somebody else's, which is left alone.
std::optional<std::string> CopyOfManifestKey(std::string_view key);
struct BytesName {
  std::string copy;
  Encoding encoding;
  bool operator==(const BytesName&) const = default;
};
std::optional<BytesName> ParseBytesKey(std::string_view key);
struct ByWriter {
  std::string what;  // COPY, or REPORT
  std::string writer;
  bool operator==(const ByWriter&) const = default;
};
std::optional<ByWriter> ParseChecksKey(std::string_view key);
std::optional<ByWriter> ParseDrillKey(std::string_view key);
std::optional<std::string> WriterOfKey(std::string_view key);

}  // namespace etcdrill::sites
