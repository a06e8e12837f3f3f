// The sidecar's configuration, as a plain struct with all defaults (DESIGN.md section 5). Paths are absolute or
// relative to the working directory by the time they stand here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "config/schedule.h"

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
  std::vector<std::string> endpoints = {"127.0.0.1:2379"};
  TlsConfig tls;
  std::string username;
  std::string password_file;
};

struct SnapshotConfig {
  std::optional<Schedule> schedule = Every(1h);
  Duration jitter{};  // each run starts later by the same part of it
  Duration timeout = 10min;
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
  std::optional<uint64_t> etcd_memory_limit;  // bytes of private memory, for each etcd that a drill boots
  Duration timeout = 30min;
  DrillSample sample;
  HistoryLimits history;
  std::vector<Assertion> assertions;
};

struct HealthConfig {
  Duration interval = 15s;
  Duration timeout = 5s;
};

struct Objectives {
  Duration rpo = 2h;
  Duration verified_rpo = 26h;
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
  SnapshotConfig snapshot;
  DrillConfig drill;
  HealthConfig health;
  Objectives objectives;
  WebSettings web;
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
};

}  // namespace etcdrill::config
