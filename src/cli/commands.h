// Every command: its options as the command line fills them (cli.cc), and its function. A function
// prints its result on stdout and returns the exit code; an error that it returns is printed by
// main, as one line.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/status.h"
#include "cli/output.h"
#include "io/context.h"

namespace etcdrill::cli {

// Parses, runs the command, prints its error if it has one; returns the exit code of the process.
int RunCommandLine(int argc, char** argv, std::stop_token stop);

// Connection flags as etcdctl has them. Where a command takes a configuration file, too, that file
// wins.
struct ConnectionFlags {
  std::vector<std::string> endpoints;  // each may be a list
  std::string ca_file;
  std::string cert_file;
  std::string key_file;
  bool insecure_skip_verify = false;
  std::string user;  // NAME or NAME:PASSWORD
  std::string password;
  std::string dial_timeout = "2s";
  std::string command_timeout = "5s";
};

struct RunOptions {
  std::optional<LogLevel> log_level;  // instead of the file's
  std::optional<LogFormat> log_format;
  std::string config_file;
  ConnectionFlags connection;
  std::string store;
};
Result<ExitCode> Run(const Context& context, const RunOptions& options);

struct SaveOptions {
  std::string path;
  std::string config_file;
  ConnectionFlags connection;
  std::string timeout;  // empty: that of the configuration
  OutputFormat format = OutputFormat::kSimple;
  ProgressMode progress = ProgressMode::kAuto;
};
Result<ExitCode> SnapshotSave(const Context& context, const SaveOptions& options);

struct StatusOptions {
  std::string file;
  std::string compat;
  OutputFormat format = OutputFormat::kSimple;
};
Result<ExitCode> SnapshotStatus(const Context& context, const StatusOptions& options);

struct RestoreCommandOptions {
  std::string file;  // or, with config_file, a name in the store, or at `site`
  std::string config_file;
  std::string site;  // empty: none
  std::string data_dir;
  std::string wal_dir;
  std::string name = "default";
  std::string initial_cluster = "default=http://localhost:2380";
  std::string token = "etcd-cluster";
  std::string advertise_peer_urls = "http://localhost:2380";  // a list
  bool skip_hash_check = false;
  uint64_t bump_revision = 0;
  bool mark_compacted = false;
  bool clear_alarms = false;
  bool drop_auth = false;
  std::string etcd_version;
  bool allow_downgrade = false;
  bool no_sync = false;
  ProgressMode progress = ProgressMode::kAuto;
  std::string ignored;
};
Result<ExitCode> SnapshotRestore(const Context& context, const RestoreCommandOptions& options);

struct ListOptions {
  std::string config_file;
  std::string site;  // empty: the store
  OutputFormat format = OutputFormat::kSimple;
};
Result<ExitCode> SnapshotList(const Context& context, const ListOptions& options);

struct RetentionOptions {
  std::string config_file;
  bool dry_run = false;
  OutputFormat format = OutputFormat::kSimple;
};
Result<ExitCode> Retention(const Context& context, const RetentionOptions& options);

struct CopyOptions {
  std::string name;  // of a snapshot in the store, or, with `from`, as FindCopy takes it
  std::string from;  // a site; empty: the store
  std::string to;
  std::string config_file;
  OutputFormat format = OutputFormat::kSimple;
  ProgressMode progress = ProgressMode::kAuto;
};
Result<ExitCode> SnapshotCopy(const Context& context, const CopyOptions& options);

struct HashKvOptions {
  std::string file;
  int64_t revision = 0;
  std::optional<int64_t> compact_revision;
  OutputFormat format = OutputFormat::kSimple;
};
Result<ExitCode> HashKv(const Context& context, const HashKvOptions& options);

struct VerifyOptions {
  std::string target;  // a file, or a name in the store of config_file, or at `site`
  std::string config_file;
  std::string site;  // empty: none
  int level = 3;
  std::string max_age;  // a duration; empty: any age will do
  bool inventory = false;
  std::string textfile_out;  // empty: none
  OutputFormat format = OutputFormat::kSimple;
};
Result<ExitCode> Verify(const Context& context, const VerifyOptions& options);

struct LineageOptions {
  std::string older;  // a file, or a name in the store of config_file
  std::string newer;  // the same; empty: the live cluster
  std::string config_file;
  ConnectionFlags connection;
  OutputFormat format = OutputFormat::kSimple;
};
Result<ExitCode> Lineage(const Context& context, const LineageOptions& options);

struct DrillOptions {
  std::string target;  // a file, a name, latest, latest-restorable, random
  std::string config_file;
  std::string site;  // empty: none
  std::string etcd_binary;
  std::string scratch_dir;
  std::string timeout;
  bool full_cluster = false;
  std::string textfile_out;  // empty: none
  OutputFormat format = OutputFormat::kSimple;
};
Result<ExitCode> Drill(const Context& context, const DrillOptions& options);

struct HealthOptions {
  std::string config_file;
  ConnectionFlags connection;
  OutputFormat format = OutputFormat::kSimple;
};
Result<ExitCode> Health(const Context& context, const HealthOptions& options);

struct SelftestOptions {
  OutputFormat format = OutputFormat::kSimple;
};
Result<ExitCode> Selftest(const Context& context, const SelftestOptions& options);

struct DrillsOptions {
  std::string config_file;
  std::string name;  // show: of the report
  OutputFormat format = OutputFormat::kSimple;
};
Result<ExitCode> DrillsList(const Context& context, const DrillsOptions& options);
Result<ExitCode> DrillsShow(const Context& context, const DrillsOptions& options);
Result<ExitCode> DrillsVerify(const Context& context, const DrillsOptions& options);

struct CheckStoreOptions {
  std::string config_file;
  std::string site;  // its name; empty: all
  OutputFormat format = OutputFormat::kSimple;
};
Result<ExitCode> CheckStore(const Context& context, const CheckStoreOptions& options);

struct CheckConfigOptions {
  std::string file;
  bool syntax_only = false;  // what the file names is not looked at
};
Result<ExitCode> CheckConfig(const Context& context, const CheckConfigOptions& options);
Result<ExitCode> CheckWebConfig(const Context& context, const CheckConfigOptions& options);

struct KeygenOptions {
  std::string out;  // empty: the key goes to stdout
  OutputFormat format = OutputFormat::kSimple;
};
Result<ExitCode> KeygenIdentity(const Context& context, const KeygenOptions& options);
Result<ExitCode> KeygenSigning(const Context& context, const KeygenOptions& options);

struct CompletionOptions {
  std::string shell;
};
Result<ExitCode> Completion(const Context& context, const CompletionOptions& options);

}  // namespace etcdrill::cli
