// The sidecar's configuration, as a plain struct with all defaults
// (docs/reference/configuration.md). Paths are absolute or relative to the working directory by
// the time they stand here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "config/schedule.h"
#include "objects/limited.h"
#include "objects/object_store.h"
#include "objects/s3/address.h"
#include "objects/s3/credential_chain.h"

namespace etcdrill::config {

using namespace std::chrono_literals;

struct TlsConfig {
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  std::string server_name;
};

struct ClusterConfig {
  std::string name = "etcd";
  std::vector<std::string> endpoints;  // empty: from the environment, as the flags
  TlsConfig tls;
  std::string username;
  std::string password_file;
};

// How many snapshots stay: the newest of all, and the newest of each of so many hours, days and
// weeks (UTC). What one of them keeps stays. No number at all: nothing goes by number.
struct Retention {
  uint64_t last = 0;
  uint64_t hourly = 0;
  uint64_t daily = 0;
  uint64_t weekly = 0;
  std::optional<uint64_t> total_size;
  Duration quarantine = 7 * 24h;  // for as long a damaged one stays

  bool counts() const { return last + hourly + daily + weekly > 0; }
};

// Who takes the snapshots: this sidecar, or the one beside the leader, of several that share a
// store.
enum class When { kAlways, kMemberIsLeader };

struct SnapshotConfig {
  std::optional<Schedule> schedule = Every(1h);
  When when = When::kAlways;
  Duration jitter{};  // each run starts later by the same part of it
  Duration timeout = 10min;
  // A snapshot is skipped if the source holds nothing new, but not for longer than force_after:
  // EtcdBackupNotSeenByServer looks back six hours.
  bool skip_unchanged = true;
  Duration force_after = 4h;
  Retention retention = {.last = 24, .hourly = 24, .daily = 7, .weekly = 4};
};

// One demand on the restored data: on how many keys have a prefix, or on one key.
struct Assertion {
  std::string prefix;  // this,
  std::optional<uint64_t> min_keys;
  std::optional<uint64_t> max_keys;
  std::string key;  // or this
  std::optional<bool> exists;
  std::optional<std::string> equals;
  std::optional<std::string> matches;  // an RE2 expression, found anywhere in the value
};

// Each run drills the newest snapshot, and one of so many parts of the others, in turn.
struct DrillSample {
  uint64_t older_parts = 7;  // 0: none of the others
};

// What may go between two snapshots before it is worth a warning; shares from 0 to 1.
struct HistoryLimits {
  double key_loss_max = 0.5;     // of all keys
  double prefix_loss_max = 0.9;  // of the bytes of one prefix
};

struct DrillConfig {
  std::optional<Schedule> schedule = Every(6h);
  Duration jitter{};
  std::string scratch_dir = "/var/lib/etcdrill/scratch";
  std::vector<std::string> etcd_binaries = {"/usr/bin/etcd"};
  // Bytes of private memory, for each etcd that a drill boots.
  std::optional<uint64_t> etcd_memory_limit;
  Duration timeout = 30min;
  DrillSample sample;
  HistoryLimits history;
  std::vector<Assertion> assertions;
};

// Snapshots that others take, by path; the last part may have *, ? and [].
struct AdoptConfig {
  std::vector<std::string> files;
  Duration quiet = 30s;  // for as long a file must not change before it counts as complete
};

// Stored snapshots are hashed again, so that none waits longer than the period, if the rate allows
// it.
struct ScrubConfig {
  Duration period = 7 * 24h;
  uint64_t bytes_per_second = uint64_t{20} << 20;
};

// Where a site is: one of these.
struct S3Place {
  objects::S3Options bucket;
  objects::CredentialsOptions credentials;  // without the environment, which the site reads
  std::string ca_file;
  bool verifies_certificates = true;
  std::string proxy;  // empty: that of the environment
  Duration stall_max = 60s;
};
struct DirectoryPlace {
  std::string path;
};
struct RclonePlace {
  std::string remote;  // NAME:PATH
  std::string config_file;
  std::string program = "/usr/bin/rclone";
  std::string scratch_dir;  // below that of drills: an upload is spooled there first
};

struct SiteLock {
  objects::ObjectLockMode mode = objects::ObjectLockMode::kGovernance;
  Duration keep{};  // a copy is locked for so long from the moment on at which its snapshot was
                    // taken
};

struct SiteEncryption {
  std::string recipients_file;
  std::string identity_file;  // empty: nothing of this site can be decrypted here
};

// A place that sealed snapshots are copied to.
struct SiteConfig {
  std::string name;
  std::variant<S3Place, DirectoryPlace, RclonePlace> place;
  std::optional<SiteLock> lock;
  std::optional<Retention> retention;  // none: that of snapshots
  bool compress = true;                // with zstd
  std::optional<SiteEncryption> encrypt;
  objects::Bandwidth bandwidth;
  std::optional<Schedule> drill = Every(24h);  // of the newest copy, fetched from there
  ScrubConfig scrub = {.period = 30 * 24h};    // of copies as they lie there

  // Whether its copies can be opened here.
  bool CanDecrypt() const { return !encrypt.has_value() || !encrypt->identity_file.empty(); }
};

// Who wrote a copy: manifests at sites are signed by the key, and held to those of the signers.
struct SigningConfig {
  std::string key_file;      // empty: not signed
  std::string signers_file;  // public keys; empty, and no key: any manifest counts
};

struct HealthConfig {
  Duration interval = 15s;
  Duration timeout = 5s;
  // Comparing the data of all members, which costs each a full scan.
  std::optional<Schedule> hashkv = Every(24h);
};

struct Objectives {
  Duration rpo = 2h;
  Duration restorable_rpo = 26h;
  Duration rto = 15min;
};

struct WebSettings {
  std::string listen = "127.0.0.1:9379";
  std::string config_file;        // TLS and users: web_config.h; none if empty
  bool enable_lifecycle = false;  // reload, snapshot and drill by POST
};

struct Config {
  ClusterConfig cluster;
  std::string store_path = "/var/lib/etcdrill/snapshots";
  // So many snapshots stay in the store once every site has them; none: as retention says.
  std::optional<uint64_t> keep_local;
  SigningConfig signing;
  std::vector<SiteConfig> sites;
  AdoptConfig adopt;
  SnapshotConfig snapshot;
  DrillConfig drill;
  ScrubConfig scrub;
  HealthConfig health;
  Objectives objectives;
  WebSettings web;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
  std::vector<std::string> warnings;  // of the file, each with its place: names of 0.1.0

  const Retention& RetentionOf(const SiteConfig& site) const [[clang::lifetimebound]] {
    return site.retention.has_value() ? *site.retention : snapshot.retention;
  }
};

}  // namespace etcdrill::config
